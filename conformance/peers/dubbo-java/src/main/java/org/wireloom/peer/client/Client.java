package org.wireloom.peer.client;

import java.util.List;
import java.util.Map;

/** Runs one suite against one target and exits 0 iff all its scenarios passed. */
public final class Client {
    public static void run(Map<String, String> options) {
        String target = options.get("--target");
        String suite = options.getOrDefault("--suite", "calls");
        String mode = options.getOrDefault("--mode", "direct");
        if (target == null || !(mode.equals("direct") || mode.equals("proxied"))) {
            System.err.println("--target HOST:PORT is missing, or --mode is neither direct nor proxied");
            System.exit(2);
        }
        int seconds = Integer.parseInt(options.getOrDefault("--seconds", "20"));
        List<Scenario> scenarios;
        int limit = 105;
        switch (suite) {
            case "calls":
                scenarios = CallSuite.of(target, mode.equals("proxied"));
                break;
            case "errors":
                scenarios = ErrorSuite.of(target);
                break;
            case "idle":
                scenarios = IdleSuite.of(target);
                limit = IdleSuite.IDLE_SECONDS + 60;
                break;
            case "restart":
                scenarios = RestartSuite.of(target, seconds);
                limit = seconds + 60;
                break;
            default:
                System.err.println("unknown suite " + suite);
                System.exit(2);
                return;
        }
        scenarios = Partners.keep(options.get("--with"), scenarios);
        boolean ok = new Runner(scenarios, limit).run();
        // Not exit(): the library's shutdown hooks wait for peers, and everything is reported already.
        System.out.flush();
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private Client() {}
}
