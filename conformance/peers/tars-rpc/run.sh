#!/usr/bin/env bash
# run.sh server --port N | client --target HOST:PORT --suite SUITE [--with PEER] [--mode MODE]
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder that install.sh filled}"
# The library is old; what Node says of it is no finding.
exec node --no-deprecation "$PEER_OUT/src/main.js" "$@"
