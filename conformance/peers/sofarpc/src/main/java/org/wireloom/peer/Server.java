package org.wireloom.peer;

import com.alipay.sofa.rpc.config.ApplicationConfig;
import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;
import java.util.List;

/** Exports the service twice, the second time under the uniqueId "blue". */
final class Server {
    private Server() {}

    static void run(int port) {
        ServerConfig server = new ServerConfig()
                .setProtocol("bolt")
                .setBoundHost("127.0.0.1")
                .setHost("127.0.0.1")
                .setPort(port)
                // Slow calls sleep on a pool thread; the default 200 with no queue would refuse a burst of them.
                .setMaxThreads(600)
                .setDaemon(false);
        export(server, "", "default");
        export(server, "blue", "blue");
        System.out.println("READY");
        System.out.flush();
    }

    private static void export(ServerConfig server, String uniqueId, String name) {
        ProviderConfig<EchoService> provider = new ProviderConfig<EchoService>()
                .setApplication(new ApplicationConfig().setAppName("echo-provider"))
                .setInterfaceId(EchoService.class.getName())
                .setRef(new EchoServiceImpl(name))
                .setFilterRef(List.of(new Props.Server()))
                .setServer(server)
                .setRegister(false)
                .setRepeatedExportLimit(-1);
        if (!uniqueId.isEmpty()) {
            provider.setUniqueId(uniqueId);
        }
        provider.export();
    }
}
