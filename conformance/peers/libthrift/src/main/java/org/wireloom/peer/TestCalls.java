package org.wireloom.peer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.thrift.TApplicationException;
import thrift.test.Insanity;
import thrift.test.Numberz;
import thrift.test.ThriftTest;
import thrift.test.Xception;
import thrift.test.Xception2;
import thrift.test.Xtruct;
import thrift.test.Xtruct2;

/** Apache Thrift's own cross tests, by method. */
final class TestCalls {
    private interface Call {
        void on(ThriftTest.Client test) throws Exception;
    }

    private static final Xtruct ZERO = new Xtruct("Zero", (byte) 1, -3, -5L);

    static List<Scenario> scenarios(World world) {
        List<Scenario> all = new ArrayList<>();
        Adder add = (name, call) -> all.add(world.scenario(name, c -> call.on(c.test(null)), c -> c.test(null).testVoid()));
        values(add);
        containers(add);
        exceptions(add);
        all.add(world.scenario(
                "multiplexed-test",
                c -> {
                    Expect.equal("testString(\"foo\")", c.secondTest().secondtestString("foo"));
                    Expect.echoes(c.test("ThriftTest")::testString, "foo");
                },
                c -> c.test(null).testVoid()));
        return all;
    }

    private interface Adder {
        void add(String name, Call call);
    }

    private static void values(Adder all) {
        all.add("testVoid", ThriftTest.Client::testVoid);
        all.add("testString", t -> Expect.echoes(t::testString, "Test", "", "\"T\u00fcrk\u00e7e, \u65e5\u672c\" \\\t\r\n"));
        all.add("testBool", t -> Expect.echoes(t::testBool, true, false));
        all.add("testByte", t -> Expect.echoes(t::testByte, (byte) 1, (byte) -1, (byte) -128));
        all.add("testI32", t -> Expect.echoes(t::testI32, -1, 1, Integer.MAX_VALUE, Integer.MIN_VALUE));
        all.add("testI64", t -> Expect.echoes(t::testI64, -34359738368L, Long.MAX_VALUE, Long.MIN_VALUE));
        all.add("testDouble", t -> Expect.echoes(t::testDouble, -5.325098235, 0.0, -0.000341012439638598279));
        all.add("testBinary", t -> Expect.echoes(t::testBinary, ByteBuffer.wrap(Values.pattern(256))));
        all.add("testStruct", t -> Expect.echoes(t::testStruct, ZERO));
        all.add("testNest", t -> Expect.echoes(t::testNest, new Xtruct2((byte) 1, ZERO, 5)));
        all.add("testEnum", t -> Expect.echoes(t::testEnum, Numberz.ONE, Numberz.FIVE, Numberz.EIGHT));
        all.add("testTypedef", t -> Expect.echoes(t::testTypedef, 309858235082523L));
        all.add("testMulti", t -> {
            Map<Short, String> texts = Map.of((short) 0, "abc", (short) 1, "d", (short) -2, "");
            Xtruct multi = t.testMulti((byte) 74, 0xff00ff, 0xffffffffd0d0L, texts, Numberz.FIVE, 0xf0f0f0L);
            Expect.equal(new Xtruct("Hello2", (byte) 74, 0xff00ff, 0xffffffffd0d0L), multi);
        });
    }

    private static void containers(Adder all) {
        all.add("testMap", t -> Expect.echoes(t::testMap, Map.of(), Map.of(0, -10, 1, -9, 2, -8)));
        all.add("testStringMap", t -> Expect.echoes(t::testStringMap, Map.of("", "", "a", "2", "some", "thing")));
        all.add("testSet", t -> Expect.echoes(t::testSet, Set.of(), Set.of(-2, -1, 0, 1, 2)));
        all.add("testList", t -> Expect.echoes(t::testList, List.of(), List.of(-2, -1, 0, 1, 2)));
        all.add("testMapMap", t -> Expect.equal(TestHandler.mapMap(), t.testMapMap(1)));
        all.add("testInsanity", t -> {
            Map<Numberz, Long> users = Map.of(Numberz.FIVE, 5L, Numberz.EIGHT, 8L);
            Insanity argument = new Insanity(users, List.of(new Xtruct("Goodbye4", (byte) 4, 4, 4L), ZERO));
            Map<Long, Map<Numberz, Insanity>> actual = t.testInsanity(argument);
            Insanity six = actual.get(2L).get(Numberz.SIX);
            // Whether what is empty is missing differs among libraries.
            Expect.equal(true, six.getUserMapSize() == 0 && six.getXtructsSize() == 0);
            actual.get(2L).put(Numberz.SIX, new Insanity());
            Expect.equal(TestHandler.insanity(argument), actual);
        });
    }

    private static void exceptions(Adder all) {
        all.add("testException", t -> {
            t.testException("success");
            Expect.fails(new Xception(1001, "Xception"), () -> t.testException("Xception"));
            Expect.applicationException("", () -> t.testException("TException"),
                    TApplicationException.INTERNAL_ERROR, TApplicationException.UNKNOWN);
        });
        all.add("testMultiException", t -> {
            Expect.equal("text", t.testMultiException("success", "text").getString_thing());
            Xception first = new Xception(1001, "This is an Xception");
            Expect.fails(first, () -> t.testMultiException("Xception", "x"));
            try {
                t.testMultiException("Xception2", "x");
                throw new AssertionError("it went well");
            } catch (Xception2 second) {
                Expect.equal(2002, second.getErrorCode());
                Expect.equal("This is an Xception2", second.getStruct_thing().getString_thing());
            }
        });
        // It does not wait for the seconds that the server sleeps.
        all.add("testOneway", t -> {
            long started = System.nanoTime();
            t.testOneway(3);
            Expect.equal(true, System.nanoTime() - started < 2_500_000_000L);
        });
    }

    private TestCalls() {}
}
