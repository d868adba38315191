package org.wireloom.peer;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.apache.thrift.TMultiplexedProcessor;
import org.apache.thrift.TProcessor;
import org.apache.thrift.server.THsHaServer;
import org.apache.thrift.server.TNonblockingServer;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.server.TThreadedSelectorServer;
import org.apache.thrift.transport.TNonblockingServerSocket;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransportException;
import org.wireloom.thrift.Echo;
import org.wireloom.thrift.Second;
import thrift.test.SecondService;
import thrift.test.ThriftTest;

/**
 * A port for every dialect, and each of the library's servers on one of them at least: TThreadPoolServer without frames;
 * with them TThreadedSelectorServer and THsHaServer, and for ThriftTest TNonblockingServer, which has a single thread.
 */
final class Server {
    static void run() throws Exception {
        Notebook notes = new Notebook();
        for (Dialect dialect : Dialect.values()) {
            open(dialect, dialect.label(), echo(dialect, notes), false);
            open(dialect, "thrifttest/" + dialect.label(), test(), true);
        }
        System.out.println("READY");
        System.out.flush();
        // Until it is killed.
        Thread.currentThread().join();
    }

    private static void open(Dialect dialect, String name, TProcessor processor, boolean test)
            throws TTransportException {
        InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        TServer server;
        int port;
        if (dialect.framed) {
            TNonblockingServerSocket socket = new TNonblockingServerSocket(any, 0);
            port = socket.getPort();
            server = nonblocking(dialect, socket, processor, test);
        } else {
            TServerSocket socket = new TServerSocket(any);
            port = socket.getServerSocket().getLocalPort();
            server = new TThreadPoolServer(new TThreadPoolServer.Args(socket)
                    .processor(processor)
                    .protocolFactory(dialect.protocols()));
        }
        new Thread(server::serve, name).start();
        System.out.println("ready " + name + "=127.0.0.1:" + port);
    }

    private static TServer nonblocking(
            Dialect dialect, TNonblockingServerSocket socket, TProcessor processor, boolean test) {
        if (test) {
            return new TNonblockingServer(new TNonblockingServer.Args(socket)
                    .processor(processor)
                    .protocolFactory(dialect.protocols()));
        }
        if (dialect.compact) {
            return new THsHaServer(new THsHaServer.Args(socket)
                    .processor(processor)
                    .protocolFactory(dialect.protocols())
                    .maxWorkerThreads(16));
        }
        return new TThreadedSelectorServer(new TThreadedSelectorServer.Args(socket)
                .processor(processor)
                .protocolFactory(dialect.protocols())
                .workerThreads(16));
    }

    private static TProcessor echo(Dialect dialect, Notebook notes) {
        TProcessor echo = new Echo.Processor<>(new EchoHandler(dialect.label(), notes));
        TMultiplexedProcessor all = new TMultiplexedProcessor();
        all.registerDefault(echo);
        all.registerProcessor("Echo", echo);
        all.registerProcessor(dialect.label(), echo);
        all.registerProcessor("Second", new Second.Processor<>(new SecondHandler(notes)));
        return all;
    }

    private static TProcessor test() {
        TProcessor test = new ThriftTest.Processor<>(new TestHandler());
        TMultiplexedProcessor all = new TMultiplexedProcessor();
        all.registerDefault(test);
        all.registerProcessor("ThriftTest", test);
        SecondService.Iface second = thing -> "testString(\"" + thing + "\")";
        all.registerProcessor("SecondService", new SecondService.Processor<>(second));
        return all;
    }

    private Server() {}
}
