"""Failures that the proxy makes, as the application sees them. The service picks one."""

CASES = [
    ("no-route", "nowhere", 1, "no route"),
    ("no-endpoint", "no-endpoint", 6, "no endpoint"),
    ("refused", "refused", 6, "connect failure"),
    ("overloaded", "overloaded", 6, "overloaded"),
    ("reset", "reset", 6, "reset"),
    ("timeout", "timeout", 6, "timed out"),
]


def scenarios(library, partner, targets):
    for dialect, address in targets.items():
        for case, service, kind, text in CASES:
            picked = (dialect, address, service, kind, text)
            yield f"{dialect}/{case}", lambda checks, picked=picked: failure(checks, library, *picked)
        all_of_them = (dialect, address)
        yield f"{dialect}/one-after-another", lambda checks, it=all_of_them: sequence(checks, library, *it)
        yield f"{dialect}/too-large", lambda checks, it=all_of_them: too_large(checks, library, *it)


def failure(checks, library, dialect, address, service, kind, text):
    with library.connect(dialect, address) as connection:
        fails(checks, library, connection, service, kind, text)
        usable(checks, connection, dialect)


def sequence(checks, library, dialect, address):
    with library.connect(dialect, address) as connection:
        for _, service, kind, text in CASES * 2:
            fails(checks, library, connection, service, kind, text)
            usable(checks, connection, dialect)


def fails(checks, library, connection, service, kind, text):
    client = connection.client("Echo", service)
    error = checks.raises(library.ApplicationException, client.echo_string, "hello")
    checks.equal(error.type, kind, "the exception's type")
    checks.true(text in error.message, f"{error.message!r} says {text!r}")


def usable(checks, connection, dialect):
    checks.equal(connection.client("Echo", dialect).echo_i32(5), 5, "the next answer")


def too_large(checks, library, dialect, address):
    with library.connect(dialect, address) as connection:
        client = connection.client("Echo", dialect)
        data = bytes(9 << 20)
        error = checks.raises(library.ApplicationException, client.count, data)
        checks.equal(error.type, 7, "the exception's type")
        checks.true("limit" in error.message, f"{error.message!r} says that there is a limit")
        if not dialect.startswith("buffered-"):
            usable(checks, connection, dialect)
    # And it is not the proxy's end.
    with library.connect(dialect, address) as connection:
        usable(checks, connection, dialect)
