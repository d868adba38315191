"""Named scenarios, run one after another; each prints a line of JSON. A scenario fails by raising."""

import asyncio
import json
import os
import threading
import time
import traceback
import sys


async def run(scenarios, limit):
    """Runs them all; what has not ended when `limit` seconds are over is reported as failed. The exit code."""
    running = {"name": "start"}

    def hang():
        report(running["name"], False, f"the suite did not end within {limit} s", limit * 1000)
        os._exit(3)

    # A thread, for the loop may be what hangs.
    watchdog = threading.Timer(limit, hang)
    watchdog.daemon = True
    watchdog.start()
    good = True
    for name, body in scenarios:
        running["name"] = name
        start = time.monotonic()
        detail, ok = "", True
        try:
            detail = await asyncio.wait_for(body(), 60) or ""
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            detail, ok = describe(error), False
        good = good and ok
        report(name, ok, detail, round((time.monotonic() - start) * 1000))
    watchdog.cancel()
    return 0 if good else 1


def describe(error):
    code = getattr(error, "code", None)
    if callable(code):
        return f"{type(error).__name__}: {code()}: {error.details()}"[:1000]
    return f"{type(error).__name__}: {error}"[:1000]


def report(scenario, ok, detail, millis):
    print(json.dumps({"scenario": scenario, "ok": ok, "detail": detail, "millis": millis}), flush=True)


def equal(expected, actual, what=""):
    if expected != actual:
        raise AssertionError(f"{what}: expected {shorten(expected)} but got {shorten(actual)}")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def shorten(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(text)} characters)"


async def fails(call, code, message=None):
    """Awaits the call, which must end with this status. The error."""
    import grpc

    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        equal(code, error.code(), f"the code, with {error.details()!r}")
        if message is not None:
            equal(message, error.details(), "the status message")
        return error
    raise AssertionError(f"expected {code} but got an answer: {shorten(answer)}")


async def until(condition, what, seconds=20):
    """Asks again and again until the answer is true."""
    end = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.05)
