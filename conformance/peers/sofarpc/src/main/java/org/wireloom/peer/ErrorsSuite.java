package org.wireloom.peer;

import com.alipay.remoting.exception.CodecException;
import com.alipay.remoting.exception.ConnectionClosedException;
import com.alipay.remoting.rpc.exception.InvokeException;
import com.alipay.remoting.rpc.exception.InvokeServerBusyException;
import com.alipay.remoting.rpc.exception.InvokeTimeoutException;
import com.alipay.sofa.rpc.core.exception.RpcErrorType;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/**
 * Failures that a proxy answers itself, as the application sees them. The uniqueId selects the failure.
 * Bolt's statuses carry no text: what is left of them is the class beneath SOFARPC's exception.
 */
final class ErrorsSuite {
    private static final Set<String> PARTNERS = Set.of("sofarpc", "sofa-rpc-node");
    private static final int TOO_LARGE = 9 << 20;

    private final Consumers consumers;

    private ErrorsSuite(Consumers consumers) {
        this.consumers = consumers;
    }

    static Suite of(Consumers consumers) {
        ErrorsSuite s = new ErrorsSuite(consumers);
        return new Suite()
                .add(PARTNERS, "no-route", () -> s.refusedAs("no-route", "NO_PROCESSOR"))
                .add(PARTNERS, "no-endpoint", () -> s.refusedAs("no-endpoint", "NO_PROCESSOR"))
                .add(PARTNERS, "refused", () -> s.closed("refused"))
                .add(PARTNERS, "timeout", s::timeout)
                .add(PARTNERS, "overloaded", s::overloaded)
                .add(PARTNERS, "reset", () -> s.closed("reset"))
                .add(PARTNERS, "too-large", s::tooLarge)
                .add(PARTNERS, "after-errors", s::afterErrors);
    }

    private void refusedAs(String uniqueId, String status) {
        SofaRpcException e = failure(SofaRpcException.class, () -> service(uniqueId).echo("x"));
        expect(e, RpcErrorType.CLIENT_UNDECLARED_ERROR, InvokeException.class);
        Check.contains(status, e.getCause().getMessage());
    }

    private void closed(String uniqueId) {
        SofaRpcException e = failure(SofaRpcException.class, () -> service(uniqueId).echo("x"));
        expect(e, RpcErrorType.CLIENT_NETWORK, ConnectionClosedException.class);
    }

    private void timeout() {
        SofaTimeOutException e = failure(SofaTimeOutException.class, () -> service("timeout").slow(3000));
        expect(e, RpcErrorType.CLIENT_TIMEOUT, InvokeTimeoutException.class);
        // "responseCommand null" would be the client's own timer.
        Check.contains("responseCommand TIMEOUT", e.getCause().getMessage());
    }

    private void overloaded() {
        SofaRpcException e = failure(SofaRpcException.class, () -> service("overloaded").echo("x"));
        expect(e, RpcErrorType.SERVER_BUSY, InvokeServerBusyException.class);
    }

    private void tooLarge() {
        byte[] body = new byte[TOO_LARGE];
        SofaRpcException e = failure(SofaRpcException.class, () -> service("too-large").bytes(body));
        expect(e, RpcErrorType.CLIENT_UNDECLARED_ERROR, CodecException.class);
    }

    private void afterErrors() {
        Check.equal("still here", consumers.sync().echo("still here"));
        consumers.wire.expectOneConnection();
    }

    private EchoService service(String uniqueId) {
        return consumers.of("sync", uniqueId, Consumers.TIMEOUT_MILLIS);
    }

    /** The failure must be the proxy's and so come well before the consumer's own timeout. */
    private static <T extends Throwable> T failure(Class<T> type, Callable<?> call) {
        long start = System.nanoTime();
        T e = Check.thrown(type, call);
        long waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        Check.that(waited < 5000, "the failure came after " + waited + " ms only");
        return e;
    }

    private static void expect(SofaRpcException e, int errorType, Class<?> cause) {
        Check.equal(errorType, e.getErrorType());
        Check.equal(cause, e.getCause() == null ? null : e.getCause().getClass());
    }
}
