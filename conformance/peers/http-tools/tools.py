"""Running a tool, and what is known of the server that it meets."""

import hashlib
import os
import subprocess
import time

# What servers cannot do; see peers/README.md.
LACKS = {
    "node-http": [],
    "hyper": [],
    "hyper/http2": ["continue"],
    "nginx": ["hash", "any-size", "keeps-connections", "received-trailers"],
}
# For one run of a tool, on a busy machine.
PATIENCE = 25


class World:
    """Whom the tools meet, and where they find things."""

    def __init__(self, args, out, folder, deadline):
        self.target = args.target
        self.base = f"http://{args.target}"
        self.protocol = args.protocol
        self.proxied = args.mode == "proxied"
        self.lacks = LACKS[args.partner] + LACKS.get(f"{args.partner}/{args.upstream or args.protocol}", [])
        self.out = out
        self.folder = folder
        self.deadline = deadline

    def can(self, need):
        return need not in self.lacks

    @property
    def keeps(self):
        """Whether the other end of a connection lets it live. Those to a proxy do not end with those to a server."""
        return self.proxied or self.can("keeps-connections")

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def tool(self, name, *args, stdin=b""):
        """What a tool of Debian's prints: standard output and error output. Fails if it does."""
        program = self.out / "root/usr/bin" / name
        libraries = [str(folder) for folder in (self.out / "root").glob("**/*-linux-gnu")]
        env = os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)}
        return self.run([str(program), *args], stdin, env)

    def run(self, command, stdin=b"", env=None, ok=(0,)):
        command = [str(word) for word in command]
        left = max(1.0, min(PATIENCE, self.deadline - time.monotonic()))
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, timeout=left, env=env)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"{command[0]} did not end within {left:.0f} s: {last(late.stderr)}") from None
        if done.returncode not in ok:
            said = last(done.stderr) or last(done.stdout)
            raise AssertionError(f"{command[0]} ended with {done.returncode}: {said}")
        return done.stdout, done.stderr


def last(output):
    return (output or b"").decode(errors="replace")[-600:].strip()


def equal(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {str(actual)[:300]!r} and not {str(expected)[:300]!r}")


def pattern(size, first=0):
    """The suite's bytes: byte i is i modulo 251."""
    period = bytes(range(251))
    return (period * (size // 251 + 1))[first:size]


def digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def same(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {digest(actual)} and not {digest(expected)}")
