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

take_program "$@"

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
