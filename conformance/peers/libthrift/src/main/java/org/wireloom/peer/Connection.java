package org.wireloom.peer;

import java.util.HashMap;
import java.util.Map;
import org.apache.thrift.protocol.TMultiplexedProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransportException;
import org.wireloom.thrift.Echo;
import org.wireloom.thrift.Second;
import thrift.test.SecondService;
import thrift.test.ThriftTest;

/** A client's connection. The library numbers calls and checks the numbers of answers. */
final class Connection implements AutoCloseable {
    private final TSocket socket;
    private final TProtocol protocol;
    private final String service;
    private final Map<String, Echo.Client> echoes = new HashMap<>();

    Connection(Dialect dialect, String address, String service) throws TTransportException {
        int colon = address.lastIndexOf(':');
        socket = new TSocket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        socket.setConnectTimeout(5_000);
        socket.setSocketTimeout(30_000);
        socket.open();
        protocol = dialect.protocol(socket);
        this.service = service;
    }

    private TProtocol of(String service) {
        return service == null ? protocol : new TMultiplexedProtocol(protocol, service);
    }

    /** The same one every time, which counts on. */
    Echo.Client echo() {
        return echo(service);
    }

    Echo.Client echo(String service) {
        return echoes.computeIfAbsent(service == null ? "" : service, any -> new Echo.Client(protocol, of(service)));
    }

    /** One that counts from one. */
    Echo.Client first() {
        return new Echo.Client(protocol, of(service));
    }

    org.wireloom.thrift.EchoLater.Client later() {
        return new org.wireloom.thrift.EchoLater.Client(protocol, of(service));
    }

    Second.Client second() {
        return new Second.Client(protocol, of("Second"));
    }

    ThriftTest.Client test(String service) {
        return new ThriftTest.Client(protocol, of(service));
    }

    SecondService.Client secondTest() {
        return new SecondService.Client(protocol, of("SecondService"));
    }

    @Override
    public void close() {
        socket.close();
    }
}
