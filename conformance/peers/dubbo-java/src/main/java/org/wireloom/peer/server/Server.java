package org.wireloom.peer.server;

import java.util.Collections;
import org.apache.dubbo.config.ArgumentConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Loopback;

/** Exports {@link EchoService} twice on one port, without any registry. */
public final class Server {
    /** Callers that the suites keep in flight at once, with room: a full pool would be a failure of its own. */
    private static final int THREADS = 400;

    public static void run(int port) throws InterruptedException {
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
        protocol.setHost(Loopback.spell("127.0.0.1"));
        protocol.setThreads(THREADS);

        DubboBootstrap.getInstance()
                .application(Library.application("wireloom-peer-server"))
                .registry(new RegistryConfig("N/A"))
                .protocol(protocol)
                .service(export(null, "1.0.0", "default/1.0.0"))
                .service(export("blue", "2.0.0", "blue/2.0.0"))
                .start();
        System.out.println("READY");
        System.out.flush();
        Thread.currentThread().join();
    }

    private static ServiceConfig<EchoService> export(String group, String version, String identity) {
        ArgumentConfig listener = new ArgumentConfig();
        listener.setIndex(1);
        listener.setCallback(true);
        MethodConfig subscribe = new MethodConfig();
        subscribe.setName("subscribe");
        subscribe.setArguments(Collections.singletonList(listener));

        ServiceConfig<EchoService> service = new ServiceConfig<>();
        service.setId(identity);
        service.setInterface(EchoService.class);
        service.setRef(new EchoServiceImpl(identity));
        service.setGroup(group);
        service.setVersion(version);
        service.setMethods(Collections.singletonList(subscribe));
        return service;
    }

    private Server() {}
}
