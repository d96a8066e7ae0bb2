#!/usr/bin/env bash
# Measures Spark on local[2] beside this program's own copy engine, start-up apart; prints JSON lines. Arguments go to the bench, such
# as '--runs 3' or '--spark-master spark://host:7077'.
#
# Installs pyspark and obstore into target/venv-spark where they are missing (500 MB), and needs Java 17 or later.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh
need_command java openjdk-17-jre-headless
need_command python3 python3
install_missing
venv="${CARGO_TARGET_DIR:-target}/venv-spark"
packages=(pyspark==4.3.0 py4j==0.10.9.9 obstore==0.12.1)
if [ "$(cat "$venv/installed" 2>/dev/null || true)" != "${packages[*]}" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" ||
        fail "pip could not install ${packages[*]}. It needs a way to PyPI or to a mirror (PIP_INDEX_URL)."
    printf '%s\n' "${packages[*]}" >"$venv/installed"
fi
exec cargo bench --locked --bench spark -- --spark-submit "$venv/bin/spark-submit" "$@"
