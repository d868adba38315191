package org.wireloom.peer;

import java.io.Serializable;

/**
 * The requests, one class each: without SOFARPC above it, the class name in the frame is all that tells one
 * request from another.
 */
final class Requests {
    private Requests() {}

    /** Answered with {@code text} after the delay; a null text is answered with null, a frame without a class. */
    static final class Echo implements Serializable {
        private static final long serialVersionUID = 1L;
        String text;
        int delayMillis;

        Echo() {}

        Echo(String text, int delayMillis) {
            this.text = text;
            this.delayMillis = delayMillis;
        }
    }

    /** Answered with {@code data}. */
    static final class Data implements Serializable {
        private static final long serialVersionUID = 1L;
        byte[] data;

        Data() {}

        Data(byte[] data) {
            this.data = data;
        }
    }

    /** Answered with "blue", by an asynchronous processor. */
    static final class Blue implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** Counted by token; sent one-way. */
    static final class Fire implements Serializable {
        private static final long serialVersionUID = 1L;
        String token;

        Fire() {}

        Fire(String token) {
            this.token = token;
        }
    }

    /** Answered with how many {@link Fire} of this token came. */
    static final class Fired implements Serializable {
        private static final long serialVersionUID = 1L;
        String token;

        Fired() {}

        Fired(String token) {
            this.token = token;
        }
    }

    /** Makes the processor throw an IllegalStateException. */
    static final class Fail implements Serializable {
        private static final long serialVersionUID = 1L;
        String message;

        Fail() {}

        Fail(String message) {
            this.message = message;
        }
    }

    /** Answered with an object that cannot be serialized. */
    static final class Unserializable implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** No processor takes this one. */
    static final class Unknown implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** Answered with this status and no body. */
    static final class Status implements Serializable {
        private static final long serialVersionUID = 1L;
        short status;

        Status() {}

        Status(short status) {
            this.status = status;
        }
    }

    /** Names a service in the header map, as SOFARPC's requests do; see {@link RoutedHeader}. */
    static final class Routed implements Serializable {
        private static final long serialVersionUID = 1L;
        transient String uniqueId;
        int delayMillis;
        byte[] data;

        Routed() {}

        Routed(String uniqueId, int delayMillis, byte[] data) {
            this.uniqueId = uniqueId;
            this.delayMillis = delayMillis;
            this.data = data;
        }
    }
}
