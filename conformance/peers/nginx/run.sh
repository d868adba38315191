#!/usr/bin/env bash
# run.sh server --port N
set -euo pipefail
: "${PEER_OUT:?PEER_OUT must name the folder install.sh filled}"
port=$3
# Servers may run at the same time.
folder=$PEER_OUT/run/$port
rm -rf "$folder"
mkdir -p "$folder"
sed -e "s|@OUT@|$PEER_OUT|g" -e "s|@RUN@|$folder|g" -e "s|@PORT@|$port|g" "$PEER_OUT/nginx.conf" >"$folder/nginx.conf"
source "$(dirname "$0")/../debian/env.sh"
"$PEER_OUT/root/usr/sbin/nginx" -p "$folder" -c "$folder/nginx.conf" -e stderr &
nginx=$!
# The shell's own end is to be nginx's, and an orderly one.
trap 'kill -TERM $nginx' TERM
for _ in $(seq 300); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo READY
    break
  fi
  kill -0 $nginx 2>/dev/null || break
  sleep 0.1
done
# A signal ends the first wait, the end of nginx the second.
wait $nginx || wait $nginx
