package org.wireloom.peer.client;

import java.util.Collections;
import java.util.List;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.wire.ConnectionLog;

/** {@code idle}: five minutes of nothing but the library's default heartbeats (60 s) on one connection. */
final class IdleSuite {
    /** Beyond both ends' own limit of three heartbeats. */
    static final int IDLE_SECONDS = 300;

    static List<Scenario> of(String target) {
        References.start();
        References references = new References(target);
        return Collections.singletonList(new Scenario("idle", () -> {
            EchoService echo = references.shared();
            Expect.equal("before", echo.echo("before"), "echo");
            int mark = ConnectionLog.mark();
            Thread.sleep(IDLE_SECONDS * 1000L);
            Expect.equal(Collections.emptyList(), ConnectionLog.changes(mark), "connections made or lost while idle");
            Expect.equal("after", echo.echo("after"), "echo");
            Expect.equal(Collections.emptyList(), ConnectionLog.changes(mark), "connections made or lost by the call");
            return "";
        }));
    }

    private IdleSuite() {}
}
