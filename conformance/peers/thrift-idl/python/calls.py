"""What an application may expect of a call, whatever is in between."""

import math
import threading
import time
import uuid

import partners
import values

KINDS = ["types", "containers", "declared_exceptions", "application_exceptions", "one_way", "multiplexed", "large", "deep"]
KINDS += ["sequence", "concurrent", "slow", "pipelined", "headers", "zlib", "accelerated"]


def scenarios(library, partner, targets):
    for dialect, address in targets.items():
        for kind in KINDS:
            case = kind.replace("_", "-")
            has_headers = dialect.startswith("header-")
            if has_headers and kind == "accelerated" or not has_headers and kind in ("headers", "zlib"):
                continue
            if not partners.can(library, partner, dialect, case):
                continue
            talk = Talk(library, partner, dialect, address)
            yield f"{dialect}/{case}", getattr(talk, kind)


class Talk:
    """A client and a server in a dialect."""

    def __init__(self, library, partner, dialect, address):
        self.library = library
        self.made = library.types
        self.partner = partner
        self.dialect = dialect
        self.address = address
        self.cannot = partners.cannot(library, partner, dialect)

    def open(self, **options):
        return self.library.connect(self.dialect, self.address, **options)

    def types(self, checks):
        with self.open() as connection:
            plain_types(checks, connection.client("Echo"), self.made, self.cannot)

    def containers(self, checks):
        with self.open() as connection:
            containers(checks, connection.client("Echo"), self.made, self.cannot)

    def declared_exceptions(self, checks):
        with self.open() as connection:
            declared_exceptions(checks, connection.client("Echo"), self.made)

    def application_exceptions(self, checks):
        with self.open() as connection:
            application_exceptions(checks, connection, self.library, self.partner)

    def one_way(self, checks):
        with self.open() as connection:
            one_way(checks, connection.client("Echo"))

    def multiplexed(self, checks):
        with self.open() as connection:
            for _ in range(20):
                multiplexed(checks, connection, self.made)
            # And some without a service, on the same connection.
            checks.equal(connection.client("Echo").echo_i32(7), 7)

    def large(self, checks):
        with self.open() as connection:
            client = connection.client("Echo")
            for size in 1 << 20, 16_000_000:
                data = values.pattern(size)
                # Not through `equal`: a message with it would be as large.
                checks.true(client.bytes(size) == data, f"{size} bytes came as they are")
                checks.equal(client.count(data), [size, sum(data) % (1 << 31)], "what the server counted")
            checks.equal(client.echo_string("small again"), "small again")

    def deep(self, checks):
        with self.open() as connection:
            tree = values.tree(self.made, 50)
            came = connection.client("Echo").echo_tree(tree)
            depth = 0
            while came is not None:
                depth += 1
                checks.equal(came.depth, depth, "the depth")
                came = came.child
            checks.equal(depth, 50, "the whole depth")

    def sequence(self, checks):
        token = str(uuid.uuid4())
        with self.open() as connection:
            client = connection.client("Echo")
            for i in range(500):
                if i % 50 == 49:
                    client.note(token, i)
                elif i % 7 == 3:
                    checks.raises(self.made.Missing, client.fail, "missing")
                else:
                    checks.equal(client.echo_string(f"call {i} " + "y" * i), f"call {i} " + "y" * i)
            noted(checks, client, token, list(range(49, 500, 50)))

    def concurrent(self, checks):
        problems = []

        def one(number):
            try:
                with self.open() as connection:
                    client = connection.client("Echo")
                    for i in range(50):
                        value = number * 1000 + i
                        checks.equal(client.echo_i32(value), value)
            except Exception as error:
                problems.append(f"connection {number}: {type(error).__name__}: {error}")

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        checks.equal(problems, [], "what went wrong")

    def slow(self, checks):
        with self.open() as connection:
            client = connection.client("Echo")
            start = time.monotonic()
            checks.equal(client.slow(1200), 1200)
            checks.true(time.monotonic() - start > 1.1, "it took its time")
            checks.equal(client.echo_i32(1), 1)

    def pipelined(self, checks):
        with self.open() as connection:
            client = connection.client("Echo")
            asked = [f"{i} " + "z" * (i * 37 % 500) for i in range(40)]
            checks.equal(self.library.pipeline(client, "echo_string", asked), asked, "the answers")
            checks.equal(client.echo_i32(1), 1)

    def headers(self, checks):
        with self.open() as connection:
            client = connection.client("Echo")
            for value in "one", "zwei ü", "":
                connection.send_headers({"x-wireloom": value, "other": "kept"})
                came = client.headers()
                checks.equal(came.get("x-wireloom"), value, "the header at the server")
                checks.equal(came.get("other"), "kept", "the other header")
                checks.equal(connection.received_headers().get("x-answer"), self.dialect, "the header of the answer")
            # They are not for ever.
            checks.equal(client.headers().get("x-wireloom"), None, "the header of a call without")

    def zlib(self, checks):
        with self.open(zlib=True) as connection:
            client = connection.client("Echo")
            for text in values.STRINGS:
                checks.equal(client.echo_string(text), text)
            data = values.pattern(100_000)
            checks.true(client.echo_binary(data) == data, "compressed bytes came as they are")
            containers(checks, client, self.made, self.cannot)
            declared_exceptions(checks, client, self.made)
            application_exceptions(checks, connection, self.library, self.partner)
            one_way(checks, client)
            multiplexed(checks, connection, self.made)

    def accelerated(self, checks):
        """The same with what the library has written in C."""
        with self.open(accelerated=True) as connection:
            client = connection.client("Echo")
            plain_types(checks, client, self.made, self.cannot)
            containers(checks, client, self.made, self.cannot)
            declared_exceptions(checks, client, self.made)
            application_exceptions(checks, connection, self.library, self.partner)
            one_way(checks, client)


def plain_types(checks, client, types, cannot):
    checks.equal(client.nothing(), None)
    for value in True, False:
        checks.equal(client.echo_bool(value), value)
    for bits, echo in (8, client.echo_byte), (16, client.echo_i16), (32, client.echo_i32), (64, client.echo_i64):
        for value in values.integers(bits):
            checks.equal(echo(value), value)
    for value in values.DOUBLES:
        if value == 0 and math.copysign(1, value) < 0 and "negative-zero" in cannot:
            continue
        came = client.echo_double(value)
        checks.equal(came, value)
        checks.equal(math.copysign(1, came), math.copysign(1, value), "the sign")
    checks.true(math.isnan(client.echo_double(math.nan)), "NaN came back")
    for value in values.STRINGS:
        checks.equal(client.echo_string(value), value)
    for value in values.BINARIES:
        checks.equal(client.echo_binary(value), value)
    for value in types.Color.RED, types.Color.GREEN, types.Color.BLUE:
        checks.equal(client.echo_color(value), value)
    leaf = types.Leaf(name="leaf", number=-7)
    checks.equal(client.echo_leaf(leaf), leaf)
    for choice in types.Choice(number=-1), types.Choice(text="t"), types.Choice(leaf=leaf):
        checks.equal(client.echo_choice(choice), choice)
    checks.equal(client.join("third", "first", 2), "first 2 third")


def containers(checks, client, types, cannot):
    value = values.everything(types)
    if "bools" in cannot:
        value.bools = []
    came = client.echo_everything(value)
    # A library may have lists in their place.
    came.names, came.longs = set(came.names), set(came.longs)
    checks.equal(came, value)
    # Of what is not set some libraries make zeros, where it is not optional.
    came = client.echo_everything(types.Everything(number=1))
    checks.equal((came.number, came.unset, came.late, came.last), (1, None, None, None), "what is optional")
    for count in 0, 1, 14, 15, 1000:
        longs = [(-1) ** i * (i << 40) for i in range(count)]
        checks.equal(client.echo_list(longs), longs)
        names = {f"name {i}" for i in range(count)}
        checks.equal(set(client.echo_set(names)), names)
        lists = {f"key {i}": list(range(i % 20)) for i in range(count)}
        checks.equal(client.echo_map(lists), lists)


def declared_exceptions(checks, client, types):
    checks.equal(client.fail("nothing"), "fine")
    for fail in client.fail, client.fail_void:
        error = checks.raises(types.Refused, fail, "refused")
        checks.equal((error.code, error.reason, list(error.details)), (7, "not today", ["a", "b"]), "Refused")
    checks.equal(checks.raises(types.Missing, client.fail, "missing").key, "k")
    checks.equal(client.fail_void("nothing"), None)


def application_exceptions(checks, connection, library, partner):
    client = connection.client("Echo")
    for fail in client.fail, client.fail_void:
        error = checks.raises(library.ApplicationException, fail, "application")
        checks.equal(error.type, partners.application_type(partner), "the exception's type")
        checks.true("not in the contract" in str(error.message), f"the message {error.message!r} is the handler's")
        checks.equal(client.echo_i32(1), 1, "the next answer")
    later = connection.client("EchoLater")
    error = checks.raises(library.ApplicationException, later.later, "x")
    checks.equal(error.type, partners.unknown_method_type(partner), "the type for an unknown method")
    checks.equal(client.echo_i32(2), 2, "the next answer")


def one_way(checks, client):
    token = str(uuid.uuid4())
    for number in range(5):
        checks.equal(client.note(token, number), None)
        checks.equal(client.echo_i32(number), number, "the call behind it")
    noted(checks, client, token, list(range(5)))


def noted(checks, client, token, expected):
    """One-way calls have taken effect, if not at once. Over several connections they may overtake each other."""
    for _ in range(100):
        came = sorted(client.notes(token))
        if came == expected:
            break
        time.sleep(0.1)
    checks.equal(came, expected, "what was noted")


def multiplexed(checks, connection, types):
    echo, second = connection.client("Echo", "Echo"), connection.client("Second", "Second")
    token = str(uuid.uuid4())
    checks.equal(second.whoami(), "second")
    checks.equal(second.greet("you"), "hello you")
    checks.equal(checks.raises(types.Missing, second.greet, "").key, "nobody")
    second.note(token, 1)
    echo.note(token, 2)
    checks.equal(echo.echo_string("x"), "x")
    noted(checks, echo, token, [1, 2])
