"""What a list would have found at worst and at best, had chance broken the ties at its cut.

Equal log-odds at the cut stand in order of person id, which means nothing. A model that gives thousands of
people one number, as a count of contacts does, may look good or bad by that alone, so both ends are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.judge import Scored

NAN = float("nan")


@dataclass(frozen=True)
class OverTies:
    """(worst, best) over every way to choose among equals on each date. NaN where that way leaves nobody on
    the lists who can be judged, or where nobody had the outcome."""

    precision: tuple[float, float]
    recall: tuple[float, float]


def over_ties(dates: Sequence[Scored], *, capacity: int) -> OverTies:
    """The bounds of precision and recall of the lists of some dates, each cut at `capacity`, together.

    Both are met: a negative takes a place from somebody who cannot be judged, and that one from a positive,
    never the other way round, whatever the other dates' lists hold.
    """
    flagged, found, met = np.zeros(2, int), np.zeros(2, int), np.zeros(2, int)
    people = 0
    for scored in dates:
        sure, tied, room = _at_the_cut(scored.log_odds, capacity)
        positive, negative = scored.y == 1, scored.y == 0
        hits, misses = int((tied & positive).sum()), int((tied & negative).sum())
        unknown = int(tied.sum()) - hits - misses
        hits_in = np.array([max(0, room - misses - unknown), min(room, hits)])
        misses_in = np.array([min(room, misses), max(0, room - hits - unknown)])
        found += int((sure & positive).sum()) + hits_in
        flagged += int((sure & (positive | negative)).sum()) + hits_in + misses_in
        people += len(np.unique(scored.same_as[positive]))
        met += _people_found(scored, sure & positive, tied, room)
    return OverTies(precision=_share(found, flagged), recall=_share(met, np.full(2, people)))


def _at_the_cut(log_odds: np.ndarray, capacity: int) -> tuple[np.ndarray, np.ndarray, int]:
    """(n,) bool who is on the list in any case; (n,) bool who stands at the cut; places left for these."""
    k = min(capacity, len(log_odds))
    if k < 1:
        return np.zeros(len(log_odds), bool), np.zeros(len(log_odds), bool), 0
    cut = -np.partition(-log_odds, k - 1)[k - 1]
    sure = log_odds > cut
    return sure, log_odds == cut, k - int(sure.sum())


def _people_found(scored: Scored, sure: np.ndarray, tied: np.ndarray, room: int) -> np.ndarray:
    """(fewest, most) people with the outcome on the list. Several rows may be one person: at worst the
    places go to them that bring nobody new, then to as few people as can fill the rest."""
    already = np.unique(scored.same_as[sure])
    new = tied & (scored.y == 1) & ~np.isin(scored.same_as, already)
    rows_each = np.sort(np.unique(scored.same_as[new], return_counts=True)[1])[::-1]
    left = room - (int(tied.sum()) - int(new.sum()))
    fewest = int(np.searchsorted(np.cumsum(rows_each), left)) + 1 if left > 0 else 0
    return len(already) + np.array([fewest, min(room, len(rows_each))])


def _share(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    worst, best = (float(p / w) if w else NAN for p, w in zip(part, whole, strict=True))
    return worst, best
