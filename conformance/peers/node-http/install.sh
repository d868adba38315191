#!/usr/bin/env bash
# Nothing to fetch: the peer is what Node has built in. $PEER_OUT gets the sources, so that a run never sees an edit.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

# Raw header lists of http2 replies, and http1's early hints, are from 18.11 on.
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 18 || (a == 18 && b >= 11) ? 0 : 1)' || {
  echo "node $(node --version) is too old: 18.11 at least"
  exit 1
}
mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/src"
cp -R src "$PEER_OUT/"
