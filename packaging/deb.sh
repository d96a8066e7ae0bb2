#!/usr/bin/env bash
# Builds a Debian package with dpkg-deb: the program, its service, its menu entry and its documents.
#
#   packaging/deb.sh [--binary FILE] [--out FOLDER]
#
# Without --binary it builds the release first. The package is put into FOLDER, or target/ without --out, and its path is
# printed on standard output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

command -v dpkg-deb >/dev/null 2>&1 || fail "dpkg-deb is not installed. Install the package dpkg."
take_program "$@"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
arch=$(dpkg --print-architecture)
root=$(mktemp -d "${TMPDIR:-/tmp}/resilience-deb.XXXXXX")
trap 'rm -rf "$root"' EXIT

install -D -m 0755 "$binary" "$root/usr/bin/resilience-console"
strip --strip-unneeded "$root/usr/bin/resilience-console" 2>/dev/null || say "strip is not installed, so the program keeps its symbols."
install -D -m 0644 packaging/resilience-console.service "$root/usr/lib/systemd/system/resilience-console.service"
for page in docs/*.md; do
    install -D -m 0644 "$page" "$root/usr/share/doc/resilience-console/$(basename "$page")"
done
install -D -m 0644 LICENSE "$root/usr/share/doc/resilience-console/copyright"
mkdir -p "$root/etc/default" "$root/usr/lib/sysusers.d" "$root/usr/share/applications" "$root/DEBIAN"
cat >"$root/etc/default/resilience-console" <<'CONF'
# Options of the service, as 'resilience-console serve --help' lists them. Others than loopback need --tls-cert and --tls-key.
RESILIENCE_OPTIONS="--listen 127.0.0.1:8085 --gateway 127.0.0.1:8086"
CONF
echo 'u resilience-console - "Resilience Console" /var/lib/resilience-console' >"$root/usr/lib/sysusers.d/resilience-console.conf"
cat >"$root/usr/share/applications/resilience-console.desktop" <<'ENTRY'
[Desktop Entry]
Type=Application
Name=Resilience Console
Comment=Disaster recovery for lakehouses
Exec=resilience-console
Categories=System;Database;
Terminal=false
ENTRY
# The window opens its libraries at run time. A server needs none of them, so they are only recommended.
cat >"$root/DEBIAN/control" <<CONTROL
Package: resilience-console
Version: $version
Architecture: $arch
Maintainer: Resilience Console maintainers <maintainers@resilience-console.invalid>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6 (>= 2.34), libgcc-s1
Recommends: libx11-6, libx11-xcb1, libxkbcommon0, libxkbcommon-x11-0, libgl1, libegl1, libxcursor1, libxi6, libxrandr2
Section: admin
Priority: optional
Description: disaster recovery for lakehouses that speak the Databricks and Unity Catalog REST APIs
 Keeps the catalogs of a failover group complete in a second region, and moves work between the two. It has a window, and a
 service without one.
CONTROL
echo /etc/default/resilience-console >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -n "${DPKG_ROOT:-}" ]; then
    # Installed into another root: its users are made when it starts, as /usr/lib/sysusers.d says.
    install -d -m 0700 "$DPKG_ROOT/var/lib/resilience-console"
elif [ "$1" = configure ]; then
    if command -v systemd-sysusers >/dev/null 2>&1; then
        systemd-sysusers resilience-console.conf
    elif ! getent passwd resilience-console >/dev/null; then
        useradd --system --home-dir /var/lib/resilience-console --shell /usr/sbin/nologin resilience-console
    fi
    install -d -m 0700 -o resilience-console -g resilience-console /var/lib/resilience-console
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
SCRIPT
cat >"$root/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl disable --now resilience-console.service; fi
SCRIPT
cat >"$root/DEBIAN/postrm" <<'SCRIPT'
#!/bin/sh
set -e
# The data dir stays, also after a purge: it holds what failovers left behind and the replicas' ledger.
if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
SCRIPT
chmod 0755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
chmod 0755 "$root"
mkdir -p "$out"
package="$out/resilience-console_${version}_${arch}.deb"
dpkg-deb --root-owner-group --build "$root" "$package" >&2
printf '%s\n' "$package"
