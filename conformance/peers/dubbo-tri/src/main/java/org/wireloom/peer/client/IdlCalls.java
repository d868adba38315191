package org.wireloom.peer.client;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.rpc.TriRpcStatus;
import org.apache.dubbo.rpc.TriRpcStatus.Code;
import org.wireloom.peer.Library;
import org.wireloom.peer.idl.Blob;
import org.wireloom.peer.idl.Number;
import org.wireloom.peer.idl.Talk;
import org.wireloom.peer.idl.Text;

/** Unary calls with generated stubs. */
final class IdlCalls {
    private static final int CONCURRENT = 100;

    private final References references;
    private Talk talk;

    IdlCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("idl", this::unary));
        scenarios.add(new Scenario("idl-bytes-1mib", this::large));
        scenarios.add(new Scenario("idl-group-version", this::groupAndVersion));
        scenarios.add(new Scenario("idl-attachments", this::attachments));
        scenarios.add(new Scenario("idl-exception", this::exception));
        scenarios.add(new Scenario("idl-timeout", this::timeout));
        scenarios.add(new Scenario("idl-concurrent", this::concurrent));
    }

    private String unary() {
        talk = references.to(Talk.class);
        for (String s : Samples.UNICODE) {
            Expect.equal(s, talk.echo(text(s)).getText(), "Echo of " + s.length() + " units");
        }
        Expect.equal("slept 20", talk.slow(number(20)).getText(), "Slow");
        return "";
    }

    private String large() {
        ByteString bytes = ByteString.copyFrom(Samples.bytes(Samples.MIB));
        ByteString came = talk.bytes(Blob.newBuilder().setData(bytes).build()).getData();
        Expect.that(bytes.equals(came), "1 MiB came back changed");
        return "";
    }

    private String groupAndVersion() {
        Talk blue = references.to(Talk.class, "blue", "2.0.0", References.TIMEOUT_MILLIS);
        for (int i = 0; i < 5; i++) {
            Expect.equal("blue/2.0.0", blue.whoami(text("")).getText(), "Whoami of group blue");
            Expect.equal("default/1.0.0", talk.whoami(text("")).getText(), "Whoami of no group");
        }
        return "";
    }

    private String attachments() {
        for (String value : new String[] {"plain", "v".repeat(5000)}) {
            Library.setRequestAttachment("peer-key", value);
            Expect.equal(value, talk.attachment(text("peer-key")).getText(), "the attachment as the provider saw it");
            Expect.equal("reply-value", Library.responseAttachment("reply-key"), "the response's attachment");
        }
        Expect.equal("null", talk.attachment(text("peer-key")).getText(), "an attachment of an earlier call");
        return "";
    }

    /**
     * There is no wrapper that could carry an exception: only its text arrives. The provider sends that as it is,
     * without percent-encoding, so it is plain here.
     */
    private String exception() {
        String message = "failed \"as told\", 1/2; [x]";
        TriRpcStatus status = Statuses.thrown(() -> talk.fail(text(message)));
        Expect.equal(Code.UNKNOWN, status.code, "status");
        Expect.equal(message, status.description, "the status' text");
        return "";
    }

    private String timeout() {
        Talk hasty = references.to(Talk.class, null, "1.0.0", 500);
        Statuses.timeout(() -> hasty.slow(number(4000)));
        Expect.equal("after", talk.echo(text("after")).getText(), "a call after the timeout");
        return "";
    }

    private String concurrent() throws Exception {
        List<CompletableFuture<Text>> futures = new ArrayList<>();
        for (int i = CONCURRENT; i > 0; i--) {
            Number delay = number(5 * i);
            futures.add(Library.async(() -> talk.slow(delay)));
        }
        for (int i = 0; i < CONCURRENT; i++) {
            String expected = "slept " + 5 * (CONCURRENT - i);
            Expect.equal(expected, futures.get(i).get(20, TimeUnit.SECONDS).getText(), "call " + i);
        }
        return "";
    }

    static Text text(String text) {
        return Text.newBuilder().setText(text).build();
    }

    static Number number(int value) {
        return Number.newBuilder().setValue(value).build();
    }
}
