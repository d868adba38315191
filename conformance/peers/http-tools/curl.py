"""curl, over either version."""

import json
import re

from tools import digest, equal, pattern, same

VERSIONS = {"http1": ("--http1.1", "1.1"), "http2": ("--http2-prior-knowledge", "2")}
# Behind the body, on standard error: what was used and how it ended.
TOLD = "%{stderr}told %{http_version} %{http_code} %{num_connects}\n"


def curl(world, path, *args, stdin=b"", flag=None):
    """The body, and version, status and new connections of every transfer."""
    flag = flag or VERSIONS[world.protocol][0]
    urls = path if isinstance(path, list) else [path]
    command = ["curl", "-sS", "--noproxy", "*", flag, "-w", TOLD, *args, *(world.base + path for path in urls)]
    body, errors = world.run(command, stdin)
    # Parallel transfers have a progress meter in between.
    told = re.findall(r"told (\S+) (\S+) (\S+)", errors.decode())
    equal(len(told), len(urls), "transfers")
    return body, told, errors.decode()


def expect(world, told, status=200):
    for version, code, _ in told:
        equal(version, VERSIONS[world.protocol][1], "the version")
        equal(code, str(status), "the status")


def get(world):
    for size in 0, 1, 128, 65536, 1 << 20:
        body, told, _ = curl(world, f"/bytes/{size}")
        expect(world, told)
        same(body, pattern(size), f"{size} bytes")
        if size:
            body, told, _ = curl(world, f"/chunked/{size}")
            same(body, pattern(size), f"{size} bytes without a length")


def statuses(world):
    for status in 200, 204, 304, 400, 403, 404, 500, 503:
        body, told, _ = curl(world, f"/status/{status}")
        expect(world, told, status)
        equal(body.decode(), "" if status in (204, 304) else f"status {status}\n", "the body")


def head(world):
    body, told, _ = curl(world, "/bytes/65536", "--head")
    expect(world, told)
    lengths = [line.split(b":")[1].strip() for line in body.splitlines() if line.lower().startswith(b"content-length:")]
    equal(lengths, [b"65536"], "the length")


def ranges(world):
    body, told, _ = curl(world, "/bytes/65536", "--range", "1000-1999")
    expect(world, told, 206)
    same(body, pattern(2000, 1000), "the part")


def post(world):
    for size in 0, 1, 1000, 1 << 20:
        file = world.file("body", pattern(size))
        body, told, _ = curl(world, "/echo", "-H", "Expect:", "--data-binary", f"@{file}")
        expect(world, told)
        same(body, pattern(size), f"{size} bytes")


def post_large(world):
    data = pattern(24 << 20)
    body, told, _ = curl(world, "/hash", "--data-binary", f"@{world.file('large', data)}")
    expect(world, told)
    equal(json.loads(body), digest(data), "the digest")


def upload_unknown(world):
    for size in 1, 300_000, 1 << 20:
        body, told, _ = curl(world, "/echo", "-H", "Expect:", "-T", "-", stdin=pattern(size))
        expect(world, told)
        same(body, pattern(size), f"{size} bytes")


def expect_continue(world):
    file = world.file("body", pattern(200_000))
    args = ["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary", f"@{file}"]
    # A server that begins to echo at once has no place for the 100 left.
    path = "/hash" if world.can("hash") else "/echo"
    body, told, errors = curl(world, path, *args)
    expect(world, told)
    if path == "/echo":
        same(body, pattern(200_000), "the body")
    else:
        equal(json.loads(body), digest(pattern(200_000)), "the digest")
    if not any(line.startswith("< HTTP/") and " 100" in line for line in errors.splitlines()):
        raise AssertionError("no 100 came")


def one_connection(world):
    body, told, _ = curl(world, ["/bytes/128"] * 30)
    expect(world, told)
    same(body, pattern(128) * 30, "the bodies")
    equal(sum(int(connects) for *_, connects in told), 1 if world.keeps else 3, "connections")


def parallel(world):
    paths = [f"/bytes/{size}" for size in [128, 65536, 1, 1 << 20] * 25]
    args = ["--parallel", "--parallel-immediate", "--parallel-max", "25"]
    body, told, _ = curl(world, paths, *args)
    expect(world, told)
    equal(len(body), 25 * (128 + 65536 + 1 + (1 << 20)), "bytes in all")


def upgrade(world):
    """Begins as HTTP/1.1 and goes on as HTTP/2; for a proxy only, as no server here does it."""
    # What comes with the 101 in one read must fit into curl's buffer of 32 KiB.
    for size in 0, 1, 128:
        body, told, _ = curl(world, f"/bytes/{size}", flag="--http2")
        expect(world, told)
        same(body, pattern(size), f"{size} bytes")


def scenarios(world):
    all = [
        ("curl-get", get),
        ("curl-statuses", statuses),
        ("curl-head", head),
        ("curl-range", ranges),
        ("curl-post", post),
        ("curl-upload-without-length", upload_unknown),
    ]
    # curl 7.88 breaks a connection of HTTP/2 without TLS when it uses it again ("Error in the HTTP2 framing layer").
    if world.protocol == "http1":
        all += [("curl-one-connection", one_connection), ("curl-parallel", parallel)]
    if world.can("hash") and world.can("continue"):
        all.append(("curl-post-24mib", post_large))
    # curl leaves it out over HTTP/2.
    if world.can("continue") and world.protocol == "http1":
        all.append(("curl-expect-continue", expect_continue))
    if world.proxied and world.protocol == "http2":
        all.append(("curl-upgrade-to-h2c", upgrade))
    return all
