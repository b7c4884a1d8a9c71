"""How much of a list stood on the list of a week before.

A team that meets the same names every Monday stops reading; one that meets none of them again was told of
people whose need came and went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.judge import Scored
from models.one_person import people_of
from models.plain import plain
from models.pooled import on_list


@dataclass(frozen=True)
class Overlap:
    """days: between the two mornings. listed: on the later list; stayed: those of them who stood on the
    earlier too, under whichever id; share: of the later list, NaN where that is empty."""

    days: int
    listed: int
    stayed: int
    share: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def overlap(first: Scored, second: Scored, *, capacity: int) -> Overlap:
    """The share of the later list, each cut at `capacity`, that stood on the earlier one.

    Raises ValueError if `second` is not the later one.
    """
    days = (second.as_of - first.as_of).days
    if days <= 0:
        raise ValueError(f"{second.as_of} does not follow {first.as_of}")
    before, now = (
        of[on_list(scored, capacity)]
        for scored, of in zip((first, second), people_of([first, second]), strict=True)
    )
    stayed = int(np.isin(now, before).sum())
    return Overlap(days, len(now), stayed, stayed / len(now) if len(now) else float("nan"))
