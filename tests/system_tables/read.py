"""Reads both system tables with two readers that know nothing of this project, and prints what they find as JSON.

The first argument is the folder that holds replication/states, the second JSON with the console's own queries, which are
run too: {"duckdb": [SQL, …], "python": [program, …]}.
"""

import contextlib
import json
import os
import pathlib
import sys

import deltalake
import duckdb
import duckdb_extension_delta

EXTENSION = next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))
FOLDER = sys.argv[1]


def by_deltalake(table):
    delta = deltalake.DeltaTable(f"{FOLDER}/replication/{table}")
    rows = delta.to_pyarrow_table()
    return {str(f.name): str(f.type) for f in rows.schema}, rows.to_pylist()


def by_duckdb(table):
    connection = duckdb.connect()
    connection.load_extension(str(EXTENSION))
    connection.execute("SET TimeZone = 'UTC'")
    relation = connection.sql(f"SELECT * FROM delta_scan('{FOLDER}/replication/{table}')")
    types = {name: str(kind) for name, kind in zip(relation.columns, relation.types)}
    return types, [dict(zip(relation.columns, row)) for row in relation.fetchall()]


def plain(value):
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        # A map arrives as pairs.
        return [plain(inner) for inner in value]
    return value


found = {}
for table in ("states", "objects"):
    found[table] = {}
    for reader in (by_deltalake, by_duckdb):
        types, rows = reader(table)
        rows.sort(key=lambda row: (row["failover_group_name"], row["event_time"]))
        found[table][reader.__name__] = {"types": types, "rows": [plain(row) for row in rows]}
queries = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
for query in queries.get("duckdb", []):
    connection = duckdb.connect()
    connection.load_extension(str(EXTENSION))
    # The extension would be fetched from the network otherwise.
    connection.execute(query.replace("INSTALL delta; LOAD delta;", "")).fetchall()
for program in queries.get("python", []):
    with contextlib.redirect_stdout(sys.stderr):
        exec(program, {})
json.dump(found, sys.stdout)
sys.stdout.flush()
# The readers' own threads may still run, and now and then one of them ends an interpreter that is being taken down.
os._exit(0)
