"""Who is one person before and after each answer: the same joining of pairs, with what was answered by then.

A group is put together anew on every day of an answer. *Same* is believed as an identifier is; two that are
*different* are never one person, whatever chain of records would join them. What keeps twins and generations
apart gives way to *same*; what contradicts it beyond that (two NHS numbers) does not, whether it is in the
two records or in what else was joined to them, and the answer is told as refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from features.answers import DIFFERENT, SAME
from features.clusters_checked import Facts, Pair, contradict, trusted_clusters

SAID = "an answer says that they are two"
TORN = "it would part records that are one person"


@dataclass(frozen=True)
class Told:
    """An answer on two subjects by their numbers, l < r."""

    l: int  # noqa: E741 - left and right, as in every linkage
    r: int
    answer: str
    known_on: date


@dataclass(frozen=True)
class Ties:
    """What holds some subjects together or apart without any answer; the keys of facts are the subjects."""

    facts: Mapping[int, Facts]
    pairs: Sequence[Pair] = ()
    apart: Sequence[tuple[int, int, str]] = ()


@dataclass(frozen=True)
class Era:
    """Who is one person from a day on. person: subject → the smallest of its person. same: the pairs that an
    answer joined; refused: those that it could not join, and why; against: of these, which two records
    contradict each other, where two do; pairs: all that spoke for joining."""

    known_on: date
    person: dict[int, int]
    pairs: tuple[Pair, ...]
    same: tuple[tuple[int, int], ...]
    refused: tuple[tuple[tuple[int, int], str], ...]
    against: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


def eras(ties: Ties, told: Iterable[Told]) -> list[Era]:
    """Who is one person from each day of an answer on; told: in the order in which they were given."""
    subjects, told = sorted(ties.facts), list(told)
    place = {subject: n for n, subject in enumerate(subjects)}
    before, _ = _people(ties, ties.pairs, ties.apart, place)
    found = []
    for day in sorted({one.known_on for one in told}):
        stands = {(one.l, one.r): one.answer for one in told if one.known_on <= day}
        same = sorted(pair for pair, answer in stands.items() if answer == SAME)
        different = sorted(pair for pair, answer in stands.items() if answer == DIFFERENT)
        joined = {frozenset((before[one], before[other])) for one, other in same}
        parted = Ties(
            ties.facts,
            [p for p in ties.pairs if stands.get((p.l, p.r)) != DIFFERENT],
            [
                *(a for a in ties.apart if frozenset((before[a[0]], before[a[1]])) not in joined),
                *((*pair, SAID) for pair in different),
            ],
        )
        found.append(_era(day, parted, same, place))
    return found


def _era(day: date, ties: Ties, same: Sequence[tuple[int, int]], place: Mapping[int, int]) -> Era:
    """The people that *same* joins whole. Where it would take somebody's record away from the others, those
    contradict what it would be joined to: then it is refused."""
    alone, _ = _people(ties, ties.pairs, ties.apart, place)
    refused: dict[tuple[int, int], str] = {}
    against: dict[tuple[int, int], tuple[int, int] | None] = {}
    while True:
        asked = [pair for pair in same if pair not in refused]
        pairs = [*ties.pairs, *(Pair(*pair, 1.0, sure=True) for pair in asked)]
        person, doubts = _people(ties, pairs, ties.apart, place)
        broken = {alone[subject] for subject in place if not _one(person, subject, alone[subject])}
        torn = [pair for pair in asked if broken & {alone[one] for one in pair}]
        if not torn:
            break
        across = [pair for pair in torn if not _one(alone, *pair)]
        for pair in across or torn:  # what is one person without it takes no record away
            between = {alone[one] for one in pair}
            why = (
                (said, two) for two, said in sorted(doubts.items()) if {alone[one] for one in two} <= between
            )
            refused[pair], two = next(why, (TORN, pair))
            against[pair] = _against(ties, person, two, refused[pair])
    for pair in asked:
        if not _one(person, *pair):
            refused[pair] = doubts.get(pair, SAID)
            against[pair] = _against(ties, person, pair, refused[pair])
    refused = {pair: why for pair, why in sorted(refused.items()) if not _one(person, *pair)}
    known = tuple((pair, two) for pair, two in sorted(against.items()) if two and pair in refused)
    at_work = tuple(pair for pair in same if pair not in refused)
    pairs = [*ties.pairs, *(Pair(*pair, 1.0, sure=True) for pair in at_work)]
    return Era(day, person, tuple(pairs), at_work, tuple(refused.items()), known)


def _against(
    ties: Ties, person: Mapping[int, int], failed: tuple[int, int], why: str
) -> tuple[int, int] | None:
    """Of the people whom a pair failed to join, two records that contradict each other; itself if it does."""
    ours, theirs = ([one for one in person if person[one] == person[end]] for end in failed)
    never = {frozenset(two[:2]) for two in ties.apart if two[2] == why}
    found = (
        (one, other)
        for one in ours
        for other in theirs
        if frozenset((one, other)) in never or contradict(ties.facts[one], ties.facts[other], why)
    )
    return min(((min(two), max(two)) for two in found), key=lambda two: (two != failed, two), default=None)


def _one(person: Mapping[int, int], one: int, other: int) -> bool:
    return person[one] == person[other]


def _people(
    ties: Ties, pairs: Sequence[Pair], apart: Sequence[tuple[int, int, str]], place: Mapping[int, int]
) -> tuple[dict[int, int], dict[tuple[int, int], str]]:
    """Subject → person, and why which pair joined nobody."""
    subjects = list(place)
    found = trusted_clusters(
        [ties.facts[subject] for subject in subjects],
        [Pair(place[p.l], place[p.r], p.probability, p.sure) for p in pairs],
        apart=[(place[one], place[other], why) for one, other, why in apart],
    )
    why = {(subjects[d.pair.l], subjects[d.pair.r]): d.why for d in found.doubts}
    return {subject: subjects[found.cluster[n]] for subject, n in place.items()}, why
