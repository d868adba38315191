package org.wireloom.peer;

import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.invoke.SofaResponseCallback;
import com.alipay.sofa.rpc.core.request.RequestBase;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** A callback that can be waited for. */
final class Answer implements SofaResponseCallback<Object> {
    private final CompletableFuture<Object> done = new CompletableFuture<>();

    @Override
    public void onAppResponse(Object response, String method, RequestBase request) {
        done.complete(response);
    }

    @Override
    public void onAppException(Throwable e, String method, RequestBase request) {
        done.completeExceptionally(e);
    }

    @Override
    public void onSofaException(SofaRpcException e, String method, RequestBase request) {
        done.completeExceptionally(e);
    }

    Object get() throws Exception {
        return done.get(10, TimeUnit.SECONDS);
    }

    /** What the call failed with. */
    Throwable failure() throws Exception {
        try {
            throw new AssertionError("expected a failure, got the answer " + get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }
}
