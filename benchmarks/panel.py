"""How fast a panel is made, against what it is made of and against plain SQL.

A generated workload: many people with few events and few with many, 12 agencies, 40 signals, one in
ten events late. The same features are computed by the kernel from person-sorted rows and by DuckDB
in one statement of FILTER aggregates; every value is compared before a time is told. Reading the
columns from Parquet is the floor under anything that computes from them.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.asof import OPEN, day_number, sql_date, sql_in_window, sql_usable
from features.catalogue import Catalogue, derive_catalogue
from features.declaration import Source
from features.feature import Feature
from features.kernel import Rows, compile_catalogue, compute

T = TypeVar("T")

AS_OF = date(2026, 1, 1)
AGENCIES, SIGNALS = 12, 40
IN_SQL = ("*.count_*", "*.days_since", "*.change", "*.signals_*", "*.agencies_*", "*.amount_*")
"""The features that one FILTER statement can express; repeats and open spells are not among them."""


@dataclass(frozen=True)
class Timing:
    what: str
    seconds: float


def run(*, people: int, events: int, seed: int = 7) -> list[Timing]:
    """Time the panel of one date; the kernel's is the median of five runs, compiled before."""
    catalogue = workload_catalogue()
    columns = workload(people=people, events=events, catalogue=catalogue, seed=seed)
    rows, program = as_rows(columns, people), compile_catalogue(catalogue)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(columns, path, compression="zstd")
        read, _ = _timed(lambda: pq.read_table(path))
        first, (found, values) = _timed(lambda: compute(rows, program, AS_OF, 10))
        again = [_timed(lambda: compute(rows, program, AS_OF, 10))[0] for _ in range(5)]
        con = duckdb.connect()
        con.execute(f"CREATE TABLE rows AS FROM read_parquet('{path}')")
        statement = filter_statement(catalogue)
        plain, answer = _timed(lambda: con.sql(statement).to_arrow_table())
    _agree(catalogue, found, values, answer)
    size = f"{people:,} people, {events:,} events, {len(catalogue.features)} features"
    return [
        Timing(f"kernel, one date ({size})", statistics.median(again)),
        Timing("kernel, first call (compiles or loads what was compiled)", first),
        Timing("reading the columns from Parquet", read),
        Timing("one DuckDB statement of FILTER aggregates", plain),
    ]


def workload_catalogue() -> Catalogue:
    """40 signals of 12 agencies; a tenth of them with an amount."""
    return derive_catalogue({name: _source(name, at) for at, name in enumerate(_agencies())}, include=IN_SQL)


def workload(*, people: int, events: int, catalogue: Catalogue, seed: int) -> pa.Table:
    """The rows in person order, n counting them; all that the panel needs of an event.

    The busiest 9 % of people hold about 45 % of the events, over six years before the date.
    """
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 1.2, people)
    person = np.sort(rng.choice(people, events, p=share / share.sum()))
    signal = rng.choice(SIGNALS, events, p=rng.dirichlet(np.full(SIGNALS, 2.0)))
    occurred = day_number(AS_OF) - 1 - rng.integers(0, 6 * 365, events)
    order = np.lexsort((occurred, person))
    late = np.where(rng.random(events) < 0.9, rng.exponential(3, events), rng.exponential(60, events))
    source = np.array([catalogue.sources.index(name.split(".")[0]) for name in catalogue.signals])
    return pa.table(
        {
            "person": person.astype(np.int32),
            "n": np.arange(events, dtype=np.int32),
            "signal": signal[order].astype(np.int16),
            "source": source[signal[order]].astype(np.int16),
            "occurred_on": pa.array(occurred[order].astype(np.int32)).cast(pa.date32()),
            "known_on": pa.array((occurred[order] + 1 + late[order]).astype(np.int32)).cast(pa.date32()),
            "known_until": pa.nulls(events, pa.date32()),
            "amount": np.round(rng.lognormal(4, 1, events), 2),
        }
    )


def as_rows(columns: pa.Table, people: int) -> Rows:
    """The workload as the kernel takes it; nobody is on a register, nothing is shared."""
    events, nobody = columns.num_rows, np.zeros(people + 1, np.int64)

    def days(name: str) -> np.ndarray:
        return columns[name].cast(pa.int32()).to_numpy().copy()

    nothing: dict[str, Any] = {name: np.zeros(0, np.int32) for name in Rows._fields if name[:5] == "held_"}
    nothing |= {"held_start": nobody, "held_source": np.zeros(0, np.int16)}
    nothing |= {"held_household": np.zeros(0, np.bool_)}
    return Rows(
        start=np.searchsorted(columns["person"].to_numpy(), np.arange(people + 1)).astype(np.int64),
        signal=columns["signal"].to_numpy().copy(),
        happening=np.full(events, -1, np.int64),
        occurred=days("occurred_on"),
        minute=np.full(events, -1, np.int16),
        ended=np.full(events, OPEN, np.int32),
        amount=columns["amount"].to_numpy().copy(),
        known_on=days("known_on"),
        known_until=np.full(events, OPEN, np.int32),
        **nothing,
    )


def filter_statement(catalogue: Catalogue) -> str:
    """The catalogue as one SELECT with an aggregate a feature."""
    place = {name: at for at, name in enumerate(catalogue.signals)}
    aggregates = [_aggregate(feature, catalogue, place) for feature in catalogue.features]
    wanted = ",\n".join(f'{text} AS "{name}"' for text, name in zip(aggregates, catalogue.names, strict=True))
    return f"""
        SELECT person, {wanted}
        FROM rows WHERE {sql_usable(AS_OF)} AND {sql_in_window(AS_OF, catalogue.longest)}
        GROUP BY person ORDER BY person
    """


def _aggregate(feature: Feature, catalogue: Catalogue, place: dict[str, int]) -> str:
    codes = ", ".join(str(place[name]) for name in catalogue.channel(feature.channel).signals)
    which = f"signal IN ({codes}) AND {sql_in_window(AS_OF, feature.window)}"
    recent = f"count(*) FILTER (WHERE signal IN ({codes}) AND {sql_in_window(AS_OF, 90)})"
    given = f"FILTER (WHERE {which})"
    return {
        "count": f"count(*) {given}",
        "days_since": f"{sql_date(AS_OF)} - max(occurred_on) {given}",
        "change": f"{recent} - (count(*) {given} - {recent}) * 90 / 365",
        "signals": f"count(DISTINCT signal) {given}",
        "agencies": f"count(DISTINCT source) {given}",
        "amount_sum": f"coalesce(sum(amount) {given}, 0)",
        "amount_max": f"max(amount) {given}",
        "amount_mean": f"avg(amount) {given}",
        "amount_latest": f"arg_max(amount, n) {given}",
    }[feature.measure]


def _agree(catalogue: Catalogue, people: np.ndarray, values: np.ndarray, answer: pa.Table) -> None:
    """Raises AssertionError unless both ways give the same people and the same numbers."""
    assert np.array_equal(people, answer["person"].to_numpy()), "not the same people"
    for at, name in enumerate(catalogue.names):
        theirs = answer[name].cast(pa.float64()).to_numpy()
        assert np.allclose(values[:, at], theirs, rtol=1e-5, atol=1e-4, equal_nan=True), name


def _agencies() -> list[str]:
    return [f"agency_{at:02d}" for at in range(AGENCIES)]


def _source(name: str, at: int) -> Source:
    signals = {
        f"signal_{number:02d}": {"one": "event", "many": "events", "unit": "£" if number % 10 == 0 else None}
        for number in range(at, SIGNALS, AGENCIES)
    }
    columns = {"key": {}, "day": {"type": "date", "format": "%d/%m/%Y"}}
    extract = {
        "files": "*.csv",
        "delivery": "full",
        "record_key": "key",
        "columns": columns,
        "subjects": [{"key": "key"}],
        "events": [{"signal": signal, "occurred": "day"} for signal in signals],
    }
    return Source.model_validate(
        {
            "source": name,
            "title": name,
            "owner": "the benchmark",
            "legal_gateway": "none: generated",
            "agreement": {"reference": "none", "review_by": AS_OF + timedelta(days=365)},
            "covers_from": "2000-01-01",
            "typical_delay_days": 3,
            "schedule": {"every": "day"},
            "extracts": {"rows": extract},
            "signals": signals,
        }
    )


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done
