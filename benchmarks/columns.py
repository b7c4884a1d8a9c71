"""The workload's Parquet files as the columns that `sort_rows` takes: coded, and only what may be used.

A row group at a time, two at once. Row groups whose statistics lie outside every window are not read, as
polars leaves them out too. People's ids are whole numbers, so their codes are counted from the least.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from benchmarks.catalogue import SIGNALS
from benchmarks.workload import COLUMNS
from features import asof
from features.asof import OPEN, day_number, in_window, is_usable, touches_window
from features.in_step import in_step_with

THREADS = 2


class Columns(NamedTuple):
    """Rows of the workload, in any order, (N,) each."""

    person: np.ndarray  # int32, from 0 within the part
    signal: np.ndarray  # uint16
    occurred: np.ndarray  # int32 day
    minute: np.ndarray  # int16
    known_on: np.ndarray  # int32 day
    amount: np.ndarray  # float64


@dataclass(frozen=True)
class Group:
    """A row group that has something in the windows."""

    path: Path
    metadata: pq.FileMetaData
    number: int


@dataclass(frozen=True)
class Extent:
    """Ids lie from `first`; parts are ranges of `each` ids. The windows end on `last` and are `days` long."""

    groups: tuple[Group, ...]
    first: int
    each: int
    parts: int
    last: int
    days: int


def extent_of(folder: Path, dates: Sequence[date], *, longest: int, part: int | None = None) -> Extent:
    """What there is to read for some dates, from the files' statistics; part: people in one, at most."""
    last = day_number(max(dates))
    days = longest + last - day_number(min(dates))
    groups, least, most = [], [], []
    for path in sorted(folder.glob("*.parquet")):
        metadata = pq.read_metadata(path)
        for number in range(metadata.num_row_groups):
            of = [metadata.row_group(number).column(column).statistics for column in (0, 3)]
            least.append(of[0].min)
            most.append(of[0].max)
            if touches_window(_day(of[1].min), _day(of[1].max) + 1, last, days):
                groups.append(Group(path, metadata, number))
    people = max(most) - min(least) + 1
    parts = -(-people // (part or people))
    return Extent(tuple(groups), min(least), -(-people // parts), parts, last, days)


def read_columns(extent: Extent) -> list[list[Columns]]:
    """The rows usable on the last date and within the windows: for each part, a piece of each row group."""
    with ThreadPoolExecutor(THREADS) as pool:
        pieces = list(pool.map(lambda group: _read(group, extent), extent.groups))
    return [list(of_a_part) for of_a_part in zip(*pieces, strict=True)]


def together(pieces: Sequence[Columns]) -> Columns:
    return Columns(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def _read(group: Group, extent: Extent) -> list[Columns]:
    with pq.ParquetFile(group.path, metadata=group.metadata) as file:
        table = file.read_row_group(group.number, columns=list(COLUMNS), use_threads=False)
    person, agency, kind, occurred, known, amount = (
        column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns
    )
    coded = np.array(
        [
            [SIGNALS.index(f"{a}.{k}") for k in kind.dictionary.to_pylist()]
            for a in agency.dictionary.to_pylist()
        ],
        np.uint16,
    )
    given = (person, agency.indices, kind.indices, occurred.cast(pa.int64()), known.cast(pa.int64()), amount)
    out = Columns(
        *(
            np.empty(len(table), kind)
            for kind in (np.int32, np.uint16, np.int32, np.int16, np.int32, np.float64)
        )
    )
    place, limits = np.empty(len(table), np.int32), (extent.first, extent.each, extent.last, extent.days)
    ends = _keep(tuple(column.to_numpy() for column in given), coded, limits, extent.parts, place, out)
    return [Columns(*(column[low:high].copy() for column in out)) for low, high in pairwise(ends)]


@njit(cache=True, nogil=True)
def _keep(given, coded, limits, parts, place, out):  # type: ignore[no-untyped-def]
    """Code the rows that count and lay them into `out`, part after part; (parts + 1,) where each begins."""
    person, agency, kind, occurred, known, amount = given
    first, each, last, days = limits
    start = np.zeros(parts + 1, np.int64)
    for i in range(len(person)):
        day = occurred[i] // 86_400_000_000
        usable = is_usable(day, known[i] // 86_400_000_000, OPEN, last) and in_window(day, last, days)
        place[i] = (person[i] - first) // each if usable else -1
        if usable:
            start[place[i] + 1] += 1
    for part in range(parts):
        start[part + 1] += start[part]
    free = start.copy()
    for i in range(len(person)):
        part = place[i]
        if part < 0:
            continue
        at = free[part]
        free[part] += 1
        minute = occurred[i] // 60_000_000
        out.person[at] = person[i] - first - part * each
        out.signal[at] = coded[agency[i], kind[i]]
        out.occurred[at] = minute // 1440
        out.minute[at] = minute % 1440
        out.known_on[at] = known[i] // 86_400_000_000
        out.amount[at] = amount[i]
    return start


def _day(moment: datetime) -> int:
    return day_number(moment.date())


in_step_with(globals(), asof)
