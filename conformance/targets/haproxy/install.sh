#!/usr/bin/env bash
# Unpacks Debian's HAProxy into $PEER_OUT. A second run with unchanged sources does nothing.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(cat install.sh ../../peers/debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
rm -f "$PEER_OUT/stamp"
bash ../../peers/debian/fetch.sh "$PEER_OUT" haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libpcre2-8-0 libssl3 \
  libsystemd0 libcrypt1 libcap2 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libzstd1
sed -n 's/^haproxy /HAProxy /p' "$PEER_OUT/versions" >"$PEER_OUT/version"
echo "$stamp" >"$PEER_OUT/stamp"
