package org.wireloom.peer;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The library takes a loopback address for a mistake and puts the machine's own address in its place, where
 * nobody may be listening. It knows such addresses by their dots; written as one number they pass.
 */
public final class Loopback {
    private static final Pattern DOTTED = Pattern.compile("127\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})(:\\d+)?");

    /** {@code 127.0.0.1:20880} as {@code 2130706433:20880}; anything else as it is. */
    public static String spell(String address) {
        Matcher m = DOTTED.matcher(address);
        if (!m.matches()) {
            return address;
        }
        int number = 127 << 24 | Integer.parseInt(m.group(1)) << 16 | Integer.parseInt(m.group(2)) << 8
                | Integer.parseInt(m.group(3));
        return number + (m.group(4) == null ? "" : m.group(4));
    }

    private Loopback() {}
}
