"""Metadata in both directions, at the beginning and at the end."""

import grpc

import echo_pb2 as pb
from suite import equal

TEXTS = ["plain", "with spaces, commas; and = signs", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "x" * 2000]
BLOBS = [bytes(range(256)), b"\0", b"\0\1", b"\xff\xfe\xfd", b"a,b", b"\r\n"]


def of(metadata, key):
    return [value for name, value in metadata if name == key]


async def both_ways(world, suffix, values):
    initial, trailing = f"x-echo-initial{suffix}", f"x-echo-trailing{suffix}"
    for value in values:
        call = world.stub.Echo(pb.Item(), metadata=((initial, value), (trailing, value)))
        await call
        equal([value], of(await call.initial_metadata(), initial), "initial, unary")
        equal([value], of(await call.trailing_metadata(), trailing), "trailing, unary")
    # In streams too, and with an error at the end.
    call = world.stub.Emit(pb.Task(count=1, code=9, message="at the end"), metadata=((initial, values[0]), (trailing, values[1])))
    await call.read()
    equal(grpc.StatusCode.FAILED_PRECONDITION, await call.code())
    equal([values[0]], of(await call.initial_metadata(), initial), "initial, stream")
    equal([values[1]], of(await call.trailing_metadata(), trailing), "trailing, stream with an error")


async def ascii_metadata(world):
    await both_ways(world, "", TEXTS)


async def binary_metadata(world):
    await both_ways(world, "-bin", BLOBS)


async def repeated_metadata(world):
    """Values of one key keep their order."""
    keys = ["x-echo-initial", "x-echo-trailing", "x-echo-initial-bin", "x-echo-trailing-bin"]
    sent = []
    for number in range(3):
        for key in keys:
            sent.append((key, b"%d" % number if key.endswith("-bin") else f"{number}"))
    call = world.stub.Echo(pb.Item(), metadata=tuple(sent))
    await call
    got = [*await call.initial_metadata(), *await call.trailing_metadata()]
    for key in keys:
        expected = of(sent, key)
        # HTTP may join the values of a field with commas; then the application sees them so.
        values = of(got, key)
        joined = ("," if isinstance(expected[0], str) else b",").join(expected)
        if values not in (expected, [joined], [joined.decode().replace(",", ", ") if isinstance(joined, bytes) else joined.replace(",", ", ")]):
            equal(expected, values, key)


async def many_keys(world):
    sent = [(f"x-echo-{kind}-{number:02}", f"value {number}") for kind in ("initial", "trailing") for number in range(30)]
    call = world.stub.Echo(pb.Item(), metadata=tuple(sent))
    await call
    got = [*await call.initial_metadata(), *await call.trailing_metadata()]
    for key, value in sent:
        equal([value], of(got, key), key)


SCENARIOS = [
    ("metadata-ascii", ascii_metadata),
    ("metadata-binary", binary_metadata),
    ("metadata-repeated", repeated_metadata),
    ("metadata-many", many_keys),
]
