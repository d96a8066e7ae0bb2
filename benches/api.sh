#!/usr/bin/env bash
# Reads one failover group 1,000 times a second over 100 connections while another fails over; prints p99 and errors.
#
# Needs oha on the PATH and the Python of packaging/test.sh in READER_PYTHON. Sends only to 127.0.0.1, for SECONDS_LONG seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v oha >/dev/null || { echo "oha is missing. Install it with: cargo install oha" >&2; exit 2; }
python="${READER_PYTHON:?names a Python with databricks-sdk; packaging/test.sh makes one}"
program="${1:?usage: benches/api.sh PROGRAM, a release build of resilience-console}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/resilience-api.XXXXXX")
"$program" serve --sandbox --sandbox-catalogs 8 --data-dir "$dir/data" >"$dir/ready" 2>"$dir/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 300); do [ -s "$dir/ready" ] && break; sleep 0.2; done
READY=$(cat "$dir/ready")
export READY
url=$(PYTHONPATH=tests/conformance "$python" - <<'PYTHON'
from deployment import PARENT, READY, catalogs, group, name, until, with_token

account, free = with_token(), catalogs()
for group_id, catalog in zip(("read", "moved"), free):
    account.disaster_recovery.create_failover_group(PARENT, group(catalog), group_id)
for group_id in ("read", "moved"):
    until(account, group_id)
print(f"{READY['api_url']}/api/disaster-recovery/v1/{name('read')}")
PYTHON
)
token=$("$python" -c 'import json, os; print(open(json.loads(os.environ["READY"])["token_file"]).read().strip())')
oha --no-tui --output-format json -z "${SECONDS_LONG:-20}s" -c 100 -q 1000 -H "Authorization: Bearer $token" "$url" >"$dir/oha.json" &
load=$!
sleep 3
PYTHONPATH=tests/conformance "$python" - <<'PYTHON'
from databricks.sdk.service.disasterrecovery import FailoverFailoverGroupRequestFailoverType as Type
from deployment import WEST, name, until, with_token

account = with_token()
account.disaster_recovery.failover_failover_group(name("moved"), WEST["region"], Type.FORCED)
until(account, "moved")
PYTHON
wait "$load"
"$python" - "$dir/oha.json" <<'PYTHON'
import json, sys

found = json.load(open(sys.argv[1]))
codes = found["statusCodeDistribution"]
answers = sum(codes.values())
errors = sum(n for code, n in codes.items() if code != "200") + sum(found.get("errorDistribution", {}).values())
print(json.dumps({"answers": answers, "requests_per_second": round(found["summary"]["requestsPerSec"], 1),
                  "p99_ms": round(found["latencyPercentiles"]["p99"] * 1000, 3), "errors": errors}))
PYTHON
