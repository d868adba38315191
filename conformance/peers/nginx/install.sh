#!/usr/bin/env bash
# Unpacks Debian's nginx into $PEER_OUT. A second run with unchanged sources does nothing.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(cat install.sh nginx.conf ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
rm -f "$PEER_OUT/stamp"
bash ../debian/fetch.sh "$PEER_OUT" nginx-light nginx nginx-common libnginx-mod-http-echo libpcre2-8-0 libssl3 zlib1g libcrypt1

# The suite's pattern: byte i is i modulo 251.
mkdir -p "$PEER_OUT/files"
python3 - "$PEER_OUT/files" <<'PYTHON'
import pathlib, sys
for size in 0, 1, 128, 65536, 1 << 20:
    period = bytes(range(251))
    (pathlib.Path(sys.argv[1]) / str(size)).write_bytes((period * (size // 251 + 1))[:size])
PYTHON
cp nginx.conf "$PEER_OUT/"
echo "$stamp" >"$PEER_OUT/stamp"
