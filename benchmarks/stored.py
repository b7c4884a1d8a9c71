"""Our engines over stored shards: the workload as the product keeps a county, and a week added to it.

A store holds every row ever known, not only what the windows of a date ask for. People's ids are written
with as many digits each, so that their order as text is their order as numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from benchmarks.catalogue import in_order
from benchmarks.columns import THREADS, Columns, extent_of, read_columns, together
from benchmarks.measure import Answer, Clock
from benchmarks.ours import program, room_for
from benchmarks.workload import scratch_folder
from features import asof
from features.asof import day_number, in_window
from features.in_step import in_step_with
from features.kernel import Rows, compute
from features.rows import nothing_held, sort_rows
from features.shard_files import (
    EVENT_TYPES,
    Shard,
    content_hash,
    read_shard,
    reuse_shard,
    shard_number,
    write_shard,
)
from features.shard_update import splice
from features.shards import EVENTS_A_SHARD

EVER, WEEK = 10_000, 7
"""Days. The workload begins 2,192 days before its end."""


def store_of(folder: Path, until: date) -> Path:
    """Where the shards of what is known on a morning lie, while a run lasts."""
    return scratch_folder() / f"{folder.name}-{until}"


def delivery_of(folder: Path, until: date) -> Path:
    """A Parquet file of what became known in the week before a morning."""
    return store_of(folder, until).with_suffix(".parquet")


def making(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """Sort everything that is known on the last date into shards, and on the day a week before it."""
    until = max(dates)
    with clock:
        _make(folder, until)
    _make(folder, until - timedelta(days=WEEK))
    _make_delivery(folder, until)
    yield from ()


def stored(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """From the shards to the panels, a date after the other, whole in memory."""
    numbers = shards_in(store_of(folder, max(dates)))
    for as_of in dates:
        with clock, ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(partial(_panel, store_of(folder, max(dates)), as_of), numbers))
        for person_ids, values in parts:
            yield Answer(as_of, person_ids.astype(np.int64), values.__getitem__)


def week(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """Add a week's rows to the shards of the week before: only that is measured; then the panel."""
    until = max(dates)
    older = store_of(folder, until - timedelta(days=WEEK))
    store = emptied(scratch_folder() / "week")
    numbers = shards_in(older)
    with clock:
        delivered = _read_delivery(folder, until)
        where = shard_number(delivered[0].tolist(), len(numbers))
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda number: _add(older, store, number, delivered, where == number), numbers))
    for number in numbers:
        person_ids, values = _panel(store, until, number)
        yield Answer(until, person_ids.astype(np.int64), values.__getitem__)


def _panel(store: Path, as_of: date, number: int) -> tuple[np.ndarray, np.ndarray]:
    shard = read_shard(store, number)
    people, values = compute(shard.rows, program(), as_of, out=room_for(len(shard.person_ids)))
    return shard.person_ids[people], in_order(values)


def shards_in(store: Path) -> range:
    return range(len(list(store.glob("shard=*"))))


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _make(folder: Path, until: date) -> None:
    store = emptied(store_of(folder, until))
    extent = extent_of(folder, [until], longest=EVER)
    columns = together(read_columns(extent)[0])
    shards = 1 << max(0, (len(columns.person) - 1) // EVENTS_A_SHARD).bit_length()
    ids = np.arange(extent.first, extent.first + extent.each).astype(str)
    shard_of = shard_number(ids.tolist(), shards)
    place = np.empty(extent.each, np.int32)  # a person's within the shard
    for number in range(shards):
        place[shard_of == number] = np.arange((shard_of == number).sum())

    def write(number: int) -> None:
        keep = shard_of[columns.person] == number
        fields = {name: column[keep] for name, column in columns._asdict().items()}
        people = np.flatnonzero(shard_of == number)
        rows = sort_rows(place[fields.pop("person")], len(people), **fields)
        shard = Shard(ids[people], Rows(**rows, **nothing_held(len(people))))
        write_shard(store, number, shard, hash=content_hash(shard), about={})

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(shards)))


def _make_delivery(folder: Path, until: date) -> None:
    extent = extent_of(folder, [until], longest=EVER)
    columns = together(read_columns(extent)[0])
    late = _arrived(columns.known_on, day_number(until), WEEK)
    given = {name: column[late] for name, column in columns._asdict().items()}
    given["person"] = (given["person"] + np.int64(extent.first)).astype(str)
    pq.write_table(pa.table(given), delivery_of(folder, until))


def _read_delivery(folder: Path, until: date) -> tuple[np.ndarray, Columns]:
    """The people's ids, (N,) str, and the rows."""
    table = pq.read_table(delivery_of(folder, until))
    columns = Columns(*(table[name].to_numpy() for name in Columns._fields))
    return columns.person.astype(str), columns


def _add(
    older: Path, store: Path, number: int, delivered: tuple[np.ndarray, Columns], here: np.ndarray
) -> None:
    """A shard with some new rows in it: the people whom they are about are sorted again."""
    if not here.any():
        reuse_shard(store, number, older)
        return
    old = read_shard(older, number)
    again, new = np.unique(delivered[0][here], return_inverse=True)
    of_whom = np.repeat(np.searchsorted(again, old.person_ids), np.diff(old.rows.start))
    mine = np.repeat(np.isin(old.person_ids, again), np.diff(old.rows.start))
    fields: dict[str, Any] = {
        name: np.concatenate([getattr(old.rows, name)[mine], getattr(delivered[1], name)[here]])
        for name in EVENT_TYPES
        if name in Columns._fields
    }
    person = np.concatenate([of_whom[mine], new]).astype(np.int32)
    rows = sort_rows(person, len(again), **fields)
    made = splice(old, again, Shard(again, Rows(**rows, **nothing_held(len(again)))))
    write_shard(store, number, made, hash=content_hash(made), about={})


@njit(cache=True)
def _arrived(known_on, as_of, days):  # type: ignore[no-untyped-def]
    found = np.empty(len(known_on), np.bool_)
    for i in range(len(known_on)):
        found[i] = in_window(known_on[i], as_of, days)
    return found


in_step_with(globals(), asof)
