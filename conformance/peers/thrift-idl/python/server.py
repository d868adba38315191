"""The server: what it does is the same in all dialects."""

import os
import signal
import threading
import time

import values

NOTES = {}
LOCK = threading.Lock()


def note(token, number):
    with LOCK:
        NOTES.setdefault(token, []).append(number)


class Echo:
    """A port's handler. `headers_of` gives the headers of the request that this thread is at."""

    def __init__(self, library, dialect, headers_of):
        self.library = library
        self.dialect = dialect
        self.headers_of = headers_of

    def __getattr__(self, name):
        # Whatever is asked for by this name.
        if name.startswith("echo_"):
            return lambda value: value
        raise AttributeError(name)

    def whoami(self):
        return f"{self.library.NAME} {self.dialect}"

    def nothing(self):
        pass

    def join(self, third, first, second):
        return f"{first} {second} {third}"

    def bytes(self, count):
        return values.pattern(count)

    def count(self, data):
        return [len(data), sum(data) % (1 << 31)]

    def fail(self, how):
        types = self.library.types
        if how == "refused":
            raise types.Refused(code=7, reason="not today", details=["a", "b"])
        if how == "missing":
            raise types.Missing(key="k")
        if how == "application":
            raise self.library.application_exception("not in the contract")
        return "fine"

    def fail_void(self, how):
        self.fail(how)

    def note(self, token, number):
        note(token, number)

    def notes(self, token):
        with LOCK:
            return list(NOTES.get(token, []))

    def slow(self, millis):
        time.sleep(millis / 1000)
        return millis

    def headers(self):
        return self.headers_of()


class Second:
    def __init__(self, library):
        self.library = library

    def whoami(self):
        return "second"

    def greet(self, name):
        if not name:
            raise self.library.types.Missing(key="nobody")
        return f"hello {name}"

    def note(self, token, number):
        note(token, number)


class ThriftTest:
    """As Thrift's own test servers do it."""

    ECHOES = {"String", "Bool", "Byte", "I32", "I64", "Double", "Binary", "Struct", "Nest", "Map", "StringMap"}
    ECHOES |= {"Set", "List", "Enum", "Typedef"}

    def __init__(self, library):
        self.library = library

    def __getattr__(self, name):
        if name.removeprefix("test") in self.ECHOES:
            return lambda thing: thing
        raise AttributeError(name)

    def testVoid(self):
        pass

    def testMapMap(self, hello):
        return {-4: {i: i for i in range(-4, 0)}, 4: {i: i for i in range(1, 5)}}

    def testInsanity(self, argument):
        return {1: {2: argument, 3: argument}, 2: {6: self.library.types.test.Insanity()}}

    def testMulti(self, arg0, arg1, arg2, arg3, arg4, arg5):
        types = self.library.types.test
        return types.Xtruct(string_thing="Hello2", byte_thing=arg0, i32_thing=arg1, i64_thing=arg2)

    def testException(self, arg):
        if arg == "Xception":
            raise self.library.types.test.Xception(errorCode=1001, message=arg)
        if arg == "TException":
            raise self.library.any_exception("This is a TException")

    def testMultiException(self, arg0, arg1):
        types = self.library.types.test
        if arg0 == "Xception":
            raise types.Xception(errorCode=1001, message="This is an Xception")
        if arg0 == "Xception2":
            raise types.Xception2(errorCode=2002, struct_thing=types.Xtruct(string_thing="This is an Xception2"))
        return types.Xtruct(string_thing=arg1)

    def testOneway(self, seconds):
        time.sleep(seconds)


def run(library):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for dialect in library.DIALECTS:
        port = library.serve(dialect, lambda headers_of, it=dialect: Echo(library, it, headers_of), Second(library))
        print(f"ready {dialect}=127.0.0.1:{port}")
        port = library.serve_test(dialect, ThriftTest(library))
        print(f"ready thrifttest/{dialect}=127.0.0.1:{port}")
    print("READY", flush=True)
    while True:
        signal.pause()
