package org.wireloom.peer;

import java.util.concurrent.CompletableFuture;

/** The service every peer of the conformance suite speaks; its name and signatures are the wire contract. */
public interface EchoService {
    String echo(String s);

    byte[] bytes(byte[] b);

    int add(int a, int b);

    /** Always null: the reply carries the "null value" flag, not a value. */
    String nothing();

    void fail(String message) throws EchoFailure;

    /** Throws {@link IllegalStateException}. */
    void blowUp(String message);

    String slow(int millis);

    /** {@link #slow} as a method that is asynchronous on both sides by its signature. */
    CompletableFuture<String> later(int millis);

    /** The same person, one year older. */
    Person person(Person p);

    /** The value of the request's attachment {@code key}; sets the response attachment {@code reply-key}. */
    String attachment(String key);

    void fire(String token);

    /** How often {@link #fire} came with this token. */
    int fired(String token);

    /** Group and version under which this provider is exported. */
    String whoami();

    /**
     * Calls the listener back over the caller's own connection while this call is still running.
     * Answers {@code "delivered: <listener's answer>"}, or {@code "failed after <millis> ms: <exception>"}.
     */
    String subscribe(String event, EchoListener listener);
}
