"""h2load and wrk: many requests, of which none may fail."""

import re

from tools import equal, pattern


def h2load(world, count, *args, path):
    if world.protocol == "http1":
        args = ("--h1", *args)
    log, _ = world.tool("h2load", "-n", str(count), *args, f"{world.base}{path}")
    text = log.decode()
    found = re.search(r"requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    if not found or not statuses:
        raise AssertionError(f"h2load said {text[-500:]}")
    equal([int(n) for n in found.groups()], [count, count, 0, 0, 0], "total, succeeded, failed, errored, timed out")
    equal([int(n) for n in statuses.groups()], [count, 0, 0, 0], "2xx, 3xx, 4xx, 5xx")
    traffic = re.search(r"\((\d+)\) data", text)
    return int(traffic.group(1)), re.search(r"finished in [^,]+, [^,]+", text).group(0)


def small(world):
    args = ["-c", "32"] if world.protocol == "http1" else ["-c", "8", "-m", "32"]
    data, told = h2load(world, 5000, *args, path="/bytes/128")
    equal(data, 5000 * 128, "bytes of bodies")
    return told


def large(world):
    args = ["-c", "16"] if world.protocol == "http1" else ["-c", "4", "-m", "10"]
    data, told = h2load(world, 500, *args, path="/bytes/65536")
    equal(data, 500 * 65536, "bytes of bodies")
    return told


def post(world):
    file = world.file("load", pattern(4096))
    args = ["-c", "16"] if world.protocol == "http1" else ["-c", "4", "-m", "16"]
    data, told = h2load(world, 2000, *args, "-d", str(file), path="/echo")
    if data < 2000 * 4096:
        raise AssertionError(f"{data} bytes came back")
    return told


def slow(world):
    """Twenty in flight on each of ten connections, every one for 300 ms."""
    _, told = h2load(world, 200, "-c", "10", "-m", "20", path="/slow/300")
    return told


def wrk(world, *args, path):
    log, _ = world.tool("wrk", *args, f"{world.base}{path}")
    text = log.decode()
    for bad in "Socket errors", "Non-2xx":
        if bad in text:
            raise AssertionError(next(line for line in text.splitlines() if bad in line).strip())
    done = re.search(r"(\d+) requests in", text)
    if not done or int(done.group(1)) == 0:
        raise AssertionError(f"wrk said {text[-500:]}")
    return done.group(0) + text.split("requests in", 1)[1].splitlines()[0]


def wrk_small(world):
    return wrk(world, "-t", "2", "-c", "64", "-d", "4s", "--timeout", "10s", path="/bytes/128")


def wrk_large(world):
    return wrk(world, "-t", "1", "-c", "16", "-d", "3s", "--timeout", "10s", path="/bytes/65536")


def scenarios(world):
    all = []
    # Of connections that the other end closes in good order it makes errors.
    if world.keeps or world.protocol == "http2":
        all += [("h2load-128", small), ("h2load-64kib", large), ("h2load-post", post)]
    if world.protocol == "http1":
        return all + [("wrk-128", wrk_small), ("wrk-64kib", wrk_large)]
    return all + [("h2load-slow", slow)]
