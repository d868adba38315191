#!/usr/bin/env bash
# run.sh server|client ARGS…: the peer that install.sh put into $PEER_OUT.
exec "${PEER_OUT:?PEER_OUT is the folder that install.sh installed into}/peer" "$@"
