#!/usr/bin/env bash
# Installs the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(cat requirements.txt install.sh *.py | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" && -x "$PEER_OUT/venv/bin/python" ]]; then
  exit 0
fi

mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/stamp" "$PEER_OUT/src"
[[ -x "$PEER_OUT/venv/bin/pip" ]] || python3 -m venv "$PEER_OUT/venv"
for attempt in 1 2 3; do
  if "$PEER_OUT/venv/bin/pip" install --quiet --disable-pip-version-check --retries 3 -r requirements.txt; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "pip install failed three times"; exit 1; }
  sleep $((attempt * 5))
done
mkdir "$PEER_OUT/src"
cp *.py "$PEER_OUT/src/"
echo "$stamp" >"$PEER_OUT/stamp"
