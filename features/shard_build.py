"""Shards made from the tables: what reaches people, dealt out to the shards they belong to.

`deal` writes what `features.reach` found to one folder per shard, in one pass that DuckDB streams to
disk; then each shard is read back and sorted by itself. So memory holds a few shards, never a county.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.asof import OPEN
from features.pairing import with_once
from features.rows import HELD_TYPES, Rows, sort_rows
from features.rule_sql import quoted
from features.shard_files import EVENT_TYPES, SHARD_SQL, Shard
from features.shard_plan import Plan


def deal(con: duckdb.DuckDBPyConnection, plan: Plan, folder: Path) -> None:
    """Write the tables that `reach` made to folder/{people,rows,held}/shard=<number>/*.parquet.

    Each person is named by their place among the people of their shard who were reached for.
    """
    for name, names in (("signal_codes", plan.signals), ("source_codes", plan.sources)):
        con.register(name, pa.table({"name": pa.array(names, pa.string()), "code": np.arange(len(names))}))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE places AS
        SELECT person, person_id, shard,
               (row_number() OVER (PARTITION BY shard ORDER BY person_id) - 1)::INTEGER AS nth
        FROM (SELECT *, {SHARD_SQL.format(shards=plan.shards)} AS shard FROM reached_people)
        """
    )
    tables = {
        "people": "SELECT shard, nth, person_id FROM places",
        "rows": f"""
            SELECT shard, nth, code::USMALLINT AS signal, {_day("occurred_on")} AS occurred,
                   if(has_time, hour(occurred_at) * 60 + minute(occurred_at), -1)::SMALLINT AS minute,
                   {_day("ended_on")} AS ended, coalesce(amount, 'NaN'::DOUBLE) AS amount,
                   {_day("known_on")} AS known_on, {_day("known_until")} AS known_until
            FROM reached_rows r JOIN places USING (person) JOIN signal_codes s ON s.name = r.signal
        """,
        "held": f"""
            SELECT shard, nth, code::SMALLINT AS held_source, household AS held_household,
                   {_day("start_on")} AS held_from, {_day("end_on")} AS held_to,
                   {_day("known_on")} AS held_known_on, {_day("known_until")} AS held_known_until
            FROM reached_held h JOIN places USING (person) JOIN source_codes s ON s.name = h.source
        """,
    }
    folder.mkdir()
    for name, query in tables.items():
        con.execute(
            f"COPY ({query}) TO {quoted(str(folder / name))} (FORMAT parquet, PARTITION_BY (shard), "
            "COMPRESSION lz4_raw)"
        )
    con.execute("DROP TABLE places")
    con.unregister("signal_codes")
    con.unregister("source_codes")


def dealt_shard(folder: Path, number: int, plan: Plan, *, threads: int = 1) -> Shard:
    """One shard of those people whom `deal` wrote to a folder, in order, with the rows by which happenings
    count once."""
    people = _read(folder / "people", number, {"nth": np.int32, "person_id": np.str_})
    rows = _read(folder / "rows", number, {"nth": np.int32, **EVENT_TYPES})
    held = _read(folder / "held", number, {"nth": np.int32, **HELD_TYPES})
    person_ids = people["person_id"][np.argsort(people["nth"])]
    if plan.flags.happenings:
        rows = with_once(rows, len(person_ids), plan.flags.happenings, plan.signals, threads=threads)
    events = sort_rows(rows.pop("nth"), len(person_ids), **rows, threads=threads)
    nth = held.pop("nth")
    order = np.lexsort([*reversed(held.values()), nth])
    start = np.searchsorted(nth[order], np.arange(len(person_ids) + 1)).astype(np.int64)
    registers = {name: array[order] for name, array in held.items()}
    return Shard(person_ids, Rows(**events, held_start=start, **registers))


def _day(column: str) -> str:
    return f"coalesce({column} - DATE '1970-01-01', {OPEN})::INTEGER"


def _read(folder: Path, number: int, types: Mapping[str, type]) -> dict[str, np.ndarray]:
    """The columns of a shard's part of a table; empty where it has none."""
    part = folder / f"shard={number}"
    files = sorted(part.iterdir()) if part.is_dir() else []
    tables = [pq.ParquetFile(file).read() for file in files]
    return {
        name: np.concatenate([t[name].to_numpy() for t in tables] or [np.zeros(0)]).astype(kind, copy=False)
        for name, kind in types.items()
    }
