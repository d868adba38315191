package org.wireloom.peer.wire;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.dubbo.common.constants.CommonConstants;
import org.apache.dubbo.common.extension.Activate;
import org.apache.dubbo.rpc.Filter;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.Result;
import org.apache.dubbo.rpc.RpcException;

/** Counts attempts, which are more than calls whenever the cluster layer had to retry. */
@Activate(group = CommonConstants.CONSUMER)
public final class AttemptFilter implements Filter {
    private static final AtomicLong ATTEMPTS = new AtomicLong();

    public static long attempts() {
        return ATTEMPTS.get();
    }

    @Override
    public Result invoke(Invoker<?> invoker, Invocation invocation) throws RpcException {
        ATTEMPTS.incrementAndGet();
        return invoker.invoke(invocation);
    }
}
