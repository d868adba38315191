package org.wireloom.peer;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TException;
import org.wireloom.thrift.Choice;
import org.wireloom.thrift.Color;
import org.wireloom.thrift.Echo;
import org.wireloom.thrift.Everything;
import org.wireloom.thrift.Leaf;
import org.wireloom.thrift.Missing;
import org.wireloom.thrift.Refused;
import org.wireloom.thrift.Tree;

/** Serves Echo on one port. */
record EchoHandler(String dialect, Notebook notebook) implements Echo.Iface {
    @Override
    public String whoami() {
        return Main.NAME + " " + dialect;
    }

    @Override
    public void nothing() {}

    @Override
    public boolean echo_bool(boolean value) {
        return value;
    }

    @Override
    public byte echo_byte(byte value) {
        return value;
    }

    @Override
    public short echo_i16(short value) {
        return value;
    }

    @Override
    public int echo_i32(int value) {
        return value;
    }

    @Override
    public long echo_i64(long value) {
        return value;
    }

    @Override
    public double echo_double(double value) {
        return value;
    }

    @Override
    public String echo_string(String value) {
        return value;
    }

    @Override
    public ByteBuffer echo_binary(ByteBuffer value) {
        return value;
    }

    @Override
    public Color echo_color(Color value) {
        return value;
    }

    @Override
    public Leaf echo_leaf(Leaf value) {
        return value;
    }

    @Override
    public Choice echo_choice(Choice value) {
        return value;
    }

    @Override
    public Everything echo_everything(Everything value) {
        return value;
    }

    @Override
    public Tree echo_tree(Tree value) {
        return value;
    }

    @Override
    public List<Long> echo_list(List<Long> value) {
        return value;
    }

    @Override
    public Set<String> echo_set(Set<String> value) {
        return value;
    }

    @Override
    public Map<String, List<Integer>> echo_map(Map<String, List<Integer>> value) {
        return value;
    }

    @Override
    public String join(String third, String first, int second) {
        return first + " " + second + " " + third;
    }

    @Override
    public ByteBuffer bytes(int count) {
        return ByteBuffer.wrap(Values.pattern(count));
    }

    @Override
    public List<Integer> count(ByteBuffer data) {
        return Values.count(data);
    }

    @Override
    public String fail(String how) throws TException {
        if (how.equals("missing")) {
            throw new Missing("k");
        }
        fail_void(how);
        return "fine";
    }

    @Override
    public void fail_void(String how) throws TException {
        switch (how) {
            case "refused" -> throw new Refused(7, "not today", List.of("a", "b"));
            case "application" -> throw new TApplicationException(
                    TApplicationException.INTERNAL_ERROR, "not in the contract");
            default -> {}
        }
    }

    @Override
    public void note(String token, int number) {
        notebook.note(token, number);
    }

    @Override
    public List<Integer> notes(String token) {
        return notebook.of(token);
    }

    @Override
    public int slow(int millis) throws TException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new TException(e);
        }
        return millis;
    }

    /** No dialect of this library has any. */
    @Override
    public Map<String, String> headers() {
        return Map.of();
    }
}
