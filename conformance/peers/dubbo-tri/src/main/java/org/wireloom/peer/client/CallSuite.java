package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.wireloom.peer.idl.Talk;

/** {@code calls}: what must be the same with and without the proxy. */
final class CallSuite {
    /** Triple has its own way with attachments, which are headers there, and nothing that is one-way. */
    private static final Set<String> OTHERWISE = Set.of("attachments", "one-way");

    private final String target;
    private final References references;
    private Set<String> connections;

    private CallSuite(String target) {
        this.target = target;
        this.references = new References(target);
    }

    /** Nothing here depends on whether there is a proxy. */
    static List<Scenario> of(String target, boolean proxied) {
        References.start();
        return new CallSuite(target).scenarios();
    }

    private List<Scenario> scenarios() {
        List<Scenario> scenarios = new ArrayList<>();
        scenarios.add(new Scenario("connect", this::connect));
        new ValueCalls(references).addTo(scenarios);
        new AsyncCalls(references).addTo(scenarios);
        new GenericCalls(references).addTo(scenarios);
        scenarios.removeIf(scenario -> OTHERWISE.contains(scenario.name));
        new TripleCalls(references).addTo(scenarios);
        new IdlCalls(references).addTo(scenarios);
        new StreamCalls(references).addTo(scenarios);
        scenarios.add(new Scenario("one-connection", this::sameConnection));
        new JsonCalls(target).addTo(scenarios);
        return scenarios;
    }

    private String connect() throws Exception {
        Expect.equal("first", references.to(Talk.class).echo(IdlCalls.text("first")).getText(), "Echo");
        connections = Sockets.connectedTo(target);
        Expect.equal(1, connections.size(), "connections");
        return "";
    }

    /** All references of all services, every error, timeout and cancelled stream had one connection. */
    private String sameConnection() throws Exception {
        Expect.equal(connections, Sockets.connectedTo(target), "connections");
        return "";
    }
}
