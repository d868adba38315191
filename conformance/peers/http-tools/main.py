"""curl, nghttp, h2load and wrk as clients of the suite's HTTP servers."""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

import curl
import load
import nghttp
from tools import World

# For all scenarios, below the limit of whoever runs this.
LIMIT = 135


def main():
    options = argparse.ArgumentParser()
    options.add_argument("role", choices=["client"])
    options.add_argument("--target", required=True)
    options.add_argument("--suite")
    options.add_argument("--with", dest="partner", required=True)
    options.add_argument("--mode", default="direct")
    options.add_argument("--protocol", default="http1")
    options.add_argument("--upstream")
    args = options.parse_args()
    everything = True
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        world = World(args, pathlib.Path(os.environ["PEER_OUT"]), pathlib.Path(folder), start + LIMIT)
        for name, scenario in curl.scenarios(world) + nghttp.scenarios(world) + load.scenarios(world):
            everything = run(name, scenario, world) and everything
    sys.exit(0 if everything else 1)


def run(name, scenario, world):
    start = time.monotonic()
    try:
        detail, ok = scenario(world), True
    except Exception as error:
        detail, ok = f"{type(error).__name__}: {error}"[:1000], False
    millis = round((time.monotonic() - start) * 1000)
    print(json.dumps({"scenario": name, "ok": ok, "detail": detail or "", "millis": millis}))
    return ok


main()
