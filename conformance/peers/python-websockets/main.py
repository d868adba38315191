"""A WebSocket server and client of the conformance suite, made with the library websockets."""

import argparse
import asyncio
import sys

import client
import server


def main():
    roles = argparse.ArgumentParser()
    roles.add_argument("role", choices=["server", "client"])
    roles.add_argument("--port", type=int)
    roles.add_argument("--target")
    for told in "--suite", "--with", "--mode", "--protocol", "--upstream":
        roles.add_argument(told)
    args = roles.parse_args()
    if args.role == "server":
        asyncio.run(server.run(args.port))
    else:
        sys.exit(asyncio.run(client.run(args.target)))


main()
