#!/usr/bin/env bash
exec bash "$(dirname "${BASH_SOURCE[0]}")/../dubbo-java/install.sh" "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
