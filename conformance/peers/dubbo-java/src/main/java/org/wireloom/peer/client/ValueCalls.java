package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.wireloom.peer.EchoFailure;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Person;

/** Plain synchronous calls: every kind of argument, result, exception and attachment. */
final class ValueCalls {
    private final References references;
    private EchoService echo;

    ValueCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("sync", () -> {
            echo = references.shared();
            return sync(echo);
        }));
        scenarios.add(new Scenario("echo-probe", () -> {
            Object answer = ((org.apache.dubbo.rpc.service.EchoService) echo).$echo("OK");
            Expect.equal("OK", answer, "$echo");
            return "";
        }));
        scenarios.add(new Scenario("null", () -> {
            Expect.equal(null, echo.nothing(), "nothing()");
            return "";
        }));
        scenarios.add(new Scenario("null-argument", () -> {
            Expect.equal(null, echo.echo(null), "echo(null)");
            return "";
        }));
        scenarios.add(new Scenario("void", () -> {
            String token = "void-" + System.nanoTime();
            references.answered().fire(token);
            Expect.equal(1, echo.fired(token), "fired when the void call returned");
            return "";
        }));
        scenarios.add(new Scenario("exception", () -> exception(echo)));
        scenarios.add(new Scenario("runtime-exception", () -> {
            String message = "blown up \u2713";
            IllegalStateException e = Expect.thrown(IllegalStateException.class, () -> echo.blowUp(message));
            Expect.equal(IllegalStateException.class, e.getClass(), "class");
            Expect.equal(message, e.getMessage(), "message");
            return "";
        }));
        scenarios.add(new Scenario("attachments", () -> attachments(echo)));
        scenarios.add(new Scenario("person", () -> person(echo)));
        scenarios.add(new Scenario("unicode", () -> {
            for (String s : Samples.UNICODE) {
                Expect.equal(s, echo.echo(s), "echo of " + s.length() + " units");
            }
            return "";
        }));
        scenarios.add(new Scenario("bytes-1mib", () -> {
            byte[] bytes = Samples.bytes(Samples.MIB);
            Expect.that(Arrays.equals(bytes, echo.bytes(bytes.clone())), "1 MiB came back changed");
            return "";
        }));
        scenarios.add(new Scenario("string-1mib", () -> {
            String text = Samples.text(Samples.MIB);
            Expect.that(text.equals(echo.echo(text)), "a string of 1 Mi units came back changed");
            return "";
        }));
        scenarios.add(new Scenario("group-version", () -> {
            EchoService blue = references.of("blue", "2.0.0", 0, Collections.emptyMap());
            for (int i = 0; i < 5; i++) {
                Expect.equal("blue/2.0.0", blue.whoami(), "whoami of group blue");
                Expect.equal("default/1.0.0", echo.whoami(), "whoami of no group");
            }
            return "";
        }));
    }

    static String sync(EchoService echo) {
        Expect.equal("hello", echo.echo("hello"), "echo");
        Expect.equal(42, echo.add(40, 2), "add");
        Expect.equal(Integer.MIN_VALUE, echo.add(Integer.MAX_VALUE, 1), "add with overflow");
        Expect.equal("slept 20", echo.slow(20), "slow");
        byte[] bytes = Samples.bytes(1000);
        Expect.that(Arrays.equals(bytes, echo.bytes(bytes.clone())), "1000 bytes came back changed");
        return "";
    }

    static String exception(EchoService echo) {
        String message = "declared \u2713 \ud83d\ude80";
        EchoFailure e = Expect.thrown(EchoFailure.class, () -> echo.fail(message));
        Expect.equal(message, e.getMessage(), "message");
        Expect.equal(message, e.getReason(), "the subclass's own field");
        return "";
    }

    static String person(EchoService echo) {
        Person expected = Samples.person();
        expected.setAge(37);
        Expect.equal(expected, echo.person(Samples.person()), "person");
        return "";
    }

    static String attachments(EchoService echo) {
        for (String value : new String[] {"plain", "\u65e5\u672c \ud83d\ude80", "v".repeat(5000)}) {
            Library.setRequestAttachment("peer-key", value);
            // Text that a decoder of the arguments could mistake for the attachment.
            Library.setRequestAttachment("peer-other", "peer-key");
            Expect.equal(value, echo.attachment("peer-key"), "the attachment as the provider saw it");
            Expect.equal("reply-value", Library.responseAttachment("reply-key"), "the response's attachment");
        }
        Library.setRequestAttachment("peer-list", new ArrayList<>(Arrays.asList("a", 1, true)));
        Expect.equal("[a, 1, true]", echo.attachment("peer-list"), "an attachment that is not a string");
        Expect.equal(null, echo.attachment("peer-key"), "an attachment of an earlier call");
        return "";
    }
}
