"""How much better one candidate is than another, from the same people: what the first gate reads.

Two intervals that overlap say little, as both move with the same people. Here each draw of people judges
both, and the difference is what has an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.judge import Scored
from models.plain import plain
from models.resample import DRAWS, SEED, Redrawn, middle, redraw

PRECISION, AVERAGE = "precision", "average_precision"
AVERAGE_SAID = "average precision"
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
    return paired_of(redrawn["candidate"], redrawn["baseline"], figure=figure_of(redrawn.values()))


def figure_of(redrawn: Iterable[Redrawn]) -> str:
    """The figure that all kinds of a run are held against each other by, from the fewest flags of any: of two
    figures nobody could say which difference is the least."""
    return AVERAGE if min(each.flagged for each in redrawn) < LEAST_FLAGS else PRECISION


def paired_of(candidate: Redrawn, baseline: Redrawn, *, figure: str) -> Paired:
    """The same of two kinds that were redrawn together. figure: see `figure_of`."""
    (mine, my_draws), (theirs, their_draws) = candidate.of(figure), baseline.of(figure)
    low, high = middle(mine - theirs, my_draws - their_draws)
    return Paired(
        of=f"precision at {candidate.capacity}" if figure == PRECISION else AVERAGE_SAID,
        difference=mine - theirs,
        low=low,
        high=high,
    )
