"""How much the features give away of what they were not told: who belongs to which group.

A characteristic that is no feature can still be there in others' guise. So a linear model is asked to
tell each group from everybody else by the features alone, always of people it was not fitted on; a
group that is known from the others that are, and `unknown` from all that is known. A half is chance;
where it comes near to 1, leaving the characteristic out has hidden it from nobody. And it says which
features do it, since those can be looked at. What only several features together would give away it
does not see.

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
from models.groups import UNKNOWN, in_order
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

    features: those that did most of it. Between the mean margins of the group and of the others lies a
    difference that is the sum of the features' own; each with its share of all that adds to it.
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
    asked = [
        _Asked(characteristic, group, of == group, (of != UNKNOWN) | (group == UNKNOWN))
        for characteristic in sorted(groups)
        for of in (groups[characteristic][drawn].astype(str),)
        for group in in_order(set(of.tolist()))
    ]
    enough = [each for each in asked if min(each.member.sum(), each.other.sum()) >= LEAST_WHOLE]
    found = {}
    if enough:
        margins, apart = _told(_columns(X[drawn]), enough)
        for at, each in enumerate(enough):
            found[each.name] = _proxy(each, margins[:, at], names, apart[:, at])
    return [found.get(each.name, Proxy(*each.name, None, None)) for each in asked]


@dataclass(frozen=True)
class _Asked:
    """A group to be told from others: who belongs to it, (n,) bool, and who is looked at, (n,) bool."""

    characteristic: str
    group: str
    member: np.ndarray
    looked_at: np.ndarray

    @property
    def name(self) -> tuple[str, str]:
        return self.characteristic, self.group

    @property
    def other(self) -> np.ndarray:
        return self.looked_at & ~self.member

    @property
    def target(self) -> np.ndarray:
        """1 for members, 0 for others, and for whoever is not looked at what tells nothing: the share."""
        share = self.member.sum() / self.looked_at.sum()
        return np.where(self.looked_at, self.member.astype(float), share)


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


def _told(Z: np.ndarray, asked: Sequence[_Asked]) -> tuple[np.ndarray, np.ndarray]:
    """Margins (n, g), each by a model of the other people; and (p, g), how far each feature alone puts
    the margins of members above those of others, on the mean."""
    from sklearn.linear_model import Ridge

    Y = np.column_stack([each.target for each in asked])
    member, other = (np.column_stack(s) for s in ([e.member for e in asked], [e.other for e in asked]))
    margins, p = np.zeros_like(Y), Z.shape[1] // 2
    apart = np.zeros((2 * p, Y.shape[1]))
    says = np.ptp(Z, axis=0) > 0  # what is the same of everybody has no weight, and most emptiness is
    Z = Z[:, says]
    fold = np.arange(len(Z)) % FOLDS  # people come in random order
    for held_out in (fold == at for at in range(FOLDS)):
        fit = Z[~held_out]
        centre, spread = fit.mean(axis=0), fit.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        weights = Ridge(alpha=RIDGE).fit((fit - centre) / scale, Y[~held_out]).coef_.reshape(-1, says.sum())
        some = (Z[held_out] - centre) / scale
        margins[held_out] = some @ weights.T
        apart[says] += weights.T * (_means(some, member[held_out]) - _means(some, other[held_out]))
    return margins, apart[:p] + apart[p:]


def _means(Z: np.ndarray, who: np.ndarray) -> np.ndarray:
    """(p, g): the mean of each column over those of `who`, (n, g) bool; 0 where there is nobody."""
    return Z.T @ who.astype(float) / np.maximum(who.sum(axis=0), 1)


def _proxy(asked: _Asked, margin: np.ndarray, names: Sequence[str], apart: np.ndarray) -> Proxy:
    among = asked.looked_at
    value = auc(margin[among], asked.member[among].astype(float))
    low, high = auc_interval(value, int(asked.member.sum()), int(asked.other.sum()))
    most: tuple[tuple[str, float], ...] = ()
    if low > 0.5:
        share = apart / apart[apart > 0].sum()
        first = [i for i in np.argsort(-share, kind="stable")[:NAMED] if share[i] >= LEAST_SHARE]
        most = tuple((names[i], round(float(share[i]), 2)) for i in first)
    return Proxy(*asked.name, round(value, 2), (round(low, 2), round(high, 2)), most)
