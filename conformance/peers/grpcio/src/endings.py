"""Statuses: every code, odd messages, details, and where on the wire they are."""

import grpc
from grpc_status import rpc_status

import echo_pb2 as pb
from common import CODES
from metadata import of
from relay import DATA, HEADERS, Relay
from suite import check, equal, fails

ODD = "\t\ntest with whitespace\r\nand 100% Unicode BMP \u263a and non-BMP \U0001f608 %41\t\n"


async def every_code(world):
    for number, code in CODES.items():
        if number != 0:
            await fails(world.stub.Fail(pb.Failure(code=number, message=f"code {number}")), code, f"code {number}")


async def status_message(world):
    await fails(world.stub.Fail(pb.Failure(code=2, message=ODD)), grpc.StatusCode.UNKNOWN, ODD)
    call = world.stub.Emit(pb.Task(count=2, code=15, message=ODD))
    equal([0, 1], [(await call.read()).number, (await call.read()).number])
    await fails(call.read(), grpc.StatusCode.DATA_LOSS, ODD)
    await fails(world.stub.Fail(pb.Failure(code=5)), grpc.StatusCode.NOT_FOUND, "")
    # Not with a space at the end, which HTTP/2 libraries refuse in a field.
    long = "long " * 600 + "end"
    await fails(world.stub.Fail(pb.Failure(code=5, message=long)), grpc.StatusCode.NOT_FOUND, long)


async def status_details(world):
    failure = pb.Failure(code=8, message=ODD, reason="QUOTA \u4e2d")
    error = await fails(world.stub.Fail(failure), grpc.StatusCode.RESOURCE_EXHAUSTED, ODD)
    # The library's own reading, which also compares code and message with the status proper.
    status = await rpc_status.aio.from_call(_Raised(error))
    detail = pb.Detail()
    check(len(status.details) == 1 and status.details[0].Unpack(detail), "no detail")
    equal(pb.Detail(reason="QUOTA \u4e2d", blob=bytes(range(256))), detail)


class _Raised:
    """An error with the methods of the call that it ended."""

    def __init__(self, error):
        self.error = error

    async def code(self):
        return self.error.code()

    async def details(self):
        return self.error.details()

    async def trailing_metadata(self):
        return self.error.trailing_metadata()


async def unimplemented(world):
    for path in ("/org.wireloom.peer.EchoService/NoSuchMethod", "/org.wireloom.peer.NoSuchService/Echo"):
        call = world.channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
        await fails(call(b""), grpc.StatusCode.UNIMPLEMENTED)


async def trailers_only(world):
    """An error without an answer is one HEADERS frame, and one behind initial metadata is two."""
    async with Relay(world.target) as relay, world.open(relay.target) as channel:
        stub = world.stub_of(channel)
        trailing = (("x-echo-trailing", "there"),)
        error = await fails(stub.Fail(pb.Failure(code=5, message="gone"), metadata=trailing), grpc.StatusCode.NOT_FOUND, "gone")
        equal(["there"], of(error.trailing_metadata(), "x-echo-trailing"))
        equal([[(HEADERS, True)]], relay.answers(), "the frames of an error alone")
        await fails(stub.Fail(pb.Failure(code=5, message="gone", headers_first=True)), grpc.StatusCode.NOT_FOUND, "gone")
        equal([(HEADERS, False), (HEADERS, True)], relay.answers()[1], "the frames of an error behind metadata")
        await stub.Echo(pb.Item(text="x"))
        frames = relay.answers()[2]
        check(frames[0] == (HEADERS, False) and frames[-1] == (HEADERS, True), f"an answer begins or ends oddly: {frames}")
        check(any(kind == DATA for kind, _ in frames), f"an answer without DATA: {frames}")


async def error_after_items(world):
    call = world.stub.Emit(pb.Task(count=5, size=20000, code=10, message="enough"))
    for number in range(5):
        equal(number, (await call.read()).number)
    error = await fails(call.read(), grpc.StatusCode.ABORTED, "enough")
    return f"{error.code()}"


SCENARIOS = [
    ("status-codes", every_code),
    ("status-message", status_message),
    ("status-details", status_details),
    ("unimplemented", unimplemented),
    ("trailers-only", trailers_only),
    ("error-after-items", error_after_items),
]
