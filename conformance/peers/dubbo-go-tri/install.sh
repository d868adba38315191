#!/usr/bin/env bash
# Compiles the peer, with what it shares with dubbo-go, into $PEER_OUT; versions are those of go.mod and go.sum. A second run
# with unchanged sources does nothing. talk/talk.pb.go is made of dubbo-tri's talk.proto by protoc-gen-go.
set -euo pipefail

peer=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shared=("$peer/../dubbo-go/"{check,connections,log,runner}.go)
out=${PEER_OUT:?PEER_OUT is the folder to install into}
exec 1>&2

fingerprint=$(cat "$peer"/*.go "$peer"/talk/*.go "${shared[@]}" "$peer/go.mod" "$peer/go.sum" "$peer/install.sh" \
    | sha256sum | cut -d' ' -f1)
stamp=$out/stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

mkdir -p "$out"
rm -rf "${out:?}/src" "$stamp"
mkdir "$out/src"
cp -R "$peer"/*.go "$peer/talk" "$peer/go.mod" "$peer/go.sum" "${shared[@]}" "$out/src/"
cd "$out/src"
# A newer toolchain would be one more download; the module cache keeps what a broken try did get.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly
for try in 1 2 3; do
    if go mod download; then
        break
    fi
    if [ "$try" = 3 ]; then
        echo "go mod download failed three times" >&2
        exit 1
    fi
    sleep $((try * 3))
done
go build -buildvcs=false -trimpath -o "$out/peer" .
echo "$fingerprint" > "$stamp"
