package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.remoting.RemotingException;
import org.apache.dubbo.remoting.TimeoutException;
import org.apache.dubbo.rpc.RpcException;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.wire.AttemptFilter;
import org.wireloom.peer.wire.ConnectionLog;
import org.wireloom.peer.wire.ConnectionLog.Event;
import org.wireloom.peer.wire.ConnectionLog.Kind;

/**
 * {@code errors}: failures that the proxy makes, as the application sees them. The group picks the failure; all
 * references share one connection, which no failure may cost.
 */
final class ErrorSuite {
    /** Far below the consumer's own 10 s: the failure is the proxy's. */
    private static final int QUICK_MILLIS = 5_000;

    private static final int SERVER_TIMEOUT = 31;
    private static final int BAD_REQUEST = 40;
    private static final int SERVICE_NOT_FOUND = 60;
    private static final int SERVER_ERROR = 80;
    private static final int EXHAUSTED = 100;

    /** The consumer's own limit is lifted, so that a request over the proxy's limit does leave. */
    private static final Map<String, String> PARAMETERS = Collections.singletonMap("payload", "67108864");

    private final References references;
    private EchoService good;
    private int begun;

    private ErrorSuite(References references) {
        this.references = references;
    }

    static List<Scenario> of(String target) {
        References.start();
        ErrorSuite suite = new ErrorSuite(new References(target));
        suite.begun = ConnectionLog.mark();
        List<Scenario> scenarios = new ArrayList<>();
        scenarios.add(new Scenario("before-errors", suite::goodCall));
        scenarios.add(suite.failing("no-route", SERVICE_NOT_FOUND, "no route", echo -> echo.echo("x")));
        scenarios.add(suite.failing("no-endpoint", SERVER_ERROR, "no endpoint", echo -> echo.echo("x")));
        scenarios.add(suite.failing("refused", SERVER_ERROR, "connect", echo -> echo.echo("x")));
        scenarios.add(suite.failing("timeout", SERVER_TIMEOUT, "timed out", echo -> echo.slow(3000)));
        scenarios.add(suite.failing("overloaded", EXHAUSTED, "overloaded", echo -> echo.echo("x")));
        scenarios.add(suite.failing("reset", SERVER_ERROR, "reset", echo -> echo.echo("x")));
        scenarios.add(suite.failing(
                "too-large", BAD_REQUEST, "exceeds", echo -> echo.bytes(Samples.bytes(9 * Samples.MIB))));
        scenarios.add(new Scenario("after-errors", () -> {
            suite.goodCall();
            Expect.equal(
                    Collections.emptyList(),
                    ConnectionLog.since(suite.begun, Kind.DISCONNECTED),
                    "connections lost since the suite began");
            return "";
        }));
        return scenarios;
    }

    private interface Call {
        void on(EchoService echo);
    }

    private String goodCall() {
        if (good == null) {
            good = references.of(null, "1.0.0", 0, PARAMETERS);
        }
        Expect.equal("good", good.echo("good"), "a good call");
        return "";
    }

    private Scenario failing(String group, int status, String text, Call call) {
        return new Scenario(group, () -> {
            EchoService echo = references.of(group, "1.0.0", 0, PARAMETERS);
            int mark = ConnectionLog.mark();
            long attempts = AttemptFilter.attempts();
            long start = System.nanoTime();
            RpcException e = Expect.thrown(RpcException.class, () -> call.on(echo));
            long millis = (System.nanoTime() - start) / 1_000_000;

            boolean timeout = status == SERVER_TIMEOUT;
            List<Event> statuses = ConnectionLog.since(mark, Kind.FAILED_STATUS);
            Expect.that(
                    statuses.toString().equals("[FAILED_STATUS " + status + "]"),
                    "expected one response of status " + status + " but saw " + statuses + "; " + e);
            Expect.equal(timeout ? RpcException.TIMEOUT_EXCEPTION : RpcException.NETWORK_EXCEPTION, e.getCode(), "code");
            Throwable cause = remoting(e);
            Expect.equal(timeout ? TimeoutException.class : RemotingException.class, cause.getClass(), "class of cause");
            if (timeout) {
                Expect.that(((TimeoutException) cause).isServerSide(), "the timeout is taken for the client's own");
            }
            // The library puts the reply's text into its own message; the cause has the text alone.
            Expect.that(e.getMessage().contains(text), "the message lacks '" + text + "': " + e.getMessage());
            Expect.that(cause.getMessage().contains(text), "the cause lacks '" + text + "': " + cause.getMessage());
            Expect.that(millis < QUICK_MILLIS, "the failure took " + millis + " ms");
            Expect.equal(1L, AttemptFilter.attempts() - attempts, "attempts by the consumer");
            return cause.getMessage();
        });
    }

    /** Futures and the cluster layer wrap the library's transport exception, differently by version. */
    private static Throwable remoting(RpcException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof RemotingException) {
                return t;
            }
        }
        AssertionError missing = new AssertionError("no RemotingException among the causes of " + e);
        missing.initCause(e);
        throw missing;
    }
}
