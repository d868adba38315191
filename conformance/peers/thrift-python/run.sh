#!/usr/bin/env bash
# run.sh server|client ARGS…: the peer that install.sh put into $PEER_OUT.
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder that install.sh filled}"
exec env PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 "$PEER_OUT/venv/bin/python" "$PEER_OUT/src/main.py" "$@"
