package org.wireloom.peer;

import java.util.HashMap;
import java.util.Map;

/** Command line of the peer. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        String role = args.length > 0 ? args[0] : "";
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i], args[i + 1]);
        }
        switch (role) {
            case "server" -> Server.run(Integer.parseInt(options.get("--port")));
            case "client" -> System.exit(client(options) ? 0 : 1);
            default -> {
                System.err.println("usage: server --port N | client --target HOST:PORT --suite SUITE [--with PEER]");
                System.exit(2);
            }
        }
    }

    private static boolean client(Map<String, String> options) throws Exception {
        String suite = options.getOrDefault("--suite", "calls");
        String with = options.getOrDefault("--with", "sofarpc");
        if (suite.equals("calls")) {
            // Read once, when Bolt's client class is loaded: heartbeats must come within the suite's time.
            System.setProperty("bolt.tcp.heartbeat.interval", "1000");
        }
        try (Consumers consumers = new Consumers(options.get("--target"))) {
            return switch (suite) {
                case "calls" -> CallsSuite.of(consumers).run(with, 110);
                case "errors" -> ErrorsSuite.of(consumers).run(with, 110);
                case "idle" -> {
                    int seconds = Integer.parseInt(options.getOrDefault("--idle-seconds", "300"));
                    yield IdleSuite.of(consumers, seconds).run(with, seconds + 60);
                }
                default -> throw new IllegalArgumentException("unknown suite " + suite);
            };
        }
    }
}
