"""Which event of a happening counts, on every morning there may be: one pass over each person's rows.

In order of time, an event joins the earliest happening that none of its source has joined and that has
an event within the hours of it; if there is none, it is the first of a happening of its own. Where one
of the two has no time, they are as near as their days are: within as many days as the hours have begun.

That depends on which rows are known. So the pass carries, for every happening still near, the mornings
for which it holds, and cuts these where an event that joins is known for some of them only: no morning
is computed by itself, and the work is the rows times the happenings that are near each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from numba import njit

from features.happenings import SameHappening
from features.in_step import in_step_with
from features.rows import sort_rows

MINUTES_A_DAY = 24 * 60


class PairTable:
    """The S signals of some pairs, as `firsts` takes them.

    at:      (store's signals,) int64, where a signal is among the S; -1 = it is not.
    code:    (S,) uint16, the store's code of the rows by which the signal counts once.
    source:  (S,) int64.
    hours:   (S, S) float64, 0 where no pair is.
    systems: (S,) int64, how many sources a happening with the signal has at most.
    """

    def __init__(self, pairs: Sequence[SameHappening], signals: Sequence[str]) -> None:
        code_of = {name: code for code, name in enumerate(signals)}
        names = sorted({name for pair in pairs for name in pair.signals}, key=code_of.__getitem__)
        sources = sorted({name.split(".")[0] for name in names})
        place = {name: at for at, name in enumerate(names)}
        self.at = np.full(len(signals), -1, np.int64)
        self.at[[code_of[name] for name in names]] = range(len(names))
        self.code = np.array([code_of[pairs[0].once + name] for name in names], np.uint16)
        self.source = np.array([sources.index(name.split(".")[0]) for name in names], np.int64)
        self.hours = np.zeros((len(names), len(names)))
        for pair in pairs:
            one, other = (place[name] for name in pair.signals)
            self.hours[one, other] = self.hours[other, one] = pair.hours
        linked = np.eye(len(names), dtype=bool) | (self.hours > 0)
        for _ in names:  # and those linked by way of others
            linked = linked @ linked
        self.systems = np.array([len(np.unique(self.source[row])) for row in linked], np.int64)


def each_once(happenings: Sequence[SameHappening]) -> list[list[SameHappening]]:
    """The pairs, those together that one pass takes."""
    kinds = dict.fromkeys(same.once for same in happenings)
    return [[same for same in happenings if same.once == kind] for kind in kinds]


def with_once(
    rows: Mapping[str, np.ndarray],
    people: int,
    happenings: Sequence[SameHappening],
    signals: Sequence[str],
    *,
    threads: int = 1,
) -> dict[str, np.ndarray]:
    """Rows in any order, and those by which happenings count once behind them.

    rows: (N,) arrays `nth`, the person's number below `people`, and the event fields of `Rows`;
    signals: what their codes are positions in.
    """
    together = [dict(rows)]
    for pairs in each_once(happenings):
        table = PairTable(pairs, signals)
        fields = {name: array for name, array in rows.items() if name != "nth"}
        keep = table.at[rows["signal"]] >= 0
        there = sort_rows(rows["nth"], people, **fields, keep=keep, threads=threads)
        start = there.pop("start")
        row, since, until = firsts(
            start,
            table.at[there["signal"]],
            there["occurred"],
            there["minute"],
            there["known_on"],
            there["known_until"],
            table.source,
            table.hours,
            table.systems,
        )
        made = {name: array[row] for name, array in there.items()}
        made |= {"known_on": since, "known_until": until, "signal": table.code[table.at[made["signal"]]]}
        together.append({"nth": np.searchsorted(start, row, side="right") - 1, **made})
    return {
        name: np.concatenate([part[name] for part in together]).astype(array.dtype, copy=False)
        for name, array in rows.items()
    }


def first_now(rows: Mapping[str, np.ndarray], pairs: Sequence[SameHappening]) -> np.ndarray:
    """(n,) which of N rows, all usable on one morning, are the first of their happenings.

    rows: (N,) arrays `person`, ascending numbers, `signal`, names of the pairs' signals, `occurred` and
    `minute` as in `Rows`; each person's in order of time, those of one time in order of signal.
    """
    names = sorted({name for pair in pairs for name in pair.signals})
    table = PairTable(pairs, [*names, *(pairs[0].once + name for name in names)])
    person, always = rows["person"], np.ones(len(rows["person"]), np.int32)
    first, _, _ = firsts(
        np.searchsorted(person, np.arange(person.max(initial=-1) + 2)).astype(np.int64),
        table.at[np.searchsorted(names, rows["signal"].astype(str))],
        rows["occurred"].astype(np.int32),
        rows["minute"].astype(np.int16),
        always - 1,
        always,
        table.source,
        table.hours,
        table.systems,
    )
    return np.array(first)


@njit(cache=True, nogil=True)
def firsts(
    start: np.ndarray,
    signal: np.ndarray,
    occurred: np.ndarray,
    minute: np.ndarray,
    known_on: np.ndarray,
    known_until: np.ndarray,
    source: np.ndarray,
    hours: np.ndarray,
    systems: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From when on and until when an event is the first of its happening: row, known_on, known_until.

    start: (P + 1,), signal and the next four: (N,), each person's rows in order of time, known for some
    while; source, systems: (S,); hours: (S, S). The three that are returned have one length; no two intervals
    of a row touch.
    """
    far = _days(hours.max())
    begins, ends = known_on.astype(np.int64), known_until.astype(np.int64)  # one type for all intervals
    row, since, until = [0 for _ in range(0)], [0 for _ in range(0)], [0 for _ in range(0)]
    for person in range(len(start) - 1):
        open_now = [(0, 0, 0) for _ in range(0)]  # known_on, known_until, the last that joined
        joined = [(0, 0) for _ in range(0)]  # a row, and which joined before it; -1 = none
        for i in range(start[person], start[person + 1]):
            first = [(begins[i], ends[i])]
            still = [(0, 0, 0) for _ in range(0)]
            for begin, end, last in open_now:
                if occurred[i] - occurred[joined[last][0]] > far:
                    continue
                others = len(first) and _joins(i, last, joined, signal, occurred, minute, source, hours)
                if not others:
                    still.append((begin, end, last))
                    continue
                left, rest = begin, [(0, 0) for _ in range(0)]
                for known, replaced in first:
                    low, high = max(begin, known), min(end, replaced)
                    if low >= high:
                        rest.append((known, replaced))
                        continue
                    if known < low:
                        rest.append((known, low))
                    if high < replaced:
                        rest.append((high, replaced))
                    if left < low:
                        still.append((left, low, last))
                    if others + 1 < systems[signal[i]]:  # or nothing more can join
                        joined.append((i, last))
                        still.append((low, high, len(joined) - 1))
                    left = high
                if left < end:
                    still.append((left, end, last))
                first = rest
            for known, replaced in first:
                row.append(i)
                since.append(known)
                until.append(replaced)
                joined.append((i, -1))
                still.append((known, replaced, len(joined) - 1))
            open_now = still
    return np.array(row, np.int64), np.array(since, np.int32), np.array(until, np.int32)


@njit(cache=True, nogil=True)
def _joins(
    i: int,
    last: int,
    joined: list[tuple[int, int]],
    signal: np.ndarray,
    occurred: np.ndarray,
    minute: np.ndarray,
    source: np.ndarray,
    hours: np.ndarray,
) -> int:
    """How many rows a happening has if row i joins it: none is of its source, and one is near it; or 0."""
    near, rows = False, 0
    while last >= 0:
        j, last = joined[last]
        rows += 1
        if source[signal[j]] == source[signal[i]]:
            return 0
        most = hours[signal[i], signal[j]]
        days = np.int64(occurred[i]) - occurred[j]
        if minute[i] < 0 or minute[j] < 0:
            near = near or (most > 0 and days <= _days(most))
        else:
            near = near or (most > 0 and days * MINUTES_A_DAY + minute[i] - minute[j] <= most * 60)
    return rows if near else 0


@njit(cache=True, nogil=True)
def _days(hours: float) -> int:
    return ceil(hours / 24)


in_step_with(globals())
