# shellcheck shell=bash
# Functions of the scripts beside it. They install what a script needs and the machine lacks, make Python environments, and find
# the program that a package is made of.

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 2
}

MISSING=()

# need_command COMMAND PACKAGE: the command must be on the path.
need_command() {
    command -v "$1" >/dev/null 2>&1 || MISSING+=("$2")
}

# need_library SONAME PACKAGE: the dynamic linker must find the library.
need_library() {
    # Read whole first: under pipefail, a grep that leaves early would fail the pipe.
    local known
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
    grep -qF "$1 " <<<"$known" || MISSING+=("$2")
}

# need_package PACKAGE: for what is neither a command nor a library; only Debian's database can tell.
need_package() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ] || MISSING+=("$1")
}

# What every build needs: SQLite and the TLS library are compiled from C.
need_build_tools() {
    need_command cc build-essential
    need_command pkg-config pkg-config
}

# What a window needs. The binary opens all of it at run time, so nothing of it is needed to build.
need_window_libraries() {
    need_library libX11.so.6 libx11-6
    need_library libX11-xcb.so.1 libx11-xcb1
    need_library libXcursor.so.1 libxcursor1
    need_library libXi.so.6 libxi6
    need_library libxkbcommon.so.0 libxkbcommon0
    need_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    need_library libGL.so.1 libgl1
    need_library libEGL.so.1 libegl1
    # Finds fonts for letters that the program's own fonts don't have.
    need_library libfontconfig.so.1 libfontconfig1
    need_package libgl1-mesa-dri
    if [ -n "${WAYLAND_DISPLAY:-}" ]; then
        need_library libwayland-client.so.0 libwayland-client0
        need_library libwayland-egl.so.1 libwayland-egl1
    fi
}

# Installs what the need_* calls found missing; without apt, says what to install by hand.
install_missing() {
    [ "${#MISSING[@]}" -gt 0 ] || return 0
    local list="${MISSING[*]}" sudo=()
    MISSING=()
    command -v apt-get >/dev/null 2>&1 ||
        fail "This machine lacks what these Debian packages hold: $list. It has no apt-get, so install their like with its own package manager, then run this again."
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "This machine lacks these packages: $list. Installing them needs root and there is no sudo: run 'apt-get install $list' as root, then run this again."
        sudo=(sudo)
    fi
    say "Installing $list."
    "${sudo[@]}" apt-get update -qq >/dev/null || say "The package lists could not be refreshed; trying with those that are here."
    # shellcheck disable=SC2086 # the list is meant to fall apart into words
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $list >/dev/null </dev/null ||
        fail "apt-get could not install $list. Read its message above, mend it, then run this again."
}

# Finds cargo, also where rustup has put it and this shell doesn't know yet.
need_cargo() {
    if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
        PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"
    fi
    command -v cargo >/dev/null 2>&1 ||
        fail "Rust is not installed: there is no cargo on the path. Install it from https://rustup.rs, open a new terminal, then run this again."
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n%s\n' "$needed" "${found%%-*}" | sort -V | head -n 1)" = "$needed" ] ||
        fail "This is Rust $found, and the project needs $needed or newer. Run 'rustup update', then run this again."
}

# pip_install ENVIRONMENT ARGUMENT…
pip_install() { "$1/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "${@:2}" >&2 </dev/null; }
# python_environment FOLDER PACKAGES INSTALL: makes one where FOLDER holds none with just these packages; INSTALL fills it.
python_environment() {
    if [ "$(cat "$1/installed" 2>/dev/null || true)" = "$2" ]; then return; fi
    say "Making a Python environment with $2 in $1."
    rm -rf "$1"
    python3 -m venv "$1" >&2 ||
        fail "Python could not make a virtual environment in $1. Read its message above, mend it, then run this again."
    "$3" "$1" || fail "pip could not install $2. It needs a way to PyPI or to a mirror (PIP_INDEX_URL)."
    printf '%s\n' "$2" >"$1/installed"
}

# spark_environment FOLDER: Spark, and what its tasks reach stores with. pyspark is built from its source package.
spark_environment() {
    local packages=(pyspark==4.3.0 py4j==0.10.9.9 obstore==0.12.1)
    install_spark() { "$1/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" >&2 </dev/null; }
    python_environment "$1" "${packages[*]}" install_spark
}

# take_program [--binary FILE] [--out FOLDER]: sets $binary, which it builds where no file is given, and $out.
take_program() {
    binary=""
    out="${CARGO_TARGET_DIR:-target}"
    while [ "$#" -gt 0 ]; do
        case $1 in
            --binary) binary=${2:?"--binary needs a file"} && shift 2 ;;
            --out) out=${2:?"--out needs a folder"} && shift 2 ;;
            *) fail "$(basename "$0") doesn't know $1. Use --binary FILE and --out FOLDER." ;;
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
}
