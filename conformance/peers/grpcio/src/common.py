"""What server and client share."""

import grpc

MIB = 1 << 20

# Messages up to 32 MiB: the default for receiving is 4 MiB, which a message of 4 MiB and its fields exceeds.
LIMITS = [
    ("grpc.max_receive_message_length", 32 * MIB),
    ("grpc.max_send_message_length", 32 * MIB),
]

CODES = {code.value[0]: code for code in grpc.StatusCode}


def status_code(number):
    return CODES.get(number, grpc.StatusCode.UNKNOWN)


def pattern(number, size):
    """`size` bytes that tell items apart: the number in eight hexadecimal digits and a dot, again and again."""
    unit = b"%08x." % number
    return (unit * (size // len(unit) + 1))[:size]
