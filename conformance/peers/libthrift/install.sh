#!/usr/bin/env bash
# Generates the services' code and builds the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(find pom.xml install.sh adapt.py src ../thrift-idl/*.* ../debian/fetch.sh -type f -print0 | sort -z |
  xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi
mkdir -p "$PEER_OUT"
rm -rf "$PEER_OUT/build" "$PEER_OUT/lib" "$PEER_OUT/stamp"
mkdir -p "$PEER_OUT/build" "$PEER_OUT/lib"

fetched=$(cat ../thrift-idl/fetch.sh ../debian/fetch.sh | sha256sum | cut -d' ' -f1)
if [[ ! -f "$PEER_OUT/fetched" || "$(<"$PEER_OUT/fetched")" != "$fetched" ]]; then
  bash ../thrift-idl/fetch.sh "$PEER_OUT"
  echo "$fetched" >"$PEER_OUT/fetched"
fi
cp -R pom.xml src "$PEER_OUT/build/"
for idl in ../thrift-idl/wireloom.thrift "$PEER_OUT/ThriftTest.thrift"; do
  "$PEER_OUT/root/usr/bin/thrift" -out "$PEER_OUT/build/src/main/java" -gen java:generated_annotations=suppress "$idl"
done
python3 adapt.py "$PEER_OUT/build/src/main/java"

for attempt in 1 2 3; do
  if mvn -q -B -ntp -f "$PEER_OUT/build/pom.xml" package \
      dependency:copy-dependencies -DincludeScope=runtime; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "the build failed three times"; exit 1; }
  sleep $((attempt * 5))
done

cp "$PEER_OUT/build/target/peer.jar" "$PEER_OUT/build/target/dependency/"*.jar "$PEER_OUT/lib/"
rm -rf "$PEER_OUT/build"
echo "$stamp" >"$PEER_OUT/stamp"
