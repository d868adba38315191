package org.wireloom.peer.client;

import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.StatusRpcException;
import org.apache.dubbo.rpc.TriRpcStatus;
import org.apache.dubbo.rpc.TriRpcStatus.Code;

/** The gRPC status behind a failed call, which the library wraps in other exceptions, differently from call to call. */
final class Statuses {
    /** Runs the body, which must fail as calls do, by a status. */
    static TriRpcStatus thrown(Expect.Throwing body) {
        return of(Expect.thrown(RpcException.class, body));
    }

    static TriRpcStatus of(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof StatusRpcException) {
                return ((StatusRpcException) t).getStatus();
            }
        }
        AssertionError missing = new AssertionError("no StatusRpcException among the causes of " + thrown);
        missing.initCause(thrown);
        throw missing;
    }

    /** Runs the body, which must run into the consumer's own timeout: two timers watch it, each with its exception. */
    static void timeout(Expect.Throwing body) {
        RpcException e = Expect.thrown(RpcException.class, body);
        if (e.getCode() != RpcException.TIMEOUT_EXCEPTION) {
            Expect.equal(Code.DEADLINE_EXCEEDED, of(e).code, "status of " + e);
        }
    }

    private Statuses() {}
}
