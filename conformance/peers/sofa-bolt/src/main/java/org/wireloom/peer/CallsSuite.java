package org.wireloom.peer;

import com.alipay.remoting.exception.CodecException;
import com.alipay.remoting.exception.ConnectionClosedException;
import com.alipay.remoting.exception.DeserializationException;
import com.alipay.remoting.exception.RemotingException;
import com.alipay.remoting.exception.SerializationException;
import com.alipay.remoting.rpc.RpcResponseFuture;
import com.alipay.remoting.rpc.exception.InvokeException;
import com.alipay.remoting.rpc.exception.InvokeSendFailedException;
import com.alipay.remoting.rpc.exception.InvokeServerBusyException;
import com.alipay.remoting.rpc.exception.InvokeServerException;
import com.alipay.remoting.rpc.exception.InvokeTimeoutException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** What a user of Bolt may expect of a healthy server, in each wire form. */
final class CallsSuite {
    static final Set<String> PARTNERS = Set.of("sofa-bolt");

    private static final Map<Integer, Class<? extends RemotingException>> STATUSES = statuses();

    /** When a call that is not waited for is answered: late enough for a client that was stalled. */
    private static final int LATE_MILLIS = 4000;

    private CallsSuite() {}

    static Suite of(List<Client> clients) {
        Suite suite = new Suite();
        for (Client c : clients) {
            String label = c.variant.label;
            suite.add(PARTNERS, label + "-sync", () -> sync(c));
            suite.add(PARTNERS, label + "-future", () -> future(c));
            suite.add(PARTNERS, label + "-callback", () -> callback(c));
            suite.add(PARTNERS, label + "-oneway", () -> oneWay(c));
            suite.add(PARTNERS, label + "-null", () -> Check.equal(null, c.call(new Requests.Echo(null, 0))));
            suite.add(PARTNERS, label + "-other-class", () -> Check.equal("blue", c.call(new Requests.Blue())));
            suite.add(PARTNERS, label + "-unicode", () -> unicode(c));
            suite.add(PARTNERS, label + "-1MiB", () -> payload(c));
            suite.add(PARTNERS, label + "-server-exception", () -> serverException(c));
            suite.add(PARTNERS, label + "-serialization-exception", () -> serializationException(c));
            suite.add(PARTNERS, label + "-unknown-class", () -> unknownClass(c));
            suite.add(PARTNERS, label + "-statuses", () -> statuses(c));
            suite.add(PARTNERS, label + "-concurrent", () -> concurrent(c));
        }
        Client crc = clients.get(Variant.V2_CRC.ordinal());
        suite.add(PARTNERS, "v2-mixed-crc", () -> mixedCrc(crc));
        suite.add(PARTNERS, "timeout", () -> timeout(clients));
        suite.add(PARTNERS, "heartbeat", () -> heartbeat(clients));
        for (Client c : clients) {
            suite.add(PARTNERS, c.variant.label + "-one-connection", c::expectOneConnection);
        }
        return suite;
    }

    private static void sync(Client c) throws Exception {
        Check.equal("hello", c.call(new Requests.Echo("hello", 0)));
        Check.equal("", c.call(new Requests.Echo("", 0)));
    }

    private static void future(Client c) throws Exception {
        RpcResponseFuture slow = c.future(new Requests.Echo("slow", 60));
        RpcResponseFuture fast = c.future(new Requests.Echo("fast", 0));
        Check.equal("fast", fast.get(5000));
        Check.equal("slow", slow.get(5000));
    }

    private static void callback(Client c) throws Exception {
        Check.equal("back", c.callback(new Requests.Echo("back", 10)).get(5, TimeUnit.SECONDS));
        try {
            c.callback(new Requests.Fail("in a callback")).get(5, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Check.equal(InvokeServerException.class, e.getCause().getClass());
            return;
        }
        throw new AssertionError("no exception");
    }

    private static void oneWay(Client c) throws Exception {
        String token = UUID.randomUUID().toString();
        for (int i = 0; i < 5; i++) {
            c.oneWay(new Requests.Fire(token));
        }
        // A failure of a one-way request has no answer either.
        c.oneWay(new Requests.Fail("unheard"));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while ((int) c.call(new Requests.Fired(token)) < 5 && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
        // A one-way request that somebody repeated would be seen now.
        Thread.sleep(100);
        Check.equal(5, c.call(new Requests.Fired(token)));
    }

    private static void unicode(Client c) throws Exception {
        for (String s : List.of("Grüße, 世界", "emoji 🦀👩‍👩‍👧 end", "\u0000\u0001\uFFFD", "é世".repeat(40_000))) {
            Check.equal(s, c.call(new Requests.Echo(s, 0)));
        }
    }

    private static void payload(Client c) throws Exception {
        byte[] sent = new byte[1 << 20];
        new Random(7).nextBytes(sent);
        byte[] answer = (byte[]) c.call(new Requests.Data(sent));
        Check.that(Arrays.equals(sent, answer), "the answer differs");
    }

    private static void serverException(Client c) {
        InvokeServerException e = Check.thrown(InvokeServerException.class, () -> c.call(new Requests.Fail("boom")));
        Check.contains("boom", String.valueOf(e.getCause()));
    }

    private static void serializationException(Client c) {
        SerializationException e =
                Check.thrown(SerializationException.class, () -> c.call(new Requests.Unserializable()));
        Check.that(e.isServerSide(), "the client's own serialization failed: " + e);
    }

    private static void unknownClass(Client c) {
        InvokeServerException e = Check.thrown(InvokeServerException.class, () -> c.call(new Requests.Unknown()));
        Check.contains("No user processor found", String.valueOf(e.getCause()));
    }

    private static void statuses(Client c) {
        STATUSES.forEach((status, type) ->
                Check.thrown(type, () -> c.call(new Requests.Status(status.shortValue()))));
    }

    /** Every status that is not a success, none of them with a body. */
    private static Map<Integer, Class<? extends RemotingException>> statuses() {
        Map<Integer, Class<? extends RemotingException>> types = new LinkedHashMap<>();
        types.put(0x01, InvokeException.class);
        types.put(0x02, InvokeServerException.class);
        types.put(0x03, InvokeException.class);
        types.put(0x04, InvokeServerBusyException.class);
        types.put(0x05, InvokeException.class);
        types.put(0x06, InvokeException.class);
        types.put(0x07, InvokeTimeoutException.class);
        types.put(0x08, InvokeSendFailedException.class);
        types.put(0x09, CodecException.class);
        types.put(0x10, ConnectionClosedException.class);
        types.put(0x11, SerializationException.class);
        types.put(0x12, DeserializationException.class);
        return types;
    }

    /** Each of 200 requests in flight at once, ending in an order of their own, gets its own answer. */
    private static void concurrent(Client c) throws Exception {
        List<Integer> delays = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            delays.add(100 + i * 4);
        }
        Collections.shuffle(delays, new Random(11));
        Map<String, RpcResponseFuture> answers = new LinkedHashMap<>();
        for (int delay : delays) {
            answers.put("after " + delay, c.future(new Requests.Echo("after " + delay, delay)));
        }
        for (Map.Entry<String, RpcResponseFuture> answer : answers.entrySet()) {
            Check.equal(answer.getKey(), answer.getValue().get(10_000));
        }
    }

    /** Frames with and without a trailer take turns on one connection. */
    private static void mixedCrc(Client c) throws Exception {
        List<RpcResponseFuture> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            answers.add(c.future(new Requests.Echo("n" + i, i % 7), i % 2 == 0));
        }
        for (int i = 0; i < 100; i++) {
            Check.equal("n" + i, answers.get(i).get(10_000));
        }
        c.expectOneConnection();
    }

    /** A late answer is dropped, and is never taken for the answer of a later request. */
    private static void timeout(List<Client> clients) throws Exception {
        long start = System.nanoTime();
        for (Client c : clients) {
            long sent = System.nanoTime();
            Check.thrown(InvokeTimeoutException.class, () -> c.call(new Requests.Echo("late", LATE_MILLIS), 300));
            long waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sent);
            Check.that(waited >= 250 && waited < LATE_MILLIS, "timed out after " + waited + " ms instead of 300");
        }
        while (System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(LATE_MILLIS + 1500)) {
            for (Client c : clients) {
                String own = UUID.randomUUID().toString();
                Check.equal(own, c.call(new Requests.Echo(own, 0)));
            }
            Thread.sleep(20);
        }
    }

    private static void heartbeat(List<Client> clients) throws Exception {
        int[] before = clients.stream().mapToInt(c -> c.heartbeatAcks.get()).toArray();
        long start = System.nanoTime();
        while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20)
                && IntStream.range(0, before.length).anyMatch(i -> clients.get(i).heartbeatAcks.get() < before[i] + 2)) {
            Thread.sleep(100);
        }
        for (int i = 0; i < before.length; i++) {
            Client c = clients.get(i);
            int acks = c.heartbeatAcks.get() - before[i];
            Check.that(acks >= 2, "only " + acks + " heartbeats of " + c.variant.label
                    + " were answered in 20 s of an interval of 1 s");
            Check.equal("awake", c.call(new Requests.Echo("awake", 0)));
            c.expectOneConnection();
        }
    }
}
