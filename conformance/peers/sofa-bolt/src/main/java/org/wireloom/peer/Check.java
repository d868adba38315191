package org.wireloom.peer;

import java.util.Objects;
import java.util.concurrent.Callable;

/** Assertions whose failure says what was seen. */
final class Check {
    private Check() {}

    static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected " + brief(expected) + ", got " + brief(actual));
        }
    }

    static void that(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    /** The exception of exactly this class that {@code call} must throw. */
    static <T extends Throwable> T thrown(Class<T> type, Callable<?> call) {
        Object answer;
        try {
            answer = call.call();
        } catch (Throwable t) {
            if (t.getClass() == type) {
                return type.cast(t);
            }
            throw new AssertionError("expected " + type.getName() + ", got " + t, t);
        }
        throw new AssertionError("expected " + type.getName() + ", got the answer " + brief(answer));
    }

    static void contains(String part, String text) {
        that(text != null && text.contains(part), "expected \"" + part + "\" in \"" + text + "\"");
    }

    private static String brief(Object o) {
        String s = String.valueOf(o);
        return s.length() <= 200 ? s : s.substring(0, 200) + "... (" + s.length() + " characters)";
    }
}
