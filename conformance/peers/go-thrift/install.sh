#!/usr/bin/env bash
# Generates the services' code and compiles the peer into $PEER_OUT; versions are those of go.mod and go.sum. A second run
# with unchanged sources does nothing.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(cat ./*.go go.mod go.sum install.sh ../thrift-idl/wireloom.thrift ../thrift-idl/fetch.sh ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/stamp" "$PEER_OUT/build"
mkdir -p "$PEER_OUT/build/idl" "$PEER_OUT/build/gen"

fetched=$(cat ../thrift-idl/fetch.sh ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ ! -f "$PEER_OUT/fetched" || "$(<"$PEER_OUT/fetched")" != "$fetched" ]]; then
  bash ../thrift-idl/fetch.sh "$PEER_OUT"
  echo "$fetched" >"$PEER_OUT/fetched"
fi
cp ./*.go go.mod go.sum "$PEER_OUT/build/"
cp ../thrift-idl/wireloom.thrift "$PEER_OUT/build/idl/"
# Two fields whose types Go has no keys of maps for, as Thrift's own tests for Go leave them out; no method has them.
grep -v -e 'list.*map.*list.*map' -e 'set<Insanity>' "$PEER_OUT/ThriftTest.thrift" >"$PEER_OUT/build/idl/ThriftTest.thrift"

cd "$PEER_OUT/build"
for idl in idl/*.thrift; do
  ../root/usr/bin/thrift -out gen -gen go:package_prefix=wireloom.org/peer/go-thrift/gen/ "$idl"
done
# Programs that nobody needs.
rm -rf gen/*/*-remote

# A newer toolchain would be one more download; the module cache keeps what a broken try did get.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly
for attempt in 1 2 3; do
  if go mod download; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "go mod download failed three times"; exit 1; }
  sleep $((attempt * 3))
done
go build -buildvcs=false -trimpath -o "$PEER_OUT/peer" .
rm -rf "$PEER_OUT/build"
echo "$stamp" >"$PEER_OUT/stamp"
