"""Who is one person before and after each answer: the same joining of pairs, with what was answered by then.

A group is put together anew on every day of an answer. *Same* is believed as an identifier is; two that are
*different* are never one person, whatever chain of records would join them. What keeps twins and generations
apart gives way to *same*; what contradicts it beyond that (two NHS numbers) does not, and the answer is told
as refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from features.answers import DIFFERENT, SAME
from features.clusters_checked import Facts, Pair, trusted_clusters

SAID = "an answer says that they are two"


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
    answer joined; refused: those that it could not join, and why; pairs: all that spoke for joining."""

    known_on: date
    person: dict[int, int]
    pairs: tuple[Pair, ...]
    same: tuple[tuple[int, int], ...]
    refused: tuple[tuple[tuple[int, int], str], ...]


def eras(ties: Ties, told: Iterable[Told]) -> list[Era]:
    """Who is one person from each day of an answer on; told: in the order in which they were given."""
    subjects, told = sorted(ties.facts), list(told)
    place = {subject: n for n, subject in enumerate(subjects)}
    before, _ = _people(ties, ties.pairs, ties.apart, place)
    found = []
    for day in sorted({one.known_on for one in told}):
        stands = {(one.l, one.r): one.answer for one in told if one.known_on <= day}
        same = {pair for pair, answer in stands.items() if answer == SAME}
        different = {pair for pair, answer in stands.items() if answer == DIFFERENT}
        joined = {frozenset((before[one], before[other])) for one, other in same}
        pairs = [
            *(p for p in ties.pairs if (p.l, p.r) not in same | different),
            *(Pair(*pair, 1.0, sure=True) for pair in sorted(same)),
        ]
        apart = [
            *(a for a in ties.apart if frozenset((before[a[0]], before[a[1]])) not in joined),
            *((*pair, SAID) for pair in sorted(different)),
        ]
        person, doubts = _people(ties, pairs, apart, place)
        refused = ((pair, doubts.get(pair, SAID)) for pair in sorted(same) if not _one(person, *pair))
        at_work = tuple(pair for pair in sorted(same) if _one(person, *pair))
        found.append(Era(day, person, tuple(pairs), at_work, tuple(refused)))
    return found


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
