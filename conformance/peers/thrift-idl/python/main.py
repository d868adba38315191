"""A Thrift peer made with a Python library; `library` is all that knows which."""

import argparse
import logging
import sys

import library
import server
import suite


def main():
    roles = argparse.ArgumentParser()
    roles.add_argument("role", choices=["server", "client"])
    for told in "--port", "--target", "--suite", "--with", "--mode":
        roles.add_argument(told)
    args = vars(roles.parse_args())
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    if args["role"] == "server":
        server.run(library)
        return 0
    targets = {}
    for target in args["target"].split(","):
        dialect, address = target.split("=")
        host, port = address.rsplit(":", 1)
        targets[dialect] = (host, int(port))
    return suite.run(library, args["suite"], args["with"], targets)


sys.exit(main())
