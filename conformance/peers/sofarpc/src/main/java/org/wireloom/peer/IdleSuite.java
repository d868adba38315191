package org.wireloom.peer;

import java.util.Set;
import java.util.concurrent.TimeUnit;

/** A connection without calls, kept by heartbeats at Bolt's own interval of 15 s, must stay usable. */
final class IdleSuite {
    private static final int HEARTBEAT_SECONDS = 15;

    private IdleSuite() {}

    static Suite of(Consumers consumers, int seconds) {
        return new Suite().add(Set.of("sofarpc", "sofa-rpc-node"), "idle", () -> {
            Check.equal("before", consumers.sync().echo("before"));
            consumers.wire.expectOneConnection();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            while (System.nanoTime() < end) {
                Thread.sleep(Math.min(1000, 1 + TimeUnit.NANOSECONDS.toMillis(Math.max(0, end - System.nanoTime()))));
                consumers.wire.expectOneConnection();
            }
            Check.equal("after", consumers.sync().echo("after"));
            consumers.wire.expectOneConnection();
            int least = seconds / HEARTBEAT_SECONDS - 2;
            int acks = consumers.wire.heartbeatAcks.get();
            Check.that(acks >= least, "only " + acks + " heartbeats were answered, expected " + least + " or more");
        });
    }
}
