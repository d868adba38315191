package org.wireloom.peer.client;

import java.util.Objects;

/** Assertions whose messages fit one line of JSON. */
final class Expect {
    interface Throwing {
        void run() throws Throwable;
    }

    static void equal(Object expected, Object actual, String what) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError(what + ": expected " + brief(expected) + " but got " + brief(actual));
        }
    }

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Runs the body, which must throw this class. */
    static <T extends Throwable> T thrown(Class<T> type, Throwing body) {
        Throwable caught = null;
        try {
            body.run();
        } catch (Throwable t) {
            caught = t;
        }
        if (caught == null) {
            throw new AssertionError("expected " + type.getName() + " but the call succeeded");
        }
        if (!type.isInstance(caught)) {
            AssertionError e = new AssertionError("expected " + type.getName() + " but got " + caught);
            e.initCause(caught);
            throw e;
        }
        return type.cast(caught);
    }

    private static String brief(Object value) {
        String s = value == null ? "null" : value.getClass().getSimpleName() + " " + value;
        return s.length() > 300 ? s.substring(0, 300) + "…" : s;
    }

    private Expect() {}
}
