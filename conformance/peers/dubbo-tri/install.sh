#!/usr/bin/env bash
# The sources of dubbo-3.3, of which those here replace what Triple does in another way.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$here/../dubbo-java/install.sh" "$here/../dubbo-3.3" "$here"
