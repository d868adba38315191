"""What an application may expect of a WebSocket, whatever is in between."""

import asyncio
import json
import random
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

LARGEST = 16 << 20


def open(url, **options):
    return connect(url, max_size=LARGEST, ping_interval=None, open_timeout=30, close_timeout=30, **options)


def equal(actual, expected, what="it"):
    if actual != expected:
        raise AssertionError(f"{what} is {str(actual)[:200]!r} and not {str(expected)[:200]!r}")


async def swap(connection, message):
    await connection.send(message)
    equal(await connection.recv(), message, "what came back")


async def text(url):
    async with open(f"{url}/echo") as connection:
        for message in "hello", "", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, "Grüße, 世界 🦀\0":
            await swap(connection, message)


async def binary(url):
    async with open(f"{url}/echo") as connection:
        for size in 0, 1, 125, 126, 65535, 65536, 1 << 20:
            await swap(connection, random.randbytes(size))


async def without_compression(url):
    async with open(f"{url}/echo", compression=None) as connection:
        equal(connection.response.headers.get("Sec-WebSocket-Extensions"), None, "the extension")
        await swap(connection, "plain")
        await swap(connection, random.randbytes(1 << 20))


async def fragmented_1mib(url):
    message = random.randbytes(1 << 20)
    for path in "echo", "fragments":
        async with open(f"{url}/{path}") as connection:
            pieces, at = [], 0
            while at < len(message):
                size = random.randint(1, 20_000)
                pieces.append(message[at : at + size])
                at += size
            await connection.send(pieces)
            came = [piece async for piece in connection.recv_streaming(decode=False)]
            if path == "fragments" and len(came) < 2:
                raise AssertionError("the answer's fragments were put together")
            equal(b"".join(came) == message, True, "that the message came back")


async def large_8mib(url):
    async with open(f"{url}/echo") as connection:
        await swap(connection, random.randbytes(8 << 20))


async def many_in_flight(url):
    async with open(f"{url}/echo") as connection:
        messages = [f"message {i} " + "y" * (i % 300) for i in range(2000)]

        async def send():
            for message in messages:
                await connection.send(message)

        sending = asyncio.create_task(send())
        for message in messages:
            equal(await connection.recv(), message, "the next message")
        await sending


async def pings(url):
    async with open(f"{url}/echo") as connection:
        for payload in b"", b"wireloom", b"p" * 125:
            await asyncio.wait_for(await connection.ping(payload), 20)
        await swap(connection, "after the pings")


async def server_pings(url):
    async with open(f"{url}/ping") as connection:
        equal(await connection.recv(), "pong came")


async def server_push(url):
    async with open(f"{url}/push/5000") as connection:
        came = [message async for message in connection]
        equal(came, [f"push {i}" for i in range(5000)], "what was pushed")
        equal(connection.close_code, 1000, "the close code")


async def close_codes(url):
    for code in 1000, 1001, 1003, 1011, 3000, 4999:
        token = uuid.uuid4()
        async with open(f"{url}/watch/{token}") as connection:
            equal(await connection.recv(), "watching")
            await connection.close(code, "enough")
            equal(connection.close_code, code, "the code that came back")
        await until_seen(url, token, code)


async def server_close_codes(url):
    for code in 1000, 1001, 1008, 1013, 4000:
        async with open(f"{url}/close/{code}") as connection:
            try:
                await connection.recv()
                raise AssertionError("a message came")
            except ConnectionClosed:
                pass
            equal((connection.close_code, connection.close_reason), (code, f"code {code}"), "the end")


async def until_seen(url, token, expected):
    for _ in range(200):
        async with open(f"{url}/seen/{token}") as connection:
            last = json.loads(await connection.recv())
        if last == expected:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the server saw {last} and not {expected}")


async def server_vanishes(url):
    async with open(f"{url}/vanish") as connection:
        await connection.send("go")
        try:
            await connection.recv()
            raise AssertionError("a message came")
        except ConnectionClosedError:
            pass
        equal(connection.close_code, 1006, "the close code")


async def client_vanishes(url):
    token = uuid.uuid4()
    async with open(f"{url}/watch/{token}") as connection:
        equal(await connection.recv(), "watching")
        connection.transport.abort()
    await until_seen(url, token, 1006)


async def handshake(url):
    options = {
        "subprotocols": ["echo.v1", "other"],
        "additional_headers": {"X-Peer": "kept", "Cookie": "a=1; b=2"},
        "origin": "http://example.com",
    }
    async with open(f"{url}/request?room=a%2Fb&x", **options) as connection:
        equal(connection.subprotocol, "echo.v1", "the subprotocol")
        told = json.loads(await connection.recv())
    equal(told["path"], "/request?room=a%2Fb&x", "the path")
    equal(told["subprotocol"], "echo.v1", "the server's subprotocol")
    fields = dict(told["headers"])
    for name, value in ("x-peer", "kept"), ("cookie", "a=1; b=2"), ("origin", "http://example.com"):
        equal(fields.get(name), value, name)


async def refused(url):
    for path, status, body in ("refuse", 403, b"refused\n"), ("plain", 200, b"plain\n"):
        try:
            async with open(f"{url}/{path}"):
                raise AssertionError("it was accepted")
        except InvalidStatus as error:
            equal((error.response.status_code, error.response.body), (status, body), "the answer")


async def concurrent_50(url):
    async def one(i):
        async with open(f"{url}/echo") as connection:
            for turn in range(20):
                await swap(connection, f"connection {i} turn {turn}")
                await swap(connection, random.randbytes(random.randint(0, 5000)))

    await asyncio.gather(*(one(i) for i in range(50)))


async def quiet_for_a_while(url):
    """Neither side says anything, not even a ping."""
    async with open(f"{url}/echo") as connection:
        await swap(connection, "before")
        await asyncio.sleep(8)
        await swap(connection, "after")


ALL = [
    text,
    binary,
    without_compression,
    fragmented_1mib,
    large_8mib,
    many_in_flight,
    pings,
    server_pings,
    server_push,
    close_codes,
    server_close_codes,
    server_vanishes,
    client_vanishes,
    handshake,
    refused,
    concurrent_50,
    quiet_for_a_while,
]
