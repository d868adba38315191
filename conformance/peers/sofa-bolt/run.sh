#!/usr/bin/env bash
# run.sh server --port N | client --target HOST:PORT --suite SUITE [--with PEER]
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"

# Hessian reads and writes the private fields of JDK classes.
opens=()
for package in java.lang java.lang.reflect java.util; do
  opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done

# Sorted, so that the class path is the same everywhere.
class_path=$(printf '%s:' "$PEER_OUT"/lib/*.jar)

exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx512m \
  "${opens[@]}" -Dfile.encoding=UTF-8 -Djava.net.preferIPv4Stack=true \
  -Duser.home="$PEER_OUT" -Dlogging.path="$PEER_OUT/logs" \
  -cp "$class_path" org.wireloom.peer.Main "$@"
