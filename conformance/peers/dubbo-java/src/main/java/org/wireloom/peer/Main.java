package org.wireloom.peer;

import java.util.HashMap;
import java.util.Map;
import org.wireloom.peer.client.Client;
import org.wireloom.peer.server.Server;

/** {@code server --port N} or {@code client --target HOST:PORT --suite SUITE …}. */
public final class Main {
    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i], args[i + 1]);
        }
        String role = args.length == 0 ? "" : args[0];
        switch (role) {
            case "server":
                Server.run(Integer.parseInt(options.get("--port")));
                break;
            case "client":
                Client.run(options);
                break;
            default:
                System.err.println("usage: server --port N | client --target HOST:PORT --suite SUITE"
                        + " [--mode direct|proxied] [--with PEER] [--seconds N]");
                System.exit(2);
        }
    }

    private Main() {}
}
