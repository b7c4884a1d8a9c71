"""The share of a list nobody yet works with: whom it finds that no service knows already.

A list of people who all have a social worker is right, and of no use to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.judge import Scored, wilson
from models.plain import plain
from models.pooled import on_list


@dataclass(frozen=True)
class NobodyYet:
    """listed: people on the lists, once for each; alone: those with whom no service worked that morning;
    share: theirs, with its Wilson interval at 95 %; NaN where the lists are empty."""

    listed: int
    alone: int
    share: float
    interval: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def nobody_yet(dates: Sequence[Scored], worked_with: Sequence[np.ndarray], *, capacity: int) -> NobodyYet:
    """Over the lists of some dates, each cut at `capacity`, whatever followed.

    worked_with: for each date (n,) bool, as `features.services` has it.
    """
    on = [on_list(scored, capacity) for scored in dates]
    listed = sum(int(rows.sum()) for rows in on)
    alone = sum(int((rows & ~np.asarray(w, bool)).sum()) for rows, w in zip(on, worked_with, strict=True))
    return NobodyYet(listed, alone, alone / listed if listed else float("nan"), wilson(alone, listed))
