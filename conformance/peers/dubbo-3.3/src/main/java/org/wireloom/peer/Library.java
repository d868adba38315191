package org.wireloom.peer;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** What Dubbo 3.3 calls differently from 2.7: one context for each direction. */
public final class Library {
    public static final boolean HAS_FASTJSON2 = true;

    /** Whether a single direct address is called through the cluster layer, as with a registry. */
    public static final boolean CLUSTERS_ONE_ADDRESS = true;

    /** An application that touches nothing but its RPC port: no QoS, no file cache, no probes. */
    public static ApplicationConfig application(String name) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setLogger("jdk");
        application.setQosEnable(false);
        application.setEnableFileCache(false);
        return application;
    }

    public static Object requestAttachment(String key) {
        return RpcContext.getServerAttachment().getObjectAttachment(key);
    }

    public static void setResponseAttachment(String key, String value) {
        RpcContext.getServerResponseContext().setAttachment(key, value);
    }

    public static void setRequestAttachment(String key, Object value) {
        RpcContext.getClientAttachment().setObjectAttachment(key, value);
    }

    public static Object responseAttachment(String key) {
        return RpcContext.getClientResponseContext().getObjectAttachment(key);
    }

    public static <T> CompletableFuture<T> async(Callable<T> call) {
        return RpcContext.getServiceContext().asyncCall(call);
    }

    private Library() {}
}
