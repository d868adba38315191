package org.wireloom.peer;

import com.alipay.remoting.AsyncContext;
import com.alipay.remoting.BizContext;
import com.alipay.remoting.rpc.RpcServer;
import com.alipay.remoting.rpc.protocol.AsyncUserProcessor;
import com.alipay.remoting.rpc.protocol.RpcProtocol;
import com.alipay.remoting.rpc.protocol.RpcProtocolV2;
import com.alipay.remoting.rpc.protocol.SyncUserProcessor;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** A Bolt server with one processor per request class. It answers in whichever protocol it was asked. */
final class Server {
    private static final Executor POOL = Executors.newCachedThreadPool();

    private Server() {}

    static void run(int port) {
        Map<String, Integer> fired = new ConcurrentHashMap<>();
        RpcServer server = new RpcServer("127.0.0.1", port);
        server.registerUserProcessor(processor(Requests.Echo.class, r -> {
            Thread.sleep(r.delayMillis);
            return r.text;
        }));
        server.registerUserProcessor(processor(Requests.Data.class, r -> r.data));
        server.registerUserProcessor(processor(Requests.Fire.class, r -> fired.merge(r.token, 1, Integer::sum)));
        server.registerUserProcessor(processor(Requests.Fired.class, r -> fired.getOrDefault(r.token, 0)));
        server.registerUserProcessor(processor(Requests.Fail.class, r -> {
            throw new IllegalStateException(r.message);
        }));
        server.registerUserProcessor(processor(Requests.Unserializable.class, r -> new Object() {
            @SuppressWarnings("unused")
            private final Thread held = Thread.currentThread();
        }));
        // Answered by StatusProcessor; registered because Bolt looks for the class first.
        server.registerUserProcessor(processor(Requests.Status.class, r -> null));
        server.registerUserProcessor(processor(Requests.Routed.class, r -> {
            Thread.sleep(r.delayMillis);
            return "routed to the server";
        }));
        server.registerUserProcessor(new Blue());
        server.startup();
        // Only now has Bolt made its protocols.
        for (byte protocol : new byte[] {RpcProtocol.PROTOCOL_CODE, RpcProtocolV2.PROTOCOL_CODE}) {
            StatusProcessor.register(server, protocol);
        }
        System.out.println("READY");
        System.out.flush();
    }

    private interface Handler<T> {
        Object handle(T request) throws Exception;
    }

    private static <T> SyncUserProcessor<T> processor(Class<T> type, Handler<T> handler) {
        return new SyncUserProcessor<>() {
            @Override
            public Object handleRequest(BizContext context, T request) throws Exception {
                return handler.handle(request);
            }

            @Override
            public String interest() {
                return type.getName();
            }

            @Override
            public Executor getExecutor() {
                // Bolt's own pool has 20 threads before it queues, too few for a burst of sleeping requests.
                return POOL;
            }
        };
    }

    private static final class Blue extends AsyncUserProcessor<Requests.Blue> {
        @Override
        public void handleRequest(BizContext context, AsyncContext async, Requests.Blue request) {
            POOL.execute(() -> async.sendResponse("blue"));
        }

        @Override
        public String interest() {
            return Requests.Blue.class.getName();
        }
    }
}
