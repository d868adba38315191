package org.wireloom.peer;

import com.alipay.remoting.DefaultCustomSerializer;
import com.alipay.remoting.InvokeContext;
import com.alipay.remoting.rpc.RequestCommand;
import com.alipay.remoting.rpc.protocol.RpcRequestCommand;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Writes the header map of a {@link Requests.Routed}: 32-bit length and UTF-8 bytes of key and value, the layout
 * that SOFARPC gives to Bolt's otherwise opaque header.
 */
final class RoutedHeader extends DefaultCustomSerializer {
    @Override
    public <T extends RequestCommand> boolean serializeHeader(T command, InvokeContext context) {
        Requests.Routed request = (Requests.Routed) ((RpcRequestCommand) command).getRequestObject();
        command.setHeader(map("service", "org.wireloom.peer.EchoService:1.0:" + request.uniqueId));
        return true;
    }

    private static byte[] map(String key, String value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            for (String s : new String[] {key, value}) {
                byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
                out.writeInt(utf8.length);
                out.write(utf8);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
