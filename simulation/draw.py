"""Drawing many things at once: events of a Poisson process, choices, delays, spells to look up."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.calendar import NONE, Calendar, Days, Index, Mask

Floats = npt.NDArray[np.floating[Any]]
Random = np.random.Generator
Text = npt.NDArray[np.object_]


def own_stream(random: Random | np.random.SeedSequence, name: str) -> Random:
    """A stream named after what is drawn from it: what draws from it leaves all others as they are."""
    seeds = random if isinstance(random, np.random.SeedSequence) else random.bit_generator.seed_seq
    assert isinstance(seeds, np.random.SeedSequence)
    key = (*seeds.spawn_key, zlib.crc32(name.encode()))
    return np.random.default_rng(np.random.SeedSequence(seeds.entropy, spawn_key=key))


def happen(random: Random, rates: Floats, calendar: Calendar) -> tuple[Index, Days]:
    """Events of independent Poisson processes with piecewise constant rates.

    rates: (n, months), expected events of each row in each month. Returns the row and the day of
    each event, in order of row and month. Cells are drawn by their share of the total, so that the
    work grows with the events and not with n × months.
    """
    running = np.cumsum(rates.ravel(), dtype=np.float64)
    total = running[-1] if running.size else 0.0
    points = np.sort(random.random(random.poisson(total))) * total
    cells = np.searchsorted(running, points, side="right")
    rows, months = np.divmod(cells, calendar.months)
    return rows.astype(np.int64), day_within(random, months, calendar)


def day_within(random: Random, months: Index, calendar: Calendar) -> Days:
    """A day of each month, up to the calendar's last."""
    starts = calendar.month_starts
    lengths = np.minimum(starts[1:], calendar.last + 1) - starts[:-1]
    return (starts[months] + (random.random(len(months)) * lengths[months]).astype(np.int32)).astype(np.int32)


def pick(random: Random, shares: Sequence[float], n: int) -> Index:
    """n indices, each with its share (shares need not add up to 1)."""
    steps = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(steps, random.random(n) * steps[-1], side="right").astype(np.int64)


def lag(random: Random, delay: tuple[float, float], n: int, slow: Floats | float = 1.0) -> Days:
    """Whole days, lognormal with a median and a spread of the logarithm, times `slow`; at most a year."""
    median, spread = delay
    days = median * np.exp(spread * random.standard_normal(n)) * slow
    return np.minimum(days, 365).astype(np.int32)


def between(random: Random, low: float, high: float, n: int) -> Days:
    """n whole numbers of days from low to high."""
    return random.integers(int(low), int(high) + 1, n).astype(np.int32)


def capped(base: float, exponent: Floats, cap: float) -> Floats:
    """base × exp(exponent), never above the cap."""
    return np.minimum(base * np.exp(np.minimum(exponent, 12.0)), cap)


class Spells:
    """Who was where when: rows (owner, start, end) that can be looked up by owner and day.

    Rows are sorted by owner and start, and an owner's spells do not overlap.
    """

    def __init__(self, owner: Index, start: Days, end: Days, **more: Index) -> None:
        order = np.lexsort((start, owner))
        self.owner, self.start, self.end = owner[order], start[order], end[order]
        self.more: Mapping[str, Index] = {name: values[order] for name, values in more.items()}
        self._keys = self.owner.astype(np.int64) << 32 | self.start.astype(np.int64)

    def __len__(self) -> int:
        return len(self.owner)

    def at(self, owner: Index, day: Days) -> Index:
        """The row that holds each owner on each day, or -1."""
        if len(self) == 0:
            return np.full(len(owner), -1, dtype=np.int64)
        row = (
            np.searchsorted(self._keys, owner.astype(np.int64) << 32 | day.astype(np.int64), side="right") - 1
        )
        row = np.maximum(row, 0)
        holds = (self.owner[row] == owner) & (self.start[row] <= day) & (day < self.end[row])
        return np.where(holds, row, -1)

    def of(self, owner: Index) -> tuple[Index, Index]:
        """Every row of each given owner: (position in `owner`, row)."""
        low = np.searchsorted(self.owner, owner, side="left")
        high = np.searchsorted(self.owner, owner, side="right")
        return expand(low, high)


def expand(low: Index, high: Index) -> tuple[Index, Index]:
    """Ranges laid end to end: (which range, the number in it)."""
    counts = high - low
    which = np.repeat(np.arange(len(low)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, low[which] + offset


def only(there: Mask, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values where `there`, else empty: None for text, `NONE` for days."""
    empty = np.array(None, dtype=object) if values.dtype.kind in "OU" else np.array(NONE, dtype=np.int32)
    return np.where(there, values, empty)


def apart(owner: Index, start: Days, end: Days) -> Mask:
    """Spells of each owner that begin when none that began before them (one left out included) is open."""
    order = np.lexsort((start, owner))
    base = owner[order].astype(np.int64) << 33
    until = np.maximum.accumulate(base + end[order])
    free = np.ones(len(order), dtype=bool)
    free[1:] = base[1:] + start[order][1:] >= until[:-1]
    found = np.empty(len(order), dtype=bool)
    found[order] = free
    return found
