package org.wireloom.peer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.wireloom.thrift.Color;
import org.wireloom.thrift.Everything;
import org.wireloom.thrift.Leaf;
import org.wireloom.thrift.Tree;

/** The suite's values. */
final class Values {
    /** Byte i is i modulo 251. */
    static byte[] pattern(int count) {
        byte[] data = new byte[count];
        for (int i = 0; i < count; i++) {
            data[i] = (byte) (i % 251);
        }
        return data;
    }

    /** How many bytes there are, and their sum modulo 2^31. */
    static List<Integer> count(ByteBuffer data) {
        long sum = 0;
        for (int i = data.position(); i < data.limit(); i++) {
            sum += data.get(i) & 0xff;
        }
        return List.of(data.remaining(), (int) (sum % (1L << 31)));
    }

    static Everything full() {
        Everything value = new Everything();
        value.setYes(true);
        value.setNo(false);
        value.setSmall((byte) -3);
        value.setShort_number((short) -300);
        value.setNumber(70_000);
        value.setLong_number(1L << 40);
        value.setRatio(0.25);
        value.setText("\u00fcn\u00ef \ud83d\ude00");
        value.setData(pattern(300));
        value.setColor(Color.BLUE);
        value.setLeaf(new Leaf("leaf", 1));
        value.setLate(300);
        value.setLast("last");
        value.setWords(List.of("", "a", "w".repeat(200)));
        value.setLeaves(List.of(new Leaf("two", 2), new Leaf("three", 3)));
        value.setLists(List.of(List.of(), List.of(1), List.of(2, 3)));
        value.setEmpty_list(new ArrayList<>());
        value.setNames(Set.of("one", "three", "two"));
        value.setLongs(Set.of(-(1L << 40), 0L, 1L << 40));
        value.setCounts(Map.of("a", 1, "b", -2));
        value.setBy_number(Map.of(-1, new Leaf("four", 4), 5, new Leaf("five", 5)));
        value.setBy_name(Map.of("none", List.of(), "two", List.of(new Leaf("six", 6), new Leaf("seven", 7))));
        value.setMaps(Map.of(1, Map.of(), 2, Map.of("k", "v")));
        value.setEmpty_map(new HashMap<>());
        for (int i = 0; i < 20; i++) {
            value.addToNumbers(i * i * i - 500);
            value.addToBools(i % 3 == 0);
            value.addToRatios(i / 3.0);
        }
        return value;
    }

    static Tree tree(int depth) {
        Tree tree = null;
        for (int i = depth; i > 0; i--) {
            Tree above = new Tree(i);
            above.setChild(tree);
            tree = above;
        }
        return tree;
    }

    static List<Long> list(int size) {
        List<Long> list = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            list.add(i * 7_000_000_000L - 100);
        }
        return list;
    }

    static Set<String> set(int size) {
        Set<String> set = new HashSet<>();
        for (int i = 0; i < size; i++) {
            set.add("element " + i);
        }
        return set;
    }

    static Map<String, List<Integer>> map(int size) {
        Map<String, List<Integer>> map = new HashMap<>();
        for (int i = 0; i < size; i++) {
            map.put("key " + i, List.of(i, -i));
        }
        return map;
    }

    private Values() {}
}
