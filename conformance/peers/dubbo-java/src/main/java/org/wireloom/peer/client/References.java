package org.wireloom.peer.client;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.service.GenericService;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Loopback;

/** Consumers of the shared service: direct URLs, no registry, no retries unless asked for. */
final class References {
    static final int TIMEOUT_MILLIS = 10_000;

    /** Consumers learn of callback arguments from the provider's URL in the registry, for which this one stands. */
    private static final String PROVIDER = "?subscribe.1.callback=true";

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

    /** The default export, on the connection that all such references of this process share. */
    EchoService shared() {
        return of(null, "1.0.0", 0, Collections.emptyMap());
    }

    /** A reference with a connection of its own. */
    EchoService own(Map<String, String> parameters) {
        return of(null, "1.0.0", 0, with(parameters, "connections", "1"));
    }

    EchoService of(String group, String version, int retries, Map<String, String> parameters) {
        return of(group, version, retries, parameters, true);
    }

    /** {@link #shared} but for {@code fire}, which waits for its void answer. */
    EchoService answered() {
        return of(null, "1.0.0", 0, Collections.emptyMap(), false);
    }

    private EchoService of(
            String group, String version, int retries, Map<String, String> parameters, boolean oneWayFire) {
        MethodConfig fire = new MethodConfig();
        fire.setName("fire");
        fire.setReturn(!oneWayFire);

        // 3.3 looks for callback arguments only of methods that have some setting of their own.
        MethodConfig subscribe = new MethodConfig();
        subscribe.setName("subscribe");
        subscribe.setReturn(true);

        ReferenceConfig<EchoService> reference = new ReferenceConfig<>();
        reference.setInterface(EchoService.class);
        reference.setMethods(Arrays.asList(fire, subscribe));
        return configure(reference, group, version, retries, parameters).get();
    }

    /** The same service without its classes: every call is a {@code $invoke}. */
    GenericService generic() {
        ReferenceConfig<GenericService> reference = new ReferenceConfig<>();
        reference.setInterface(EchoService.class.getName());
        reference.setGeneric("true");
        return configure(reference, null, "1.0.0", 0, Collections.emptyMap()).get();
    }

    private <T> ReferenceConfig<T> configure(
            ReferenceConfig<T> reference, String group, String version, int retries, Map<String, String> parameters) {
        boolean own = parameters.containsKey("connections");
        String addresses = Library.CLUSTERS_ONE_ADDRESS || own || target.contains(",") ? target : target + "," + target;
        String url = Arrays.stream(addresses.split(","))
                .map(address -> "dubbo://" + Loopback.spell(address) + "/" + EchoService.class.getName() + PROVIDER)
                .collect(Collectors.joining(";"));
        reference.setUrl(url);
        reference.setGroup(group);
        reference.setVersion(version);
        // Named, because 2.7 takes several direct addresses for several registries by default.
        reference.setCluster("failover");
        reference.setCheck(false);
        reference.setTimeout(TIMEOUT_MILLIS);
        reference.setRetries(retries);
        reference.setParameters(new HashMap<>(parameters));
        return reference;
    }

    /** Parameters of a consumer that pings so often, and looks after lost connections as often. */
    static Map<String, String> heartbeat(int millis) {
        // 3.3 has a floor of a minute for the latter, which hides every connection that a suite might lose.
        return with(
                Collections.singletonMap("heartbeat", Integer.toString(millis)),
                "dubbo.application.least-reconnect-duration",
                "1000");
    }

    static Map<String, String> with(Map<String, String> parameters, String key, String value) {
        Map<String, String> all = new HashMap<>(parameters);
        all.put(key, value);
        return all;
    }
}
