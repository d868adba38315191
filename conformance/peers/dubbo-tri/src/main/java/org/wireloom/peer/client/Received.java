package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.protocol.tri.CancelableStreamObserver;

/** What a stream brought, in order, and how it ended. */
final class Received<T> extends CancelableStreamObserver<T> {
    private static final int PATIENCE_SECONDS = 20;

    private final LinkedBlockingQueue<T> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<Throwable> end = new CompletableFuture<>();

    @Override
    public void onNext(T message) {
        messages.add(message);
    }

    @Override
    public void onError(Throwable t) {
        end.complete(t);
    }

    @Override
    public void onCompleted() {
        end.complete(null);
    }

    /** The next message, as soon as it is there. */
    T next() throws Exception {
        T message = messages.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        Expect.that(message != null, "no message came; end: " + end);
        return message;
    }

    /** All that is left when the stream ended, which it must do in order. */
    List<T> all() throws Exception {
        Throwable error = end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (error != null) {
            throw new AssertionError("the stream failed after " + messages.size() + " messages: " + error, error);
        }
        return new ArrayList<>(messages);
    }

    /** The error that the stream ended with. */
    Throwable error() throws Exception {
        Throwable error = end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        Expect.that(error != null, "the stream ended in order but should have failed");
        return error;
    }

    int waiting() {
        return messages.size();
    }

    boolean ended() {
        return end.isDone();
    }

    /** Ends a call from the client's side by its half of the stream. */
    static void cancel(StreamObserver<?> requests) {
        ((CancelableStreamObserver<?>) requests).cancel(new IllegalStateException("not wanted any more"));
    }
}
