"""How long before the outcome people were first listed: the time there would have been to help.

Only those count whom a list found, and only the dates that are judged: a list every week would have named
some of them earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.asof import day_number
from models.judge import Scored, wilson
from models.one_person import people_of
from models.plain import plain
from models.pooled import on_list

AHEAD = (30, 90, 180)


@dataclass(frozen=True)
class Ahead:
    """The people found who were first listed at least so many days before the outcome: how many, their share
    of those found, and its Wilson interval at 95 %."""

    days: int
    people: int
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class LeadTime:
    """people: those found, each once. median_days: from the first list they were on to the outcome; NaN
    where nobody was found."""

    people: int
    median_days: float
    ahead: tuple[Ahead, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def lead_time(
    dates: Sequence[Scored],
    days_until: Sequence[np.ndarray],
    *,
    capacity: int,
    ahead: Sequence[int] = AHEAD,
) -> LeadTime:
    """From the first flag to the outcome, over the lists of some dates, each cut at `capacity`.

    days_until: for each date (n,) days from it to the outcome, NaN where there was none, as
    `features.outcomes.Labels` has them. Who was on a list and can be judged there was flagged then. The
    outcome is the first that followed a list they were on. Raises ValueError where somebody with the
    outcome has no day of it.
    """
    people = people_of(dates)
    count = max((int(of.max()) + 1 for of in people if len(of)), default=0)
    flagged, happened = np.full(count, np.inf), np.full(count, np.inf)
    for scored, of, days in zip(dates, people, days_until, strict=True):
        if np.isnan(days[scored.y == 1]).any():
            raise ValueError(f"somebody with the outcome after {scored.as_of} has no day of it")
        listed, morning = on_list(scored, capacity), day_number(scored.as_of)
        judged, found = listed & ~np.isnan(scored.y), listed & (scored.y == 1)
        np.minimum.at(flagged, of[judged], morning)
        np.minimum.at(happened, of[found], morning + days[found])
    met = np.isfinite(happened)
    lead = happened[met] - flagged[met]
    early = [int((lead >= days).sum()) for days in ahead]
    return LeadTime(
        people=len(lead),
        median_days=float(np.median(lead)) if len(lead) else float("nan"),
        ahead=tuple(
            Ahead(days, k, k / len(lead) if len(lead) else float("nan"), wilson(k, len(lead)))
            for days, k in zip(ahead, early, strict=True)
        ),
    )
