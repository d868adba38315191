#!/usr/bin/env bash
# Installs the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

idl=../thrift-idl
sources=(requirements.txt install.sh src "$idl/wireloom.thrift" "$idl/fetch.sh" "$idl/python" ../debian/fetch.sh)
stamp=$(find "${sources[@]}" -name __pycache__ -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi

mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/stamp" "$PEER_OUT/src"
[[ -x "$PEER_OUT/venv/bin/pip" ]] || { rm -rf "$PEER_OUT/venv"; python3 -m venv "$PEER_OUT/venv"; }
for attempt in 1 2 3; do
  if "$PEER_OUT/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r requirements.txt; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "pip install failed three times"; exit 1; }
  sleep $((attempt * 5))
done
fetched=$(cat "$idl/fetch.sh" ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ ! -f "$PEER_OUT/fetched" || "$(<"$PEER_OUT/fetched")" != "$fetched" ]]; then
  bash "$idl/fetch.sh" "$PEER_OUT"
  echo "$fetched" >"$PEER_OUT/fetched"
fi
mkdir "$PEER_OUT/src"
cp "$idl"/python/*.py src/*.py "$PEER_OUT/src/"
for file in "$idl/wireloom.thrift" "$PEER_OUT/ThriftTest.thrift"; do
  "$PEER_OUT/root/usr/bin/thrift" -out "$PEER_OUT/src" --gen py "$file"
done
echo "$stamp" >"$PEER_OUT/stamp"
