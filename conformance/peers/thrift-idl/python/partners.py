"""What the servers of others cannot do, or do in their own way. Scenarios about it are left out."""

# By partner, or `PARTNER PROTOCOL`, as `thrift-node compact`.
CANNOT = {
    "thriftpy2": {"headers", "zlib"},
    # It writes -0 as 0, and reads every element of a compact list of bools as false. What its handlers answer later leaves
    # without the header, unlike what they answer at once.
    "thrift-node": {"zlib", "negative-zero"},
    "thrift-node compact": {"bools"},
    "thrift-node header": {"slow"},
}

# The types of the TApplicationException that comes of what a handler raises, and of a method that it does not have.
# Node's library writes none, which is 0 to who reads it.
APPLICATION_TYPE = {"thrift-node": 0}
UNKNOWN_METHOD_TYPE = {"thrift-node": 0}


def cannot(library, partner, dialect):
    """What our library or that server cannot do over that dialect."""
    found = set(library.CANNOT) | CANNOT.get(partner, set())
    for part in dialect.split("-"):
        found |= CANNOT.get(f"{partner} {part}", set())
    return found


def can(library, partner, dialect, case):
    return case not in cannot(library, partner, dialect)


def application_type(partner):
    return APPLICATION_TYPE.get(partner, 6)


def unknown_method_type(partner):
    return UNKNOWN_METHOD_TYPE.get(partner, 1)
