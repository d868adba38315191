"""The server: what it does with a connection is in the path."""

import asyncio
import http
import json
import signal

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

LARGEST = 16 << 20
SUBPROTOCOLS = ["echo.v2", "echo.v1"]
# The close codes that connections with a token ended with, as seen here.
ended = {}


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def fragments(connection):
    """Every message comes back in fragments of 10,000 characters or bytes."""
    async for message in connection:
        await connection.send([message[i : i + 10_000] for i in range(0, len(message), 10_000)])


async def push(connection, count):
    for i in range(int(count)):
        await connection.send(f"push {i}")


async def close(connection, code):
    await connection.close(int(code), f"code {code}")


async def ping(connection):
    await asyncio.wait_for(await connection.ping(b"are you there?"), 20)
    await connection.send("pong came")
    await connection.wait_closed()


async def request(connection):
    fields = [[name.lower(), value] for name, value in connection.request.headers.raw_items()]
    told = {"path": connection.request.path, "headers": fields, "subprotocol": connection.subprotocol}
    await connection.send(json.dumps(told))


async def vanish(connection):
    """Ends without a closing handshake, once something has come."""
    await connection.recv()
    connection.transport.abort()


async def watch(connection, token):
    ended[token] = "open"
    await connection.send("watching")
    try:
        async for _ in connection:
            pass
    except ConnectionClosed:
        pass
    ended[token] = connection.close_code


async def seen(connection, token):
    await connection.send(json.dumps(ended.get(token)))


PATHS = {f.__name__: f for f in (echo, fragments, push, close, ping, request, vanish, watch, seen)}


async def handle(connection):
    name, *args = connection.request.path.split("?")[0].strip("/").split("/")
    await PATHS[name](connection, *args)


def refuse(connection, request):
    if request.path == "/refuse":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "refused\n")
    if request.path == "/plain":
        return connection.respond(http.HTTPStatus.OK, "plain\n")
    return None


def choose(connection, offered):
    """The best of ours that the client knows; none if it asks for none."""
    return next((name for name in SUBPROTOCOLS if name in offered), None)


async def run(port):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    options = {"max_size": LARGEST, "select_subprotocol": choose, "process_request": refuse}
    # Pings of its own would hide what becomes of a connection that is left alone.
    async with serve(handle, "127.0.0.1", port, ping_interval=None, **options):
        print("READY")
        await stopped.wait()
