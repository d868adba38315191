#!/usr/bin/env bash
# run.sh server --port N | client --target HOST:PORT --suite calls --with PEER --mode MODE --protocol P --upstream P
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"
exec node "$PEER_OUT/src/main.js" "$@"
