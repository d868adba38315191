"""The server of echo.proto."""

import asyncio
import hashlib
import signal

import grpc
from google.protobuf import any_pb2

import echo_pb2 as pb
import echo_pb2_grpc
from common import LIMITS, pattern, status_code


class Echo(echo_pb2_grpc.EchoServiceServicer):
    def __init__(self):
        self.observed = {}

    async def Echo(self, request, context):
        await self.begin(context)
        return request

    async def Slow(self, request, context):
        await self.begin(context)
        with self.watch(request.token, context):
            await asyncio.sleep(request.pause_millis / 1000)
        return pb.Item(text=request.token)

    async def Fail(self, request, context):
        await self.begin(context)
        if request.headers_first:
            await context.send_initial_metadata(())
        if request.reason:
            detail = any_pb2.Any()
            detail.Pack(pb.Detail(reason=request.reason, blob=bytes(range(256))))
            status = pb.Status(code=request.code, message=request.message, details=[detail])
            more = (("grpc-status-details-bin", status.SerializeToString()),)
            context.set_trailing_metadata(tuple(context.trailing_metadata() or ()) + more)
        await context.abort(status_code(request.code), request.message)

    async def Collect(self, requests, context):
        await self.begin(context)
        count, size, digest = 0, 0, hashlib.sha256()
        async for item in requests:
            count += 1
            size += len(item.payload)
            digest.update(item.payload)
        return pb.Summary(count=count, bytes=size, sha256=digest.digest())

    async def Early(self, requests, context):
        await self.begin(context)
        count, wanted, message = 0, None, ""
        async for item in requests:
            if wanted is None:
                wanted, message = item.number, item.text
            count += 1
            if count >= wanted:
                break
        if message:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
        return pb.Summary(count=count)

    async def Emit(self, request, context):
        await self.begin(context)
        with self.watch(request.token, context) as seen:
            for number in range(request.count):
                if request.pause_millis:
                    await asyncio.sleep(request.pause_millis / 1000)
                await context.write(pb.Item(number=number, payload=pattern(number, request.size)))
                seen.sent += 1
        if request.code:
            await context.abort(status_code(request.code), request.message)

    async def Chat(self, _, context):
        await self.begin(context)
        first = await context.read()
        if first is grpc.aio.EOF:
            return
        if not first.text.startswith("token "):
            await self.chat(first, context)
            return
        with self.watch(first.text[len("token ") :], context):
            await self.chat(first, context)
            # To a reader, a cancelled stream has ended; that it was cancelled is told a little later, by a
            # CancelledError. If none comes, it did end.
            await asyncio.sleep(5)

    async def chat(self, item, context):
        while item is not grpc.aio.EOF:
            await context.write(item)
            item = await context.read()

    async def Reverse(self, requests, context):
        await self.begin(context)
        items = [item async for item in requests]
        for item in reversed(items):
            await context.write(item)

    async def Observe(self, request, context):
        return self.observed.get(request.token) or pb.Observation()

    async def begin(self, context):
        """Sends back the metadata that is to be sent back, and compresses answers if that is asked for."""
        metadata = context.invocation_metadata() or ()
        compress = ("x-compress", "gzip") in metadata
        if compress:
            context.set_compression(grpc.Compression.Gzip)
        initial = [(key, value) for key, value in metadata if key.startswith("x-echo-initial")]
        trailing = [(key, value) for key, value in metadata if key.startswith("x-echo-trailing")]
        if trailing:
            context.set_trailing_metadata(tuple(trailing))
        # For an answer that is not a stream, the library forgets the compression unless metadata goes first.
        if initial or compress:
            await context.send_initial_metadata(tuple(initial))

    def watch(self, token, context):
        return Watch(self.observed.setdefault(token, pb.Observation()), context)


class Watch:
    """Notes how a call goes."""

    def __init__(self, seen, context):
        left = context.time_remaining()
        seen.started = True
        seen.millis_left = -1 if left is None else round(left * 1000)
        self.seen = seen

    def __enter__(self):
        return self.seen

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.seen.finished = True
        else:
            # Whatever ends it early: a CancelledError, or a write on a stream that is gone.
            self.seen.cancelled = True


async def serve(port):
    server = grpc.aio.server(options=[*LIMITS, ("grpc.so_reuseport", 0)])
    echo_pb2_grpc.add_EchoServiceServicer_to_server(Echo(), server)
    if server.add_insecure_port(f"127.0.0.1:{port}") != port:
        raise SystemExit(f"port {port} is taken")
    await server.start()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print("READY", flush=True)
    await stop.wait()
    await server.stop(1)
