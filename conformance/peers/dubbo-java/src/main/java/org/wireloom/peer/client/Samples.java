package org.wireloom.peer.client;

import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.wireloom.peer.Address;
import org.wireloom.peer.Mood;
import org.wireloom.peer.Person;

/** Values that the scenarios send. */
final class Samples {
    static final int MIB = 1 << 20;

    static final String[] UNICODE = {
        "",
        "na\u00efve caf\u00e9",
        "\u65e5\u672c\u8a9e \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac",
        "\ud83d\ude80 launch \ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67",
        "\ud834\udd1e clef",
        "nul \u0000, tab \t, line\r\n, quote \" and \\",
        // 31 and 32 units, 1023 and 1024: hessian2's short forms end there.
        "\u00e9".repeat(31),
        "\u00e9".repeat(32),
        "\u4e2d".repeat(1023),
        "\u4e2d".repeat(1024),
        // 65,536 units after one: a surrogate pair straddles the 32,768 unit chunk.
        "x" + "\ud83d\ude00".repeat(32_768),
    };

    static Person person() {
        Person person = new Person();
        person.setName("Ada \ud83e\uddee");
        person.setAge(36);
        person.setMood(Mood.CURIOUS);
        person.setBorn(new Date(-4_891_363_199_000L));
        person.setTags(Arrays.asList("maths", "engine", ""));
        person.setAddresses(Arrays.asList(new Address("St James's Square", 12), new Address("Ockham Park", -1)));
        Map<String, Integer> scores = new HashMap<>();
        scores.put("notes", 7);
        scores.put("large", Integer.MAX_VALUE);
        person.setScores(scores);
        return person;
    }

    static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    /** All lengths of UTF-8 sequence, no period that a chunk size divides. */
    static String text(int length) {
        String pattern = "wireloom \u00e9 \u4e2d \ud83d\ude00.";
        return pattern.repeat(length / pattern.length() + 1).substring(0, length - 1) + "!";
    }

    private Samples() {}
}
