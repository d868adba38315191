package org.wireloom.peer;

import com.alipay.remoting.CustomSerializerManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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

    private static boolean client(Map<String, String> options) {
        String suite = options.getOrDefault("--suite", "calls");
        String with = options.getOrDefault("--with", "sofa-bolt");
        if (suite.equals("calls")) {
            // Heartbeats must come within the suite's time.
            System.setProperty("bolt.tcp.heartbeat.interval", "1000");
        }
        CustomSerializerManager.registerCustomSerializer(Requests.Routed.class.getName(), new RoutedHeader());
        List<Client> clients = new ArrayList<>();
        for (Variant variant : Variant.values()) {
            clients.add(new Client(variant, options.get("--target")));
        }
        try {
            return switch (suite) {
                case "calls" -> CallsSuite.of(clients).run(with, 110);
                case "errors" -> ErrorsSuite.of(clients).run(with, 110);
                case "idle" -> {
                    int seconds = Integer.parseInt(options.getOrDefault("--idle-seconds", "300"));
                    yield IdleSuite.of(clients, seconds).run(with, seconds + 60);
                }
                default -> throw new IllegalArgumentException("unknown suite " + suite);
            };
        } finally {
            clients.forEach(Client::close);
        }
    }
}
