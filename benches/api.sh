#!/usr/bin/env bash
# Reads one failover group 1,000 times a second over 100 connections while another fails over; prints p99 and errors.
#
# Sends only to 127.0.0.1, for SECONDS_LONG seconds (20).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec cargo bench --locked --bench api
