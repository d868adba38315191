package org.wireloom.peer;

import org.apache.thrift.transport.TTransportException;

/**
 * One dialect and whom it is spoken to. Scenarios share a connection, so that what one of them leaves behind on it is the
 * next one's failure; a failed one takes its connection along.
 */
final class World {
    final Client client;
    final Dialect dialect;
    final String address;
    /** The multiplexed name of Echo; without one it is the port's only service. */
    private final String service;
    /** The server's dialect, which a proxy may have translated into. */
    final String serves;

    private Connection shared;

    World(Client client, Dialect dialect, String address, String service, String serves) {
        this.client = client;
        this.dialect = dialect;
        this.address = address;
        this.service = service;
        this.serves = serves;
    }

    interface Call {
        void on(Connection connection) throws Exception;
    }

    Connection open() throws TTransportException {
        return new Connection(dialect, address, service);
    }

    /** One whose connection is as good afterwards as before. */
    Scenario scenario(String name, Call call) {
        return scenario(name, call, connection -> Expect.equal(1, connection.echo().echo_i32(1)));
    }

    Scenario scenario(String name, Call call, Call probe) {
        return alone(name, () -> {
            if (shared == null) {
                shared = open();
            }
            boolean whole = false;
            try {
                call.on(shared);
                try {
                    probe.on(shared);
                } catch (Exception | AssertionError e) {
                    throw new AssertionError("the connection is spoilt: " + e, e);
                }
                whole = true;
            } finally {
                if (!whole) {
                    shared.close();
                    shared = null;
                }
            }
        });
    }

    /** One with connections of its own. */
    Scenario alone(String name, Scenario.Body body) {
        return new Scenario(dialect.label() + "/" + name, body);
    }

    /** Names notes that no other run has. */
    String token(String name) {
        return String.join(" ", name, dialect.label(), serves, "" + client.proxied(), "" + ProcessHandle.current().pid());
    }
}
