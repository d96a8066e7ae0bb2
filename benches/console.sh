#!/usr/bin/env bash
# The real window on a virtual display, in a release build: how long it takes to its first frame, and what it takes while
# nothing happens. JSON lines on standard output; benches/README.md says how to read them.
#
#   benches/console.sh [--binary FILE] [--runs N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
binary="" runs=5
while [ "$#" -gt 0 ]; do
    case $1 in
        --binary) binary=${2:?} && shift 2 ;;
        --runs) runs=${2:?} && shift 2 ;;
        *) echo "console.sh doesn't know $1." >&2 && exit 2 ;;
    esac
done
if [ -z "$binary" ]; then
    cargo build --release --locked >&2
    binary="${CARGO_TARGET_DIR:-target}/release/resilience-console"
fi
command -v Xvfb >/dev/null || { echo "Xvfb is not installed; packaging/test.sh installs it." >&2 && exit 2; }
exec python3 benches/console/window.py "$binary" "$runs"
