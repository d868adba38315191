package org.wireloom.peer.client;

/** One named expectation; its body answers a detail worth printing, or throws. */
final class Scenario {
    interface Body {
        String run() throws Throwable;
    }

    final String name;
    final Body body;

    Scenario(String name, Body body) {
        this.name = name;
        this.body = body;
    }
}
