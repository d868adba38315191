package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.wireloom.peer.EchoFailure;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.wire.ConnectionLog;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/** Calls that do not wait: futures, one-way, and many on one connection. */
final class AsyncCalls {
    private static final int CONCURRENT = 200;

    private final References references;

    AsyncCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("async", this::contextFuture));
        scenarios.add(new Scenario("async-signature", this::signatureFuture));
        scenarios.add(new Scenario("one-way", this::oneWay));
        scenarios.add(new Scenario("concurrent", this::concurrent));
    }

    private String contextFuture() throws Exception {
        EchoService echo = references.shared();
        long start = System.nanoTime();
        CompletableFuture<String> slow = Library.async(() -> echo.slow(400));
        long issued = millisSince(start);
        Expect.that(issued < 300, "issuing an asynchronous call took " + issued + " ms");
        Expect.equal("slept 400", slow.get(5, TimeUnit.SECONDS), "the future");

        CompletableFuture<String> failing = Library.async(() -> {
            echo.fail("later");
            return null;
        });
        ExecutionException e = Expect.thrown(ExecutionException.class, () -> failing.get(5, TimeUnit.SECONDS));
        Expect.equal(EchoFailure.class, e.getCause().getClass(), "the future's cause");
        Expect.equal("later", e.getCause().getMessage(), "the future's message");
        return "";
    }

    private String signatureFuture() throws Exception {
        CompletableFuture<String> later = references.shared().later(200);
        Expect.that(!later.isDone(), "a reply after 200 ms was there at once");
        Expect.equal("slept 200", later.get(5, TimeUnit.SECONDS), "the future");
        return "";
    }

    private String oneWay() throws Exception {
        EchoService echo = references.shared();
        String token = "one-way-" + System.nanoTime();
        int mark = ConnectionLog.mark();
        for (int i = 0; i < 5; i++) {
            echo.fire(token);
        }
        int fired = 0;
        for (int i = 0; i < 100 && fired < 5; i++) {
            Thread.sleep(20);
            fired = echo.fired(token);
        }
        // A duplicate would come within the time that a proxy takes for its first retry.
        Thread.sleep(200);
        Expect.equal(5, echo.fired(token), "fired");
        Expect.equal(5, ConnectionLog.since(mark, Kind.SENT_ONE_WAY).size(), "requests without the two-way bit");
        return "";
    }

    /** The slowest is sent first, so nearly every answer overtakes others; each delay is asked for once. */
    private String concurrent() throws Exception {
        EchoService echo = references.own(Collections.emptyMap());
        Expect.equal("warm", echo.echo("warm"), "echo");
        int mark = ConnectionLog.mark();
        long start = System.nanoTime();
        List<CompletableFuture<String>> futures = new ArrayList<>();
        for (int i = CONCURRENT; i > 0; i--) {
            int delay = 5 * i;
            futures.add(Library.async(() -> echo.slow(delay)));
        }
        for (int i = 0; i < CONCURRENT; i++) {
            String expected = "slept " + 5 * (CONCURRENT - i);
            Expect.equal(expected, futures.get(i).get(20, TimeUnit.SECONDS), "call " + i);
        }
        long took = millisSince(start);
        Expect.that(took < 5000, "200 calls of at most 1 s took " + took + " ms: they did not overlap");
        Expect.equal(Collections.emptyList(), ConnectionLog.changes(mark), "connections made or lost meanwhile");
        return "all in " + took + " ms";
    }

    private static long millisSince(long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }
}
