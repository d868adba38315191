"""nghttp, a client of HTTP/2 alone."""

import json

from tools import digest, equal, pattern, same


def get(world):
    for size in 1, 65536, 1 << 20:
        body, _ = world.tool("nghttp", f"{world.base}/bytes/{size}")
        same(body, pattern(size), f"{size} bytes")
        body, _ = world.tool("nghttp", f"{world.base}/chunked/{size}" if size > 1 else f"{world.base}/bytes/1")
        same(body, pattern(size), f"{size} bytes without a length")


def small_windows(world):
    """Windows of 2^14 - 1 for every stream and the connection: much goes to and fro."""
    body, _ = world.tool("nghttp", "-w", "14", "-W", "14", f"{world.base}/bytes/1048576")
    same(body, pattern(1 << 20), "1 MiB")


def many(world):
    """A hundred requests on a connection; the answers are interleaved, so that only their sum is known."""
    log, _ = world.tool("nghttp", "-n", "-s", "-m", "100", f"{world.base}/bytes/65536")
    rows = [line.split() for line in log.decode().splitlines() if line.rstrip().endswith("/bytes/65536")]
    equal(len(rows), 100, "answers")
    for row in rows:
        # id, end, start, process, code, size, path
        equal(row[-3:], ["200", "64K", "/bytes/65536"], "an answer")


def post(world):
    data = pattern(1 << 20)
    body, _ = world.tool("nghttp", "-d", str(world.file("body", data)), f"{world.base}/echo")
    same(body, data, "the echo")
    body, _ = world.tool("nghttp", "--no-content-length", "-d", str(world.file("body", data)), f"{world.base}/echo")
    same(body, data, "the echo without a length")


def continued(world):
    data = pattern(100_000)
    args = ["--expect-continue", "-d", str(world.file("body", data))]
    # Where the answer begins while the body is sent, nghttp stops sending.
    body, _ = world.tool("nghttp", *args, world.base + ("/hash" if world.can("hash") else "/echo"))
    if world.can("hash"):
        equal(json.loads(body), digest(data), "the digest")
    else:
        same(body, data, "the echo")


def trailers(world):
    file = world.file("body", b"body")
    args = ["-v", "--no-content-length", "-H", "te: trailers", "--trailer", "x-sum: 42", "-d", str(file), f"{world.base}/trailers"]
    log, _ = world.tool("nghttp", *args)
    text = log.decode()
    for field in "x-first: 1", "x-second: two words":
        if f"recv (stream_id=13) {field}" not in text:
            raise AssertionError(f"the trailer {field} did not come")
    if world.can("received-trailers"):
        told = text[text.index("[[") : text.index("]]") + 2]
        equal([[name.lower(), value] for name, value in json.loads(told)], [["x-sum", "42"]], "the request's trailers")


def upgrade(world):
    body, _ = world.tool("nghttp", "-u", f"{world.base}/bytes/65536")
    same(body, pattern(65536), "the body")


def scenarios(world):
    if world.protocol != "http2":
        return []
    all = [
        ("nghttp-get", get),
        ("nghttp-small-windows", small_windows),
        ("nghttp-100-streams", many),
        ("nghttp-post", post),
        ("nghttp-trailers", trailers),
    ]
    if world.can("continue"):
        all.append(("nghttp-expect-continue", continued))
    if world.proxied:
        all.append(("nghttp-upgrade-to-h2c", upgrade))
    return all
