package org.wireloom.peer;

import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.config.ApplicationConfig;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.filter.Filter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Consumers of the service at one address; they share SOFARPC's single connection to it. */
final class Consumers implements AutoCloseable {
    static final int TIMEOUT_MILLIS = 10_000;

    final Wire wire = new Wire();
    private final String url;
    private final Map<String, EchoService> made = new HashMap<>();
    private final List<ConsumerConfig<?>> configs = new ArrayList<>();

    Consumers(String target) {
        url = "bolt://" + target;
    }

    /** Calls and waits. */
    EchoService sync() {
        return of("sync", "", TIMEOUT_MILLIS);
    }

    /** @param invokeType sync, future, callback or oneway */
    EchoService of(String invokeType, String uniqueId, int timeoutMillis) {
        return made.computeIfAbsent(invokeType + ' ' + uniqueId + ' ' + timeoutMillis, key -> {
            ConsumerConfig<EchoService> config = keep(this.<EchoService>config()
                    .setInvokeType(invokeType)
                    .setTimeout(timeoutMillis));
            if (!uniqueId.isEmpty()) {
                config.setUniqueId(uniqueId);
            }
            return config.refer();
        });
    }

    EchoService filtered(Filter filter) {
        return keep(this.<EchoService>config().setFilterRef(List.of(filter))).refer();
    }

    GenericService generic() {
        return keep(this.<GenericService>config().setGeneric(true)).refer();
    }

    private <T> ConsumerConfig<T> config() {
        return new ConsumerConfig<T>()
                .setApplication(new ApplicationConfig().setAppName("echo-consumer"))
                .setInterfaceId(EchoService.class.getName())
                .setProtocol("bolt")
                .setDirectUrl(url)
                .setRegister(false)
                .setTimeout(TIMEOUT_MILLIS)
                .setConnectTimeout(5_000)
                .setRetries(0)
                .setRepeatedReferLimit(-1);
    }

    private <T> ConsumerConfig<T> keep(ConsumerConfig<T> config) {
        configs.add(config);
        return config;
    }

    @Override
    public void close() {
        configs.forEach(ConsumerConfig::unRefer);
    }
}
