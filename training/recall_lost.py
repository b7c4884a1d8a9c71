"""Of which groups the list would find fewer, were something left out: recall with and without.

Counts are people, and only what `models.disclosure` lets through is told: of a group of whom few are found
nothing, as of any other.

Both lists are of the same people, most of whom are found by both or by neither. Only those found by one alone
say anything, and so the difference is known better than either recall. Its interval is by person, of the
lists as they were cut: of each of the four kinds so many people weigh Gamma(that number) together, half a
person added (Rubin 1981, *The Bayesian bootstrap*, as in `models.gaps`). What was rounded away is not known
either: of two lists that differ by one person the counts as shown may differ by five, and so each draw takes
other counts that would be shown alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.disclosure import ROUNDED_TO, publish
from models.fairness import RECALL, Estimate, Group, audit
from models.gaps import DRAWS, HALF, MIDDLE, SEED
from models.judge import Scored
from models.pooled import FOUND, POSITIVES, People, listings, pool_kinds, tally
from training.audited import Groups

BOTH, WITHOUT = "found by both", "found without"

Key = tuple[str, str]
"""Characteristic, group."""


@dataclass(frozen=True)
class RecallLost:
    """Of a group the recall with all and without something, from counts as shown, the first less the second
    and its 95 % interval; None where either may not be told, and verdict says why: not estimable (under 30
    people with the outcome), or too few to show."""

    characteristic: str
    group: str
    with_all: float | None
    without: float | None
    lost: float | None
    low: float | None
    high: float | None
    verdict: str


def recall_lost(
    scored: Mapping[str, Sequence[Scored]], whole: str, of: Groups, *, capacity: int
) -> dict[str, tuple[RecallLost, ...]]:
    """Kind → what it loses against the kind `whole`, group by group.

    of: date → characteristic → (n,) groups of everybody scored.
    """
    pooled = pool_kinds(listings(scored, of, capacity=capacity))
    groups = {kind: _groups(people) for kind, people in pooled.items()}
    return {
        kind: tuple(
            _lost(key, groups[whole][key], group, both[key])
            for both in (_found_by_both(pooled[whole], pooled[kind]),)
            for key, group in groups[kind].items()
        )
        for kind in pooled
    }


def difference(both: int, first: int, second: int, people: int) -> tuple[float, float]:
    """The 95 % interval of the share of some people found by the first of two lists less that found by the
    second, for a reader who knows only counts as shown: found by both, by each, and of all.

    >>> low, high = difference(200, 260, 200, 400)
    >>> 0.1 < low < 0.15 < high < 0.2
    True
    """
    random = np.random.default_rng(SEED)
    of_both, of_first, of_second, of_all = (_could_be(n, random) for n in (both, first, second, people))
    alone = of_first - of_both, of_second - of_both
    cells = np.column_stack([of_both, *alone, of_all - of_first - of_second + of_both])
    weight = random.standard_gamma(np.maximum(cells, 0) + HALF)
    low, high = np.quantile((weight[:, 1] - weight[:, 2]) / weight.sum(axis=1), MIDDLE).tolist()
    return low, high


def _could_be(shown: int, random: np.random.Generator) -> np.ndarray:
    """(draws,) counts that are shown as this one."""
    return shown + random.integers(-(ROUNDED_TO // 2), ROUNDED_TO // 2 + 1, DRAWS) * (shown > 0)


def _groups(people: People) -> dict[Key, Group]:
    return {
        (name, group.name): group
        for name in people.groups
        for group in audit(name, tally(people, name), [RECALL]).groups
    }


def _found_by_both(whole: People, part: People) -> dict[Key, int]:
    """How many of each group both lists found, as shown; none where that is starred, so that an interval is
    rather too wide than told from what may not be known."""
    yes = {FOUND: whole.yes[FOUND], WITHOUT: part.yes[FOUND], BOTH: whole.yes[FOUND] & part.yes[FOUND]}
    either = replace(whole, yes={**whole.yes, **yes})
    found = dict[Key, int]()
    for name in whole.groups:
        counts = {g: {column: row[column] for column in yes} for g, row in tally(either, name).items()}
        table = publish(counts, parts=[(BOTH, FOUND), (BOTH, WITHOUT)])
        found |= {(name, g): n if isinstance(n := row[BOTH], int) else 0 for g, row in table.rows.items()}
    return found


def _lost(key: Key, with_all: Group, without: Group, both: int) -> RecallLost:
    first, second = (group.estimates[RECALL.name] for group in (with_all, without))
    if first.rate is None or second.rate is None:
        return RecallLost(*key, first.rate, second.rate, None, None, None, _why(first, second))
    one, other = (min(int(g.counts[FOUND]), int(g.counts[POSITIVES])) for g in (with_all, without))
    low, high = difference(min(both, one, other), one, other, int(with_all.counts[POSITIVES]))
    lost = first.rate - second.rate
    return RecallLost(*key, first.rate, second.rate, lost, min(low, lost), max(high, lost), "")


def _why(first: Estimate, second: Estimate) -> str:
    return first.verdict if first.rate is None else second.verdict
