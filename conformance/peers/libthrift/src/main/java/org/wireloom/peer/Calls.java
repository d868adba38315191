package org.wireloom.peer;

import static org.apache.thrift.TApplicationException.INTERNAL_ERROR;
import static org.apache.thrift.TApplicationException.UNKNOWN;
import static org.apache.thrift.TApplicationException.UNKNOWN_METHOD;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.thrift.TConfiguration;
import org.wireloom.thrift.Choice;
import org.wireloom.thrift.Color;
import org.wireloom.thrift.Echo;
import org.wireloom.thrift.Everything;
import org.wireloom.thrift.Leaf;
import org.wireloom.thrift.Missing;
import org.wireloom.thrift.Refused;
import org.wireloom.thrift.Second;

/** Calls of Echo and Second over one dialect. */
record Calls(World world) {
    private static final Refused REFUSED = new Refused(7, "not today", List.of("a", "b"));

    private boolean can(String name) {
        return world.client.can(world.serves, name);
    }

    void whoami(Connection c) throws Exception {
        Expect.equal(world.client.partner() + " " + world.serves, c.echo().whoami());
    }

    void types(Connection c) throws Exception {
        Echo.Client e = c.echo();
        e.nothing();
        Expect.echoes(e::echo_bool, true, false);
        Expect.echoes(e::echo_byte, (byte) 0, (byte) 1, (byte) -1, Byte.MAX_VALUE, Byte.MIN_VALUE);
        Expect.echoes(e::echo_i16, (short) 0, (short) 63, (short) 64, (short) -65, Short.MAX_VALUE, Short.MIN_VALUE);
        Expect.echoes(e::echo_i32, 0, 1, -1, 8191, 8192, Integer.MAX_VALUE, Integer.MIN_VALUE);
        Expect.echoes(e::echo_i64, 0L, -1L, 1L << 31, (1L << 56) - 1, Long.MAX_VALUE, Long.MIN_VALUE);
        if (can("negative-zero")) {
            Expect.echoes(e::echo_double, -0.0);
        }
        Expect.echoes(e::echo_double, 0.0, 0.1, Math.PI, Double.MAX_VALUE, Double.MIN_VALUE, Double.NaN,
                Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
        Expect.echoes(e::echo_string, "", "x", "two words", "zw\u00f6lf \u67d4\u9053 \ud83d\ude00 \u0001\n",
                "a".repeat(127), "b".repeat(128), "\u00e9".repeat(70_000));
        for (int size : new int[] {0, 1, 127, 128, 255, 16_383, 16_384, 65_536}) {
            Expect.echoes(e::echo_binary, ByteBuffer.wrap(Values.pattern(size)));
        }
        Expect.echoes(e::echo_color, Color.RED, Color.GREEN, Color.BLUE);
        Expect.echoes(e::echo_leaf, new Leaf("leaf", 3), new Leaf("", 0));
        Expect.echoes(e::echo_choice, Choice.number(-7), Choice.text("text"), Choice.leaf(new Leaf("leaf", 3)));
        Expect.equal("first -2 third", e.join("third", "first", -2));
    }

    void containers(Connection c) throws Exception {
        Echo.Client e = c.echo();
        Everything full = Values.full();
        if (!can("bools")) {
            full.setBools(new ArrayList<>());
        }
        Expect.echoes(e::echo_everything, full);
        for (int size : new int[] {0, 1, 14, 15, 16, 127, 128, 1000}) {
            Expect.echoes(e::echo_list, Values.list(size));
            Expect.echoes(e::echo_set, Values.set(size));
            Expect.echoes(e::echo_map, Values.map(size));
        }
    }

    /** Below the 64 that libraries allow, of which arguments and result are one. */
    void deep(Connection c) throws Exception {
        Expect.echoes(c.echo()::echo_tree, Values.tree(1), Values.tree(10), Values.tree(50));
    }

    void large(Connection c) throws Exception {
        for (int size : new int[] {1, 1 << 20, 16_000_000}) {
            ByteBuffer data = ByteBuffer.wrap(Values.pattern(size));
            Expect.equal(Values.count(data), c.echo().count(data));
            Expect.equal(data, c.echo().bytes(size));
        }
    }

    void declared(Connection c) throws Exception {
        Expect.equal("fine", c.echo().fail("nothing"));
        Expect.fails(REFUSED, () -> c.echo().fail("refused"));
        Expect.fails(new Missing("k"), () -> c.echo().fail("missing"));
        c.echo().fail_void("nothing");
        Expect.fails(REFUSED, () -> c.echo().fail_void("refused"));
    }

    void application(Connection c) throws Exception {
        String text = "not in the contract";
        Expect.applicationException(text, () -> c.echo().fail("application"), INTERNAL_ERROR, UNKNOWN);
        Expect.applicationException(text, () -> c.echo().fail_void("application"), INTERNAL_ERROR, UNKNOWN);
    }

    void unknownMethod(Connection c) throws Exception {
        int type = can("exception-types") ? UNKNOWN_METHOD : UNKNOWN;
        Expect.applicationException("", () -> c.later().later("x"), type);
    }

    void oneWay(Connection c) throws Exception {
        String token = world.token("one-way");
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            c.echo().note(token, i);
            expected.add(i);
            if (i % 5 == 0) {
                Expect.equal(i, c.echo().echo_i32(i));
            }
        }
        noted(c, token, expected);
    }

    /** A proxy may have sent them over several connections. */
    private static void noted(Connection c, String token, List<Integer> expected) throws Exception {
        List<Integer> notes = c.echo().notes(token);
        for (int i = 0; i < 50 && notes.size() < expected.size(); i++) {
            Thread.sleep(100);
            notes = c.echo().notes(token);
        }
        notes.sort(null);
        Expect.equal(expected, notes);
    }

    void sequence(Connection c) throws Exception {
        String token = world.token("sequence");
        for (int i = 0; i < 500; i++) {
            switch (i % 10) {
                case 3 -> Expect.fails(REFUSED, () -> c.echo().fail("refused"));
                case 6 -> c.echo().note(token, i);
                default -> Expect.equal(i, c.echo().echo_i32(i));
            }
        }
    }

    void multiplexed(Connection c) throws Exception {
        Second.Client second = c.second();
        for (int i = 0; i < 3; i++) {
            Expect.equal("second", second.whoami());
            Expect.equal("hello you", second.greet("you"));
            Expect.fails(new Missing("nobody"), () -> second.greet(""));
            Expect.equal(world.client.partner() + " " + world.serves, c.echo("Echo").whoami());
        }
        String token = world.token("multiplexed");
        second.note(token, 5);
        noted(c, token, List.of(5));
    }

    /** Calls that overlap, each with an answer of its own. */
    void concurrent() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int mine = i;
                all.add(threads.submit(() -> {
                    try (Connection c = world.open()) {
                        for (int round = 0; round < 25; round++) {
                            Expect.echoes(c.echo()::slow, (mine + round) % 4);
                            Expect.echoes(c.echo()::echo_string, mine + " in round " + round);
                        }
                    }
                    return null;
                }));
            }
            for (Future<Void> one : all) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    /** A call whose frame is of the 16,384,000 bytes that all libraries allow. */
    void longestFrame(Connection c) throws Exception {
        // A call's head, its field and the end, as binary or compact write them for `count` and the number 1.
        int rest = world.dialect.compact ? 1 + 1 + 1 + 1 + 5 + 1 + 4 + 1 : 4 + 4 + 5 + 4 + 3 + 4 + 1;
        ByteBuffer data = ByteBuffer.wrap(Values.pattern(TConfiguration.DEFAULT_MAX_FRAME_SIZE - rest));
        Expect.equal(Values.count(data), c.first().count(data));
    }

    void translated(Connection c) throws Exception {
        whoami(c);
        c.echo().nothing();
        declared(c);
        application(c);
        oneWay(c);
        containers(c);
        // TTHeader has the service in its header, which no other dialect has.
        if (!world.serves.startsWith("ttheader")) {
            Expect.equal("hello you", c.second().greet("you"));
        }
    }
}
