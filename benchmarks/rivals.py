"""What others take for the same panel: reading alone, polars, and one SQL statement in DuckDB.

Each is written as well as we know how: polars with filtered columns inside one streaming group_by (at M
two to three times as fast as masked ones, at S within a tenth), DuckDB over small integers instead of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from benchmarks.measure import Answer, Clock
from benchmarks.reference import NAMES, WINDOWS
from benchmarks.workload import AGENCIES, COLUMNS, KINDS


def reading(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """The floor: the six columns with pyarrow. No panel comes of it."""
    with clock:
        pq.read_table(folder, columns=list(COLUMNS))
    yield from ()


def polars(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """One lazy, streaming group_by of 350 expressions a date."""
    for as_of in dates:
        midnight = datetime(as_of.year, as_of.month, as_of.day)
        with clock:
            rows = pl.scan_parquet(folder / "*.parquet").filter(
                (pl.col("known_at") < midnight) & (pl.col("occurred_at") >= midnight - timedelta(days=730))
            )
            panel = rows.group_by("person_id").agg(polars_features(midnight)).collect(engine="streaming")
        yield Answer(
            as_of,
            panel["person_id"].to_numpy(),
            lambda at, panel=panel: panel[at].select(NAMES).to_numpy().astype(float),
        )


def polars_features(midnight: datetime) -> list[pl.Expr]:
    occurred, amount = pl.col("occurred_at"), pl.col("amount")
    kind, agency = pl.col("event_type"), pl.col("source")
    recent = {window: occurred >= midnight - timedelta(days=window) for window in WINDOWS}
    day = 86_400_000_000

    def number(which: pl.Expr) -> pl.Expr:
        return occurred.filter(which).count().cast(pl.Int64)

    found = [number((kind == name) & recent[window]) for name in KINDS for window in WINDOWS]
    for name in AGENCIES:
        own = agency == name
        count = {window: number(own & recent[window]) for window in WINDOWS}
        last, first = occurred.filter(own).max(), occurred.filter(own).min()
        found += [(midnight - last).dt.total_microseconds() / day, kind.filter(own & recent[365]).n_unique()]
        for window in (90, 365):
            given = amount.filter(own & recent[window])
            found += [given.sum(), given.max(), given.mean()]
        gap = (last - first).dt.total_microseconds() / day / (count[730] - 1)
        found += [2 * count[90] - count[180], pl.when(count[730] > 1).then(gap), count[30], count[365]]
    found += [number(recent[window]) for window in WINDOWS]
    found.append(agency.filter(recent[365]).n_unique())
    return [expression.alias(name) for expression, name in zip(found, NAMES, strict=True)]


def duckdb_filter(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """One statement of 350 aggregates, each with its FILTER, a date."""
    for as_of in dates:
        with clock:
            table = duckdb.connect().sql(duckdb_statement(folder, as_of)).to_arrow_table()
        yield Answer(
            as_of,
            table["person_id"].to_numpy(),
            lambda at, table=table: (
                np.array(
                    [table[name].take(at).to_numpy(zero_copy_only=False).astype(float) for name in NAMES]
                ).T
            ),
        )


def duckdb_statement(folder: Path, as_of: date) -> str:
    midnight = f"TIMESTAMP '{as_of}'"

    def recent(window: int) -> str:
        return f"occurred_at >= {midnight} - INTERVAL {window} DAY"

    found = [
        f"count(*) FILTER (WHERE kind = {kind} AND {recent(window)})"
        for kind in range(len(KINDS))
        for window in WINDOWS
    ]
    for at in range(len(AGENCIES)):
        own = f"FILTER (WHERE agency = {at})"
        last, first = f"max(occurred_at) {own}", f"min(occurred_at) {own}"

        def within(window: int, agency: int = at) -> str:
            return f"FILTER (WHERE agency = {agency} AND {recent(window)})"

        found += [
            f"epoch({midnight} - {last}) / 86400.0",
            f"count(DISTINCT kind) {within(365)}",
            *(f"{of}(amount) {within(window)}" for window in (90, 365) for of in ("sum", "max", "avg")),
            f"2 * count(*) {within(90)} - count(*) {within(180)}",
            f"epoch({last} - {first}) / 86400.0 / nullif(count(*) {own} - 1, 0)",
            f"count(*) {within(30)}",
            f"count(*) {within(365)}",
        ]
    found += [f"count(*) FILTER (WHERE {recent(window)})" for window in WINDOWS]
    found.append(f"count(DISTINCT agency) FILTER (WHERE {recent(365)})")
    wanted = ", ".join(f'{text} AS "{name}"' for text, name in zip(found, NAMES, strict=True))
    return f"""
        SELECT person_id, {wanted}
        FROM (
            SELECT *, right(source, 2)::UTINYINT AS agency, right(event_type, 2)::UTINYINT AS kind
            FROM read_parquet('{folder}/*.parquet')
        )
        WHERE known_at < {midnight} AND {recent(730)}
        GROUP BY person_id
    """
