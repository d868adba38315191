package org.wireloom.peer.client;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/** This process's connections as the kernel knows them: the library tells nobody when it replaces one. */
final class Sockets {
    private static final String ESTABLISHED = "01";

    /** The local ends of established connections to the target, which is an IPv4 address with a port. */
    static Set<String> connectedTo(String target) throws IOException {
        String[] parts = target.split("[.:]");
        // Hexadecimal, the address in the machine's order of bytes, which is little endian here.
        String remote = String.format(
                "%02X%02X%02X%02X:%04X",
                Integer.parseInt(parts[3]),
                Integer.parseInt(parts[2]),
                Integer.parseInt(parts[1]),
                Integer.parseInt(parts[0]),
                Integer.parseInt(parts[4]));
        Set<String> own = own();
        Set<String> local = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/net/tcp"))) {
            String[] fields = line.trim().split("\\s+");
            if (fields.length > 9 && fields[2].equals(remote) && fields[3].equals(ESTABLISHED) && own.contains(fields[9])) {
                local.add(fields[1]);
            }
        }
        return local;
    }

    /** The inodes of the process's sockets. */
    private static Set<String> own() throws IOException {
        Set<String> inodes = new HashSet<>();
        try (DirectoryStream<Path> links = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : links) {
                String to;
                try {
                    to = Files.readSymbolicLink(link).toString();
                } catch (IOException e) {
                    // Closed meanwhile.
                    continue;
                }
                if (to.startsWith("socket:[")) {
                    inodes.add(to.substring("socket:[".length(), to.length() - 1));
                }
            }
        }
        return inodes;
    }

    private Sockets() {}
}
