package org.wireloom.peer.client;

import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.wire.ConnectionLog;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/** What depends on the connection itself: heartbeats on it, and requests that come back over it. */
final class ConnectionCalls {
    /** A consumer whose heartbeats of 1 s are unanswered reconnects after three; the check runs every second. */
    private static final int IDLE_MILLIS = 4_500;

    private final References references;
    private final boolean proxied;

    ConnectionCalls(References references, boolean proxied) {
        this.references = references;
        this.proxied = proxied;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("heartbeat", this::heartbeat));
        scenarios.add(new Scenario("callback", this::callback));
    }

    private String heartbeat() throws Exception {
        int created = ConnectionLog.mark();
        EchoService echo = references.own(References.heartbeat(1000));
        Expect.equal("before", echo.echo("before"), "echo");
        Expect.equal(1, ConnectionLog.since(created, Kind.CONNECTED).size(), "connections made");
        int mark = ConnectionLog.mark();
        Thread.sleep(IDLE_MILLIS);
        Expect.equal(Collections.emptyList(), ConnectionLog.changes(mark), "connections made or lost while idle");
        Expect.equal("after", echo.echo("after"), "echo");
        Expect.equal(Collections.emptyList(), ConnectionLog.changes(mark), "connections made or lost by the call");
        return "";
    }

    /**
     * The provider's request to the consumer works on a direct connection. A proxy that shares upstream connections
     * has nobody to give it to, so it must refuse that request, at once; the call that it came from goes on.
     */
    private String callback() {
        EchoService echo = references.own(Collections.emptyMap());
        AtomicReference<String> seen = new AtomicReference<>();
        String answer = echo.subscribe("event", event -> {
            seen.set(event);
            return "heard " + event;
        });
        if (proxied) {
            Expect.that(answer.startsWith("failed after "), "the callback should have been refused, but: " + answer);
            Expect.equal(null, seen.get(), "the event as the listener saw it");
            long millis = Long.parseLong(answer.split(" ")[2]);
            Expect.that(millis < 800, "the refusal took " + millis + " ms, as if nobody had answered: " + answer);
        } else {
            Expect.equal("delivered: heard event", answer, "subscribe");
            Expect.equal("event", seen.get(), "the event as the listener saw it");
        }
        for (int i = 0; i < 20; i++) {
            Expect.equal("after " + i, echo.echo("after " + i), "echo after the callback");
        }
        return answer;
    }
}
