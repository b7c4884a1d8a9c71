"""Which kind of model to put forward, over several folds, by rules that can be told to a board.

The best on one fold may be so by chance. *Most often within 2 points of the best* asks for what hardly ever
disappoints; *best average less its spread* for what is good and steady. *Regret* tells what each would have
cost: chosen by the folds of before, how far the choice was from the best of the next. The idea of choosing
over time and of looking back with regret is that of audition, in triage by the Center for Data Science and
Public Policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.plain import plain

WITHIN = 0.02
SLACK = 1e-9
"""So that 0.30 lies within 0.02 of 0.32 in floating point too."""
NOBODY = "no kind could be judged on any fold: there is nothing to choose by"

Figures = Mapping[str, Sequence[float]]
"""Kind → its figure on each fold, in order of time, such as precision at capacity; NaN: not estimable."""


@dataclass(frozen=True)
class Choice:
    """kind: the one chosen, None where there is nothing to choose by. by: kind → what the rule looks at, NaN
    for who has no figure. said: the choice in plain words."""

    rule: str
    kind: str | None
    by: dict[str, float]
    said: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


@dataclass(frozen=True)
class Regret:
    """kinds: who was chosen for each fold but the first, by those before it; by_fold: how far that was from
    the fold's best; mean and worst of these; NaN where nothing could be looked back on."""

    kinds: tuple[str | None, ...]
    by_fold: tuple[float, ...]
    mean: float
    worst: float
    said: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def most_often_near_best(figures: Figures, *, within: float = WITHIN) -> Choice:
    """The kind that on most folds lies within so much of that fold's best; of equals, the one with the
    higher average, then the one named first."""
    rule, of = f"most often within {_points(within)} of the best", _table(figures)
    folds = int((~np.isnan(of)).any(axis=0).sum())
    if not folds:
        return Choice(rule, None, dict.fromkeys(figures, float("nan")), NOBODY)
    with np.errstate(invalid="ignore"):
        near = (of >= _best(of) - within - SLACK).sum(axis=1)
    chosen = _first(near, _means(of))
    kind = list(figures)[chosen]
    said = f"{kind} was within {_points(within)} of the best on {near[chosen]} of {folds} folds"
    by = {
        k: float(n) if not np.isnan(row).all() else float("nan")
        for k, n, row in zip(figures, near, of, strict=True)
    }
    return Choice(rule, kind, by, said)


def best_less_spread(figures: Figures) -> Choice:
    """The kind with the highest average less its standard deviation over folds; of equals, the one with the
    higher average, then the one named first. Only kinds with a figure on every fold on which any has one."""
    rule, of = "best average less its spread", _table(figures)
    judged = (~np.isnan(of)).any(axis=0)
    if not judged.any():
        return Choice(rule, None, dict.fromkeys(figures, float("nan")), NOBODY)
    mean, spread = of[:, judged].mean(axis=1), of[:, judged].std(axis=1)
    kinds, less = list(figures), mean - spread
    by = dict(zip(kinds, less.tolist(), strict=True))
    if np.isnan(less).all():
        return Choice(rule, None, by, "no kind could be judged on every fold: there is no average to compare")
    chosen = _first(less, mean)
    said = (
        f"{kinds[chosen]} had the best average less its spread: {mean[chosen]:.3f} − {spread[chosen]:.3f} "
        f"over {int(judged.sum())} folds"
    )
    return Choice(rule, kinds[chosen], by, said)


def choices(figures: Figures, rule: Callable[[Figures], Choice]) -> list[str | None]:
    """Whom a rule would have chosen for each fold but the first, knowing only the folds before it."""
    folds = _table(figures).shape[1]
    return [rule({kind: of[:fold] for kind, of in figures.items()}).kind for fold in range(1, folds)]


def regret(figures: Figures, choices: Sequence[str | None]) -> Regret:
    """How far those chosen, by `choices`, would have been from the best of the fold they were chosen for.

    Where nobody could be chosen, or the chosen has no figure, there is nothing to regret: NaN, and not in
    the mean. Raises ValueError unless there is a choice for every fold but the first.
    """
    of, kinds = _table(figures), list(figures)
    if len(choices) != max(of.shape[1] - 1, 0):
        raise ValueError(
            f"{len(choices)} choices for {of.shape[1]} folds; every fold but the first needs one"
        )
    best = _best(of)[1:]
    got = np.array([np.nan if k is None else of[kinds.index(k), i + 1] for i, k in enumerate(choices)])
    lost = best - got
    known = lost[~np.isnan(lost)]
    if not len(known):
        nan = float("nan")
        return Regret(
            tuple(choices), tuple(lost.tolist()), nan, nan, "there is no later fold to look back from"
        )
    mean, worst = float(known.mean()), float(known.max())
    said = (
        f"chosen by the folds before, it would have been {_points(mean)} from the best of the next on "
        f"average, {_points(worst)} at worst, over {len(known)} folds"
    )
    return Regret(tuple(choices), tuple(lost.tolist()), mean, worst, said)


def _table(figures: Figures) -> np.ndarray:
    """(K, F) figures. Raises ValueError unless every kind has as many."""
    rows = [[float("nan") if value is None else float(value) for value in of] for of in figures.values()]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("every kind needs a figure for each fold; NaN where there is none")
    return np.array(rows, float).reshape(len(rows), len(rows[0]) if rows else 0)


def _best(of: np.ndarray) -> np.ndarray:
    """(F,) the best of each fold, NaN where there is none."""
    best = np.where(np.isnan(of), -np.inf, of).max(axis=0, initial=-np.inf)
    return np.where(np.isinf(best), np.nan, best)


def _means(of: np.ndarray) -> np.ndarray:
    """(K,) averages over the folds with a figure; -inf for none."""
    known = (~np.isnan(of)).sum(axis=1)
    return np.where(known, np.nansum(of, axis=1) / np.maximum(known, 1), -np.inf)


def _first(by: np.ndarray, then: np.ndarray) -> int:
    """The place of the highest, of equals that of the highest `then`, of equals the first; NaN is lowest."""
    by = np.where(np.isnan(by), -np.inf, by)
    return int(np.lexsort((np.arange(len(by)), -np.nan_to_num(then, nan=-np.inf), -by))[0])


def _points(share: float) -> str:
    points = f"{100 * share:.1f}".removesuffix(".0")
    return f"{points} point" if points == "1" else f"{points} points"
