package org.wireloom.peer;

import com.alipay.hessian.generic.model.GenericObject;
import com.alipay.remoting.exception.DeserializationException;
import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.api.future.SofaResponseFuture;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** What an application may expect of a healthy service, whatever is in between. */
final class CallsSuite {
    private static final Set<String> JAVA = Set.of("sofarpc");
    private static final Set<String> NODE = Set.of("sofa-rpc-node");
    private static final Set<String> ALL = Set.of("sofarpc", "sofa-rpc-node");
    /** When a call that is not waited for is answered: late enough for a client that was stalled. */
    private static final int LATE_MILLIS = 4000;

    private final Consumers consumers;

    private CallsSuite(Consumers consumers) {
        this.consumers = consumers;
    }

    static Suite of(Consumers consumers) {
        CallsSuite s = new CallsSuite(consumers);
        return new Suite()
                .add(ALL, "sync", s::sync)
                .add(ALL, "future", s::future)
                .add(ALL, "callback", s::callback)
                .add(ALL, "callback-exception", s::callbackException)
                .add(ALL, "one-way", s::oneWay)
                .add(ALL, "null", s::nothing)
                .add(ALL, "void", s::voidCall)
                .add(ALL, "unicode", s::unicode)
                .add(ALL, "person", s::person)
                .add(JAVA, "declared-exception", s::declaredException)
                .add(JAVA, "runtime-exception", s::runtimeException)
                .add(NODE, "returned-exception", s::returnedException)
                .add(NODE, "thrown-exception", s::thrownException)
                .add(ALL, "payload-1MiB", s::payload)
                .add(ALL, "string-1MiB", s::bigString)
                .add(JAVA, "baggage", s::baggage)
                // The node server sends nothing back beside its answer.
                .add(NODE, "request-baggage", s::requestBaggage)
                .add(JAVA, "properties", s::properties)
                .add(ALL, "uniqueId", s::uniqueId)
                .add(JAVA, "generic", s::generic)
                .add(ALL, "concurrent", s::concurrent)
                .add(ALL, "timeout", s::timeout)
                .add(ALL, "heartbeat", s::heartbeat)
                .add(ALL, "one-connection", s.consumers.wire::expectOneConnection);
    }

    private void sync() {
        Check.equal("hello", consumers.sync().echo("hello"));
        Check.equal("", consumers.sync().echo(""));
        Check.equal(-3, consumers.sync().add(4, -7));
    }

    private void future() throws Exception {
        EchoService service = consumers.of("future", "", Consumers.TIMEOUT_MILLIS);
        service.slow(60);
        Future<?> slow = SofaResponseFuture.getFuture(true);
        service.echo("second");
        Future<?> fast = SofaResponseFuture.getFuture(true);
        Check.equal("second", fast.get(5, TimeUnit.SECONDS));
        Check.equal("slept 60", slow.get(5, TimeUnit.SECONDS));
    }

    private void callback() throws Exception {
        Answer answer = new Answer();
        RpcInvokeContext.getContext().setResponseCallback(answer);
        consumers.of("callback", "", Consumers.TIMEOUT_MILLIS).echo("called back");
        Check.equal("called back", answer.get());
    }

    private void callbackException() throws Exception {
        Answer answer = new Answer();
        RpcInvokeContext.getContext().setResponseCallback(answer);
        consumers.of("callback", "", Consumers.TIMEOUT_MILLIS).fail("in a callback");
        Check.contains("in a callback", answer.failure().getMessage());
    }

    private void oneWay() throws Exception {
        String token = UUID.randomUUID().toString();
        EchoService service = consumers.of("oneway", "", Consumers.TIMEOUT_MILLIS);
        for (int i = 0; i < 5; i++) {
            service.fire(token);
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (consumers.sync().fired(token) < 5 && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
        // A one-way call that somebody repeated would be seen now.
        Thread.sleep(200);
        Check.equal(5, consumers.sync().fired(token));
    }

    private void nothing() {
        Check.equal(null, consumers.sync().nothing());
        Check.equal(null, consumers.sync().echo(null));
    }

    private void voidCall() {
        String token = UUID.randomUUID().toString();
        consumers.sync().fire(token);
        Check.equal(1, consumers.sync().fired(token));
    }

    private void unicode() {
        for (String s : List.of("Grüße, 世界", "emoji 🦀👩‍👩‍👧 end", "\u0000\u0001\uFFFD\u2028", "é́".repeat(40_000))) {
            Check.equal(s, consumers.sync().echo(s));
        }
    }

    private void person() {
        Person expected = Person.sample();
        expected.setAge(expected.getAge() + 1);
        Check.equal(expected, consumers.sync().person(Person.sample()));
    }

    private void declaredException() {
        EchoException e = Check.thrown(EchoException.class, () -> {
            consumers.sync().fail("declared ✗");
            return null;
        });
        Check.equal("declared ✗", e.getMessage());
    }

    private void runtimeException() {
        IllegalStateException e = Check.thrown(IllegalStateException.class, () -> {
            consumers.sync().blowUp("boom");
            return null;
        });
        Check.equal("boom", e.getMessage());
    }

    /** The node server's exceptions have no class of their own. */
    private void returnedException() {
        Exception e = Check.thrown(Exception.class, () -> {
            consumers.sync().fail("declared ✗");
            return null;
        });
        Check.contains("declared ✗", e.getMessage());
    }

    /** The node server gives its exception the class name of a response, which SOFARPC then cannot read. */
    private void thrownException() {
        SofaRpcException e = Check.thrown(SofaRpcException.class, () -> {
            consumers.sync().blowUp("boom");
            return null;
        });
        Check.equal(DeserializationException.class, e.getCause().getClass());
        Check.contains("RpcServerException", e.getMessage());
    }

    private void payload() {
        byte[] sent = new byte[1 << 20];
        new Random(7).nextBytes(sent);
        byte[] answer = consumers.sync().bytes(sent);
        Check.that(Arrays.equals(sent, answer), "the answer differs");
        Check.equal(0, consumers.sync().bytes(new byte[0]).length);
    }

    private void bigString() {
        String sent = "0123456789abcdef".repeat(1 << 16);
        Check.that(sent.equals(consumers.sync().echo(sent)), "the answer differs");
    }

    private void baggage() {
        RpcInvokeContext context = RpcInvokeContext.getContext();
        context.putRequestBaggage("trip", "🎒 42");
        try {
            Check.equal("🎒 42", consumers.sync().attachment("trip"));
            Check.equal("reply-value", RpcInvokeContext.getContext().getResponseBaggage("reply-key"));
        } finally {
            RpcInvokeContext.removeContext();
        }
        Check.equal(null, consumers.sync().attachment("trip"));
    }

    private void requestBaggage() {
        RpcInvokeContext.getContext().putRequestBaggage("trip", "🎒 42");
        try {
            Check.equal("🎒 42", consumers.sync().attachment("trip"));
        } finally {
            RpcInvokeContext.removeContext();
        }
        Check.equal(null, consumers.sync().attachment("trip"));
    }

    private void properties() {
        Props.Client filter = new Props.Client("beside");
        EchoService service = consumers.filtered(filter);
        Check.equal("beside", service.attachment(Props.REQUEST));
        Check.equal("answer to beside", filter.lastResponse.get());
    }

    private void uniqueId() {
        Check.equal("blue", consumers.of("sync", "blue", Consumers.TIMEOUT_MILLIS).whoami());
        Check.equal("default", consumers.sync().whoami());
    }

    private void generic() {
        GenericService service = consumers.generic();
        String[] string = {String.class.getName()};
        Check.equal("generic", service.$invoke("echo", string, new Object[] {"generic"}));

        GenericObject person = new GenericObject(Person.class.getName());
        person.putField("name", "no class here");
        person.putField("age", 41);
        Object answer = service.$genericInvoke(
                "person", new String[] {Person.class.getName()}, new Object[] {person});
        Check.equal(42, ((GenericObject) answer).getField("age"));
        Check.equal("no class here", ((GenericObject) answer).getField("name"));
    }

    /** Each of 200 calls in flight at once, ending in an order of their own, gets its own answer. */
    private void concurrent() throws Exception {
        EchoService service = consumers.of("future", "", Consumers.TIMEOUT_MILLIS);
        List<Integer> delays = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            delays.add(200 + i * 5);
        }
        Collections.shuffle(delays, new Random(11));
        Map<Integer, Future<?>> answers = new LinkedHashMap<>();
        for (int delay : delays) {
            service.slow(delay);
            answers.put(delay, SofaResponseFuture.getFuture(true));
        }
        for (Map.Entry<Integer, Future<?>> answer : answers.entrySet()) {
            Check.equal("slept " + answer.getKey(), answer.getValue().get(10, TimeUnit.SECONDS));
        }
    }

    /** A late answer is dropped, and is never taken for the answer of a later call. */
    private void timeout() throws Exception {
        EchoService impatient = consumers.of("sync", "", 300);
        long start = System.nanoTime();
        Check.thrown(SofaTimeOutException.class, () -> impatient.slow(LATE_MILLIS));
        long waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        Check.that(waited >= 250 && waited < LATE_MILLIS, "timed out after " + waited + " ms instead of 300");
        while (System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(LATE_MILLIS + 500)) {
            String own = UUID.randomUUID().toString();
            Check.equal(own, consumers.sync().echo(own));
            Thread.sleep(20);
        }
    }

    private void heartbeat() throws Exception {
        int before = consumers.wire.heartbeatAcks.get();
        long start = System.nanoTime();
        while (consumers.wire.heartbeatAcks.get() < before + 2
                && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20)) {
            Thread.sleep(100);
        }
        int acks = consumers.wire.heartbeatAcks.get() - before;
        Check.that(acks >= 2, "only " + acks + " heartbeats were answered in 20 s of an interval of 1 s");
        Check.equal("awake", consumers.sync().echo("awake"));
        consumers.wire.expectOneConnection();
    }
}
