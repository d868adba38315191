package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a partner does not serve, by name: anything not listed here is expected to work with everybody. */
final class Partners {
    /** All that needs a service without stubs, which only Java has with these signatures, or its JSON form. */
    private static final Set<String> WITHOUT_STUBS = Set.of(
            "sync",
            "echo-probe",
            "null",
            "null-argument",
            "void",
            "exception",
            "runtime-exception",
            "person",
            "unicode",
            "bytes-1mib",
            "string-1mib",
            "group-version",
            "async",
            "async-signature",
            "concurrent",
            "generic",
            "generic-pojo",
            "generic-exception",
            "attachments",
            "consumer-timeout",
            "concurrent-payloads",
            "server-stream-wrapped",
            "bidi-stream-wrapped",
            "json-http1",
            "json-upgrade",
            "json-errors");

    private static final Map<String, Set<String>> LACKS =
            Map.of("dubbo-tri", Set.of(), "dubbo-go-tri", WITHOUT_STUBS);

    static List<Scenario> keep(String partner, List<Scenario> scenarios) {
        if (partner == null) {
            return scenarios;
        }
        Set<String> lacks = LACKS.get(partner);
        if (lacks == null) {
            System.err.println("unknown partner " + partner + "; known are " + LACKS.keySet());
            System.exit(2);
        }
        List<Scenario> kept = new ArrayList<>();
        for (Scenario scenario : scenarios) {
            if (lacks.contains(scenario.name)) {
                System.err.println("not run with " + partner + ", which does not serve it: " + scenario.name);
            } else {
                kept.add(scenario);
            }
        }
        return kept;
    }

    private Partners() {}
}
