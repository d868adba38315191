#!/usr/bin/env bash
# Builds the peer into $PEER_OUT; nothing is written beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
: "${PEER_OUT:?PEER_OUT must name the folder to install into}"
exec 1>&2

stamp=$(find pom.xml install.sh src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f "$PEER_OUT/stamp" && "$(<"$PEER_OUT/stamp")" == "$stamp" ]]; then
  exit 0
fi

rm -rf "$PEER_OUT/build" "$PEER_OUT/lib" "$PEER_OUT/stamp"
mkdir -p "$PEER_OUT/build" "$PEER_OUT/lib"
cp -R pom.xml src "$PEER_OUT/build/"

for attempt in 1 2 3; do
  if mvn -q -B -f "$PEER_OUT/build/pom.xml" package \
      dependency:copy-dependencies -DincludeScope=runtime; then
    break
  fi
  [[ $attempt == 3 ]] && { echo "the build failed three times"; exit 1; }
  sleep $((attempt * 5))
done

cp "$PEER_OUT/build/target/peer.jar" "$PEER_OUT/build/target/dependency/"*.jar "$PEER_OUT/lib/"
rm -rf "$PEER_OUT/build"
echo "$stamp" >"$PEER_OUT/stamp"
