"""What the servers of others cannot do. Scenarios about it are left out."""

# By partner, or `PARTNER DIALECT`.
CANNOT = {
    "thriftpy2": {"headers", "zlib"},
    "thrift-node": {"zlib"},
}

# The type of the TApplicationException that comes of what a handler raises.
APPLICATION_TYPE = {"thrift-node": 0}


def can(library, partner, dialect, case):
    """Whether our library and that server can do it over that dialect."""
    cannot = library.CANNOT | CANNOT.get(partner, set()) | CANNOT.get(f"{partner} {dialect}", set())
    return case not in cannot


def application_type(partner):
    return APPLICATION_TYPE.get(partner, 6)
