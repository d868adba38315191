package org.wireloom.peer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.thrift.TApplicationException;

/** The proxy's own failures. */
final class ErrorCalls {
    static List<Scenario> scenarios(World world) {
        List<Scenario> all = new ArrayList<>();
        all.add(picked(world, "nowhere", TApplicationException.UNKNOWN_METHOD, "no route"));
        all.add(picked(world, "no-endpoint", TApplicationException.INTERNAL_ERROR, "no endpoint"));
        all.add(picked(world, "refused", TApplicationException.INTERNAL_ERROR, "connect failure"));
        all.add(picked(world, "overloaded", TApplicationException.INTERNAL_ERROR, "overloaded"));
        all.add(picked(world, "reset", TApplicationException.INTERNAL_ERROR, "reset"));
        all.add(picked(world, "timeout", TApplicationException.INTERNAL_ERROR, "timed out"));
        if (world.dialect.framed) {
            all.add(world.scenario("too-large", ErrorCalls::tooLarge));
        } else {
            // Nobody knows where the next message begins.
            all.add(world.alone("too-large", () -> {
                try (Connection c = world.open()) {
                    tooLarge(c);
                }
            }));
        }
        return all;
    }

    private static Scenario picked(World world, String service, int type, String text) {
        return world.scenario(service, c -> {
            long started = System.nanoTime();
            Expect.applicationException(text, () -> c.echo(service).echo_string("lost"), type);
            long seconds = (System.nanoTime() - started) / 1_000_000_000;
            if (seconds > 10) {
                throw new AssertionError("it took " + seconds + " s");
            }
        });
    }

    private static void tooLarge(Connection c) throws Exception {
        ByteBuffer data = ByteBuffer.wrap(Values.pattern(9 << 20));
        Expect.applicationException("limit", () -> c.echo().count(data), TApplicationException.PROTOCOL_ERROR);
    }

    private ErrorCalls() {}
}
