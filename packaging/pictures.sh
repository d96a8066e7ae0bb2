#!/usr/bin/env bash
# Draws every screen and dialog in both themes, without a display, as PNG files.
#
#   packaging/pictures.sh [--out FOLDER] [--size WIDTHxHEIGHT] [--scale FACTOR] [--only WORD]
#   packaging/pictures.sh --keep      keeps the pictures that the tests compare with, after a change that is meant
#
# Without --out the files go to target/screens. The sizes that screens are judged at: 1280x800, 1920x1080, and 3840x2160 at scale 2.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

test=pictures::pictures
export PICTURES="" SIZE="" SCALE="" PICTURE=""
while [ "$#" -gt 0 ]; do
    case $1 in
        --out) mkdir -p "${2:?"--out needs a folder"}" && PICTURES=$(cd "$2" && pwd) && shift 2 ;;
        --size) SIZE=${2:?"--size needs WIDTHxHEIGHT"} && shift 2 ;;
        --scale) SCALE=${2:?"--scale needs a number"} && shift 2 ;;
        --only) PICTURE=${2:?"--only needs a word"} && shift 2 ;;
        --keep) test=pictures::kept && export UPDATE_SNAPSHOTS=1 && shift ;;
        *) fail "pictures.sh doesn't know $1. Use --out FOLDER, --size WIDTHxHEIGHT, --scale FACTOR, --only WORD or --keep." ;;
    esac
done
need_build_tools
install_missing
need_cargo
cargo test --locked --features failpoints --test console "$test" -- --include-ignored
