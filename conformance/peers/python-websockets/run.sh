#!/usr/bin/env bash
# run.sh server --port N | client --target HOST:PORT …
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"
# Results are to be seen as they come.
exec env PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 "$PEER_OUT/venv/bin/python" "$PEER_OUT/src/main.py" "$@"
