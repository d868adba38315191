package org.wireloom.peer.client;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.wireloom.peer.idl.Talk;

/** {@code idle}: five minutes on one connection of nothing but what the library does by itself. */
final class IdleSuite {
    /** Beyond both ends' own limit of three heartbeats. */
    static final int IDLE_SECONDS = 300;

    static List<Scenario> of(String target) {
        References.start();
        References references = new References(target);
        return Collections.singletonList(new Scenario("idle", () -> {
            Talk talk = references.to(Talk.class);
            Expect.equal("before", talk.echo(IdlCalls.text("before")).getText(), "Echo");
            Set<String> connections = Sockets.connectedTo(target);
            Expect.equal(1, connections.size(), "connections");
            Thread.sleep(IDLE_SECONDS * 1000L);
            Expect.equal("after", talk.echo(IdlCalls.text("after")).getText(), "Echo");
            Expect.equal(connections, Sockets.connectedTo(target), "connections");
            return "";
        }));
    }

    private IdleSuite() {}
}
