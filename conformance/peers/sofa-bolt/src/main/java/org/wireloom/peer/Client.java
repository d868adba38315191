package org.wireloom.peer;

import com.alipay.remoting.Connection;
import com.alipay.remoting.ConnectionEventType;
import com.alipay.remoting.InvokeCallback;
import com.alipay.remoting.ResponseStatus;
import com.alipay.remoting.rpc.HeartbeatAckCommand;
import com.alipay.remoting.rpc.ResponseCommand;
import com.alipay.remoting.rpc.RpcClient;
import com.alipay.remoting.rpc.RpcResponseFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection to the server in one wire form, and what was seen of it. */
final class Client implements AutoCloseable {
    static final int TIMEOUT_MILLIS = 10_000;

    final Variant variant;
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicInteger heartbeatAcks = new AtomicInteger();
    private final RpcClient client = new RpcClient();
    private final String address;

    Client(Variant variant, String target) {
        this.variant = variant;
        address = target + variant.query;
        client.addConnectionEventProcessor(ConnectionEventType.CONNECT, (remote, connection) -> {
            opened.incrementAndGet();
            watch(connection);
        });
        client.addConnectionEventProcessor(ConnectionEventType.CLOSE, (remote, connection) -> closed.incrementAndGet());
        client.startup();
    }

    Object call(Object request) throws Exception {
        return call(request, TIMEOUT_MILLIS);
    }

    Object call(Object request, int timeoutMillis) throws Exception {
        return client.invokeSync(address, request, variant.context(), timeoutMillis);
    }

    /** As {@link #call}, with the CRC switch of its own choice. */
    RpcResponseFuture future(Object request, boolean crc) throws Exception {
        return client.invokeWithFuture(address, request, Variant.context(crc), TIMEOUT_MILLIS);
    }

    RpcResponseFuture future(Object request) throws Exception {
        return client.invokeWithFuture(address, request, variant.context(), TIMEOUT_MILLIS);
    }

    CompletableFuture<Object> callback(Object request) throws Exception {
        CompletableFuture<Object> done = new CompletableFuture<>();
        client.invokeWithCallback(address, request, variant.context(), new InvokeCallback() {
            @Override
            public void onResponse(Object result) {
                done.complete(result);
            }

            @Override
            public void onException(Throwable e) {
                done.completeExceptionally(e);
            }

            @Override
            public Executor getExecutor() {
                return null;
            }
        }, TIMEOUT_MILLIS);
        return done;
    }

    void oneWay(Object request) throws Exception {
        client.oneway(address, request, variant.context());
    }

    /** Fails unless exactly one connection was ever opened, and is open. */
    void expectOneConnection() {
        Check.that(opened.get() == 1 && closed.get() == 0,
                "expected one connection that stays, saw " + opened + " opened and " + closed + " closed ("
                        + variant.label + ")");
    }

    private void watch(Connection connection) {
        connection.getChannel().pipeline().addAfter("decoder", "peer-watch", new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                // The decoder passes several frames of one read as a list.
                for (Object command : message instanceof List<?> list ? list : List.of(message)) {
                    if (command instanceof HeartbeatAckCommand ack
                            && ((ResponseCommand) ack).getResponseStatus() == ResponseStatus.SUCCESS) {
                        heartbeatAcks.incrementAndGet();
                    }
                }
                context.fireChannelRead(message);
            }
        });
    }

    @Override
    public void close() {
        client.shutdown();
    }
}
