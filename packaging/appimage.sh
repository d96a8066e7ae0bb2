#!/usr/bin/env bash
# Makes an AppDir of the program, and an AppImage of it where appimagetool is installed.
#
#   packaging/appimage.sh [--binary FILE] [--out FOLDER]
#
# Without --binary it builds the release first. The AppDir was tried; the AppImage wasn't, because no registry that the authors
# reached has appimagetool. The window's libraries (X11 or Wayland, OpenGL) are the desktop's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

binary=""
out="${CARGO_TARGET_DIR:-target}"
while [ "$#" -gt 0 ]; do
    case $1 in
        --binary) binary=${2:?"--binary needs a file"} && shift 2 ;;
        --out) out=${2:?"--out needs a folder"} && shift 2 ;;
        *) fail "appimage.sh doesn't know $1. Use --binary FILE and --out FOLDER." ;;
    esac
done
if [ -z "$binary" ]; then
    need_build_tools
    install_missing
    need_cargo
    cargo build --release --locked >&2 || fail "The build failed. Read the compiler's message above."
    binary="${CARGO_TARGET_DIR:-target}/release/resilience-console"
fi
[ -x "$binary" ] || fail "There is no program at $binary."

dir="$out/resilience-console.AppDir"
rm -rf "$dir"
install -D -m 0755 "$binary" "$dir/usr/bin/resilience-console"
install -D -m 0644 assets/icon.svg "$dir/resilience-console.svg"
install -D -m 0644 LICENSE "$dir/usr/share/doc/resilience-console/copyright"
cat >"$dir/resilience-console.desktop" <<'ENTRY'
[Desktop Entry]
Type=Application
Name=Resilience Console
Comment=Disaster recovery for lakehouses
Exec=resilience-console
Icon=resilience-console
Categories=System;
Terminal=false
ENTRY
cat >"$dir/AppRun" <<'RUN'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/usr/bin/resilience-console" "$@"
RUN
chmod 0755 "$dir/AppRun"
if command -v appimagetool >/dev/null 2>&1; then
    image="$out/resilience-console-$(uname -m).AppImage"
    appimagetool "$dir" "$image" >&2
    printf '%s\n' "$image"
else
    say "appimagetool is not installed, so only the AppDir was made."
    printf '%s\n' "$dir"
fi
