#!/usr/bin/env bash
# run.sh client --target HOST:PORT --with PEER --mode MODE --protocol P --upstream P
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"
# The tools' libraries are for the tools alone.
exec env PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 python3 "$PEER_OUT/src/main.py" "$@"
