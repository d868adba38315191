package org.wireloom.peer;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.thrift.TException;
import thrift.test.Insanity;
import thrift.test.Numberz;
import thrift.test.ThriftTest;
import thrift.test.Xception;
import thrift.test.Xception2;
import thrift.test.Xtruct;
import thrift.test.Xtruct2;

/** Serves ThriftTest as its IDL says. */
final class TestHandler implements ThriftTest.Iface {
    @Override
    public void testVoid() {}

    @Override
    public String testString(String thing) {
        return thing;
    }

    @Override
    public boolean testBool(boolean thing) {
        return thing;
    }

    @Override
    public byte testByte(byte thing) {
        return thing;
    }

    @Override
    public int testI32(int thing) {
        return thing;
    }

    @Override
    public long testI64(long thing) {
        return thing;
    }

    @Override
    public double testDouble(double thing) {
        return thing;
    }

    @Override
    public ByteBuffer testBinary(ByteBuffer thing) {
        return thing;
    }

    @Override
    public Xtruct testStruct(Xtruct thing) {
        return thing;
    }

    @Override
    public Xtruct2 testNest(Xtruct2 thing) {
        return thing;
    }

    @Override
    public Map<Integer, Integer> testMap(Map<Integer, Integer> thing) {
        return thing;
    }

    @Override
    public Map<String, String> testStringMap(Map<String, String> thing) {
        return thing;
    }

    @Override
    public Set<Integer> testSet(Set<Integer> thing) {
        return thing;
    }

    @Override
    public List<Integer> testList(List<Integer> thing) {
        return thing;
    }

    @Override
    public Numberz testEnum(Numberz thing) {
        return thing;
    }

    @Override
    public long testTypedef(long thing) {
        return thing;
    }

    @Override
    public Map<Integer, Map<Integer, Integer>> testMapMap(int hello) {
        return mapMap();
    }

    static Map<Integer, Map<Integer, Integer>> mapMap() {
        return Map.of(-4, Map.of(-4, -4, -3, -3, -2, -2, -1, -1), 4, Map.of(4, 4, 3, 3, 2, 2, 1, 1));
    }

    @Override
    public Map<Long, Map<Numberz, Insanity>> testInsanity(Insanity argument) {
        return insanity(argument);
    }

    static Map<Long, Map<Numberz, Insanity>> insanity(Insanity argument) {
        return Map.of(
                1L, Map.of(Numberz.TWO, argument, Numberz.THREE, argument), 2L, Map.of(Numberz.SIX, new Insanity()));
    }

    @Override
    public Xtruct testMulti(byte arg0, int arg1, long arg2, Map<Short, String> arg3, Numberz arg4, long arg5) {
        return new Xtruct("Hello2", arg0, arg1, arg2);
    }

    @Override
    public void testException(String arg) throws TException {
        switch (arg) {
            case "Xception" -> throw new Xception(1001, arg);
            case "TException" -> throw new TException(arg);
            default -> {}
        }
    }

    @Override
    public Xtruct testMultiException(String arg0, String arg1) throws TException {
        switch (arg0) {
            case "Xception" -> throw new Xception(1001, "This is an Xception");
            case "Xception2" -> {
                Xtruct thing = new Xtruct();
                thing.setString_thing("This is an Xception2");
                throw new Xception2(2002, thing);
            }
            default -> {
                Xtruct thing = new Xtruct();
                thing.setString_thing(arg1);
                return thing;
            }
        }
    }

    @Override
    public void testOneway(int secondsToSleep) throws TException {
        try {
            Thread.sleep(secondsToSleep * 1000L);
        } catch (InterruptedException e) {
            throw new TException(e);
        }
    }
}
