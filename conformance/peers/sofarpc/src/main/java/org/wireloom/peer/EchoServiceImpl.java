package org.wireloom.peer;

import com.alipay.sofa.rpc.context.RpcInvokeContext;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The provider side of {@link EchoService}. */
final class EchoServiceImpl implements EchoService {
    private final String name;
    private final Map<String, Integer> fired = new ConcurrentHashMap<>();

    EchoServiceImpl(String name) {
        this.name = name;
    }

    @Override
    public String echo(String s) {
        return s;
    }

    @Override
    public byte[] bytes(byte[] b) {
        return b;
    }

    @Override
    public int add(int a, int b) {
        return a + b;
    }

    @Override
    public String nothing() {
        return null;
    }

    @Override
    public void fail(String message) throws EchoException {
        throw new EchoException(message);
    }

    @Override
    public void blowUp(String message) {
        throw new IllegalStateException(message);
    }

    @Override
    public String slow(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return "slept " + millis;
    }

    @Override
    public Person person(Person p) {
        p.setAge(p.getAge() + 1);
        return p;
    }

    @Override
    public String attachment(String key) {
        RpcInvokeContext context = RpcInvokeContext.getContext();
        context.putResponseBaggage("reply-key", "reply-value");
        String baggage = context.getRequestBaggage(key);
        return baggage != null ? baggage : (String) context.get(Props.SEEN + key);
    }

    @Override
    public void fire(String token) {
        fired.merge(token, 1, Integer::sum);
    }

    @Override
    public int fired(String token) {
        return fired.getOrDefault(token, 0);
    }

    @Override
    public String whoami() {
        return name;
    }
}
