#!/usr/bin/env bash
# install.sh FOLDER…: compiles the shared sources and those of the folders, of which later ones replace earlier ones,
# against the versions that the last folder's pom pins.
# Everything is made in $PEER_OUT; a second run with unchanged sources does nothing.
set -euo pipefail

peer=${*: -1}
shared=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${PEER_OUT:?PEER_OUT is the folder to install into}
exec 1>&2

fingerprint=$(cat "$peer/pom.xml" "$shared/install.sh" \
    <(find "$shared/src" "${@/%//src}" -type f | LC_ALL=C sort | xargs cat) | sha256sum | cut -d' ' -f1)
stamp=$out/stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    exit 0
fi

mkdir -p "$out"
rm -rf "${out:?}/src" "${out:?}/target" "${out:?}/lib" "$stamp"
mkdir "$out/src"
for folder in "$shared" "$@"; do
    cp -R "$folder/src/." "$out/src/"
done
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
