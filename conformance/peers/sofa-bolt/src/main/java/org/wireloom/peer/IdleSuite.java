package org.wireloom.peer;

import java.util.List;
import java.util.concurrent.TimeUnit;

/** Connections without calls, kept by heartbeats at Bolt's own interval of 15 s, must stay usable. */
final class IdleSuite {
    private static final int HEARTBEAT_SECONDS = 15;

    private IdleSuite() {}

    static Suite of(List<Client> clients, int seconds) {
        return new Suite().add(CallsSuite.PARTNERS, "idle", () -> {
            for (Client c : clients) {
                Check.equal("before", c.call(new Requests.Echo("before", 0)));
            }
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            while (System.nanoTime() < end) {
                Thread.sleep(Math.min(1000, 1 + TimeUnit.NANOSECONDS.toMillis(Math.max(0, end - System.nanoTime()))));
                clients.forEach(Client::expectOneConnection);
            }
            int least = seconds / HEARTBEAT_SECONDS - 2;
            for (Client c : clients) {
                Check.equal("after", c.call(new Requests.Echo("after", 0)));
                c.expectOneConnection();
                int acks = c.heartbeatAcks.get();
                Check.that(acks >= least, "only " + acks + " heartbeats of " + c.variant.label
                        + " were answered, expected " + least + " or more");
            }
        });
    }
}
