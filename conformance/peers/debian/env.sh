# Sourced: lets what fetch.sh unpacked into $PEER_OUT run.
for libraries in "$PEER_OUT"/root/usr/lib/*-linux-gnu "$PEER_OUT"/root/lib/*-linux-gnu; do
  [ -d "$libraries" ] && LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
