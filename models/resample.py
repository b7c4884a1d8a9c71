"""Intervals by resampling people, who move as one however many dates they stand on.

Rows of one person are no separate evidence: somebody scored on three dates is found, or missed, for the same
reasons on each. So whole people are drawn, as many as there are, with replacement, and the lists are cut and
judged again (Efron 1979, *Bootstrap methods: another look at the jackknife*); an interval is the middle 95 %
of what came out. A list of resampled people holds as many copies of people as it has room for.

All kinds of a run are weighed by the same draws, so that two of them can be held against each other.
People are drawn apart from those they live with: of what befalls whole households, such as an eviction,
intervals are a little narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.judge import Scored
from models.one_person import people_of
from models.plain import plain
from models.weighed import FIGURES, weigh

DRAWS = 1000
SEED = 20_261_122
MIDDLE = (0.025, 0.975)
MOST_MISSING = 0.05
"""Where more of the draws than this have no figure, as nobody in them had the outcome, nor is there one."""
NAN = float("nan")


@dataclass(frozen=True)
class Redrawn:
    """One kind's figures in every draw. capacity: of its lists; flagged: people on them who are judged;
    values: (4,) `FIGURES` as they are; drawn: (draws, 4) the same of resampled people."""

    capacity: int
    flagged: int
    values: np.ndarray
    drawn: np.ndarray

    def of(self, figure: str) -> tuple[float, np.ndarray]:
        """One of `FIGURES`: as it is, and (draws,) as it was drawn."""
        at = FIGURES.index(figure)
        return float(self.values[at]), self.drawn[:, at]


@dataclass(frozen=True)
class Intervals:
    """95 % intervals by person, (low, high); NaN where there is none to tell: no figure, or the same one
    in every draw, as where nobody was found (read Wilson's there)."""

    precision: tuple[float, float]
    recall: tuple[float, float]
    average_precision: tuple[float, float]
    lift: tuple[float, float]
    draws: int

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def intervals(dates: Sequence[Scored], *, capacity: int, draws: int = DRAWS, seed: int = SEED) -> Intervals:
    """The intervals of one kind's lists of some dates together."""
    return intervals_of(redraw({"": dates}, capacity=capacity, draws=draws, seed=seed)[""])


def intervals_of(redrawn: Redrawn) -> Intervals:
    """The intervals of a kind that was redrawn already."""
    found = {figure: middle(*redrawn.of(figure)) for figure in FIGURES}
    return Intervals(**found, draws=len(redrawn.drawn))


def redraw(
    scored: Mapping[str, Sequence[Scored]], *, capacity: int, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Redrawn]:
    """Kind → its figures in the same draws of the same people.

    scored: kind → the same dates, with the same rows in the same order. Raises ValueError if they differ.
    """
    kinds = list(scored)
    first = scored[kinds[0]]
    for kind in kinds[1:]:
        _same_rows(first, scored[kind], kind)
    people = people_of(first)
    count = max((int(of.max()) + 1 for of in people if len(of)), default=0)
    ready = [weigh(scored[kind], people, capacity=capacity) for kind in kinds]
    once = np.ones(count, np.int64)
    drawn = np.full((draws, len(kinds), len(FIGURES)), NAN)
    random = np.random.default_rng(seed)
    for draw in drawn if count else ():
        weight = np.bincount(random.integers(count, size=count), minlength=count)
        for at, lists in enumerate(ready):
            draw[at] = lists.figures(weight)
    return {
        kind: Redrawn(capacity, lists.flagged, np.array(lists.figures(once)), drawn[:, at])
        for at, (kind, lists) in enumerate(zip(kinds, ready, strict=True))
    }


def middle(value: float, drawn: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of draws (D,); NaN if there is no value, too few draws, or all draws alike."""
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or len(known) < (1 - MOST_MISSING) * len(drawn) or not np.ptp(known):
        return NAN, NAN
    low, high = np.quantile(known, MIDDLE).tolist()
    return low, high


def _same_rows(first: Sequence[Scored], other: Sequence[Scored], kind: str) -> None:
    alike = len(first) == len(other) and all(
        a.as_of == b.as_of
        and np.array_equal(a.person_ids, b.person_ids)
        and np.array_equal(a.same_as, b.same_as)
        for a, b in zip(first, other, strict=True)
    )
    if not alike:
        raise ValueError(f"{kind!r} is not of the same people on the same dates, in the same order")
