"""How much the features give away of what they were not told: who belongs to which group.

A characteristic that is no feature can still be there in others' guise. So a linear model is asked to
tell each group from everybody else by the features alone, always of people it was not fitted on. A
half is chance; where it comes near to 1, leaving the characteristic out has hidden it from nobody. And
it says which features do it, since those can be looked at. What only several features together would
give away it does not see.

A ridge regression on membership, of all groups at once, since that takes a second where a model for
each would take minutes. What is said leaves the team: no count and no row, only how well it went with
groups of enough people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from models.fairness import LEAST_WHOLE
from models.groups import in_order
from models.judge import auc

FOLDS = 3
MOST_PEOPLE = 10_000
"""People looked at, drawn at random: the AUC of a group of 100 among them is good to 0.06."""
RIDGE = 100.0
NAMED, LEAST_SHARE = 5, 0.01
GIVEN_AWAY = 0.7
"""A group is given away where even the lower bound of its AUC is above this."""


@dataclass(frozen=True)
class Proxy:
    """How well the features tell a group from everybody else, with a 95 % interval; None where either is
    under 30 people.

    features: those that did most of it, each with its share. Between the mean margins of the group and of
    the others lies a difference that is the sum of the features' own.
    """

    characteristic: str
    group: str
    auc: float | None
    interval: tuple[float, float] | None
    features: tuple[tuple[str, float], ...] = ()

    @property
    def given_away(self) -> bool:
        return self.interval is not None and self.interval[0] > GIVEN_AWAY


def proxies(
    person: np.ndarray,
    X: np.ndarray,
    names: Sequence[str],
    groups: Mapping[str, np.ndarray],
    *,
    seed: int,
) -> list[Proxy]:
    """Every group of every characteristic, from features of people.

    person: (n,) ids, of whom the last row counts and no other. X: (n, p) float32, NaN where nothing is
    held; names: its columns. groups: characteristic → (n,).
    """
    last = len(person) - 1 - np.unique(person[::-1], return_index=True)[1]
    drawn = np.random.default_rng(seed).permutation(last)[:MOST_PEOPLE]
    members: dict[tuple[str, str], np.ndarray] = {}
    for characteristic, group_of in sorted(groups.items()):
        of = group_of[drawn].astype(str)
        members |= {(characteristic, group): of == group for group in in_order(set(of.tolist()))}
    enough = [who for who, m in members.items() if min(m.sum(), (~m).sum()) >= LEAST_WHOLE]
    found = {}
    if enough:
        Y = np.column_stack([members[who] for who in enough]).astype(float)
        margins, apart = _told(_columns(X[drawn]), Y)
        for at, who in enumerate(enough):
            found[who] = _proxy(*who, margins[:, at], Y[:, at], names, apart[:, at])
    return [found.get(who, Proxy(*who, None, None)) for who in members]


def auc_interval(value: float, n: int, m: int) -> tuple[float, float]:
    """Hanley and McNeil's 95 % interval of an AUC of n people of one kind and m of the other.

    Hanley, J. A. and McNeil, B. J. (1982), *The meaning and use of the area under a ROC curve*.
    """
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    spread = value * (1 - value) + (n - 1) * (q1 - value * value) + (m - 1) * (q2 - value * value)
    half = 1.959964 * sqrt(spread / (n * m))
    return max(0.0, value - half), min(1.0, value + half)


def _columns(X: np.ndarray) -> np.ndarray:
    """(n, 2p): each feature on a scale of orders of magnitude, then whether it is empty."""
    there = np.nan_to_num(X, nan=0.0)
    return np.hstack([np.sign(there) * np.log1p(np.abs(there)), np.isnan(X)]).astype(float)


def _told(Z: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins (n, g), each by a model of the other people; and (p, g), how far each feature alone puts
    the margins of members above those of others, on the mean."""
    from sklearn.linear_model import Ridge

    margins, p = np.zeros_like(Y), Z.shape[1] // 2
    apart = np.zeros((p, Y.shape[1]))
    fold = np.arange(len(Z)) % FOLDS  # people come in random order
    for held_out in (fold == at for at in range(FOLDS)):
        fit = Z[~held_out]
        centre, spread = fit.mean(axis=0), fit.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        weights = Ridge(alpha=RIDGE).fit((fit - centre) / scale, Y[~held_out]).coef_.reshape(-1, 2 * p)
        some, y = (Z[held_out] - centre) / scale, Y[held_out]
        margins[held_out] = some @ weights.T
        means = [some.T @ share / np.maximum(share.sum(axis=0), 1) for share in (y, 1 - y)]
        own = weights.T * (means[0] - means[1])
        apart += own[:p] + own[p:]
    return margins, apart


def _proxy(
    characteristic: str,
    group: str,
    margin: np.ndarray,
    member: np.ndarray,
    names: Sequence[str],
    apart: np.ndarray,
) -> Proxy:
    n = int(member.sum())
    value = auc(margin, member)
    low, high = auc_interval(value, n, len(member) - n)
    most: tuple[tuple[str, float], ...] = ()
    if low > 0.5:
        share = apart / apart.sum()
        first = [i for i in np.argsort(-share, kind="stable")[:NAMED] if share[i] >= LEAST_SHARE]
        most = tuple((names[i], round(float(share[i]), 2)) for i in first)
    return Proxy(characteristic, group, round(value, 2), (round(low, 2), round(high, 2)), most)
