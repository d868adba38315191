package org.wireloom.peer;

/** One named expectation. Its body throws what did not come true. */
record Scenario(String name, Body body) {
    interface Body {
        void run() throws Exception;
    }
}
