package org.wireloom.peer;

import com.alipay.remoting.InvokeContext;

/** The wire forms of Bolt. */
enum Variant {
    V1("v1", "", true),
    /** Version 1 of protocol 2 has no trailer, although the client sets the switch that asks for one. */
    V2_VERSION_1("v2-version-1", "?_PROTOCOL=2&_VERSION=1", true),
    V2_CRC("v2-crc", "?_PROTOCOL=2&_VERSION=2", true),
    V2_NO_CRC("v2-nocrc", "?_PROTOCOL=2&_VERSION=2", false);

    final String label;
    final String query;
    private final boolean crc;

    Variant(String label, String query, boolean crc) {
        this.label = label;
        this.query = query;
        this.crc = crc;
    }

    InvokeContext context() {
        return context(crc);
    }

    static InvokeContext context(boolean crc) {
        InvokeContext context = new InvokeContext();
        context.put(InvokeContext.BOLT_CRC_SWITCH, crc);
        return context;
    }
}
