package org.wireloom.peer;

import java.util.HashMap;
import java.util.Map;

/** A server and a client of the conformance suite's Thrift services, made with Apache Thrift's library for Java. */
public final class Main {
    static final String NAME = "libthrift";

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i].replaceFirst("^--", ""), args[i + 1]);
        }
        String role = args.length == 0 ? "" : args[0];
        switch (role) {
            case "server" -> Server.run();
            case "client" -> System.exit(Client.run(options) ? 0 : 1);
            default -> {
                System.err.println("usage: server | client --target DIALECT=HOST:PORT,… [--suite SUITE] [--with PEER]");
                System.exit(2);
            }
        }
    }

    private Main() {}
}
