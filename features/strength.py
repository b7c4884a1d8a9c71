"""How sure we are that a subject is the person it was joined to.

A subject is as sure as the weakest pair on the best way from it to the core of its person, the largest
part that pairs at or above `SHOW` hold together. What hangs on a weaker pair may be somebody else's: it
is not put in front of anybody as a reason.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence

from features.clusters_checked import Pair

SHOW = 0.99
"""The probability from which what hangs on a pair may be shown."""


def strengths(cluster: Sequence[int], pairs: Iterable[Pair], *, show: float = SHOW) -> list[float]:
    """(n,) of every subject, 0 to 1; 1 of whoever is joined to nobody, and of an identifier's word.

    cluster: the person of each subject. pairs across two people count for nothing. The core is the part
    of most subjects, of equals that with the smallest.
    """
    beside: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for pair in pairs:
        if cluster[pair.l] == cluster[pair.r]:
            sure = 1.0 if pair.sure else pair.probability
            beside[pair.l].append((pair.r, sure))
            beside[pair.r].append((pair.l, sure))
    members: dict[int, list[int]] = defaultdict(list)
    for subject in beside:
        members[cluster[subject]].append(subject)
    found = [1.0] * len(cluster)
    for group in members.values():
        for subject, sure in _from_the_core(sorted(group), beside, show).items():
            found[subject] = sure
    return found


def _from_the_core(
    group: list[int], beside: dict[int, list[tuple[int, float]]], show: float
) -> dict[int, float]:
    """The weakest pair on the best way from the core to each member: Prim's tree, the surest pair first."""
    waiting, core = set(group), group[:1]
    while waiting:
        part = _part(min(waiting), beside, show)
        waiting -= part
        if len(part) > len(core):
            core = sorted(part)
    sure: dict[int, float] = {}
    ways = [(-1.0, core[0])]
    while ways:
        weakest, subject = heapq.heappop(ways)
        if subject not in sure:
            sure[subject] = -weakest
            for other, how in beside[subject]:
                if other not in sure:
                    heapq.heappush(ways, (max(weakest, -how), other))
    return sure


def _part(start: int, beside: dict[int, list[tuple[int, float]]], show: float) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        for other, how in beside[waiting.pop()]:
            if how >= show and other not in found:
                found.add(other)
                waiting.append(other)
    return found
