"""How much better one candidate is than another, from the same people: what the first gate reads.

Two intervals that overlap say little, as both move with the same people. Here each draw of people judges
both, and the difference is what has an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.judge import Scored
from models.plain import plain
from models.resample import DRAWS, SEED, Redrawn, middle, redraw

LEAST_FLAGS = 200
"""Where fewer flags than this are judged, precision says too little, and average precision stands for it."""


@dataclass(frozen=True)
class Paired:
    """of: the figure, such as "precision at 30". difference: the candidate's less the baseline's; low, high:
    its 95 % interval; NaN where it is not estimable."""

    of: str
    difference: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def paired(
    candidate: Sequence[Scored],
    baseline: Sequence[Scored],
    *,
    capacity: int,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Paired:
    """The candidate's figure less the baseline's over the same dates together. Raises ValueError if they
    are not of the same people."""
    both = {"candidate": candidate, "baseline": baseline}
    redrawn = redraw(both, capacity=capacity, draws=draws, seed=seed)
    return paired_of(redrawn["candidate"], redrawn["baseline"])


def paired_of(candidate: Redrawn, baseline: Redrawn) -> Paired:
    """The same of two kinds that were redrawn together."""
    few = min(candidate.flagged, baseline.flagged) < LEAST_FLAGS
    figure = "average_precision" if few else "precision"
    (mine, my_draws), (theirs, their_draws) = candidate.of(figure), baseline.of(figure)
    low, high = middle(mine - theirs, my_draws - their_draws)
    return Paired(
        of="average precision" if few else f"precision at {candidate.capacity}",
        difference=mine - theirs,
        low=low,
        high=high,
    )
