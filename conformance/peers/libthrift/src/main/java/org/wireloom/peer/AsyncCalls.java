package org.wireloom.peer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.thrift.async.AsyncMethodCallback;
import org.apache.thrift.async.TAsyncClientManager;
import org.apache.thrift.transport.TNonblockingSocket;
import org.wireloom.thrift.Echo;
import org.wireloom.thrift.Missing;

/** The library's asynchronous clients, which share a selector; each has a connection and one call at a time. */
final class AsyncCalls {
    static void run(World world) throws Exception {
        int colon = world.address.lastIndexOf(':');
        String host = world.address.substring(0, colon);
        int port = Integer.parseInt(world.address.substring(colon + 1));
        TAsyncClientManager manager = new TAsyncClientManager();
        List<Echo.AsyncClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                TNonblockingSocket socket = new TNonblockingSocket(host, port, 30_000);
                clients.add(new Echo.AsyncClient(world.dialect.protocols(), manager, socket));
            }
            for (int round = 0; round < 5; round++) {
                List<Answer<Integer>> answers = new ArrayList<>();
                for (int i = 0; i < clients.size(); i++) {
                    Answer<Integer> answer = new Answer<>();
                    clients.get(i).slow(50 * (i % 2) + i, answer);
                    answers.add(answer);
                }
                for (int i = 0; i < answers.size(); i++) {
                    Expect.equal(50 * (i % 2) + i, answers.get(i).get());
                }
            }
            Answer<String> failed = new Answer<>();
            clients.get(0).fail("missing", failed);
            Expect.fails(new Missing("k"), failed::get);
        } finally {
            manager.stop();
        }
    }

    /** A call's outcome, to wait for. */
    private static final class Answer<T> implements AsyncMethodCallback<T> {
        private final CompletableFuture<T> outcome = new CompletableFuture<>();

        @Override
        public void onComplete(T response) {
            outcome.complete(response);
        }

        @Override
        public void onError(Exception exception) {
            outcome.completeExceptionally(exception);
        }

        T get() throws Exception {
            try {
                return outcome.get(30, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
        }
    }

    private AsyncCalls() {}
}
