"""The rows of some people as flat arrays, sorted by person and time: what the kernel reads.

Everything downstream relies on one order, and the order must not depend on how rows happened to
arrive: so all that a row says takes part in it, and rows that still tie are the same row.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from features import asof
from features.asof import OPEN
from features.in_step import in_step_with

Fields = tuple[np.ndarray, ...]

RUN = 16
"""Rows sorted by insertion; longer runs are merged from such."""


class Rows(NamedTuple):
    """The rows of P people. Days are day numbers; signals and sources are positions in a store's.

    Person i has the N rows start[i]:start[i+1], in the order of day, minute, signal and the rest, and
    the H register rows held_start[i]:held_start[i+1].
    """

    start: np.ndarray  # (P + 1,) int64
    signal: np.ndarray  # (N,) uint16
    occurred: np.ndarray  # int32
    minute: np.ndarray  # int16, of the day; -1 = no time
    ended: np.ndarray  # int32; OPEN = not ended
    amount: np.ndarray  # float64; NaN = none
    known_on: np.ndarray  # int32
    known_until: np.ndarray  # int32; OPEN = still stands
    held_start: np.ndarray  # (P + 1,) int64
    held_source: np.ndarray  # (H,) int16
    held_household: np.ndarray  # bool: the dwelling is held, not the person
    held_from: np.ndarray  # int32
    held_to: np.ndarray  # int32, the first day no longer held
    held_known_on: np.ndarray  # int32
    held_known_until: np.ndarray  # int32


HELD_TYPES = {
    "held_source": np.int16,
    "held_household": np.bool_,
    "held_from": np.int32,
    "held_to": np.int32,
    "held_known_on": np.int32,
    "held_known_until": np.int32,
}


def nothing_held(people: int) -> dict[str, np.ndarray]:
    """The register fields of `Rows` where no register holds anybody."""
    none: dict[str, np.ndarray] = {name: np.zeros(0, kind) for name, kind in HELD_TYPES.items()}
    return {"held_start": np.zeros(people + 1, np.int64), **none}


class _Plain:
    """Memory of another array, offered as if it could be written to."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        offered = array.__array_interface__
        self.__array_interface__ = {**offered, "data": (offered["data"][0], False)}


def plain(array: np.ndarray) -> np.ndarray:
    """The same memory, not copied, of the one type that the kernel is compiled for.

    Numba compiles once more for arrays that cannot be written to, such as Arrow's; the kernel never
    writes to rows.
    """
    return np.asarray(_Plain(np.ascontiguousarray(array)))


def sort_rows(
    person: np.ndarray,
    people: int,
    *,
    signal: np.ndarray,
    occurred: np.ndarray,
    minute: np.ndarray,
    amount: np.ndarray,
    known_on: np.ndarray,
    ended: np.ndarray | None = None,
    known_until: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    threads: int = 1,
) -> dict[str, np.ndarray]:
    """The event fields of `Rows`, from rows in any order.

    person: (N,) int32 in 0..people-1; the others (N,) as in `Rows`. ended, known_until: None where
    all are OPEN. keep: (N,) bool, rows to take; None takes all. The people are dealt out to the
    threads in ranges of about as many rows.
    """
    nowhere, whole = np.zeros(0, np.int32), np.zeros(0, np.bool_)
    rows = (signal, occurred, minute, amount, known_on)
    given = (nowhere if ended is None else ended, nowhere if known_until is None else known_until)
    chosen = whole if keep is None else keep
    start = _starts(person, people, chosen)
    total = int(start[-1])
    out: dict[str, np.ndarray] = {
        "signal": np.empty(total, np.uint16),
        "occurred": np.empty(total, np.int32),
        "minute": np.empty(total, np.int16),
        "ended": np.full(total, OPEN, np.int32),
        "amount": np.empty(total, np.float64),
        "known_on": np.empty(total, np.int32),
        "known_until": np.full(total, OPEN, np.int32),
    }
    order = np.empty(total, np.int64)
    keys = np.empty(total, np.int64)

    def work(first: int, last: int) -> None:
        _sort(person, chosen, start, first, last, rows, given, order, keys, tuple(out.values()))

    each_range(work, start, threads)
    return {"start": start, **out}


def each_range(work: Callable[[int, int], None], start: np.ndarray, threads: int) -> None:
    """Call work(first, last) for ranges of people with about as many rows each, in threads."""
    people = len(start) - 1
    shares = np.linspace(0, int(start[-1]), threads + 1)[1:-1]
    cuts = [0, *np.searchsorted(start, shares).tolist(), people]
    ranges = list(pairwise(cuts))
    if threads == 1:
        work(0, people)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda bounds: work(*bounds), ranges))


@njit(cache=True, nogil=True)
def _starts(person: np.ndarray, people: int, keep: np.ndarray) -> np.ndarray:
    """(people + 1,) int64: where each person's rows will begin, and the end."""
    start = np.zeros(people + 1, np.int64)
    for i in range(len(person)):
        if len(keep) == 0 or keep[i]:
            start[person[i] + 1] += 1
    for i in range(people):
        start[i + 1] += start[i]
    return start


@njit(cache=True, nogil=True)
def _sort(
    person: np.ndarray,
    keep: np.ndarray,
    start: np.ndarray,
    first: int,
    last: int,
    rows: Fields,
    given: Fields,
    order: np.ndarray,
    keys: np.ndarray,
    out: Fields,
) -> None:
    """Deal the rows of the people first..last-1 to their places, and put each person's in order."""
    signal, occurred, minute, amount, known_on = rows
    ended, known_until = given
    free = start[first:last].copy()
    for i in range(len(person)):
        p = person[i]
        if first <= p < last and (len(keep) == 0 or keep[i]):
            at = free[p - first]
            free[p - first] += 1
            order[at] = i
            # Day, minute and signal in one number, the day in front.
            keys[at] = (np.int64(occurred[i]) << 27) | (np.int64(minute[i] + 1) << 16) | np.int64(signal[i])
    spare = np.empty(0, np.int64)
    for p in range(first, last):
        low, high = start[p], start[p + 1]
        if high - low > len(spare):
            spare = np.empty(high - low, np.int64)
        _merge_sort(order, keys, low, high, spare, rows, given)
    for at in range(start[first], start[last]):
        i = order[at]
        out[0][at], out[1][at], out[2][at] = signal[i], occurred[i], minute[i]
        out[4][at], out[5][at] = amount[i], known_on[i]
        if len(ended):
            out[3][at] = ended[i]
        if len(known_until):
            out[6][at] = known_until[i]


@njit(cache=True, nogil=True)
def _merge_sort(
    order: np.ndarray,
    keys: np.ndarray,
    low: int,
    high: int,
    spare: np.ndarray,
    rows: Fields,
    given: Fields,
) -> None:
    """Sort order[low:high], and keys along with it: insertion in short runs, then merges."""
    for begin in range(low, high, RUN):
        for at in range(begin + 1, min(begin + RUN, high)):
            i, key, to = order[at], keys[at], at
            while to > begin and _before(key, i, keys[to - 1], order[to - 1], rows, given):
                order[to], keys[to] = order[to - 1], keys[to - 1]
                to -= 1
            order[to], keys[to] = i, key
    width = RUN
    while width < high - low:
        for begin in range(low, high - width, 2 * width):
            middle, end = begin + width, min(begin + 2 * width, high)
            # The left run is put aside; keys are found again through the rows, which only long runs need.
            for at in range(width):
                spare[at] = order[begin + at]
            left, right, to = 0, middle, begin
            while left < width:
                i = spare[left]
                if right < end and _before(keys[right], order[right], _key(i, rows), i, rows, given):
                    order[to], keys[to] = order[right], keys[right]
                    right += 1
                else:
                    order[to], keys[to] = i, _key(i, rows)
                    left += 1
                to += 1
        width *= 2


@njit(cache=True, nogil=True, inline="always")
def _key(i: int, rows: Fields) -> int:
    return (np.int64(rows[1][i]) << 27) | (np.int64(rows[2][i] + 1) << 16) | np.int64(rows[0][i])  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def _before(key: int, i: int, other_key: int, j: int, rows: Fields, given: Fields) -> bool:
    """Whether row i comes before row j; a row without an amount comes before one with."""
    if key != other_key:
        return key < other_key
    a, b = rows[3][i], rows[3][j]
    if a < b or (np.isnan(a) and not np.isnan(b)):
        return True
    if a > b or (np.isnan(b) and not np.isnan(a)):
        return False
    if rows[4][i] != rows[4][j]:
        return rows[4][i] < rows[4][j]
    for field in given:
        if len(field) and field[i] != field[j]:
            return field[i] < field[j]
    return False


in_step_with(globals(), asof)
