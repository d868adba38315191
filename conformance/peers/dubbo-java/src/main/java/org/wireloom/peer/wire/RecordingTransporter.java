package org.wireloom.peer.wire;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.remoting.ChannelHandler;
import org.apache.dubbo.remoting.Client;
import org.apache.dubbo.remoting.RemotingException;
import org.apache.dubbo.remoting.RemotingServer;
import org.apache.dubbo.remoting.Transporter;

/** An extension wrapper (known to the library by its one-argument constructor) that logs client connections. */
public final class RecordingTransporter implements Transporter {
    private final Transporter inner;

    public RecordingTransporter(Transporter inner) {
        this.inner = inner;
    }

    @Override
    public RemotingServer bind(URL url, ChannelHandler handler) throws RemotingException {
        return inner.bind(url, handler);
    }

    @Override
    public Client connect(URL url, ChannelHandler handler) throws RemotingException {
        return inner.connect(url, new RecordingHandler(handler));
    }
}
