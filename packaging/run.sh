#!/usr/bin/env bash
# Installs what is missing, builds the release and opens the console. On a new data dir it offers the embedded sandbox.
# Without a display it runs the failover drill in the terminal instead. Further arguments go to the console,
# such as --data-dir DIR or --sandbox-tables N.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

windowed=false
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then windowed=true; fi

need_build_tools
if $windowed; then need_window_libraries; fi
install_missing
need_cargo

say "Building the release. The first time takes several minutes."
cargo build --release --locked ||
    fail "The build failed. Read the compiler's message above; a machine without network needs the crates fetched beforehand ('cargo fetch')."
console="${CARGO_TARGET_DIR:-target}/release/resilience-console"

if $windowed; then
    exec "$console" "$@"
fi

say "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set), so the failover drill runs in this terminal."
place=$(mktemp -d "${TMPDIR:-/tmp}/resilience-drill.XXXXXX")
status=0
"$console" drill --sandbox --data-dir "$place/data" --json "$place/report.json" "$@" || status=$?
if [ -s "$place/report.json" ]; then cat "$place/report.json"; fi
case $status in
    0)
        say "The drill passed: failed over, failed back, lost a region, recovered, and every table compared equal."
        rm -rf "$place"
        ;;
    1) say "The drill ran, and something does not hold: see the report above. Its data dir is kept at $place/data." ;;
    *) say "The drill could not run (exit status $status). Its data dir is kept at $place/data." ;;
esac
exit "$status"
