package org.wireloom.peer;

import java.util.Arrays;
import java.util.Objects;
import org.apache.thrift.TApplicationException;

/** What should be, and is not. */
final class Expect {
    interface Action {
        void run() throws Exception;
    }

    interface Echo<T> {
        T call(T value) throws Exception;
    }

    static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected " + brief(expected) + " but got " + brief(actual));
        }
    }

    /** That every value comes back. */
    @SafeVarargs
    static <T> void echoes(Echo<T> echo, T... values) throws Exception {
        for (T value : values) {
            equal(value, echo.call(value));
        }
    }

    /** That it fails with just this. */
    static void fails(Exception expected, Action action) {
        try {
            action.run();
        } catch (Exception e) {
            equal(expected, e);
            return;
        }
        throw new AssertionError("expected " + expected + " but it went well");
    }

    /** That it fails with one of these types, and the text somewhere in the message. */
    static void applicationException(String text, Action action, int... types) throws Exception {
        try {
            action.run();
        } catch (TApplicationException e) {
            if (Arrays.stream(types).noneMatch(type -> type == e.getType())) {
                throw new AssertionError("its type is " + e.getType() + ": " + e.getMessage(), e);
            }
            if (!String.valueOf(e.getMessage()).contains(text)) {
                throw new AssertionError("expected a message with " + text + " but got " + e.getMessage(), e);
            }
            return;
        }
        throw new AssertionError("expected a TApplicationException but it went well");
    }

    private static String brief(Object value) {
        String text = String.valueOf(value);
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }

    private Expect() {}
}
