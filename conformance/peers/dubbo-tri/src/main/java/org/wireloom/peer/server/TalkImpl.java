package org.wireloom.peer.server;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.rpc.RpcContext;
import org.wireloom.peer.Library;
import org.wireloom.peer.idl.Blob;
import org.wireloom.peer.idl.DubboTalkTriple;
import org.wireloom.peer.idl.Number;
import org.wireloom.peer.idl.Range;
import org.wireloom.peer.idl.Text;

/** The provider of the service with generated stubs, once per export. */
final class TalkImpl extends DubboTalkTriple.TalkImplBase {
    private final String identity;
    private final Map<String, AtomicInteger> cancelled = new ConcurrentHashMap<>();

    TalkImpl(String identity) {
        this.identity = identity;
    }

    @Override
    public Text echo(Text request) {
        return request;
    }

    @Override
    public Blob bytes(Blob request) {
        return request;
    }

    @Override
    public Text whoami(Text request) {
        return text(identity);
    }

    @Override
    public Text fail(Text request) {
        throw new IllegalStateException(request.getText());
    }

    @Override
    public Text slow(Number request) {
        sleep(request.getValue());
        return text("slept " + request.getValue());
    }

    @Override
    public Text attachment(Text request) {
        Object value = Library.requestAttachment(request.getText());
        Library.setResponseAttachment("reply-key", "reply-value");
        return text(String.valueOf(value));
    }

    @Override
    public void count(Range range, StreamObserver<Number> out) {
        RpcContext.getCancellationContext().addListener(context -> count(range.getToken()).incrementAndGet());
        for (int i = 0; i < range.getCount(); i++) {
            if (RpcContext.getCancellationContext().isCancelled()) {
                return;
            }
            sleep(range.getPause());
            if (range.getFailAfter() != 0 && i == range.getFailAfter()) {
                out.onError(new IllegalStateException("failed after " + i));
                return;
            }
            out.onNext(number(i));
        }
        out.onCompleted();
    }

    @Override
    public StreamObserver<Number> sum(StreamObserver<Number> out) {
        return new Replies<>(out) {
            private int sum;

            @Override
            public void onNext(Number number) {
                sum += number.getValue();
            }

            @Override
            public void onCompleted() {
                out.onNext(number(sum));
                out.onCompleted();
            }
        };
    }

    @Override
    public StreamObserver<Text> chat(StreamObserver<Text> out) {
        return new Replies<>(out) {
            private String token = "";

            @Override
            public void onNext(Text text) {
                token = text.getText();
                if (token.equals("fail")) {
                    out.onError(new IllegalStateException("failed as told"));
                } else {
                    out.onNext(text);
                }
            }

            @Override
            public void onError(Throwable t) {
                TalkImpl.this.count(token).incrementAndGet();
            }

            @Override
            public void onCompleted() {
                out.onCompleted();
            }
        };
    }

    @Override
    public Number cancelled(Text request) {
        return number(count(request.getText()).get());
    }

    private AtomicInteger count(String token) {
        return cancelled.computeIfAbsent(token, t -> new AtomicInteger());
    }

    private static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while asleep", e);
        }
    }

    private static Text text(String text) {
        return Text.newBuilder().setText(text).build();
    }

    private static Number number(int value) {
        return Number.newBuilder().setValue(value).build();
    }
}
