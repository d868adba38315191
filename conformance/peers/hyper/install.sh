#!/usr/bin/env bash
# Compiles the peer into $PEER_OUT; versions are those of Cargo.lock. A second run with unchanged sources does nothing.
set -euo pipefail
peer=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${PEER_OUT:?PEER_OUT is the folder to install into}
exec 1>&2

fingerprint=$(cat "$peer"/src/*.rs "$peer/Cargo.toml" "$peer/Cargo.lock" "$peer/install.sh" | sha256sum | cut -d' ' -f1)
stamp=$out/stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

mkdir -p "$out"
rm -f "$stamp"
cd "$peer"
for try in 1 2 3; do
    if cargo fetch --locked; then
        break
    fi
    if [ "$try" = 3 ]; then
        echo "cargo fetch failed three times" >&2
        exit 1
    fi
    sleep $((try * 3))
done
cargo build --release --locked --offline --target-dir "$out/target"
cp "$out/target/release/wireloom-peer-hyper" "$out/peer"
echo "$fingerprint" > "$stamp"
