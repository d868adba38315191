package org.wireloom.peer.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What happened below the RPC API on this process's client connections, in order. */
public final class ConnectionLog {
    public enum Kind {
        CONNECTED,
        DISCONNECTED,
        /** The peer asked for no new calls on this connection. */
        READONLY,
        /** A call left without asking for an answer. */
        SENT_ONE_WAY,
        /** A call left in the serialization of this id. */
        SENT_SERIALIZATION,
        /** A response other than OK came; the detail is its status. */
        FAILED_STATUS
    }

    public static final class Event {
        public final Kind kind;
        public final String detail;

        Event(Kind kind, String detail) {
            this.kind = kind;
            this.detail = detail;
        }

        @Override
        public String toString() {
            return kind + " " + detail;
        }
    }

    private static final List<Event> EVENTS = new ArrayList<>();

    static synchronized void add(Kind kind, String detail) {
        EVENTS.add(new Event(kind, detail));
    }

    /** A position to be given to {@link #since}. */
    public static synchronized int mark() {
        return EVENTS.size();
    }

    public static synchronized List<Event> since(int mark, Kind kind) {
        return EVENTS.subList(mark, EVENTS.size()).stream()
                .filter(e -> e.kind == kind)
                .collect(Collectors.toList());
    }

    /** Connections made or lost since then. */
    public static List<Event> changes(int mark) {
        List<Event> changes = new ArrayList<>(since(mark, Kind.CONNECTED));
        changes.addAll(since(mark, Kind.DISCONNECTED));
        return changes;
    }

    private ConnectionLog() {}
}
