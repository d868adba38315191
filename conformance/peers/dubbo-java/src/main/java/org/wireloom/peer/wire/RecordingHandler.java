package org.wireloom.peer.wire;

import org.apache.dubbo.common.constants.CommonConstants;
import org.apache.dubbo.remoting.Channel;
import org.apache.dubbo.remoting.ChannelHandler;
import org.apache.dubbo.remoting.RemotingException;
import org.apache.dubbo.remoting.exchange.Request;
import org.apache.dubbo.remoting.exchange.Response;
import org.apache.dubbo.remoting.transport.ChannelHandlerDelegate;
import org.apache.dubbo.rpc.Constants;
import org.apache.dubbo.rpc.Invocation;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/** Passes everything on and notes what {@link ConnectionLog} is for. Heartbeats are answered above it and never come here. */
final class RecordingHandler implements ChannelHandlerDelegate {
    private final ChannelHandler inner;

    RecordingHandler(ChannelHandler inner) {
        this.inner = inner;
    }

    @Override
    public ChannelHandler getHandler() {
        return inner instanceof ChannelHandlerDelegate ? ((ChannelHandlerDelegate) inner).getHandler() : inner;
    }

    @Override
    public void connected(Channel channel) throws RemotingException {
        ConnectionLog.add(Kind.CONNECTED, ends(channel));
        inner.connected(channel);
    }

    @Override
    public void disconnected(Channel channel) throws RemotingException {
        ConnectionLog.add(Kind.DISCONNECTED, ends(channel));
        inner.disconnected(channel);
    }

    @Override
    public void sent(Channel channel, Object message) throws RemotingException {
        if (message instanceof Request && ((Request) message).getData() instanceof Invocation) {
            Request request = (Request) message;
            if (!request.isTwoWay()) {
                ConnectionLog.add(Kind.SENT_ONE_WAY, ends(channel));
            }
            Object id = ((Invocation) request.getData()).get(Constants.SERIALIZATION_ID_KEY);
            ConnectionLog.add(Kind.SENT_SERIALIZATION, String.valueOf(id));
        }
        inner.sent(channel, message);
    }

    @Override
    public void received(Channel channel, Object message) throws RemotingException {
        if (message instanceof Response && ((Response) message).getStatus() != Response.OK) {
            ConnectionLog.add(Kind.FAILED_STATUS, Integer.toString(((Response) message).getStatus()));
        }
        if (message instanceof Request
                && ((Request) message).isEvent()
                && CommonConstants.READONLY_EVENT.equals(((Request) message).getData())) {
            ConnectionLog.add(Kind.READONLY, ends(channel));
        }
        inner.received(channel, message);
    }

    @Override
    public void caught(Channel channel, Throwable exception) throws RemotingException {
        inner.caught(channel, exception);
    }

    private static String ends(Channel channel) {
        return channel.getLocalAddress() + " -> " + channel.getRemoteAddress();
    }
}
