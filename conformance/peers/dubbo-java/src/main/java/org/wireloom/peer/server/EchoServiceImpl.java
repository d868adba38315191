package org.wireloom.peer.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.wireloom.peer.EchoFailure;
import org.wireloom.peer.EchoListener;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Person;

/** The provider, once per export. */
final class EchoServiceImpl implements EchoService {
    private final String identity;
    private final Map<String, AtomicInteger> fired = new ConcurrentHashMap<>();

    EchoServiceImpl(String identity) {
        this.identity = identity;
    }

    @Override
    public String echo(String s) {
        return s;
    }

    @Override
    public byte[] bytes(byte[] b) {
        return b;
    }

    @Override
    public int add(int a, int b) {
        return a + b;
    }

    @Override
    public String nothing() {
        return null;
    }

    @Override
    public void fail(String message) throws EchoFailure {
        throw new EchoFailure(message);
    }

    @Override
    public void blowUp(String message) {
        throw new IllegalStateException(message);
    }

    @Override
    public String slow(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while asleep", e);
        }
        return "slept " + millis;
    }

    @Override
    public CompletableFuture<String> later(int millis) {
        return CompletableFuture.supplyAsync(
                () -> "slept " + millis, CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS));
    }

    @Override
    public Person person(Person p) {
        p.setAge(p.getAge() + 1);
        return p;
    }

    @Override
    public String attachment(String key) {
        Object value = Library.requestAttachment(key);
        Library.setResponseAttachment("reply-key", "reply-value");
        if (value instanceof List) {
            // Every serialization has lists of its own, each with a text of its own.
            value = new ArrayList<>((List<?>) value);
        }
        return value == null ? null : value.toString();
    }

    @Override
    public void fire(String token) {
        fired.computeIfAbsent(token, t -> new AtomicInteger()).incrementAndGet();
    }

    @Override
    public int fired(String token) {
        AtomicInteger count = fired.get(token);
        return count == null ? 0 : count.get();
    }

    @Override
    public String whoami() {
        return identity;
    }

    @Override
    public String subscribe(String event, EchoListener listener) {
        long start = System.nanoTime();
        try {
            return "delivered: " + listener.changed(event);
        } catch (RuntimeException e) {
            return "failed after " + (System.nanoTime() - start) / 1_000_000 + " ms: " + e;
        }
    }
}
