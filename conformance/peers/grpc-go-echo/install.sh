#!/usr/bin/env bash
# Generates the code of echo.proto and compiles the peer, all in $PEER_OUT; versions are those of go.mod and go.sum. A second
# run with unchanged sources does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${PEER_OUT:?PEER_OUT is the folder to install into}
exec 1>&2

proto=../grpc-echo/echo.proto
fingerprint=$(cat "$proto" ./*.go generate/*.go go.mod go.sum install.sh | sha256sum | cut -d' ' -f1)
stamp=$out/stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

rm -rf "$stamp" "$out/src"
mkdir -p "$out/src/echo" "$out/tools"
cp -R ./*.go generate go.mod go.sum "$proto" "$out/src/"
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
go build -buildvcs=false -o "$out/tools/" \
    google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc ./generate
"$out/tools/generate" echo.proto wireloom.org/peer/grpc-go-echo/echo echo \
    "$out/tools/protoc-gen-go" "$out/tools/protoc-gen-go-grpc"
go build -buildvcs=false -trimpath -o "$out/peer" .
echo "$fingerprint" > "$stamp"
