package org.wireloom.peer;

/** A callback argument: the provider invokes it as a request of its own on the consumer's connection. */
public interface EchoListener {
    String changed(String event);
}
