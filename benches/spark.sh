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
spark_environment "$venv"
exec cargo bench --locked --bench spark -- --spark-submit "$venv/bin/spark-submit" "$@"
