#!/usr/bin/env bash
# Measures the stable URLs' gateway beside HAProxy and nginx on this machine; prints JSON lines. Arguments go to the bench, such as
# '--part idle' or '--part soak'.
#
# Installs Debian's haproxy and nginx-light where they are missing, and starts them only on ports of 127.0.0.1 that are free.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh
PATH="$PATH:/usr/sbin:/sbin"
need_command haproxy haproxy
need_command nginx nginx-light
install_missing
exec cargo bench --locked --bench gateway -- "$@"
