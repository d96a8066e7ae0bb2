#!/usr/bin/env bash
# Builds the Debian package around a program that is there already, installs it with dpkg into a root of its own, starts and stops the
# installed program on the sandbox, and removes the package again.
#
#   packaging/deb-test.sh [--binary FILE]
#
# Without --binary it takes the program that the tests were built with. Nothing of this machine is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/system.sh
. packaging/system.sh

binary="${CARGO_TARGET_DIR:-target}/debug/resilience-console"
case ${1:-} in
    --binary) binary=${2:?"--binary needs a file"} ;;
    "") ;;
    *) fail "deb-test.sh doesn't know $1. Use --binary FILE." ;;
esac
command -v dpkg >/dev/null 2>&1 || fail "dpkg is not installed, so no Debian package can be tried."
place=$(mktemp -d "${TMPDIR:-/tmp}/resilience-deb-test.XXXXXX")
service=""
end() {
    if [ -n "$service" ]; then kill -9 "$service" 2>/dev/null || true; fi
    rm -rf "$place"
}
trap end EXIT

# How well it is packed is no matter here.
package=$(DPKG_DEB_COMPRESSOR_TYPE=none packaging/deb.sh --binary "$binary" --out "$place")
root="$place/root"
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status"
in_root() { dpkg --root="$root" --force-script-chrootless --force-depends --force-not-root --force-bad-path --log="$place/dpkg.log" "$@" >&2; }
in_root -i "$package" || fail "dpkg could not install $package."
[ "$(stat -c %a "$root/var/lib/resilience-console")" = 700 ] || fail "The package made no folder that only its owner can open."

"$root/usr/bin/resilience-console" serve --sandbox --sandbox-tables 4 --data-dir "$root/var/lib/resilience-console" >"$place/ready" 2>"$place/log" &
service=$!
for _ in $(seq 600); do
    if [ -s "$place/ready" ] || ! kill -0 "$service" 2>/dev/null; then break; fi
    sleep 0.1
done
[ -s "$place/ready" ] || fail "The installed program did not come up. It said: $(tail -5 "$place/log")"
python3 - "$place/ready" <<'PYTHON' || fail "The installed program's API did not answer."
import json, sys, urllib.request

ready = json.load(open(sys.argv[1]))
token = open(ready["token_file"]).read().strip()
url = f"{ready['api_url']}/api/disaster-recovery/v1/accounts/{ready['account_id']}/failover-groups"
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
with urllib.request.urlopen(request, timeout=30) as answer:
    json.load(answer)
PYTHON
kill -TERM "$service"
status=0
wait "$service" || status=$?
service=""
[ "$status" = 0 ] || fail "The installed program ended with status $status when it was told to stop."

in_root --remove resilience-console || fail "dpkg could not remove the package."
[ ! -e "$root/usr/bin/resilience-console" ] || fail "The program is still there after the package was removed."
[ -f "$root/var/lib/resilience-console/state.db" ] || fail "The data dir went with the package. It holds what failovers left behind."
echo "The Debian package was installed, started, stopped and removed."
