#!/usr/bin/env bash
# run.sh server|client ARGS…: the peer that install.sh put into $PEER_OUT.
set -euo pipefail

out=${PEER_OUT:?PEER_OUT is the folder that install.sh installed into}
# hessian and javassist reach into the JDK's own classes, which Java 17 closes by default.
opens=()
for package in java.lang java.lang.reflect java.math java.net java.time java.util java.util.concurrent java.text; do
    opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
# Small and quick to start: a suite is over before a second compiler tier or collector pays off.
exec java "${opens[@]}" \
    -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx512m \
    -Djava.net.preferIPv4Stack=true \
    -Djava.util.logging.config.file="$out/target/classes/logging.properties" \
    -Ddubbo.application.logger=jdk \
    -Ddubbo.network.interface.preferred=lo \
    -Ddubbo.service.shutdown.wait=2000 \
    -cp "$out/target/classes:$out/lib/*" \
    org.wireloom.peer.Main "$@"
