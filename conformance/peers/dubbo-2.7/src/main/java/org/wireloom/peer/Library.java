package org.wireloom.peer;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** What Dubbo 2.7 calls differently from 3.3: one context for requests, a "server" one for responses. */
public final class Library {
    public static final boolean HAS_FASTJSON2 = false;

    /**
     * With one direct address 2.7 leaves the cluster layer out, and with it retries and response attachments; what
     * every application with a registry has takes two, which may be the same.
     */
    public static final boolean CLUSTERS_ONE_ADDRESS = false;

    /** An application that touches nothing but its RPC port: no QoS. */
    public static ApplicationConfig application(String name) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setLogger("jdk");
        application.setQosEnable(false);
        return application;
    }

    public static Object requestAttachment(String key) {
        return RpcContext.getContext().getObjectAttachment(key);
    }

    public static void setResponseAttachment(String key, String value) {
        RpcContext.getServerContext().setAttachment(key, value);
    }

    public static void setRequestAttachment(String key, Object value) {
        RpcContext.getContext().setObjectAttachment(key, value);
    }

    public static Object responseAttachment(String key) {
        return RpcContext.getServerContext().getObjectAttachment(key);
    }

    public static <T> CompletableFuture<T> async(Callable<T> call) {
        return RpcContext.getContext().asyncCall(call);
    }

    private Library() {}
}
