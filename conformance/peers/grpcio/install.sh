#!/usr/bin/env bash
# Installs the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

proto=../grpc-echo/echo.proto
stamp=$(find "$proto" requirements.txt install.sh src -name __pycache__ -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi

mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/src" "$PEER_OUT/stamp"
[[ -x "$PEER_OUT/venv/bin/pip" ]] || { rm -rf "$PEER_OUT/venv"; python3 -m venv "$PEER_OUT/venv"; }
for attempt in 1 2 3; do
  if "$PEER_OUT/venv/bin/pip" install --quiet --no-deps --only-binary :all: -r requirements.txt; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "pip install failed three times"; exit 1; }
  sleep $((attempt * 5))
done
cp -R src "$PEER_OUT/"
"$PEER_OUT/venv/bin/python" -m grpc_tools.protoc -I "$(dirname "$proto")" \
  --python_out="$PEER_OUT/src" --grpc_python_out="$PEER_OUT/src" "$proto"
echo "$stamp" >"$PEER_OUT/stamp"
