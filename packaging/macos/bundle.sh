#!/usr/bin/env bash
# Makes an application bundle on a Mac: target/Resilience Console.app.
#
# Untried: the authors had no Mac. The bundle is not signed, so the system asks before its first start; with an identity,
# 'codesign --deep --options runtime --sign IDENTITY' signs it and 'xcrun notarytool' has it checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(uname -s)" = Darwin ] || { echo "bundle.sh makes a Mac's bundle, and this is no Mac." >&2; exit 2; }

cargo build --release --locked
target="${CARGO_TARGET_DIR:-target}"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
app="$target/Resilience Console.app"
rm -rf "$app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
cp "$target/release/resilience-console" "$app/Contents/MacOS/"
cp LICENSE "$app/Contents/Resources/"
sed "s/@VERSION@/$version/g" packaging/macos/Info.plist >"$app/Contents/Info.plist"

# An icon in every size that the system asks for.
icons=$(mktemp -d)/icon.iconset
mkdir -p "$icons"
qlmanage -t -s 1024 -o "$icons" assets/icon.svg >/dev/null
for size in 16 32 128 256 512; do
    sips -z "$size" "$size" "$icons/icon.svg.png" --out "$icons/icon_${size}x${size}.png" >/dev/null
    sips -z $((size * 2)) $((size * 2)) "$icons/icon.svg.png" --out "$icons/icon_${size}x${size}@2x.png" >/dev/null
done
rm "$icons/icon.svg.png"
iconutil -c icns "$icons" -o "$app/Contents/Resources/icon.icns"
plutil -lint "$app/Contents/Info.plist"
echo "$app"
