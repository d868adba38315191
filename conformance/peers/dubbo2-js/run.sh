#!/usr/bin/env bash
# run.sh client --target HOST:PORT --suite SUITE [--with PEER]
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"
# The library logs only outside production, and formats every message for it even when nobody listens.
export NODE_ENV=production
# The library's dependencies are old; what Node says of them is no finding.
exec node --no-deprecation "$PEER_OUT/src/main.js" "$@"
