package org.wireloom.peer;

/** The service every peer of the conformance suite exports. */
public interface EchoService {
    String echo(String s);

    byte[] bytes(byte[] b);

    int add(int a, int b);

    /** Answers null. */
    String nothing();

    /** Throws a declared exception carrying {@code message}. */
    void fail(String message) throws EchoException;

    /** Throws an IllegalStateException carrying {@code message}. */
    void blowUp(String message);

    /** Sleeps, then answers "slept N". */
    String slow(int millis);

    /** Answers the person one year older. */
    Person person(Person p);

    /** Answers what travelled beside the arguments under {@code key}; replies with `reply-key` the same way. */
    String attachment(String key);

    /** Counts; called one-way. */
    void fire(String token);

    /** How often {@link #fire} was called with this token. */
    int fired(String token);

    /** Which of the server's exports answered. */
    String whoami();
}
