"""Failures that the proxy makes, picked by the metadata key `x-case`, as the application sees them."""

import time

import grpc

import echo_pb2 as pb
import echo_pb2_grpc
from calls import open_channel
from relay import Relay
from suite import check, equal

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED

# Case, codes of which one is right, what the message must contain.
CASES = [
    ("no-route", [grpc.StatusCode.UNIMPLEMENTED], "no route"),
    ("no-endpoint", [UNAVAILABLE], "no endpoint"),
    ("refused", [UNAVAILABLE], "connect"),
    ("timeout", [grpc.StatusCode.DEADLINE_EXCEEDED], "timed out"),
    ("overloaded", [UNAVAILABLE, EXHAUSTED], "overloaded"),
    ("reset", [UNAVAILABLE], "reset"),
]

# Far below the client's own deadline, so that the failure is the proxy's.
QUICK, DEADLINE = 15, 50


def scenarios(options):
    state = {}

    async def before():
        # Behind a relay of the test's own, which counts connections.
        state["relay"] = await Relay(options.target).__aenter__()
        state["channel"] = open_channel(state["relay"].target)
        state["stub"] = echo_pb2_grpc.EchoServiceStub(state["channel"])
        await good()

    async def good():
        equal("good", (await state["stub"].Echo(pb.Item(text="good"), timeout=DEADLINE)).text)

    def judge(error, took, codes, text):
        check(error.code() in codes, f"{error.code()} with {error.details()!r}")
        check(text in error.details(), f"the message lacks {text!r}: {error.details()!r}")
        check(took < QUICK, f"the failure took {took:.1f} s")

    def unary(case, codes, text):
        async def body():
            start = time.monotonic()
            try:
                await state["stub"].Echo(pb.Item(text="x"), metadata=(("x-case", case),), timeout=DEADLINE)
            except grpc.aio.AioRpcError as error:
                judge(error, time.monotonic() - start, codes, text)
                return f"{error.code().name}: {error.details()}"
            raise AssertionError(f"expected one of {codes} but the call succeeded")

        return body

    def stream(case, codes, text):
        async def body():
            start = time.monotonic()
            # Not half-closed: the failure must come all the same.
            call = state["stub"].Chat(metadata=(("x-case", case),), timeout=DEADLINE)
            try:
                await call.write(pb.Item(text="x"))
                answer = await call.read()
            except grpc.aio.AioRpcError as error:
                judge(error, time.monotonic() - start, codes, text)
                return f"{error.code().name}: {error.details()}"
            raise AssertionError(f"expected one of {codes} but got {answer!r}")

        return body

    async def after():
        await good()
        equal(1, len(state["relay"].up), "connections")

    return [
        ("before-errors", before),
        *[(case, unary(case, codes, text)) for case, codes, text in CASES],
        *[(f"{case}-stream", stream(case, codes, text)) for case, codes, text in CASES if case != "timeout"],
        ("after-errors", after),
    ]
