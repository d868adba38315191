"""Streams of every kind: their order, their ends, and what happens when one side is slower or done first."""

import asyncio
import hashlib
import os
import random
import uuid

import grpc

import echo_pb2 as pb
from common import LIMITS, pattern
from suite import check, equal

KIB = 1024


async def client_streaming(world):
    items = [pb.Item(payload=random.randbytes(random.randrange(5000))) for _ in range(200)]
    summary = await world.stub.Collect(iter(items))
    content = b"".join(item.payload for item in items)
    equal(pb.Summary(count=200, bytes=len(content), sha256=hashlib.sha256(content).digest()), summary)


async def server_streaming(world):
    number = 0
    async for item in world.stub.Emit(pb.Task(token=str(uuid.uuid4()), count=500, size=3000)):
        equal(number, item.number, "the order")
        check(item.payload == pattern(number, 3000), f"item {number} was changed")
        number += 1
    equal(500, number, "items")


async def ping_pong(world):
    call = world.stub.Chat()
    for number in range(50):
        item = pb.Item(number=number, payload=os.urandom(number * 100))
        await call.write(item)
        equal(item, await call.read())
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


async def empty_streams(world):
    call = world.stub.Chat()
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())
    equal(0, (await world.stub.Collect(iter(()))).count)
    call = world.stub.Emit(pb.Task(token=str(uuid.uuid4())))
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


async def half_close(world):
    call = world.stub.Reverse()
    for number in range(5):
        await call.write(pb.Item(number=number))
    first = asyncio.ensure_future(call.read())
    await asyncio.sleep(0.3)
    check(not first.done(), f"an answer before the half-close: {first.done() and first.result()}")
    await call.done_writing()
    equal(4, (await first).number)
    for number in (3, 2, 1, 0):
        equal(number, (await call.read()).number)
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


async def server_ends_first(world):
    """The server ends calls whose client goes on sending."""
    # With the library's other interface: in this one, a write that meets the end makes it an INTERNAL error.
    with grpc.insecure_channel(world.target, options=LIMITS) as channel:
        stub = world.stub_of(channel)

        def call(first):
            sent = 0

            def items():
                nonlocal sent
                yield first
                while True:
                    sent += 1
                    yield pb.Item(payload=bytes(16 * KIB))

            try:
                return stub.Early(items(), timeout=50), sent
            except grpc.RpcError as error:
                return error, sent

        summary, sent = await asyncio.to_thread(call, pb.Item(number=20))
        equal(pb.Summary(count=20), summary)
        error, _ = await asyncio.to_thread(call, pb.Item(number=20, text="enough of it"))
        check(isinstance(error, grpc.RpcError), f"expected an error but got {error}")
        equal((grpc.StatusCode.FAILED_PRECONDITION, "enough of it"), (error.code(), error.details()))
        # The connection is as good as before.
        echo = await asyncio.to_thread(stub.Echo, pb.Item(text="after"))
        equal("after", echo.text)
        return f"{sent} items were sent"


async def concurrent_streams(world):
    """A hundred streams on one connection, all open at the same time, each with content of its own."""
    streams, rounds = 100, 20
    everyone = Barrier(streams)

    async def one(stream):
        call = world.stub.Chat()
        for number in range(rounds):
            item = pb.Item(text=f"stream {stream}", number=number, payload=pattern(stream, (stream * 37 + number) % 2000))
            await call.write(item)
            equal(item, await call.read(), f"stream {stream}")
            if number == 0:
                await everyone.wait()
        await call.done_writing()
        equal(grpc.aio.EOF, await call.read())
        equal(grpc.StatusCode.OK, await call.code())

    await asyncio.gather(*[one(stream) for stream in range(streams)])


class Barrier:
    """Lets all go when all are there; asyncio has one from Python 3.11 on."""

    def __init__(self, count):
        self.missing = count
        self.event = asyncio.Event()

    async def wait(self):
        self.missing -= 1
        if self.missing == 0:
            self.event.set()
        await self.event.wait()


async def slow_reader(world):
    """A client that stops reading stops the server, and other calls on the connection go on."""
    token, count, size = str(uuid.uuid4()), 1024, 64 * KIB
    call = world.stub.Emit(pb.Task(token=token, count=count, size=size))
    try:
        equal(0, (await call.read()).number)
        stopped = await stop_of(world, token)
        check(stopped < count, f"all {count} items were sent to a client that reads none")
        number = 1
        while (item := await call.read()) is not grpc.aio.EOF:
            equal(number, item.number)
            check(item.payload == pattern(number, size), f"item {number} was changed")
            number += 1
        equal(count, number, "items")
    finally:
        call.cancel()
    return f"the server stopped at {stopped} of {count} items"


async def stop_of(world, token):
    """How many items the server had sent when it sent no more."""
    before, same = -1, 0
    for _ in range(80):
        await asyncio.sleep(0.25)
        try:
            sent = (await world.stub.Observe(pb.Task(token=token), timeout=20)).sent
        except grpc.aio.AioRpcError as error:
            raise AssertionError(f"another call failed while one is not read: {error.code()}: {error.details()}") from error
        same = same + 1 if sent == before else 0
        before = sent
        if same == 6:
            return sent
    raise AssertionError(f"the server goes on sending to a client that reads nothing; {before} items by now")


SCENARIOS = [
    ("client-streaming", client_streaming),
    ("server-streaming", server_streaming),
    ("ping-pong", ping_pong),
    ("empty-streams", empty_streams),
    ("half-close", half_close),
    ("server-ends-first", server_ends_first),
    ("concurrent-streams", concurrent_streams),
    ("slow-reader", slow_reader),
]
