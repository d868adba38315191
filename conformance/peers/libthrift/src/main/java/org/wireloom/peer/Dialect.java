package org.wireloom.peer;

import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;
import org.apache.thrift.transport.layered.TFramedTransport;

/** How messages are framed and written. */
enum Dialect {
    FRAMED_BINARY(true, false),
    FRAMED_COMPACT(true, true),
    BUFFERED_BINARY(false, false),
    BUFFERED_COMPACT(false, true);

    final boolean framed;
    final boolean compact;

    Dialect(boolean framed, boolean compact) {
        this.framed = framed;
        this.compact = compact;
    }

    String label() {
        return name().toLowerCase().replace('_', '-');
    }

    TProtocolFactory protocols() {
        // Strict in what it reads, too.
        return compact ? new TCompactProtocol.Factory() : new TBinaryProtocol.Factory(true, true);
    }

    TProtocol protocol(TTransport socket) throws TTransportException {
        return protocols().getProtocol(framed ? new TFramedTransport(socket) : socket);
    }
}
