"""Our own engines: the panel straight from the workload's files, whole in memory or part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.catalogue import SIGNALS, in_order, workload_catalogue
from benchmarks.columns import THREADS, Columns, Extent, extent_of, read_columns, together
from benchmarks.measure import Answer, Clock
from benchmarks.workload import AGENCIES
from features.kernel import Program, Rows, compile_catalogue, compute
from features.rows import nothing_held, sort_rows

PEOPLE = 32_768
"""In a part: few enough for the rows of one to be sorted within a processor's cache."""


@cache
def program() -> Program:
    return compile_catalogue(workload_catalogue(), signals=SIGNALS, sources=AGENCIES)


def from_files(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """Read, code, keep what is usable, sort, compute: a panel a date, whole in memory.

    The panel is one array, and each part has the place that its people can fill: on a single date, where
    whoever has a row that was kept is in the panel, nothing lies between them.
    """
    with clock:
        extent, parts = sorted_parts(folder, dates)
        begin = np.cumsum([0, *(np.count_nonzero(np.diff(rows.start)) for rows in parts)])
        out = room_for(begin[-1])
    for as_of in dates:

        def fill(at: int, as_of: date = as_of) -> tuple[np.ndarray, np.ndarray]:
            room = out[begin[at] : begin[at + 1]]
            people, values = compute(parts[at], program(), as_of, out=room)
            return people + extent.first + at * extent.each, in_order(values)

        with clock, ThreadPoolExecutor(THREADS) as pool:
            filled = list(pool.map(fill, range(extent.parts)))
        for people, panel in filled:
            yield Answer(as_of, people, panel.__getitem__)


def in_parts(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """The same, but of the panel only a part is ever in memory."""
    with clock:
        extent, parts = sorted_parts(folder, dates)
        out = room_for(extent.each)
    for at, rows in enumerate(parts):
        for as_of in dates:
            with clock:
                people, values = compute(rows, program(), as_of, threads=THREADS, out=out)
                panel = in_order(values)
            yield Answer(as_of, people + extent.first + at * extent.each, panel.__getitem__)


def sorted_parts(folder: Path, dates: Sequence[date]) -> tuple[Extent, list[Rows]]:
    """The rows that some dates ask for, in parts of the people."""
    extent = extent_of(folder, dates, longest=workload_catalogue().longest, part=PEOPLE)
    given = read_columns(extent)

    def sort(at: int) -> Rows:
        columns, given[at] = together(given[at]), []
        return sorted_rows(columns, extent.each)

    with ThreadPoolExecutor(THREADS) as pool:
        return extent, list(pool.map(sort, range(extent.parts)))


def sorted_rows(columns: Columns, people: int) -> Rows:
    fields = columns._asdict()
    return Rows(**sort_rows(fields.pop("person"), people, **fields), **nothing_held(people))


def room_for(people: int) -> np.ndarray:
    """(people, 362) float32; memory that is never written to is never taken."""
    return np.empty((people, len(workload_catalogue().features)), np.float32)
