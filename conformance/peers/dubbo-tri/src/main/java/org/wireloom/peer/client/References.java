package org.wireloom.peer.client;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.service.GenericService;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Loopback;

/** Consumers over Triple: direct URLs, no registry, no retries unless asked for. All share one connection per address. */
final class References {
    static final int TIMEOUT_MILLIS = 10_000;

    private final String target;

    References(String target) {
        this.target = target;
    }

    /** Starts the library without any consumer, so that no scenario pays for it. */
    static void start() {
        DubboBootstrap.getInstance()
                .application(Library.application("wireloom-peer-client"))
                .registry(new RegistryConfig("N/A"))
                .start();
    }

    /** The default export of the shared service. */
    EchoService shared() {
        return of(null, "1.0.0", 0, Collections.emptyMap());
    }

    /** The same: a void call is answered as any other is. */
    EchoService answered() {
        return shared();
    }

    EchoService own(Map<String, String> parameters) {
        return of(null, "1.0.0", 0, parameters);
    }

    EchoService of(String group, String version, int retries, Map<String, String> parameters) {
        return to(EchoService.class, group, version, TIMEOUT_MILLIS, retries, parameters);
    }

    /** The default export of any service. */
    <T> T to(Class<T> type) {
        return to(type, null, "1.0.0", TIMEOUT_MILLIS, 0, Collections.emptyMap());
    }

    <T> T to(Class<T> type, String group, String version, int timeoutMillis) {
        return to(type, group, version, timeoutMillis, 0, Collections.emptyMap());
    }

    /** The shared service without its classes: every call is a {@code $invoke}. */
    GenericService generic() {
        ReferenceConfig<GenericService> reference = new ReferenceConfig<>();
        reference.setInterface(EchoService.class.getName());
        reference.setGeneric("true");
        return configure(reference, EchoService.class, null, "1.0.0", TIMEOUT_MILLIS, 0, Collections.emptyMap()).get();
    }

    private <T> T to(
            Class<T> type, String group, String version, int timeoutMillis, int retries, Map<String, String> parameters) {
        ReferenceConfig<T> reference = new ReferenceConfig<>();
        reference.setInterface(type);
        return configure(reference, type, group, version, timeoutMillis, retries, parameters).get();
    }

    private <T> ReferenceConfig<T> configure(
            ReferenceConfig<T> reference,
            Class<?> type,
            String group,
            String version,
            int timeoutMillis,
            int retries,
            Map<String, String> parameters) {
        String url = Arrays.stream(target.split(","))
                .map(address -> "tri://" + Loopback.spell(address) + "/" + type.getName())
                .collect(Collectors.joining(";"));
        reference.setUrl(url);
        reference.setGroup(group);
        reference.setVersion(version);
        reference.setCheck(false);
        reference.setTimeout(timeoutMillis);
        reference.setRetries(retries);
        reference.setParameters(new HashMap<>(parameters));
        return reference;
    }

    /** Parameters of a consumer that pings so often, and looks after lost connections as often. */
    static Map<String, String> heartbeat(int millis) {
        return Map.of("heartbeat", Integer.toString(millis), "dubbo.application.least-reconnect-duration", "1000");
    }
}
