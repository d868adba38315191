package org.wireloom.peer.server;

import org.apache.dubbo.common.stream.StreamObserver;
import org.wireloom.peer.Person;
import org.wireloom.peer.StreamService;

final class StreamServiceImpl implements StreamService {
    private static final int BIRTHDAYS = 10;

    @Override
    public void birthdays(Person person, StreamObserver<Person> out) {
        for (int i = 0; i < BIRTHDAYS; i++) {
            person.setAge(person.getAge() + 1);
            out.onNext(person);
        }
        out.onCompleted();
    }

    @Override
    public StreamObserver<String> chat(StreamObserver<String> out) {
        return new Replies<>(out) {
            @Override
            public void onNext(String text) {
                out.onNext(text);
            }

            @Override
            public void onCompleted() {
                out.onCompleted();
            }
        };
    }
}
