#!/usr/bin/env bash
# install.sh PEER_FOLDER: compiles the shared sources and the peer's own against the version that its pom pins.
# Everything is made in $PEER_OUT; a second run with unchanged sources does nothing.
set -euo pipefail

peer=$1
shared=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${PEER_OUT:?PEER_OUT is the folder to install into}
exec 1>&2

fingerprint=$(cat "$peer/pom.xml" "$shared/install.sh" \
    <(find "$shared/src" "$peer/src" -type f | LC_ALL=C sort | xargs cat) | sha256sum | cut -d' ' -f1)
stamp=$out/stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

mkdir -p "$out"
rm -rf "${out:?}/src" "${out:?}/target" "${out:?}/lib" "$stamp"
cp -R "$shared/src" "$out/src"
cp -R "$peer/src/." "$out/src/"
cp "$peer/pom.xml" "$out/pom.xml"

for try in 1 2 3; do
    if mvn -q -B -ntp -Dstyle.color=never -f "$out/pom.xml" -Dmaven.wagon.http.retryHandler.count=3 \
        compile dependency:copy-dependencies 2>&1 | tee "$out/maven.log"; then
        break
    fi
    # Only what was lost on the way is worth another try.
    if [ "$try" = 3 ] || grep -q "COMPILATION ERROR" "$out/maven.log"; then
        echo "maven failed" >&2
        exit 1
    fi
    echo "maven failed, trying again" >&2
    sleep $((try * 3))
done
echo "$fingerprint" > "$stamp"
