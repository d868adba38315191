package org.wireloom.peer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a client was told, and the scenarios that follow from that. */
record Client(Map<String, String> ports, String partner, boolean proxied) {
    /** All scenarios together may take so many seconds; whoever runs this waits a little longer. */
    private static final int LIMIT = 120;

    /**
     * What a partner cannot do, as CASE or DIALECT/CASE, where DIALECT is a part of the name of the dialect that it
     * serves. A case is a scenario's or a detail of one.
     */
    private static final Map<String, List<String>> LACKS = Map.of(
            "libthrift", List.of(),
            "go-thrift", List.of(),
            // These have ThriftTest alone.
            "thrift-python", List.of("multiplexed-test"),
            "thriftpy2", List.of("multiplexed-test"),
            // It writes -0 as 0, no types of its TApplicationExceptions, and reads every element of a compact list of
            // bools as false.
            "thrift-node", List.of("multiplexed-test", "negative-zero", "exception-types", "compact/bools"));

    /** Whether the partner can do that in the dialect that it serves. */
    boolean can(String dialect, String name) {
        return LACKS.get(partner).stream().noneMatch(gap -> {
            int slash = gap.indexOf('/');
            return gap.substring(slash + 1).equals(name) && (slash < 0 || dialect.contains(gap.substring(0, slash)));
        });
    }

    static boolean run(Map<String, String> options) {
        Map<String, String> ports = new LinkedHashMap<>();
        for (String port : options.getOrDefault("target", "").split(",")) {
            String[] parts = port.split("=", 2);
            ports.put(parts[0], parts[1]);
        }
        String partner = options.getOrDefault("with", Main.NAME);
        Client client = new Client(ports, partner, "proxied".equals(options.get("mode")));
        if (!LACKS.containsKey(partner)) {
            throw new IllegalArgumentException("unknown partner " + partner);
        }
        List<Scenario> scenarios = new ArrayList<>(client.suite(options.getOrDefault("suite", "calls")));
        scenarios.removeIf(scenario -> {
            String[] name = scenario.name().split("/", 2);
            return name.length == 2 && !client.can(name[0], name[1]);
        });
        return new Runner(scenarios, LIMIT).run();
    }

    private List<Scenario> suite(String name) {
        return switch (name) {
            case "calls" -> calls();
            case "thrifttest" -> tests();
            case "sniff" -> sniff();
            case "errors" -> errors();
            case "translate" -> translations();
            default -> throw new IllegalArgumentException("unknown suite " + name);
        };
    }

    /** The dialects that both ends have. */
    private List<World> worlds(boolean named) {
        List<World> worlds = new ArrayList<>();
        for (Dialect dialect : Dialect.values()) {
            String address = ports.get(dialect.label());
            if (address != null) {
                String service = named ? dialect.label() : null;
                worlds.add(new World(this, dialect, address, service, dialect.label()));
            }
        }
        return worlds;
    }

    private List<Scenario> calls() {
        List<Scenario> all = new ArrayList<>();
        for (World world : worlds(false)) {
            Calls calls = new Calls(world);
            all.add(world.scenario("whoami", calls::whoami));
            all.add(world.scenario("types", calls::types));
            all.add(world.scenario("containers", calls::containers));
            all.add(world.scenario("deep", calls::deep));
            all.add(world.scenario("large", calls::large));
            all.add(world.scenario("declared-exceptions", calls::declared));
            all.add(world.scenario("application-exceptions", calls::application));
            all.add(world.scenario("unknown-method", calls::unknownMethod));
            all.add(world.scenario("one-way", calls::oneWay));
            all.add(world.scenario("slow", c -> Expect.equal(1200, c.echo().slow(1200))));
            all.add(world.scenario("sequence", calls::sequence));
            all.add(world.scenario("multiplexed", calls::multiplexed));
            all.add(world.alone("concurrent", calls::concurrent));
            if (world.dialect.framed) {
                all.add(world.alone("async", () -> AsyncCalls.run(world)));
                all.add(world.scenario("longest-frame", calls::longestFrame));
            }
        }
        return all;
    }

    private List<Scenario> tests() {
        List<Scenario> all = new ArrayList<>();
        for (World world : worlds(false)) {
            all.addAll(TestCalls.scenarios(world));
        }
        return all;
    }

    /** Every dialect at one address, where the service picks the server. */
    private List<Scenario> sniff() {
        List<Scenario> all = new ArrayList<>();
        List<World> worlds = worlds(true);
        for (World world : worlds) {
            Calls calls = new Calls(world);
            all.add(world.scenario("routed", c -> {
                calls.whoami(c);
                calls.declared(c);
                calls.application(c);
                calls.oneWay(c);
            }));
        }
        all.add(new Scenario("all/interleaved", () -> {
            List<Connection> connections = new ArrayList<>();
            try {
                for (World world : worlds) {
                    connections.add(world.open());
                }
                for (int round = 0; round < 20; round++) {
                    for (int i = 0; i < worlds.size(); i++) {
                        new Calls(worlds.get(i)).whoami(connections.get(i));
                    }
                }
            } finally {
                connections.forEach(Connection::close);
            }
        }));
        return all;
    }

    /** The proxy's own failures, which the service picks. */
    private List<Scenario> errors() {
        List<Scenario> all = new ArrayList<>();
        for (World world : worlds(true)) {
            all.addAll(ErrorCalls.scenarios(world));
        }
        return all;
    }

    /** Every dialect of this library into every one of the server's. */
    private List<Scenario> translations() {
        List<Scenario> all = new ArrayList<>();
        for (Dialect in : Dialect.values()) {
            ports.forEach((out, address) -> {
                World world = new World(this, in, address, null, out);
                Scenario scenario = world.scenario("", new Calls(world)::translated);
                all.add(new Scenario(in.label() + ">" + out, scenario.body()));
            });
        }
        return all;
    }
}
