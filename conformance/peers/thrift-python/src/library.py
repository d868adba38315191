"""Apache Thrift's own Python library, with what its compiler generates."""

import contextlib
import socket
import threading
import types as python

from ThriftTest import ThriftTest as test_service
from ThriftTest import ttypes as test_types
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory, TCompactProtocolFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.server.TNonblockingServer import TNonblockingServer
from thrift.server.TServer import TThreadedServer, TThreadPoolServer
from thrift.Thrift import TApplicationException, TException, TProcessor
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TBufferedTransportFactory, TFramedTransportFactory
from wireloom import Echo, EchoLater, Second
from wireloom import ttypes as own_types

NAME = "thrift-python"
DIALECTS = ["framed-binary", "framed-compact", "buffered-binary", "buffered-compact", "header-binary", "header-compact"]
CANNOT = set()
SERVICES = {"Echo": Echo, "EchoLater": EchoLater, "Second": Second, "ThriftTest": test_service}
# No call of the suite is that slow.
PATIENCE_MS = 25_000

ApplicationException = TApplicationException
types = python.SimpleNamespace(**vars(own_types), test=test_types)


def application_exception(message):
    return TApplicationException(TApplicationException.INTERNAL_ERROR, message)


def any_exception(message):
    return TException(message)


def protocols(dialect, accelerated):
    """What makes the protocol of a dialect. A header's tells what is in it by itself."""
    transport, protocol = dialect.split("-")
    if transport == "header":
        of = {"binary": THeaderSubprotocolID.BINARY, "compact": THeaderSubprotocolID.COMPACT}
        return THeaderProtocolFactory([THeaderClientType.HEADERS], of[protocol])
    if protocol == "binary":
        return TBinaryProtocolAcceleratedFactory(fallback=False) if accelerated else TBinaryProtocolFactory(strictRead=True)
    return TCompactProtocolAcceleratedFactory(fallback=False) if accelerated else TCompactProtocolFactory()


def transports(dialect):
    if dialect.startswith("framed-"):
        return TFramedTransportFactory()
    # A header's protocol makes its own, on top of what saves it many small reads.
    return TBufferedTransportFactory()


class Connection(contextlib.AbstractContextManager):
    def __init__(self, dialect, address, accelerated, zlib):
        raw = TSocket(*address, socket_family=socket.AF_INET)
        raw.setTimeout(PATIENCE_MS)
        self.transport = transports(dialect).getTransport(raw)
        self.protocol = protocols(dialect, accelerated).getProtocol(self.transport)
        if zlib:
            self.protocol.add_transform(THeaderTransformID.ZLIB)
        self.transport.open()

    def client(self, service, name=None):
        protocol = TMultiplexedProtocol(self.protocol, name) if name else self.protocol
        return SERVICES[service].Client(protocol)

    def send_headers(self, headers):
        for key, value in headers.items():
            self.protocol.set_header(key.encode(), value.encode())

    def received_headers(self):
        return texts(self.protocol.get_headers())

    def close(self):
        self.transport.close()

    def __exit__(self, *_):
        self.close()


def connect(dialect, address, accelerated=False, zlib=False):
    return Connection(dialect, address, accelerated, zlib)


def pipeline(client, method, values):
    """All calls before the first answer."""
    for value in values:
        getattr(client, f"send_{method}")(value)
    return [getattr(client, f"recv_{method}")() for _ in values]


def texts(headers):
    return {key.decode(): value.decode() for key, value in headers.items()}


class Seen(TProcessor):
    """Remembers for handlers what the request came by, and puts a header on the answer."""

    def __init__(self, inner, dialect):
        self.inner = inner
        self.dialect = dialect
        self.here = threading.local()

    def process(self, iprot, oprot):
        self.here.protocol = iprot
        if self.dialect.startswith("header-"):
            oprot.set_header(b"x-answer", self.dialect.encode())
        return self.inner.process(iprot, oprot)

    def headers(self):
        return texts(self.here.protocol.get_headers()) if self.dialect.startswith("header-") else {}


class Listening(TServerSocket):
    """Listens before it serves, so that its port is known."""

    def __init__(self):
        super().__init__("127.0.0.1", 0, socket_family=socket.AF_INET)
        super().listen()

    def listen(self):
        pass


def serve(dialect, echo_of, second):
    processor = TMultiplexedProcessor()
    seen = Seen(processor, dialect)
    echo = Echo.Processor(echo_of(seen.headers))
    processor.registerDefault(echo)
    processor.registerProcessor("Echo", echo)
    processor.registerProcessor(dialect, echo)
    processor.registerProcessor("Second", Second.Processor(second))
    return start(dialect, seen)


def serve_test(dialect, handler):
    # TNonblockingServer serves no more than this: it closes a connection when it finds a multiple of 8192 bytes and no more
    # to read, which happens to large messages.
    kind = TNonblockingServer if dialect.startswith("framed-") else TThreadedServer
    return start(dialect, Seen(test_service.Processor(handler), dialect), kind)


def start(dialect, processor, kind=None):
    """What is written in C gets every other dialect."""
    listening = Listening()
    kind = kind or (TThreadPoolServer if dialect.endswith("-binary") else TThreadedServer)
    protocol = protocols(dialect, accelerated=dialect in ("buffered-binary", "framed-compact"))
    if kind is TNonblockingServer:
        server = TNonblockingServer(processor, listening, protocol)
    else:
        server = kind(processor, listening, transports(dialect), protocol, daemon=True)
    if kind is TThreadPoolServer:
        # A connection keeps a thread as long as it lasts, and pipelined calls come to a connection each through the proxy.
        server.setNumThreads(256)
    threading.Thread(target=server.serve, daemon=True).start()
    return listening.handle.getsockname()[1]
