"""Deadlines and cancellations, as client and server see them."""

import asyncio
import time
import uuid

import grpc

import echo_pb2 as pb
from suite import check, equal, until

# Long enough that the call begins on a machine that stands still for a while.
DEADLINE = 3.0

# Servers whose library resets a call with CANCEL at its deadline. That may arrive a moment before the client's own clock
# says so, and is CANCELLED then.
RESETTING_SERVERS = ["grpc-go-echo"]


async def exceeds(world, start, call):
    """Awaits the call that was made at `start`; it must end at its deadline."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        took = time.monotonic() - start
        if error.code() == grpc.StatusCode.CANCELLED and world.partner in RESETTING_SERVERS:
            check(took > DEADLINE - 0.5, f"cancelled after {took:.3f} s")
        else:
            equal(grpc.StatusCode.DEADLINE_EXCEEDED, error.code(), f"the code, with {error.details()!r}")
        return
    raise AssertionError(f"an answer behind the deadline: {answer}")


def new_token():
    return str(uuid.uuid4())


async def cancelled(world, token):
    """Waits until the server knows of the end of the call. What it saw."""

    async def ask():
        seen = await world.stub.Observe(pb.Task(token=token))
        check(seen.started, "the server never saw the call")
        check(not seen.finished, "the call went on to its end")
        return seen if seen.cancelled else None

    return await until(ask, "the server did not see that the call was over")


async def started(world, token):
    async def ask():
        return (await world.stub.Observe(pb.Task(token=token))).started

    await until(ask, "the server did not see the call")


async def deadline(world):
    token, start = new_token(), time.monotonic()
    call = world.stub.Slow(pb.Task(token=token, pause_millis=40000), timeout=DEADLINE)
    await exceeds(world, start, call)
    seen = await cancelled(world, token)
    check(0 < seen.millis_left <= DEADLINE * 1000 + 100, f"the server was told {seen.millis_left} ms")
    return f"the server was told {seen.millis_left} ms"


async def deadline_of_a_stream(world):
    token, start = new_token(), time.monotonic()
    call = world.stub.Emit(pb.Task(token=token, count=1_000_000, size=10, pause_millis=20), timeout=DEADLINE)
    equal(0, (await call.read()).number)

    async def rest():
        while (await call.read()) is not grpc.aio.EOF:
            pass

    await exceeds(world, start, rest())
    await cancelled(world, token)


async def deadline_met(world):
    equal("in time", (await world.stub.Slow(pb.Task(token="in time", pause_millis=100), timeout=30)).text)


async def cancel_unary(world):
    token = new_token()
    call = world.stub.Slow(pb.Task(token=token, pause_millis=40000))
    await started(world, token)
    call.cancel()
    await was_cancelled(call)
    await cancelled(world, token)


async def was_cancelled(call):
    try:
        await call
    except asyncio.CancelledError:
        pass
    equal(grpc.StatusCode.CANCELLED, await call.code())


async def cancel_server_stream(world):
    token = new_token()
    call = world.stub.Emit(pb.Task(token=token, count=1_000_000, size=1000, pause_millis=5))
    for number in range(3):
        equal(number, (await call.read()).number)
    call.cancel()
    equal(grpc.StatusCode.CANCELLED, await call.code())
    await cancelled(world, token)


async def cancel_both_ways(world):
    token = new_token()
    call = world.stub.Chat()
    await call.write(pb.Item(text=f"token {token}"))
    equal(f"token {token}", (await call.read()).text)
    call.cancel()
    equal(grpc.StatusCode.CANCELLED, await call.code())
    await cancelled(world, token)


async def many_cancels(world):
    """Two hundred calls that are cancelled are no reason to end the connection: others on it go on."""
    steady = world.stub.Chat()
    calls = [world.stub.Slow(pb.Task(token=new_token(), pause_millis=40000)) for _ in range(200)]
    await steady.write(pb.Item(number=1))
    equal(1, (await steady.read()).number)
    for call in calls:
        call.cancel()
    for call in calls:
        await was_cancelled(call)
    await steady.write(pb.Item(number=2))
    equal(2, (await steady.read()).number)
    await steady.done_writing()
    equal(grpc.StatusCode.OK, await steady.code())


SCENARIOS = [
    ("deadline", deadline),
    ("deadline-of-a-stream", deadline_of_a_stream),
    ("deadline-met", deadline_met),
    ("cancel-unary", cancel_unary),
    ("cancel-server-stream", cancel_server_stream),
    ("cancel-both-ways", cancel_both_ways),
    ("many-cancels", many_cancels),
]
