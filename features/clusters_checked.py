"""From pairs that are probably one person to people that can be trusted.

Putting everybody together whom any chain of pairs joins lets one false pair give a person somebody
else's troubles. So pairs are taken one at a time, what an identifier says first and then from the most
probable down, and one that would put together what contradicts itself joins nobody: that is a doubtful
group cut at its weakest edge. Then whatever hangs together by one thin edge alone is cut there. Every
pair that joined nobody for such a reason is told, for somebody to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

LINKED = 0.9
"""The probability from which a pair may join."""

THIN = 0.99
"""The probability under which one pair alone does not join two groups of several."""

LARGEST = 100
"""Subjects of one person; more are somebody's mistake."""

ONE_THIN_PAIR = "two groups that one thin pair joins"
"""Why such a pair joined nobody: the one doubt in which nothing is contradicted."""

TWO_NUMBERS, TWO_BIRTHS = "two numbers of the kind that names one person", "two birth dates"
DIED_AND_SEEN = "died, and then seen"

GRACE = 180
"""Days after a death in which an agency may still write of what had begun before."""


@dataclass(frozen=True)
class Facts:
    """What of a subject can contradict another. born is YYYY-MM-DD and no placeholder; days are numbers."""

    identifiers: tuple[str | None, ...] = ()
    born: str | None = None
    died: int | None = None
    seen: int | None = None


@dataclass(frozen=True, order=True)
class Pair:
    """Two subjects that are probably one. sure: an identifier, or an answer, says so."""

    l: int  # noqa: E741 - left and right, as in every linkage
    r: int
    probability: float
    sure: bool = False


@dataclass(frozen=True)
class Doubt:
    """A pair that joined nobody, and why."""

    pair: Pair
    why: str


@dataclass(frozen=True)
class Clusters:
    """cluster[i] is the smallest subject of the person to whom subject i belongs."""

    cluster: list[int]
    doubts: list[Doubt]


@dataclass
class _Group:
    members: list[int]
    identifiers: list[set[str]]
    born: set[str] = field(default_factory=set)
    died: int | None = None
    seen: int | None = None


def trusted_clusters(
    facts: Sequence[Facts],
    pairs: Iterable[Pair],
    *,
    apart: Iterable[tuple[int, int, str]] = (),
    linked: float = LINKED,
    thin: float = THIN,
    largest: int = LARGEST,
) -> Clusters:
    """Who is one person. Subjects are 0..n-1 as in facts; the order of pairs does not matter.

    apart: subjects that must never be one person, and why (`features.apart`, or somebody's answer).
    """
    strongest = sorted(
        (p for p in pairs if p.sure or p.probability >= linked), key=lambda p: (not p.sure, -p.probability, p)
    )
    never: dict[int, dict[int, str]] = defaultdict(dict)
    for one, other, said in apart:
        never[one][other] = never[other][one] = said
    groups: dict[int, _Group] = {}
    cluster = list(range(len(facts)))
    used: dict[int, list[Pair]] = defaultdict(list)
    doubts = []
    for pair in strongest:
        ours, theirs = (groups.get(cluster[s]) or _alone(s, facts[s]) for s in (pair.l, pair.r))
        if cluster[pair.l] != cluster[pair.r]:
            weighed = bool(facts[pair.l].born and facts[pair.r].born) and pair.probability >= thin
            why = _contradiction(
                ours, theirs, never=never, sure=pair.sure, largest=largest, births_weighed=weighed
            )
            if why:
                doubts.append(Doubt(pair, why))
                continue
            _join(ours, theirs, groups=groups, cluster=cluster)
    for pair in strongest:
        if cluster[pair.l] == cluster[pair.r]:
            used[cluster[pair.l]].append(pair)
    for first, within in used.items():
        if any(not p.sure and p.probability < thin for p in within) and len(groups[first].members) > 3:
            doubts += _cut_thin(groups[first].members, within, thin=thin, cluster=cluster)
    apart_still = [d for d in doubts if cluster[d.pair.l] != cluster[d.pair.r]]
    return Clusters(cluster, sorted(apart_still, key=lambda d: d.pair))


def one_slip(one: str, other: str) -> bool:
    """Whether two texts are the same but for one sign more, less or other, or two that changed places."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def same_birth(one: str, other: str) -> bool:
    """Whether two birth dates may be one: but for a slip, or with day and month in the other order."""
    return one_slip(one, other) or (one[:4], one[5:7], one[8:]) == (other[:4], other[8:], other[5:7])


def _alone(subject: int, facts: Facts) -> _Group:
    born = {facts.born} if facts.born else set()
    identifiers = [{value} if value else set() for value in facts.identifiers]
    return _Group([subject], identifiers, born, facts.died, facts.seen)


def _contradiction(
    ours: _Group,
    theirs: _Group,
    *,
    never: dict[int, dict[int, str]],
    sure: bool,
    births_weighed: bool,
    largest: int,
) -> str | None:
    """Why two groups cannot be one person; None if they can.

    births_weighed: the pair that would join them has two birth dates itself, and is probable for all that.
    """
    small, big = sorted((ours, theirs), key=lambda group: len(group.members))
    members = set(big.members)
    why = next((never[s][o] for s in small.members for o in never.get(s, ()) if o in members), None)
    if why:
        return why
    if len(ours.members) + len(theirs.members) > largest:
        return "too many records for one person"
    for one, other in zip(ours.identifiers, theirs.identifiers, strict=True):
        if one and other and not any(one_slip(a, b) for a in one for b in other):
            return TWO_NUMBERS
    if (
        ours.born
        and theirs.born
        and not births_weighed
        and not any(same_birth(a, b) for a in ours.born for b in theirs.born)
    ):
        return TWO_BIRTHS
    if sure:
        return None
    for dead, alive in ((ours, theirs), (theirs, ours)):
        if dead.died is not None and alive.seen is not None and dead.died + GRACE < alive.seen:
            return DIED_AND_SEEN
    return None


def contradict(one: Facts, other: Facts, why: str) -> bool:
    """Whether two records alone contradict each other for a reason, one of the constants above."""
    ours, theirs = _alone(0, one), _alone(1, other)
    if why != TWO_NUMBERS:
        ours.identifiers = theirs.identifiers = []
    if why == DIED_AND_SEEN:
        ours.born = theirs.born = set()
    found = _contradiction(
        ours, theirs, never={}, sure=why != DIED_AND_SEEN, births_weighed=False, largest=LARGEST
    )
    return found == why


def _join(one: _Group, other: _Group, *, groups: dict[int, _Group], cluster: list[int]) -> None:
    big, small = (one, other) if len(one.members) >= len(other.members) else (other, one)
    names = {cluster[big.members[0]], cluster[small.members[0]]}
    first = min(names)
    for subject in small.members if cluster[big.members[0]] == first else big.members + small.members:
        cluster[subject] = first
    for name in names:
        groups.pop(name, None)
    groups[first] = _Group(
        big.members + small.members,
        [a | b for a, b in zip(one.identifiers, other.identifiers, strict=True)],
        one.born | other.born,
        min((d for d in (one.died, other.died) if d is not None), default=None),
        max((s for s in (one.seen, other.seen) if s is not None), default=None),
    )


def _cut_thin(members: list[int], within: list[Pair], *, thin: float, cluster: list[int]) -> list[Doubt]:
    """Cut a group at every thin pair that alone joins two parts of several, the thinnest first."""
    doubts: list[Doubt] = []
    left = sorted(within, key=lambda p: (p.sure, p.probability, p))
    for pair in [p for p in left if not p.sure and p.probability < thin]:
        rest = [p for p in left if p is not pair]
        ours, theirs = (_reached(start, rest) for start in (pair.l, pair.r))
        if pair.r not in ours and len(ours) > 1 and len(theirs) > 1:
            left = rest
            doubts.append(Doubt(pair, ONE_THIN_PAIR))
    if doubts:
        waiting = set(members)
        while waiting:
            part = _reached(min(waiting), left)
            for subject in part:
                cluster[subject] = min(part)
            waiting -= part
    return doubts


def _reached(start: int, pairs: list[Pair]) -> set[int]:
    """Whom a chain of pairs joins to a subject, itself included."""
    beside: dict[int, list[int]] = defaultdict(list)
    for pair in pairs:
        beside[pair.l].append(pair.r)
        beside[pair.r].append(pair.l)
    found, waiting = {start}, [start]
    while waiting:
        new = [s for s in beside[waiting.pop()] if s not in found]
        found.update(new)
        waiting += new
    return found
