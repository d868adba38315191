#!/usr/bin/env bash
# Installs the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(find package.json package-lock.json install.sh src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi

mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/src" "$PEER_OUT/stamp"
# Beside node_modules, so that the program finds its packages.
cp -R package.json package-lock.json src "$PEER_OUT/"

for attempt in 1 2 3; do
  if (cd "$PEER_OUT" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
    break
  fi
  [[ $attempt == 3 ]] && { echo "npm ci failed three times"; exit 1; }
  sleep $((attempt * 5))
done
echo "$stamp" >"$PEER_OUT/stamp"
