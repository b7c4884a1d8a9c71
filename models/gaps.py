"""How far a group's rate lies from everybody's, with an interval, from counts of people alone.

The interval is a bootstrap by person: every person gets a random weight, and the gap is looked at again
and again. Only sums of weights matter, and k people of exponential weight weigh Gamma(k) together
(Rubin 1981, *The Bayesian bootstrap*). So four numbers a group are drawn and no rows: hundredths of
a second for a county of any size. Half a person is added to each count, so that a group of whom nobody,
or everybody, was found has an interval too; resampled rows would all say the same of them.

Everybody includes the group, and the same weights stand on both sides: the gap of a group that is nearly
everybody is known to be nearly nothing. Between the greatest and the least of several rates no interval
is given: such a difference is above nought whatever is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2000
SEED = 20_261_122
HALF = 0.5
MIDDLE = (0.025, 0.975)
AT_ONCE = 64
"""Groups whose draws are held together: 4 MB."""


@dataclass(frozen=True)
class Gap:
    """Everybody's rate less the group's, and its 95 % interval: above 0 the group's is lower."""

    value: float
    interval: tuple[float, float]


def gaps(
    part: Sequence[int],
    whole: Sequence[int],
    others_part: Sequence[int],
    others_whole: Sequence[int],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[Gap]:
    """The gap of each group, of which `part` of `whole` people count, from it and all others together.

    Raises ValueError if a group is empty, or a part more than its whole.
    """
    mine, of, theirs, of_them = (np.asarray(n, float) for n in (part, whole, others_part, others_whole))
    if (of < 1).any():
        raise ValueError("a group of nobody has no rate")
    cells = np.stack([mine, of - mine, theirs, of_them - theirs])
    if (cells < 0).any():
        raise ValueError("a part is not more than its whole, and no count is below nought")
    values = (mine + theirs) / (of + of_them) - mine / of
    found = []
    for start in range(0, len(mine), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        low, high = np.quantile(_drawn(cells[:, some], draws=draws, seed=seed), MIDDLE, axis=0)
        found += [
            Gap(value, (min(a, value), max(b, value)))
            for value, a, b in zip(values[some].tolist(), low.tolist(), high.tolist(), strict=True)
        ]
    return found


def _drawn(cells: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """(draws, G) gaps. cells: (4, G), the group's part and rest, then everybody else's."""
    others = cells[2:].sum(axis=0) > 0
    half = np.stack([np.full(len(others), HALF)] * 2 + [np.where(others, HALF, 0.0)] * 2)
    weight = np.random.default_rng(seed).standard_gamma(cells + half, size=(draws, *cells.shape))
    everybody = (weight[:, 0] + weight[:, 2]) / weight.sum(axis=1)
    return everybody - weight[:, 0] / (weight[:, 0] + weight[:, 1])
