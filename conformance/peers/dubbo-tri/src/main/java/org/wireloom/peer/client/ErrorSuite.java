package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.TriRpcStatus;
import org.apache.dubbo.rpc.TriRpcStatus.Code;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.idl.Number;
import org.wireloom.peer.idl.Range;
import org.wireloom.peer.idl.Talk;
import org.wireloom.peer.wire.AttemptFilter;

/**
 * {@code errors}: failures that the proxy makes, as the application sees them. The group picks the failure; all
 * references share one connection, which no failure may cost.
 */
final class ErrorSuite {
    /** Far below the consumer's own 10 s: the failure is the proxy's. */
    private static final int QUICK_MILLIS = 5_000;

    private static final Set<Code> NO_SUCH_SERVICE = EnumSet.of(Code.UNIMPLEMENTED);
    private static final Set<Code> UNAVAILABLE = EnumSet.of(Code.UNAVAILABLE);
    private static final Set<Code> LATE = EnumSet.of(Code.DEADLINE_EXCEEDED);
    /** Both tell a client to try later; the world has not agreed on one. */
    private static final Set<Code> BUSY = EnumSet.of(Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED);

    private interface Call {
        void on(EchoService echo);
    }

    private final String target;
    private final References references;
    private Talk good;
    private Set<String> before;

    private ErrorSuite(String target) {
        this.target = target;
        this.references = new References(target);
    }

    static List<Scenario> of(String target) {
        References.start();
        ErrorSuite suite = new ErrorSuite(target);
        List<Scenario> scenarios = new ArrayList<>();
        scenarios.add(new Scenario("before-errors", () -> {
            suite.goodCall();
            suite.before = Sockets.connectedTo(target);
            Expect.equal(1, suite.before.size(), "connections");
            return "";
        }));
        scenarios.add(suite.failing("no-route", NO_SUCH_SERVICE, "no route", echo -> echo.echo("x")));
        scenarios.add(suite.failing("no-endpoint", UNAVAILABLE, "no endpoint", echo -> echo.echo("x")));
        scenarios.add(suite.failing("refused", UNAVAILABLE, "connect", echo -> echo.echo("x")));
        scenarios.add(suite.failing("timeout", LATE, "timed out", echo -> echo.slow(3000)));
        scenarios.add(suite.failing("overloaded", BUSY, "overloaded", echo -> echo.echo("x")));
        scenarios.add(suite.failing("reset", UNAVAILABLE, "reset", echo -> echo.echo("x")));
        scenarios.add(suite.failingStream("no-route", NO_SUCH_SERVICE, "no route"));
        scenarios.add(suite.failingStream("refused", UNAVAILABLE, "connect"));
        scenarios.add(suite.failingStream("overloaded", BUSY, "overloaded"));
        scenarios.add(new Scenario("after-errors", () -> {
            suite.goodCall();
            Expect.equal(suite.before, Sockets.connectedTo(target), "connections");
            return "";
        }));
        return scenarios;
    }

    private void goodCall() {
        if (good == null) {
            good = references.to(Talk.class);
        }
        Expect.equal("good", good.echo(IdlCalls.text("good")).getText(), "a good call");
    }

    private Scenario failing(String group, Set<Code> codes, String text, Call call) {
        return new Scenario(group, () -> {
            EchoService echo = references.of(group, "1.0.0", 0, Collections.emptyMap());
            long attempts = AttemptFilter.attempts();
            long start = System.nanoTime();
            RpcException e = Expect.thrown(RpcException.class, () -> call.on(echo));
            long millis = (System.nanoTime() - start) / 1_000_000;
            Expect.that(e.getMessage().contains(text), "the message lacks '" + text + "': " + e.getMessage());
            Expect.equal(1L, AttemptFilter.attempts() - attempts, "attempts by the consumer");
            return judge(Statuses.of(e), codes, text, millis);
        });
    }

    /** The observer of a stream that never began learns of it in the same way. */
    private Scenario failingStream(String group, Set<Code> codes, String text) {
        return new Scenario(group + "-stream", () -> {
            Talk talk = references.to(Talk.class, group, "1.0.0", References.TIMEOUT_MILLIS);
            Received<Number> received = new Received<>();
            long start = System.nanoTime();
            talk.count(Range.newBuilder().setCount(3).build(), received);
            TriRpcStatus status = Statuses.of(received.error());
            long millis = (System.nanoTime() - start) / 1_000_000;
            Expect.equal(0, received.waiting(), "messages of a stream that failed");
            return judge(status, codes, text, millis);
        });
    }

    private static String judge(TriRpcStatus status, Set<Code> codes, String text, long millis) {
        String seen = status.code + ": " + status.description;
        Expect.that(codes.contains(status.code), "expected the status " + codes + " but got " + seen);
        Expect.that(String.valueOf(status.description).contains(text), "the status lacks '" + text + "': " + seen);
        Expect.that(millis < QUICK_MILLIS, "the failure took " + millis + " ms");
        return seen;
    }
}
