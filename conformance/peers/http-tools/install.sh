#!/usr/bin/env bash
# Unpacks Debian's nghttp, h2load and wrk into $PEER_OUT; curl is the system's. A second run with unchanged sources does
# nothing.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

curl --version | grep -q ' HTTP2 ' || { echo "this curl speaks no HTTP/2"; exit 1; }
stamp=$(cat install.sh *.py ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/stamp" "$PEER_OUT/src"
unpacked=$(cat install.sh ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ ! -f "$PEER_OUT/unpacked" || "$(<"$PEER_OUT/unpacked")" != "$unpacked" ]]; then
  bash ../debian/fetch.sh "$PEER_OUT" nghttp2-client wrk libnghttp2-14 libev4 libjansson4 libjemalloc2 libxml2 libicu72 \
    liblzma5 libssl3 zlib1g libluajit2-5.1-2 libluajit-5.1-common libc-ares2
  echo "$unpacked" >"$PEER_OUT/unpacked"
fi
mkdir "$PEER_OUT/src"
cp *.py "$PEER_OUT/src/"
echo "$stamp" >"$PEER_OUT/stamp"
