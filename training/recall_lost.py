"""Of which groups the list would find fewer, were something left out: recall with and without.

Counts are people, and only what `models.disclosure` lets through is told: of a group of whom few are found
nothing, as of any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.fairness import RECALL, audit
from models.judge import Scored
from models.pooled import People, listings, pool_kinds, tally
from training.audited import Groups


@dataclass(frozen=True)
class RecallLost:
    """Of a group the recall with all and without something, from counts as shown, and the first less the
    second; None where either may not be told."""

    characteristic: str
    group: str
    with_all: float | None
    without: float | None
    lost: float | None


def recall_lost(
    scored: Mapping[str, Sequence[Scored]], whole: str, of: Groups, *, capacity: int
) -> dict[str, tuple[RecallLost, ...]]:
    """Kind → what it loses against the kind `whole`, group by group.

    of: date → characteristic → (n,) groups of everybody scored.
    """
    pooled = pool_kinds(listings(scored, of, capacity=capacity))
    recall = {kind: _recall(people) for kind, people in pooled.items()}
    return {
        kind: tuple(_lost(group, recall[whole][group], rates[group]) for group in recall[whole])
        for kind, rates in recall.items()
    }


def _recall(people: People) -> dict[tuple[str, str], float | None]:
    """(characteristic, group) → recall as it may be told."""
    return {
        (name, group.name): group.estimates[RECALL.name].rate
        for name in people.groups
        for group in audit(name, tally(people, name), [RECALL]).groups
    }


def _lost(group: tuple[str, str], with_all: float | None, without: float | None) -> RecallLost:
    lost = None if with_all is None or without is None else with_all - without
    return RecallLost(*group, with_all, without, lost)
