"""A grpcio server and client of the conformance suite."""

import argparse
import asyncio
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--target")
    parser.add_argument("--suite", default="calls")
    parser.add_argument("--with", dest="partner", default="grpcio")
    parser.add_argument("--mode", default="direct")
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    if options.role == "server":
        from server import serve

        asyncio.run(serve(options.port))
        return
    import calls
    import errors
    import restart
    from suite import run

    suites = {"calls": calls.scenarios, "errors": errors.scenarios, "restart": restart.scenarios}
    if options.suite not in suites or not options.target:
        parser.error("no such suite, or no target")
    sys.exit(asyncio.run(run(suites[options.suite](options), limit=120)))


if __name__ == "__main__":
    main()
