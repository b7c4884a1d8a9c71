"""Whether chances come true as they are told: people in order of their chance, a tenth at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.calibration import chance
from models.judge import Scored, wilson
from models.plain import plain


@dataclass(frozen=True)
class Bin:
    """Some rows with chances near one another: how many, the mean of what was told, how many had the
    outcome, their share, and its Wilson interval at 95 %."""

    n: int
    chance: float
    positives: int
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Reliability:
    """Bins from the lowest chances to the highest."""

    bins: tuple[Bin, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """A plain map per bin."""
        return plain(self.bins)


def reliability(dates: Sequence[Scored], *, bins: int = 10) -> Reliability:
    """Everybody judged on some dates, in `bins` of about equally many rows.

    Equal chances stay together, so that there are fewer bins where many people have the same one.
    """
    known = [~np.isnan(s.y) for s in dates]
    y = np.concatenate([np.empty(0), *(s.y[k] for s, k in zip(dates, known, strict=True))])
    log_odds = np.concatenate([np.empty(0), *(s.log_odds[k] for s, k in zip(dates, known, strict=True))])
    if not len(y):
        return Reliability(())
    edges = np.unique(np.quantile(log_odds, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    which = np.searchsorted(edges, log_odds, side="left")
    found = []
    for each in np.unique(which):
        rows = which == each
        n, positives = int(rows.sum()), int(y[rows].sum())
        told = float(chance(log_odds[rows]).mean())
        found.append(Bin(n, told, positives, positives / n, wilson(positives, n)))
    return Reliability(tuple(found))
