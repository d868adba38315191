package org.wireloom.peer;

import com.alipay.remoting.Connection;
import com.alipay.remoting.ConnectionEventType;
import com.alipay.remoting.rpc.HeartbeatAckCommand;
import com.alipay.remoting.rpc.RpcClient;
import com.alipay.sofa.rpc.transport.ClientTransportConfig;
import com.alipay.sofa.rpc.transport.bolt.BoltClientTransport;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Watches the connections beneath SOFARPC: how many were opened and closed, and the heartbeats answered. */
final class Wire {
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicInteger heartbeatAcks = new AtomicInteger();

    /** Must be made before the first consumer is, so that no connection is missed. */
    Wire() {
        RpcClient client = Reach.client();
        client.addConnectionEventProcessor(ConnectionEventType.CONNECT, (remote, connection) -> {
            opened.incrementAndGet();
            watch(connection);
        });
        client.addConnectionEventProcessor(ConnectionEventType.CLOSE, (remote, connection) -> closed.incrementAndGet());
    }

    /** Fails unless exactly one connection was ever opened, and is open. */
    void expectOneConnection() {
        Check.that(opened.get() == 1 && closed.get() == 0,
                "expected one connection that stays, saw " + opened + " opened and " + closed + " closed");
    }

    private void watch(Connection connection) {
        connection.getChannel().pipeline().addAfter("decoder", "peer-watch", new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                // The decoder passes several frames of one read as a list.
                for (Object command : message instanceof List<?> list ? list : List.of(message)) {
                    if (command instanceof HeartbeatAckCommand) {
                        heartbeatAcks.incrementAndGet();
                    }
                }
                context.fireChannelRead(message);
            }
        });
    }

    /** SOFARPC keeps its Bolt client in a protected static field. */
    private static final class Reach extends BoltClientTransport {
        private Reach(ClientTransportConfig config) {
            super(config);
        }

        static RpcClient client() {
            return RPC_CLIENT;
        }
    }
}
