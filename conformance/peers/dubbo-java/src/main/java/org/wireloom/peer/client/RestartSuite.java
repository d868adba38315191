package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.wire.AttemptFilter;
import org.wireloom.peer.wire.ConnectionLog;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/** {@code restart}: steady calls over two addresses, one of which goes away and comes back meanwhile. */
final class RestartSuite {
    /** Each makes {@value #PER_SECOND} calls a second, most of which take no time and some a while. */
    private static final int WORKERS = 5;

    private static final int PER_SECOND = 20;
    private static final int RETRIES = 2;
    private static final int SLOW_MILLIS = 150;
    private static final int ENOUGH_TO_RUN = 20;
    /** The library looks after lost connections once a heartbeat at the most. */
    private static final int HEARTBEAT_MILLIS = 2000;

    private final EchoService echo;
    private final int seconds;
    private final AtomicLong succeeded = new AtomicLong();
    private final AtomicLong slowestMillis = new AtomicLong();
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();

    private RestartSuite(EchoService echo, int seconds) {
        this.echo = echo;
        this.seconds = seconds;
    }

    static List<Scenario> of(String targets, int seconds) {
        References.start();
        References references = new References(targets);
        return Collections.singletonList(new Scenario("restart", () -> {
            EchoService echo = references.of(null, "1.0.0", RETRIES, References.heartbeat(HEARTBEAT_MILLIS));
            return new RestartSuite(echo, seconds).run();
        }));
    }

    private String run() throws InterruptedException {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            int number = i;
            Thread worker = new Thread(() -> work(number, end), "caller-" + i);
            workers.add(worker);
            worker.start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
        long calls = succeeded.get() + failures.size();
        String summary = calls + " calls, " + failures.size() + " failed, " + (AttemptFilter.attempts() - calls)
                + " retried, the slowest took " + slowestMillis.get() + " ms; connections made " + ConnectionLog.since(0, Kind.CONNECTED).size()
                + ", lost " + ConnectionLog.since(0, Kind.DISCONNECTED).size()
                + "; READONLY seen " + ConnectionLog.since(0, Kind.READONLY).size();
        Expect.that(failures.isEmpty(), summary + "; the first failure: " + failures.peek());
        Expect.that(calls >= (long) seconds * WORKERS * PER_SECOND / 2, "too few calls for the time: " + summary);
        return summary;
    }

    private void work(int number, long end) {
        long next = System.nanoTime();
        for (int i = 0; System.nanoTime() - end < 0; i++) {
            String text = number + "/" + i;
            long start = System.nanoTime();
            try {
                if (i % 10 == number) {
                    Expect.equal("slept " + SLOW_MILLIS, echo.slow(SLOW_MILLIS), "slow");
                } else {
                    Expect.equal(text, echo.echo(text), "echo");
                }
                if (succeeded.incrementAndGet() == ENOUGH_TO_RUN) {
                    System.out.println("RUNNING");
                    System.out.flush();
                }
            } catch (Throwable t) {
                failures.add(t.toString());
                System.err.println("call " + text + ": " + t);
            }
            slowestMillis.accumulateAndGet((System.nanoTime() - start) / 1_000_000, Math::max);
            next += 1_000_000_000L / PER_SECOND;
            long wait = next - System.nanoTime();
            if (wait > 0) {
                try {
                    Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
                } catch (InterruptedException e) {
                    return;
                }
            } else {
                // After a slow call go on at the same rate instead of catching up in a burst.
                next = System.nanoTime();
            }
        }
    }
}
