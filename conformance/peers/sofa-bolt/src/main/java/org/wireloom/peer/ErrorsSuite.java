package org.wireloom.peer;

import com.alipay.remoting.exception.CodecException;
import com.alipay.remoting.exception.ConnectionClosedException;
import com.alipay.remoting.rpc.exception.InvokeException;
import com.alipay.remoting.rpc.exception.InvokeServerBusyException;
import com.alipay.remoting.rpc.exception.InvokeTimeoutException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Failures that a proxy answers itself. The uniqueId of the service in the header map selects the failure. */
final class ErrorsSuite {
    private static final int TOO_LARGE = 9 << 20;

    private ErrorsSuite() {}

    static Suite of(List<Client> clients) {
        Suite suite = new Suite();
        for (Client c : clients) {
            add(suite, c, "no-route", 0, 0, InvokeException.class, "NO_PROCESSOR");
            add(suite, c, "no-endpoint", 0, 0, InvokeException.class, "NO_PROCESSOR");
            add(suite, c, "refused", 0, 0, ConnectionClosedException.class, "Connection closed");
            // "responseCommand null" would be the client's own timer.
            add(suite, c, "timeout", 3000, 0, InvokeTimeoutException.class, "responseCommand TIMEOUT");
            add(suite, c, "overloaded", 0, 0, InvokeServerBusyException.class, "busy");
            add(suite, c, "reset", 0, 0, ConnectionClosedException.class, "Connection closed");
            add(suite, c, "too-large", 0, TOO_LARGE, CodecException.class, "Codec exception");
            suite.add(CallsSuite.PARTNERS, c.variant.label + "-after-errors", () -> {
                Check.equal("still here", c.call(new Requests.Echo("still here", 0)));
                c.expectOneConnection();
            });
        }
        return suite;
    }

    private static void add(
            Suite suite, Client c, String uniqueId, int delay, int size, Class<? extends Exception> type, String text) {
        suite.add(CallsSuite.PARTNERS, c.variant.label + "-" + uniqueId, () -> {
            Requests.Routed request = new Requests.Routed(uniqueId, delay, new byte[size]);
            long start = System.nanoTime();
            Exception e = Check.thrown(type, () -> c.call(request));
            long waited = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            Check.that(waited < 5000, "the failure came after " + waited + " ms only");
            Check.contains(text, e.getMessage());
        });
    }
}
