package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a partner's library cannot do, by name: anything not listed here is expected to work with everybody. */
final class Partners {
    private static final Map<String, Set<String>> LACKS = new HashMap<>();

    static {
        LACKS.put("dubbo-tri", Collections.emptySet());
    }

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
                System.err.println("not run with " + partner + ", whose library cannot do it: " + scenario.name);
            } else {
                kept.add(scenario);
            }
        }
        return kept;
    }

    private Partners() {}
}
