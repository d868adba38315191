#!/bin/bash
# instructions.sh TEMPLATE PROTOCOL WIRELOOM...: instructions per request that each program takes with the template.
#
# Counted by callgrind, in user space, as the difference of a long and a short run: neighbours on the machine and the
# kernel do not count, and two runs differ by less than a hundredth. RPCLOAD names the load generator (`rpcload`).
# CONNS and INFLIGHT are 8 and 32 if not given, for HTTP/1.1 32 and 1.
set -eu
template=$1 protocol=$2
shift 2
rpcload=${RPCLOAD:?the load generator}
dir=$(mktemp -d)
backend_port=24880 listen_port=24045
# How the load's requests are told from others, what its server speaks, and how many are under way.
upstream=$protocol server=$protocol conns=${CONNS:-8} inflight=${INFLIGHT:-32}
case $protocol in
dubbo | bolt) match='service: org.bench.EchoService' ;;
thrift*) match='method: echo' upstream=thrift ;;
grpc) match='service: bench.Echo' upstream=http2 server=h2 ;;
h2) match='http: {path: {prefix: /echo}}' upstream=http2 ;;
http1) match='http: {path: {prefix: /echo}}' conns=${CONNS:-32} inflight=${INFLIGHT:-1} ;;
esac
sed "s/@WORKERS@/1/; s/@LISTEN_PORT@/$listen_port/; s/@BACKEND_PORT@/$backend_port/; s/@PROTOCOL@/$upstream/; s|@MATCH@|$match|" \
    "$template" > "$dir/config.yaml"
"$rpcload" backend "--$server" $backend_port &
backend=$!
trap 'kill $backend; rm -r "$dir"' EXIT

# instructions PROGRAM REQUESTS
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$dir/log" "$1" run -c "$dir/config.yaml" 2>"$dir/err" &
    local proxy=$!
    for _ in $(seq 300); do
        (exec 3<>/dev/tcp/127.0.0.1/$listen_port) 2>/dev/null && break
        sleep 0.2
    done
    "$rpcload" load --proto "$protocol" --addr 127.0.0.1:$listen_port --conns "$conns" --inflight "$inflight" \
        --warmup 0 --duration 120 --requests "$2" > "$dir/load"
    kill -INT $proxy
    wait $proxy || true
    grep -q '"errors": *0[,}]' "$dir/load" || { echo "the load had errors:" >&2; cat "$dir/load" "$dir/err" >&2; exit 1; }
    awk '/Collected/ {print $NF}' "$dir/log"
}

short=4000 long=20000
for program in "$@"; do
    less=$(instructions "$program" $short)
    more=$(instructions "$program" $long)
    echo "$program $(((more - less) / (long - short)))"
done
