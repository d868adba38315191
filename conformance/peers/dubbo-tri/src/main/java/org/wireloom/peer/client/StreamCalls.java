package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.dubbo.common.stream.StreamObserver;
import org.wireloom.peer.Person;
import org.wireloom.peer.StreamService;
import org.wireloom.peer.idl.Number;
import org.wireloom.peer.idl.Range;
import org.wireloom.peer.idl.Talk;
import org.wireloom.peer.idl.Text;

/** Streams in every direction, whole, failing and cancelled. */
final class StreamCalls {
    private static final int MESSAGES = 1000;

    private final References references;
    private Talk talk;

    StreamCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("server-stream", this::serverStream));
        scenarios.add(new Scenario("client-stream", this::clientStream));
        scenarios.add(new Scenario("bidi-stream", this::bidiStream));
        scenarios.add(new Scenario("stream-error", this::error));
        scenarios.add(new Scenario("stream-cancel", this::cancel));
        scenarios.add(new Scenario("server-stream-cancel", this::cancelServerStream));
        scenarios.add(new Scenario("server-stream-wrapped", this::wrappedServerStream));
        scenarios.add(new Scenario("bidi-stream-wrapped", this::wrappedBidiStream));
    }

    private String serverStream() throws Exception {
        talk = references.to(Talk.class);
        Received<Number> received = new Received<>();
        talk.count(Range.newBuilder().setCount(MESSAGES).build(), received);
        Expect.equal(numbers(MESSAGES), values(received.all()), "Count");

        Received<Number> none = new Received<>();
        talk.count(Range.newBuilder().build(), none);
        Expect.equal(List.of(), values(none.all()), "Count of nothing");

        // Each must come when it was sent, not when the stream ends.
        Received<Number> slow = new Received<>();
        talk.count(Range.newBuilder().setCount(4).setPause(1000).build(), slow);
        Expect.equal(0, slow.next().getValue(), "the first number");
        Expect.that(!slow.ended(), "the first number came with the end of the stream");
        Expect.equal(List.of(1, 2, 3), values(slow.all()), "the other numbers");
        return "";
    }

    private String clientStream() throws Exception {
        Received<Number> received = new Received<>();
        StreamObserver<Number> requests = talk.sum(received);
        for (int i = 0; i < MESSAGES; i++) {
            requests.onNext(IdlCalls.number(i));
        }
        requests.onCompleted();
        Expect.equal(List.of(MESSAGES * (MESSAGES - 1) / 2), values(received.all()), "Sum");
        return "";
    }

    private String bidiStream() throws Exception {
        Received<Text> received = new Received<>();
        StreamObserver<Text> requests = talk.chat(received);
        // One at a time: neither side waits for the other's end.
        for (int i = 0; i < 20; i++) {
            requests.onNext(IdlCalls.text("ping " + i));
            Expect.equal("ping " + i, received.next().getText(), "Chat");
        }
        String large = Samples.text(Samples.MIB / 4);
        for (int i = 0; i < 8; i++) {
            requests.onNext(IdlCalls.text(i + large));
        }
        requests.onCompleted();
        List<Text> rest = received.all();
        Expect.equal(8, rest.size(), "large messages");
        for (int i = 0; i < 8; i++) {
            Expect.that(rest.get(i).getText().equals(i + large), "large message " + i + " came back changed");
        }
        return "";
    }

    /** What was sent before the error arrives, and then the error. */
    private String error() throws Exception {
        Received<Number> received = new Received<>();
        talk.count(Range.newBuilder().setCount(10).setFailAfter(3).build(), received);
        Throwable error = received.error();
        Expect.that(String.valueOf(error.getMessage()).contains("failed after 3"), "the error lacks its text: " + error);
        Expect.equal(3, received.waiting(), "messages before the error");

        Received<Text> chat = new Received<>();
        StreamObserver<Text> requests = talk.chat(chat);
        requests.onNext(IdlCalls.text("fine"));
        Expect.equal("fine", chat.next().getText(), "Chat");
        requests.onNext(IdlCalls.text("fail"));
        Throwable failed = chat.error();
        Expect.that(String.valueOf(failed.getMessage()).contains("failed as told"), "the error lacks its text: " + failed);
        return "";
    }

    /** The provider learns of a stream that its client resets while it is open both ways. */
    private String cancel() throws Exception {
        String token = "cancel-" + System.nanoTime();
        Received<Text> received = new Received<>();
        StreamObserver<Text> requests = talk.chat(received);
        requests.onNext(IdlCalls.text(token));
        Expect.equal(token, received.next().getText(), "Chat");
        Received.cancel(requests);
        awaitCancelled(token);
        return "";
    }

    /** The same for one whose client has nothing more to say. */
    private String cancelServerStream() throws Exception {
        String token = "cancel-" + System.nanoTime();
        Received<Number> received = new Received<>();
        talk.count(Range.newBuilder().setCount(600).setPause(100).setToken(token).build(), received);
        Expect.equal(0, received.next().getValue(), "the first number");
        received.cancel(new IllegalStateException("not wanted any more"));
        awaitCancelled(token);
        return "";
    }

    private void awaitCancelled(String token) throws InterruptedException {
        int cancelled = 0;
        for (int i = 0; i < 500 && cancelled == 0; i++) {
            Thread.sleep(20);
            cancelled = talk.cancelled(IdlCalls.text(token)).getValue();
        }
        Expect.equal(1, cancelled, "streams that the provider saw cancelled");
    }

    private String wrappedServerStream() throws Exception {
        Received<Person> received = new Received<>();
        references.to(StreamService.class).birthdays(Samples.person(), received);
        List<Integer> ages = received.all().stream().map(Person::getAge).collect(Collectors.toList());
        Expect.equal(IntStream.range(37, 47).boxed().collect(Collectors.toList()), ages, "ages");
        return "";
    }

    private String wrappedBidiStream() throws Exception {
        Received<String> received = new Received<>();
        StreamObserver<String> requests = references.to(StreamService.class).chat(received);
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < MESSAGES; i++) {
            sent.add("\u4e2d " + i);
            requests.onNext("\u4e2d " + i);
        }
        requests.onCompleted();
        Expect.equal(sent, received.all(), "chat");
        return "";
    }

    private static List<Integer> numbers(int count) {
        return IntStream.range(0, count).boxed().collect(Collectors.toList());
    }

    private static List<Integer> values(List<Number> numbers) {
        return numbers.stream().map(Number::getValue).collect(Collectors.toList());
    }
}
