#!/usr/bin/env bash
# run.sh server | client ARGS…: the peer that install.sh put into $PEER_OUT.
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"

# Sorted, so that the class path is the same everywhere.
class_path=$(printf '%s:' "$PEER_OUT"/lib/*.jar)
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx1g \
  -Dfile.encoding=UTF-8 -Djava.net.preferIPv4Stack=true -cp "$class_path" org.wireloom.peer.Main "$@"
