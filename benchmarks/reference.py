"""The 350 features of the workload, computed slowly from each event, and the check against them.

Plain Python that shares nothing with any engine. The rows that count on a date T (midnight): known
before T, and occurred no more than 730 days before. The people are those with such a row. An engine
counts only if all 350 values of every sampled person, five of the most frequent among them, are these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.workload import AGENCIES, KINDS

WINDOWS = (30, 90, 180, 365, 730)
AMOUNTS = ("sum90", "max90", "mean90", "sum365", "max365", "mean365")
OF_AN_AGENCY = ("dsl", "nd365", *AMOUNTS, "trend90", "iat", "c30", "c365")
"""Days since the last event, kinds, amounts, 2 * c90 - c180, mean gap over 730 days, counts."""
NAMES = (
    *(f"cnt_{kind}_{window}" for kind in KINDS for window in WINDOWS),
    *(f"{agency}_{name}" for agency in AGENCIES for name in OF_AN_AGENCY),
    *(f"tot_{window}" for window in WINDOWS),
    "nsrc365",
)
SUMS = [at for at, name in enumerate(NAMES) if "_sum" in name]
"""Where the sums are: of no events 0 or NaN, which is not what engines are compared for."""

MONTHS = (*(date(2024, month, 1) for month in range(2, 13)), *(date(2025, m, 1) for m in range(1, 13)))
DATES = (*MONTHS, date(2026, 1, 1))
"""24 first days of a month; the one date of a single panel is the last."""

RELATIVE, ABSOLUTE = 1e-4, 2e-3
"""What may lie between a value in float32, of times in whole minutes, and the reference."""
_DAY = 86_400_000_000


class Event(NamedTuple):
    """One row of the workload; times are microseconds since 1970."""

    agency: int
    kind: int
    occurred: int
    known: int
    amount: float


def reference(events: Iterable[Event], as_of: date) -> np.ndarray | None:
    """(350,) float64 in the order of `NAMES`; None if the person has no row that counts."""
    T = int(np.datetime64(as_of, "us").astype(np.int64))
    rows = [e for e in events if e.known < T and e.occurred >= T - 730 * _DAY]
    if not rows:
        return None
    values: list[float] = []
    for kind in range(len(KINDS)):
        values += [sum(e.kind == kind for e in _within(rows, T, window)) for window in WINDOWS]
    for agency in range(len(AGENCIES)):
        values += _of_an_agency([e for e in rows if e.agency == agency], T)
    values += [len(_within(rows, T, window)) for window in WINDOWS]
    values.append(len({e.agency for e in _within(rows, T, 365)}))
    return np.array(values, float)


def _of_an_agency(rows: list[Event], T: int) -> list[float]:
    times = [e.occurred for e in rows]
    count = {window: len(_within(rows, T, window)) for window in WINDOWS}
    amounts: list[float] = []
    for window in (90, 365):
        given = [e.amount for e in _within(rows, T, window)]
        amounts += [sum(given), max(given), sum(given) / len(given)] if given else [0.0, np.nan, np.nan]
    return [
        (T - max(times)) / _DAY if rows else np.nan,
        len({e.kind for e in _within(rows, T, 365)}),
        *amounts,
        2 * count[90] - count[180],
        (max(times) - min(times)) / _DAY / (len(rows) - 1) if len(rows) > 1 else np.nan,
        count[30],
        count[365],
    ]


def _within(rows: list[Event], T: int, window: int) -> list[Event]:
    return [e for e in rows if e.occurred >= T - window * _DAY]


@dataclass(frozen=True)
class Sample:
    """Some people of a workload, ascending, and the events of each."""

    people: np.ndarray
    events: tuple[tuple[Event, ...], ...]

    def values(self, as_of: date) -> np.ndarray:
        """(n, 350) float64; a row of NaN alone is of a person who has no place in the panel."""
        absent = np.full(len(NAMES), np.nan)
        found = [reference(events, as_of) for events in self.events]
        return np.array([absent if row is None else row for row in found])


def take_sample(folder: Path, *, people: int = 60) -> Sample:
    """`people` of the workload: the five with most events in its latest rows, the rest at random."""
    files = sorted(folder.glob("*.parquet"))
    latest = pq.read_table(files[-1], columns=["person_id"])["person_id"].to_numpy()
    ids, counts = np.unique(latest[:2_000_000], return_counts=True)
    drawn = np.random.default_rng(1).choice(ids, people - 5, replace=False)
    chosen = np.unique([*drawn, *ids[np.argsort(-counts)[:5]]])
    table = ds.dataset(files).to_table(filter=pc.field("person_id").isin(chosen))
    events: dict[int, list[Event]] = {person: [] for person in chosen.tolist()}
    columns = (
        [int(name[-2:]) for name in table["source"].to_pylist()],
        [int(name[-2:]) for name in table["event_type"].to_pylist()],
        table["occurred_at"].cast("int64").to_pylist(),
        table["known_at"].cast("int64").to_pylist(),
        table["amount"].to_pylist(),
    )
    for person, event in zip(table["person_id"].to_pylist(), zip(*columns, strict=True), strict=True):
        events[person].append(Event(*event))
    return Sample(chosen, tuple(tuple(each) for each in events.values()))


def differences(found: np.ndarray, wanted: np.ndarray, people: Sequence[int]) -> list[str]:
    """What is wrong, a line a person; empty if all is as it should be.

    found, wanted: (n, 350), a row of NaN alone where the person is not in the panel.
    """
    absent, none = np.isnan(found).all(axis=1), np.isnan(wanted).all(axis=1)
    found, wanted = found.copy(), wanted.copy()
    found[:, SUMS], wanted[:, SUMS] = np.nan_to_num(found[:, SUMS]), np.nan_to_num(wanted[:, SUMS])
    wrong = ~np.isclose(found, wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    lines = []
    for at, person in enumerate(people):
        if absent[at] != none[at]:
            lines.append(f"person {person} should {'not ' if none[at] else ''}be in the panel")
        elif wrong[at].any():
            j = int(np.argmax(wrong[at]))
            lines.append(f"person {person}: {NAMES[j]} is {found[at, j]}, not {wanted[at, j]}")
    return lines
