package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;

/** What the consumer itself decides, and what its stream then carries. */
final class TripleCalls {
    private static final int CONCURRENT_PAYLOADS = 16;

    private final References references;

    TripleCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("attachments", this::attachments));
        scenarios.add(new Scenario("consumer-timeout", this::timeout));
        scenarios.add(new Scenario("concurrent-payloads", this::concurrentPayloads));
    }

    /** Attachments are headers of the request and trailers of the reply: ASCII, with names that lose their case. */
    private String attachments() {
        EchoService echo = references.shared();
        for (String value : new String[] {"plain", "a=b; c, \"d\" 100%", "v".repeat(5000)}) {
            Library.setRequestAttachment("peer-key", value);
            Library.setRequestAttachment("peer-other", "peer-key");
            Expect.equal(value, echo.attachment("peer-key"), "the attachment as the provider saw it");
            Expect.equal("reply-value", Library.responseAttachment("reply-key"), "the response's attachment");
        }
        Library.setRequestAttachment("peerMixedCase", "mixed");
        Expect.equal("mixed", echo.attachment("peerMixedCase"), "an attachment with capitals in its name");
        Expect.equal(null, echo.attachment("peer-key"), "an attachment of an earlier call");
        return "";
    }

    /** The consumer gives up, and goes on with its connection; it does not reset the stream. */
    private String timeout() {
        EchoService hasty = references.to(EchoService.class, null, "1.0.0", 500);
        Expect.equal("quick", hasty.echo("quick"), "a call within the timeout");
        for (int i = 0; i < 3; i++) {
            long start = System.nanoTime();
            Statuses.timeout(() -> hasty.slow(4000));
            long millis = (System.nanoTime() - start) / 1_000_000;
            Expect.that(millis >= 450 && millis < 3900, "the timeout of 500 ms took " + millis + " ms");
        }
        Expect.equal("after", references.shared().echo("after"), "a call after timeouts");
        return "";
    }

    /** More than any window holds, both ways, on one connection. */
    private String concurrentPayloads() throws Exception {
        EchoService echo = references.shared();
        List<CompletableFuture<byte[]>> futures = new ArrayList<>();
        for (int i = 0; i < CONCURRENT_PAYLOADS; i++) {
            byte[] bytes = Samples.bytes(Samples.MIB + i);
            futures.add(Library.async(() -> echo.bytes(bytes)));
        }
        for (int i = 0; i < CONCURRENT_PAYLOADS; i++) {
            byte[] came = futures.get(i).get(30, TimeUnit.SECONDS);
            Expect.that(Arrays.equals(Samples.bytes(Samples.MIB + i), came), "payload " + i + " changed");
        }
        return "";
    }
}
