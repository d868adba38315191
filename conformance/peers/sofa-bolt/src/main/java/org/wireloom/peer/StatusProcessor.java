package org.wireloom.peer;

import com.alipay.remoting.CommandFactory;
import com.alipay.remoting.RemotingContext;
import com.alipay.remoting.ResponseStatus;
import com.alipay.remoting.rpc.RpcCommandFactory;
import com.alipay.remoting.rpc.RpcServer;
import com.alipay.remoting.rpc.protocol.RpcCommandCode;
import com.alipay.remoting.rpc.protocol.RpcDeserializeLevel;
import com.alipay.remoting.rpc.protocol.RpcRequestCommand;
import com.alipay.remoting.rpc.protocol.RpcRequestProcessor;
import com.alipay.remoting.rpc.protocol.RpcResponseCommand;

/** Answers {@link Requests.Status} with the bare status it names; every other request as usual. */
final class StatusProcessor extends RpcRequestProcessor {
    private StatusProcessor(CommandFactory factory) {
        super(factory);
    }

    static void register(RpcServer server, byte protocol) {
        server.registerProcessor(protocol, RpcCommandCode.RPC_REQUEST, new StatusProcessor(new RpcCommandFactory()));
    }

    @Override
    public void doProcess(RemotingContext context, RpcRequestCommand request) throws Exception {
        request.deserialize(RpcDeserializeLevel.DESERIALIZE_CLAZZ);
        if (!Requests.Status.class.getName().equals(request.getRequestClass())) {
            super.doProcess(context, request);
            return;
        }
        request.deserialize(RpcDeserializeLevel.DESERIALIZE_ALL);
        short status = ((Requests.Status) request.getRequestObject()).status;
        RpcResponseCommand response = ((RpcCommandFactory) getCommandFactory())
                .createExceptionResponse(request.getId(), ResponseStatus.valueOf(status));
        // Bolt itself leaves the switch off in replies that report a failure.
        response.setProtocolSwitch(request.getProtocolSwitch());
        sendResponseIfNecessary(context, request.getType(), response);
    }
}
