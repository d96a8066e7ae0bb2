"""Opens a table of states and reads the rows since a time, with readers that know nothing of this project.

Arguments: the table's folder, milliseconds since 1970, and how many readings the medians are taken of.
"""

import datetime
import json
import pathlib
import statistics
import sys
import time

import deltalake
import duckdb
import duckdb_extension_delta

EXTENSION = next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))
FOLDER, SINCE, RUNS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TIME = datetime.datetime.fromtimestamp(SINCE / 1000, datetime.timezone.utc)
CHART = ["event_time", "failover_group_name", "replication_state", "replication_lag_ms"]


def with_deltalake(columns):
    return deltalake.DeltaTable(FOLDER).to_pyarrow_table(columns=columns, filters=[("event_time", ">=", TIME)]).num_rows


def with_duckdb(columns):
    connection = duckdb.connect()
    connection.load_extension(str(EXTENSION))
    names = ", ".join(columns) if columns else "*"
    query = f"SELECT {names} FROM delta_scan('{FOLDER}') WHERE event_time >= ?"
    return connection.execute(query, [TIME]).to_arrow_table().num_rows


for name, read in (("Python deltalake", with_deltalake), ("DuckDB", with_duckdb)):
    for columns in (CHART, None):
        seconds, rows = [], 0
        for _ in range(RUNS):
            begun = time.perf_counter()
            rows = read(columns)
            seconds.append(time.perf_counter() - begun)
        taken = statistics.median(seconds)
        what = "four columns" if columns else "all columns"
        line = {"bench": "read_last_day", "reader": name, "columns": what, "rows": rows, "seconds": taken, "aim_met": taken < 1.0}
        print(json.dumps(line), flush=True)
