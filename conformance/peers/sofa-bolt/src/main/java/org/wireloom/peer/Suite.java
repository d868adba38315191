package org.wireloom.peer;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Named scenarios, run one after another; each prints one JSON line. */
final class Suite {
    /** A scenario fails by throwing. */
    interface Body {
        void run() throws Throwable;
    }

    private record Scenario(Body body, Set<String> partners) {}

    private final Map<String, Scenario> scenarios = new LinkedHashMap<>();
    private volatile String running = "start";

    /** Adds a scenario that makes sense with these partner servers only. */
    Suite add(Set<String> partners, String name, Body body) {
        scenarios.put(name, new Scenario(body, partners));
        return this;
    }

    /** Runs what {@code partner} can serve; whatever has not ended after {@code seconds} is reported as failed. */
    boolean run(String partner, int seconds) {
        Thread watchdog = new Thread(() -> {
            try {
                TimeUnit.SECONDS.sleep(seconds);
            } catch (InterruptedException e) {
                return;
            }
            report(running, false, "the suite did not end within " + seconds + " s", seconds * 1000L);
            Runtime.getRuntime().halt(1);
        });
        watchdog.setDaemon(true);
        watchdog.start();

        boolean allOk = true;
        int ran = 0;
        for (Map.Entry<String, Scenario> entry : scenarios.entrySet()) {
            if (!entry.getValue().partners().contains(partner)) {
                continue;
            }
            ran++;
            running = entry.getKey();
            long start = System.nanoTime();
            String failure = null;
            try {
                entry.getValue().body().run();
            } catch (Throwable t) {
                failure = describe(t);
            }
            allOk &= failure == null;
            report(running, failure == null, failure == null ? "" : failure, (System.nanoTime() - start) / 1_000_000);
        }
        if (ran == 0) {
            report("suite", false, "no scenario is known for the partner " + partner, 0);
        }
        return allOk && ran > 0;
    }

    private static String describe(Throwable t) {
        StringBuilder text = new StringBuilder(t.toString());
        int depth = 0;
        for (Throwable c = t.getCause(); c != null && depth < 4; c = c.getCause(), depth++) {
            text.append(" <- ").append(c);
        }
        return text.toString();
    }

    private static synchronized void report(String scenario, boolean ok, String detail, long millis) {
        System.out.println("{\"scenario\":" + quote(scenario) + ",\"ok\":" + ok + ",\"detail\":" + quote(detail)
                + ",\"millis\":" + millis + "}");
        System.out.flush();
    }

    private static String quote(String s) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
