#!/usr/bin/env bash
# fetch.sh FOLDER PACKAGE…: downloads packages of the Debian release that runs here and unpacks them into FOLDER/root,
# without being root and without installing anything. Dependencies are to be named too. What runs from there needs
# LD_LIBRARY_PATH=FOLDER/root/usr/lib/x86_64-linux-gnu:FOLDER/root/lib/x86_64-linux-gnu, or the like.
# Debian keeps one version of a package per release, so the release is the pin; which it was is in FOLDER/versions.
set -euo pipefail

out=$1
shift
mkdir -p "$out/debs" "$out/apt/state/lists/partial" "$out/apt/cache/archives/partial"
cd "$out/debs"

options=(-o Acquire::Retries=2 -o Acquire::http::Timeout=60)
if [ "$(id -u)" = 0 ]; then
  # The user that downloads are otherwise left to cannot write here.
  options+=(-o APT::Sandbox::User=root)
fi
# Lists of our own, for where the system's are missing or name what Debian has replaced since.
own=(-o "Dir::State=$out/apt/state" -o Dir::State::status=/var/lib/dpkg/status -o "Dir::Cache=$out/apt/cache")

fetched=false
for attempt in 1 2 3 4; do
  rm -f ./*.deb
  if [ "$attempt" -gt 1 ]; then
    sleep $((attempt * 2))
    # A source that has nothing to do with Debian may fail.
    apt-get "${options[@]}" "${own[@]}" update || true
    options+=("${own[@]}")
  fi
  if apt-get "${options[@]}" download "$@"; then
    fetched=true
    break
  fi
done
if ! $fetched; then
  echo "apt-get download failed four times"
  exit 1
fi

rm -rf "$out/root"
for deb in ./*.deb; do
  dpkg-deb -x "$deb" "$out/root"
done
for deb in ./*.deb; do
  dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb"
done | tee "$out/versions"
rm -rf "$out/debs" "$out/apt"
