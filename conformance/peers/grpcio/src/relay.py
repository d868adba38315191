"""Relays one port to another and notes what passes: bytes, connections and HTTP/2 frames."""

import asyncio

PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
DATA, HEADERS = 0, 1
END_STREAM = 1


class Direction:
    """The bytes in one direction of one connection."""

    def __init__(self, skip):
        self.size = 0
        self.frames = []  # (type, flags, stream)
        self.buffer = bytearray()
        self.skip = skip

    def take(self, data):
        self.size += len(data)
        self.buffer += data
        while True:
            if self.skip:
                gone = min(self.skip, len(self.buffer))
                del self.buffer[:gone]
                self.skip -= gone
            if self.skip or len(self.buffer) < 9:
                return
            length = int.from_bytes(self.buffer[0:3], "big")
            self.frames.append((self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF))
            self.skip = 9 + length


class Relay:
    """`async with Relay(target) as relay`, and `relay.target` instead of the target."""

    def __init__(self, target):
        self.behind = target.rsplit(":", 1)
        self.up = []
        self.down = []
        self.tasks = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.target = "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()

    async def accept(self, reader, writer):
        up, down = Direction(PREFACE), Direction(0)
        self.up.append(up)
        self.down.append(down)
        self.tasks.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection(self.behind[0], int(self.behind[1]))
        try:
            await asyncio.gather(self.pump(reader, far_writer, up), self.pump(far_reader, writer, down))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            far_writer.close()
            writer.close()

    async def pump(self, reader, writer, direction):
        while data := await reader.read(65536):
            direction.take(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    def answers(self):
        """For each stream with an answer: its DATA and HEADERS frames, as (type, whether it ends the stream)."""
        streams = {}
        for connection, direction in enumerate(self.down):
            for kind, flags, stream in direction.frames:
                if kind in (DATA, HEADERS):
                    streams.setdefault((connection, stream), []).append((kind, bool(flags & END_STREAM)))
        return list(streams.values())
