package org.wireloom.peer.server;

import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.wireloom.peer.EchoService;
import org.wireloom.peer.Library;
import org.wireloom.peer.Loopback;
import org.wireloom.peer.StreamService;
import org.wireloom.peer.idl.Talk;

/** Exports three services over Triple on one port, two of them twice, without any registry. */
public final class Server {
    /** Callers that the suites keep in flight at once, with room: a full pool would be a failure of its own. */
    private static final int THREADS = 400;

    public static void run(int port) throws InterruptedException {
        ProtocolConfig protocol = new ProtocolConfig("tri", port);
        protocol.setHost(Loopback.spell("127.0.0.1"));
        protocol.setThreads(THREADS);

        DubboBootstrap.getInstance()
                .application(Library.application("wireloom-peer-server"))
                .registry(new RegistryConfig("N/A"))
                .protocol(protocol)
                .service(export(EchoService.class, new EchoServiceImpl("default/1.0.0"), null, "1.0.0"))
                .service(export(EchoService.class, new EchoServiceImpl("blue/2.0.0"), "blue", "2.0.0"))
                .service(export(Talk.class, new TalkImpl("default/1.0.0"), null, "1.0.0"))
                .service(export(Talk.class, new TalkImpl("blue/2.0.0"), "blue", "2.0.0"))
                .service(export(StreamService.class, new StreamServiceImpl(), null, "1.0.0"))
                .start();
        System.out.println("READY");
        System.out.flush();
        Thread.currentThread().join();
    }

    private static <T> ServiceConfig<T> export(Class<T> type, T provider, String group, String version) {
        ServiceConfig<T> service = new ServiceConfig<>();
        service.setId(type.getSimpleName() + " " + group + "/" + version);
        service.setInterface(type);
        service.setRef(provider);
        service.setGroup(group);
        service.setVersion(version);
        return service;
    }

    private Server() {}
}
