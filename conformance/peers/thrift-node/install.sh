#!/usr/bin/env bash
# Installs the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

idl=../thrift-idl
sources=(package.json package-lock.json install.sh src "$idl/wireloom.thrift" "$idl/fetch.sh" ../debian/fetch.sh)
stamp=$(find "${sources[@]}" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
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
fetched=$(cat "$idl/fetch.sh" ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ ! -f "$PEER_OUT/fetched" || "$(<"$PEER_OUT/fetched")" != "$fetched" ]]; then
  bash "$idl/fetch.sh" "$PEER_OUT"
  echo "$fetched" >"$PEER_OUT/fetched"
fi
mkdir "$PEER_OUT/src/gen"
for file in "$idl/wireloom.thrift" "$PEER_OUT/ThriftTest.thrift"; do
  "$PEER_OUT/root/usr/bin/thrift" -out "$PEER_OUT/src/gen" --gen js:node,es6 "$file"
done
echo "$stamp" >"$PEER_OUT/stamp"
