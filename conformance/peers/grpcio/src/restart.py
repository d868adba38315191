"""Steady calls over two addresses, one of which goes away and comes back meanwhile."""

import asyncio
import json
import time
import uuid

import grpc

import echo_pb2 as pb
import echo_pb2_grpc
from common import LIMITS, pattern
from suite import check, describe, equal

# Each makes calls one after the other, with a pause that keeps the rate moderate.
WORKERS, PAUSE = 8, 0.03
ENOUGH_TO_RUN = 20

ROUND_ROBIN = ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]}))
# Several addresses are a target and no authority: gRPC's core sends "a:1,b:2" as `:authority` if it is not told another, which
# is none (RFC 3986 §3.2) and refused with RST_STREAM(PROTOCOL_ERROR) (RFC 9113 §8.3.1).
AUTHORITY = ("grpc.default_authority", "echo.test")
# An address that is back is to be noticed while the suite lasts.
BACKOFF = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.min_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1000)]


async def unary(stub, text):
    equal(text, (await stub.Echo(pb.Item(text=text))).text)


async def slow(stub, text):
    equal(text, (await stub.Slow(pb.Task(token=text, pause_millis=150))).text)


async def emit(stub, text):
    number = 0
    async for item in stub.Emit(pb.Task(token=text, count=20, size=100, pause_millis=10)):
        equal((number, pattern(number, 100)), (item.number, item.payload))
        number += 1
    equal(20, number, "items")


async def chat(stub, text):
    call = stub.Chat()
    for number in range(10):
        await call.write(pb.Item(text=text, number=number))
        equal((text, number), ((await call.read()).text, number))
        await asyncio.sleep(0.02)
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


# Most calls are short, some take a while: these are in flight when an address goes away.
KINDS = [unary, unary, unary, slow, unary, emit, unary, chat]


def scenarios(options):
    async def body():
        target = "ipv4:" + options.target
        async with grpc.aio.insecure_channel(target, options=[*LIMITS, *BACKOFF, ROUND_ROBIN, AUTHORITY]) as channel:
            stub = echo_pb2_grpc.EchoServiceStub(channel)
            failures, good, slowest = [], 0, 0.0
            end = time.monotonic() + options.seconds

            async def work(worker):
                nonlocal good, slowest
                place = worker
                while time.monotonic() < end:
                    kind = KINDS[place % len(KINDS)]
                    start = time.monotonic()
                    try:
                        await asyncio.wait_for(kind(stub, str(uuid.uuid4())), 20)
                        good += 1
                        if good == ENOUGH_TO_RUN:
                            print("RUNNING", flush=True)
                    except Exception as error:
                        failures.append(f"{kind.__name__}: {describe(error)}")
                    slowest = max(slowest, time.monotonic() - start)
                    place += 1
                    await asyncio.sleep(PAUSE)

            await asyncio.gather(*[work(worker) for worker in range(WORKERS)])
            summary = f"{good + len(failures)} calls, {len(failures)} failed, the slowest took {slowest * 1000:.0f} ms"
            check(not failures, f"{summary}; the first failure: {failures[:1]}")
            check(good >= options.seconds * WORKERS, f"too few calls for the time: {summary}")
            return summary

    return [("restart", body)]
