package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.List;
import org.wireloom.peer.Library;

/** {@code calls}: what must be the same with and without the proxy. */
final class CallSuite {
    static List<Scenario> of(String target, boolean proxied) {
        References.start();
        References references = new References(target);
        List<Scenario> scenarios = new ArrayList<>();
        new ValueCalls(references).addTo(scenarios);
        new AsyncCalls(references).addTo(scenarios);
        new GenericCalls(references).addTo(scenarios);
        new ConnectionCalls(references, proxied).addTo(scenarios);
        if (Library.HAS_FASTJSON2) {
            new Fastjson2Calls(references).addTo(scenarios);
        }
        return scenarios;
    }

    private CallSuite() {}
}
