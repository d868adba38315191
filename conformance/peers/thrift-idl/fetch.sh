#!/usr/bin/env bash
# fetch.sh FOLDER: puts the Thrift compiler (Debian's) at FOLDER/root/usr/bin/thrift and Thrift's own ThriftTest.thrift, of
# the compiler's version, into FOLDER. The latter is in the Go module of Thrift, which is all of its sources.
set -euo pipefail
cd "$(dirname "$0")"
out=$1
version=0.17.0
sum=h1:cMd2aj52n+8VoAtvSvLn4kDC3aZ6IAkBuqWQ2IDu7wo=

# The compiler is the system's where that is the one.
if [ "$(thrift --version 2>/dev/null || true)" = "Thrift version $version" ]; then
  mkdir -p "$out/root/usr/bin"
  ln -sf "$(command -v thrift)" "$out/root/usr/bin/thrift"
else
  bash ../debian/fetch.sh "$out" thrift-compiler
fi
"$out/root/usr/bin/thrift" --version

module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
printf 'module none\n\ngo 1.21\n' >"$module/go.mod"
for attempt in 1 2 3; do
  # Sets nothing up for later: the module is looked up by its name, and what came is checked.
  if told=$(cd "$module" && GOFLAGS=-mod=mod go mod download -json "github.com/apache/thrift@v$version"); then
    break
  fi
  [[ $attempt == 3 ]] && { echo "go mod download failed three times"; exit 1; }
  sleep $((attempt * 5))
done
field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$told" "$1"; }
[ "$(field Sum)" = "$sum" ] || { echo "the module is $(field Sum), not $sum"; exit 1; }
install -m 644 "$(field Dir)/test/ThriftTest.thrift" "$out/ThriftTest.thrift"
