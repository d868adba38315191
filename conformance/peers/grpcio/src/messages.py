"""Single messages of every size, plain and compressed."""

import asyncio
import os
import random

import grpc

import echo_pb2 as pb
from common import MIB
from relay import Relay
from suite import check, equal

# Servers whose library cannot compress what it sends.
PLAIN_SERVERS = ["grpc-js"]


async def unary(world):
    for number in range(20):
        item = pb.Item(text="wireloom \u00e9 \u4e2d \U0001f600", payload=os.urandom(100), number=number)
        equal(item, await world.stub.Echo(item))


async def empty_messages(world):
    equal(pb.Item(), await world.stub.Echo(pb.Item()), "a unary call")
    call = world.stub.Chat()
    for _ in range(3):
        await call.write(pb.Item())
        equal(pb.Item(), await call.read(), "a stream")
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(pb.Summary(count=3), pb.Summary(count=(await world.stub.Collect(iter([pb.Item()] * 3))).count))


async def messages_4mib(world):
    item = pb.Item(payload=os.urandom(4 * MIB))
    for _ in range(3):
        check(await world.stub.Echo(item) == item, "4 MiB came back changed")
    call = world.stub.Chat()
    for number in range(3):
        item.number = number
        await call.write(item)
        check(await call.read() == item, "4 MiB in a stream came back changed")
    await call.done_writing()
    equal(grpc.StatusCode.OK, await call.code())


async def sizes_around_frames(world):
    # Frames of HTTP/2 hold 16 KiB by default, and the first windows 64 KiB.
    for around in (16384, 65535, 131072):
        for size in (around - 30, around - 10, around - 5, around - 1, around, around + 1, around + 10):
            item = pb.Item(payload=random.randbytes(size))
            check(await world.stub.Echo(item) == item, f"{size} bytes came back changed")


async def concurrent_unary(world):
    items = [pb.Item(text=f"call {number}", payload=os.urandom(number * 7), number=number) for number in range(300)]
    answers = await asyncio.gather(*[world.stub.Echo(item) for item in items])
    for item, answer in zip(items, answers):
        equal(item, answer, item.text)


async def gzip_messages(world):
    text = "all the same " * (MIB // 13)
    async with Relay(world.target) as relay:
        async with world.open(relay.target, compression=grpc.Compression.Gzip) as channel:
            stub = world.stub_of(channel)
            asked = (("x-compress", "gzip"),)
            for _ in range(3):
                answer = await stub.Echo(pb.Item(text=text), metadata=asked)
                check(answer.text == text, "compressed text came back changed")
            call = stub.Chat(metadata=asked)
            for number in range(3):
                await call.write(pb.Item(text=text, number=number))
                answer = await call.read()
                check(answer.text == text and answer.number == number, "a stream's text came back changed")
            await call.done_writing()
            equal(grpc.StatusCode.OK, await call.code())
            equal(1, len(relay.up), "connections")
            up, down = relay.up[0].size, relay.down[0].size
            check(up < MIB // 2, f"6 MiB of text took {up} bytes to send: they were not compressed")
            if world.partner not in PLAIN_SERVERS:
                check(down < MIB // 2, f"6 MiB of text took {down} bytes to get: they were not compressed")
            return f"{up} bytes up, {down} down"


SCENARIOS = [
    ("unary", unary),
    ("empty-messages", empty_messages),
    ("messages-4mib", messages_4mib),
    ("sizes-around-frames", sizes_around_frames),
    ("concurrent-unary", concurrent_unary),
    ("gzip", gzip_messages),
]
