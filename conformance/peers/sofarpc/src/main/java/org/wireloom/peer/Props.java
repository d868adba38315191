package org.wireloom.peer;

import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.request.SofaRequest;
import com.alipay.sofa.rpc.core.response.SofaResponse;
import com.alipay.sofa.rpc.filter.Filter;
import com.alipay.sofa.rpc.filter.FilterInvoker;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Filters that carry properties beside a call. Unlike baggage, which is nested, such a property is a plain
 * entry of the Bolt header map, in both directions.
 */
final class Props {
    static final String REQUEST = "x-peer-request";
    static final String RESPONSE = "x-peer-response";
    /** Prefix under which the server keeps what it received, for the service to read. */
    static final String SEEN = "seen:";

    private Props() {}

    /** Adds {@link #REQUEST} to each request and keeps the last {@link #RESPONSE} seen. */
    static final class Client extends Filter {
        final AtomicReference<Object> lastResponse = new AtomicReference<>();
        private final String value;

        Client(String value) {
            this.value = value;
        }

        @Override
        public SofaResponse invoke(FilterInvoker invoker, SofaRequest request) throws SofaRpcException {
            request.addRequestProp(REQUEST, value);
            SofaResponse response = invoker.invoke(request);
            lastResponse.set(response.getResponseProp(RESPONSE));
            return response;
        }
    }

    /** Shows the request's property to the service and answers it back, changed. */
    static final class Server extends Filter {
        @Override
        public SofaResponse invoke(FilterInvoker invoker, SofaRequest request) throws SofaRpcException {
            Object value = request.getRequestProp(REQUEST);
            if (value == null) {
                return invoker.invoke(request);
            }
            RpcInvokeContext.getContext().put(SEEN + REQUEST, value);
            SofaResponse response = invoker.invoke(request);
            response.addResponseProp(RESPONSE, "answer to " + value);
            return response;
        }
    }
}
