"""Reads Delta tables with readers that know nothing of this project.

Takes table folders as arguments, or one a line on standard input. Prints one JSON line a table:
{"table", "deltalake": R, "duckdb": R}, where R is {"version", "rows", "digest"} or {"error"}. The version is null
where the reader does not tell it. The digest is the sha256 of the rows as text, sorted, so that a source and its
replica can be compared without the readers agreeing on types.
"""

import hashlib
import json
import pathlib
import sys

import deltalake
import duckdb
import duckdb_extension_delta

EXTENSION = next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))


def digest(rows):
    lines = sorted(repr(row) for row in rows)
    return {"rows": len(lines), "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def with_duckdb(folder):
    # A connection a table: an internal error of DuckDB's makes its connection useless.
    connection = duckdb.connect()
    connection.load_extension(str(EXTENSION))
    rows = connection.execute("SELECT * FROM delta_scan(?)", [folder]).fetchall()
    return {"version": None, **digest(rows)}


def with_deltalake(folder):
    table = deltalake.DeltaTable(folder)
    batches = deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()
    return {"version": table.version(), **digest(rows_of(batches))}


def rows_of(batches):
    """Rows of an Arrow table, as tuples of Python values."""
    columns = [batches.column(i).to_pylist() for i in range(batches.num_columns)]
    return zip(*columns)


def main():
    for folder in sys.argv[1:] or (line.rstrip("\n") for line in sys.stdin):
        answer = {"table": folder}
        for name, read in (("deltalake", with_deltalake), ("duckdb", with_duckdb)):
            try:
                answer[name] = read(folder)
            except Exception as error:  # A reader that can't is an answer, not a crash.
                answer[name] = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
