package org.wireloom.peer.client;

import java.util.Collections;
import java.util.List;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.wire.ConnectionLog;
import org.wireloom.peer.wire.ConnectionLog.Event;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/** The important calls in a serialization that no proxy can look into (id 23). */
final class Fastjson2Calls {
    interface Call {
        String on(EchoService echo);
    }

    private final References references;
    private EchoService echo;

    Fastjson2Calls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        add(scenarios, "fastjson2-sync", ValueCalls::sync);
        add(scenarios, "fastjson2-person", ValueCalls::person);
        add(scenarios, "fastjson2-exception", ValueCalls::exception);
        add(scenarios, "fastjson2-attachments", ValueCalls::attachments);
    }

    private void add(List<Scenario> scenarios, String name, Call call) {
        scenarios.add(new Scenario(name, () -> {
            if (echo == null) {
                echo = references.own(Collections.singletonMap("serialization", "fastjson2"));
            }
            int mark = ConnectionLog.mark();
            String detail = call.on(echo);
            List<Event> sent = ConnectionLog.since(mark, Kind.SENT_SERIALIZATION);
            Expect.that(!sent.isEmpty(), "no request was seen to leave");
            for (Event event : sent) {
                Expect.equal("23", event.detail, "the requests' serialization id");
            }
            return detail;
        }));
    }
}
