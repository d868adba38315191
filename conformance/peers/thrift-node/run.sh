#!/usr/bin/env bash
# run.sh server|client ARGS…: the peer that install.sh put into $PEER_OUT.
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder that install.sh filled}"
exec node "$PEER_OUT/src/main.js" "$@"
