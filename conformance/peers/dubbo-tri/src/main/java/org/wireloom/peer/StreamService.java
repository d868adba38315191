package org.wireloom.peer;

import org.apache.dubbo.common.stream.StreamObserver;

/** Streams of a service without generated stubs: every message is a hessian2 value in Triple's wrapper. */
public interface StreamService {
    /** The person, one year older each time. */
    void birthdays(Person person, StreamObserver<Person> out);

    /** Each text comes back at once. */
    StreamObserver<String> chat(StreamObserver<String> out);
}
