package org.wireloom.peer;

import java.util.List;

/** Runs scenarios one after the other and prints a JSON line for each, whatever happens. */
final class Runner {
    private final List<Scenario> scenarios;
    private final int limitSeconds;
    private int reported;
    private long started;

    Runner(List<Scenario> scenarios, int limitSeconds) {
        this.scenarios = scenarios;
        this.limitSeconds = limitSeconds;
    }

    boolean run() {
        Thread watchdog = new Thread(this::giveUpAfterLimit, "watchdog");
        watchdog.setDaemon(true);
        watchdog.start();
        boolean all = !scenarios.isEmpty();
        for (Scenario scenario : scenarios) {
            started = System.nanoTime();
            try {
                scenario.body().run();
                report(scenario, true, "");
            } catch (Throwable t) {
                all = false;
                System.err.println("--- " + scenario.name());
                t.printStackTrace();
                report(scenario, false, t instanceof AssertionError ? t.getMessage() : t.toString());
            }
        }
        return all;
    }

    /** A stuck library must not hang the harness: what was not reported by then has failed. */
    private void giveUpAfterLimit() {
        try {
            Thread.sleep(limitSeconds * 1000L);
        } catch (InterruptedException e) {
            return;
        }
        synchronized (this) {
            for (Scenario scenario : scenarios.subList(reported, scenarios.size())) {
                print(scenario, false, "not finished when the suite's " + limitSeconds + " s were over");
            }
            System.out.flush();
            Runtime.getRuntime().halt(3);
        }
    }

    private synchronized void report(Scenario scenario, boolean ok, String detail) {
        print(scenario, ok, detail);
        reported++;
    }

    private void print(Scenario scenario, boolean ok, String detail) {
        long millis = (System.nanoTime() - started) / 1_000_000;
        System.out.println("{\"scenario\":\"" + escape(scenario.name()) + "\",\"ok\":" + ok + ",\"detail\":\""
                + escape(detail == null ? "" : detail) + "\",\"millis\":" + millis + "}");
        System.out.flush();
    }

    private static String escape(String s) {
        StringBuilder out = new StringBuilder(s.length() + 16);
        for (char c : (s.length() > 600 ? s.substring(0, 600) : s).toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
