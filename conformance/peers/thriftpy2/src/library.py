"""thriftpy2, which reads the IDL itself. It knows neither THeader nor a service for calls that name none."""

import contextlib
import pathlib
import re
import threading
import types as python

import thriftpy2
from thriftpy2.protocol.binary import TBinaryProtocolFactory
from thriftpy2.protocol.compact import TCompactProtocolFactory
from thriftpy2.protocol.cybin import TCyBinaryProtocolFactory
from thriftpy2.protocol.multiplex import TMultiplexedProtocol
from thriftpy2.server import TThreadedServer
from thriftpy2.thrift import TApplicationException, TClient, TException, TMultiplexedProcessor, TProcessor
from thriftpy2.transport import TServerSocket, TSocket
from thriftpy2.transport.buffered import TBufferedTransportFactory, TCyBufferedTransportFactory
from thriftpy2.transport.framed import TCyFramedTransportFactory, TFramedTransportFactory

NAME = "thriftpy2"
DIALECTS = ["framed-binary", "framed-compact", "buffered-binary", "buffered-compact"]
CANNOT = set()
PATIENCE_MS = 25_000
IDL = pathlib.Path(__file__).parent


def load_test():
    """ThriftTest without its annotations, which this library does not know in all places."""
    text = (IDL / "ThriftTest.thrift").read_text()
    text = re.sub(r"\((python\.immutable|uri)[^)]*\)", "", text)
    (IDL / "thrift_test.thrift").write_text(text)
    return thriftpy2.load(str(IDL / "thrift_test.thrift"), module_name="thrift_test_thrift")


own = thriftpy2.load(str(IDL / "wireloom.thrift"), module_name="wireloom_thrift")
test = load_test()
SERVICES = {"Echo": own.Echo, "EchoLater": own.EchoLater, "Second": own.Second, "ThriftTest": test.ThriftTest}
ApplicationException = TApplicationException
types = python.SimpleNamespace(**vars(own), test=test)


def application_exception(message):
    return TApplicationException(TApplicationException.INTERNAL_ERROR, message)


def any_exception(message):
    # What is no exception of its own ends the connection.
    return application_exception(message)


def factories(dialect, in_c):
    """Transport and protocol. Compact is in Python alone, and nothing in C goes with a transport that is not."""
    transport, protocol = dialect.split("-")
    if transport == "framed":
        transports = TCyFramedTransportFactory() if in_c else TFramedTransportFactory()
    else:
        transports = TCyBufferedTransportFactory() if in_c else TBufferedTransportFactory()
    if protocol == "compact":
        return transports, TCompactProtocolFactory()
    return transports, TCyBinaryProtocolFactory() if in_c else TBinaryProtocolFactory()


class Connection(contextlib.AbstractContextManager):
    def __init__(self, dialect, address, in_c):
        transports, protocols = factories(dialect, in_c)
        self.transport = transports.get_transport(TSocket(*address, socket_timeout=PATIENCE_MS))
        self.protocol = protocols.get_protocol(self.transport)
        self.transport.open()

    def client(self, service, name=None):
        protocol = TMultiplexedProtocol(self.protocol, name) if name else self.protocol
        return TClient(SERVICES[service], protocol)

    def close(self):
        self.transport.close()

    def __exit__(self, *_):
        self.close()


def connect(dialect, address, accelerated=False):
    return Connection(dialect, address, accelerated)


def pipeline(client, method, values):
    """All calls before the first answer."""
    for value in values:
        client._send(method, value=value)
    return [client._recv(method) for _ in values]


class Processor(TMultiplexedProcessor):
    """With a service for calls that name none, and with an answer to methods that a service does not have."""

    def __init__(self, services):
        super().__init__()
        for name, (service, handler) in services.items():
            self.register_processor(name, TProcessor(service, handler))

    def process_in(self, iprot):
        api, kind, seqid = iprot.read_message_begin()
        name, _, method = api.rpartition(":")
        processor = self.processors.get(name)
        # Both take what comes from a protocol; its beginning has been read.
        if processor is None:
            return TProcessor.process_in(TProcessor(own.Base, None), Begun(iprot, ("", kind, seqid)))
        return TProcessor.process_in(processor, Begun(iprot, (method, kind, seqid)))


class Begun:
    def __init__(self, protocol, begin):
        self.protocol = protocol
        self.begin = begin

    def read_message_begin(self):
        return self.begin

    def read_struct(self, struct):
        return self.protocol.read_struct(struct)

    def skip(self, kind):
        self.protocol.skip(kind)

    def read_message_end(self):
        self.protocol.read_message_end()


class Listening(TServerSocket):
    """Listens before it serves, so that its port is known."""

    def __init__(self):
        super().__init__("127.0.0.1", 0, client_timeout=None)
        super().listen()

    def listen(self):
        pass


def serve(dialect, echo_of, second):
    echo = (own.Echo, echo_of(dict))
    return start(dialect, Processor({"": echo, "Echo": echo, dialect: echo, "Second": (own.Second, second)}))


def serve_test(dialect, handler):
    return start(dialect, TProcessor(test.ThriftTest, handler))


def start(dialect, processor):
    listening = Listening()
    transports, protocols = factories(dialect, in_c=dialect in ("framed-binary", "buffered-compact"))
    server = TThreadedServer(processor, listening, transports, protocols, daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    return listening.sock.getsockname()[1]
