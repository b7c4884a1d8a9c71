"""From what an agency holds to the files it sends: versions of records, deliveries, text.

An agency's table is a `Draft`: one row a record, with the day it was keyed and, for spells, the day
its end was keyed. Some records are corrected later, some fall out of a full file and come back. Each
such state is a *version*, seen from one day until another; a file is the versions seen on the
morning it is made. Which file holds what, its delimiter, encoding and formats are the source
declaration's, so that the simulated extracts are what the templates say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.declaration import Column, Source, Window
from simulation import world
from simulation.calendar import NONE, OPEN, Calendar, Days, Index, Mask, day_of, number
from simulation.draw import Random, only

Values = npt.NDArray[Any]
"""A column: days for dates, minutes of the day for times, minutes since 1970 for dates with a time, whole
numbers (`NONE` = empty), numbers (NaN = empty), or text (None = empty)."""

_CLOCK = pa.array([f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)])

NEVER_BACK = 10_000
"""Days away after which a withdrawn record would come back: after the calendar's end."""


@dataclass(frozen=True)
class Happening:
    """What the rows of a draft truly say: for each row a signal ('' = nothing) at a place or to people.

    signal:   a signal for all rows, or the `_column` that holds one a row.
    subjects: the columns with the subjects' keys; `place` the column with the UPRN of a shared event.
    unless_ended: it did not happen at all if it had ended by the day on which it would have.
    """

    signal: str
    occurred: str
    subjects: tuple[str, ...] = ()
    ended: str | None = None
    place: str | None = None
    unless_ended: bool = False


@dataclass(frozen=True)
class Draft:
    """One extract's records as the agency holds them on the last day.

    Columns whose name starts with '_' are for the truth and are not written. `corrected` gives,
    for some columns, what the record says after its correction: of a few records on a day of their own,
    or from `corrected_on` (`OPEN` = never). `while_open`: what columns say until the end is keyed.
    """

    source: str
    extract: str
    columns: dict[str, Values]
    keyed: Days
    happenings: tuple[Happening, ...] = ()
    end_columns: tuple[str, ...] = ()
    end_keyed: Days | None = None
    corrected: dict[str, Values] = field(default_factory=dict)
    corrected_on: Days | None = None
    while_open: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Versions:
    """The states of a draft's records: which row, what is hidden or corrected, seen from and until."""

    draft: Draft
    row: Index
    end_hidden: Mask
    is_corrected: Mask
    seen_from: Days
    seen_until: Days

    def column(self, name: str) -> Values:
        """The values of a column, one a version."""
        values = self.draft.columns[name][self.row]
        if name in self.draft.while_open:
            values = np.where(self.end_hidden, self.draft.while_open[name][self.row], values)
        if name in self.draft.corrected:
            new = self.draft.corrected[name][self.row]
            values = np.where(self.is_corrected, new, values)
        if name in self.draft.end_columns:
            values = only(~self.end_hidden, values)
        return values.astype(object) if values.dtype.kind == "U" else values

    def where(self, chosen: Mask | Index) -> Versions:
        """Some of the versions."""
        return Versions(
            self.draft,
            self.row[chosen],
            self.end_hidden[chosen],
            self.is_corrected[chosen],
            self.seen_from[chosen],
            self.seen_until[chosen],
        )

    def seen(self, morning: int) -> Mask:
        """Which versions the agency held on the evening before `morning`."""
        return (self.seen_from < morning) & (morning <= self.seen_until)

    @cached_property
    def signals(self) -> list[Values]:
        """For each happening of the draft, the signal of each version."""
        found = []
        for happening in self.draft.happenings:
            if happening.signal.startswith("_"):
                found.append(self.column(happening.signal))
            else:
                found.append(np.full(len(self.row), happening.signal, dtype=object))
        return found


def versions(random: Random, draft: Draft, calendar: Calendar, *, full: bool) -> Versions:
    """Every version of a draft's records.

    A record has more than one where its end is keyed after it has been sent, and where a correction,
    or a withdrawal from full files, falls into the weeks of live deliveries.
    """
    row = np.flatnonzero(draft.keyed <= calendar.last)
    n, no = len(row), np.zeros(len(row), dtype=bool)
    found = Versions(draft, row, no, no, draft.keyed[row], np.full(n, OPEN, dtype=np.int32))
    if draft.end_keyed is not None:
        end = draft.end_keyed[row]
        late = np.flatnonzero((end >= number(calendar.history_received_on)) & (end > found.seen_from))
        found = _split(found, late, end[late], hides_end=True)
    if draft.corrected_on is not None:
        day = draft.corrected_on[found.row]
        due = np.flatnonzero((day > found.seen_from) & (day <= calendar.last) & (found.seen_until == OPEN))
        found = _split(found, due, day[due], corrects=True)
    elif draft.corrected:
        changes = np.zeros(len(draft.keyed), dtype=bool)
        for name, new in draft.corrected.items():
            changes |= draft.columns[name] != new
        some = _recent(found, calendar)
        some = some[(random.random(len(some)) < world.CORRECTED) & changes[found.row[some]]]
        found = _split(found, some, _live_day(random, found.seen_from[some], calendar), corrects=True)
    if full:
        some = _recent(found, calendar)
        some = some[random.random(len(some)) < world.WITHDRAWN]
        away = np.where(random.random(len(some)) < 0.5, 14, NEVER_BACK)
        found = _split(found, some, _live_day(random, found.seen_from[some], calendar), away=away)
    return found.where((found.seen_from <= calendar.last) & (found.seen_from < found.seen_until))


def _split(
    whole: Versions,
    at: Index,
    day: Days,
    *,
    hides_end: bool = False,
    corrects: bool = False,
    away: Days | int = 0,
) -> Versions:
    """Cut the versions `at`: the first part is seen until `day`, the second from `away` days later."""
    later = whole.where(at)
    if hides_end:
        hidden = whole.end_hidden.copy()
        hidden[at] = True
        whole = replace(whole, end_hidden=hidden)
    until = whole.seen_until.copy()
    until[at] = day
    return Versions(
        whole.draft,
        np.concatenate([whole.row, later.row]),
        np.concatenate([whole.end_hidden, later.end_hidden]),
        np.concatenate([whole.is_corrected, later.is_corrected | corrects]),
        np.concatenate([whole.seen_from, day + away]).astype(np.int32),
        np.concatenate([until, later.seen_until]),
    )


def _recent(versions: Versions, calendar: Calendar) -> Index:
    """Standing versions first seen in the last months, and early enough to change before the last day."""
    since = calendar.last - world.UNSETTLED_DAYS
    from_day, stands = versions.seen_from, versions.seen_until == OPEN
    return np.flatnonzero((from_day >= since) & (from_day < calendar.last - 10) & stands)


def _live_day(random: Random, seen_from: Days, calendar: Calendar) -> Days:
    """A day between the first load of history (or a week after first seen) and the last day."""
    low = np.maximum(seen_from + 7, number(calendar.history_received_on))
    span = np.maximum(calendar.last - low, 1)
    return (low + (random.random(len(low)) * span).astype(np.int32)).astype(np.int32)


@dataclass(frozen=True)
class File:
    """One file of an extract: where it goes, and which versions it holds."""

    folder: str
    name: str
    morning: int
    since: int | None  # versions seen first before this day are left out; None = all that stand

    def holds(self, versions: Versions) -> Mask:
        mask = versions.seen(self.morning)
        return mask if self.since is None else mask & (versions.seen_from >= self.since)


def files_of(source: Source, extract: str, calendar: Calendar) -> list[File]:
    """The file of history and those of each delivery day on the source's schedule."""
    declared = source.extracts[extract]
    stem = declared.files.removesuffix("*.csv")
    first = number(calendar.history_received_on)
    files = [File("history", f"{stem}history.csv", first, None)]
    last = first
    for day in calendar.delivery_days:
        if source.schedule.first_on_or_after(day) != day:
            continue
        morning = number(day)
        since = None
        if declared.delivery == "changes":
            since = last
        elif isinstance(declared.delivery, Window):
            since = number(day - timedelta(days=declared.delivery.window_days))
        files.append(File(f"deliveries/{day}", f"{stem}{day:%Y%m%d}.csv", morning, since))
        last = morning
    return files


def as_text(versions: Versions, columns: Mapping[str, Column]) -> pa.Table:
    """Every declared column as the text that the agency writes. Raises KeyError on a column not drafted."""
    return pa.table({name: text_of(versions.column(name), column) for name, column in columns.items()})


def text_of(values: Values, column: Column) -> pa.Array:
    """One column's values in the declared format; empty cells are null."""
    if column.type == "date":
        return _formatted(values, column.format or "")
    if column.type == "time":
        return _CLOCK.take(pa.array(values))
    if values.dtype == object:
        return pa.array(values, type=pa.string(), from_pandas=True)
    if column.type == "datetime":
        moments = values.astype("datetime64[m]").astype("datetime64[s]")
        return pc.strftime(pa.array(moments, mask=values == NONE), column.format or "")
    if values.dtype.kind == "f":
        return pa.array(np.round(values, 2), from_pandas=True).cast(pa.string())
    return pa.array(values, mask=values == NONE).cast(pa.string())


def _formatted(days: Days, style: str) -> pa.Array:
    """Days as text: each different day is formatted once."""
    different, which = np.unique(days, return_inverse=True)
    texts = pa.array(
        [None if d == NONE else _day_text(d, style) for d in different.tolist()], type=pa.string()
    )
    return texts.take(pa.array(which))


@lru_cache(maxsize=200_000)
def _day_text(day: int, style: str) -> str:
    return day_of(day).strftime(style)
