"""Which subjects are one person, day by day, and what each person is called.

A subject *holds* a key (an NHS number; being alike with one certain other) from the day the records
that say so are known until one of them is replaced. Two subjects are one person on every day on which
a chain of keys held by both sides joins them.

A person keeps their name as records come and go: of the people of a day, each takes the name that most
of its subjects had the day before, and a name goes to the one person with the most of those who had it.
A subject that is new brings a name of its own. Where as many speak for one as for another, the older
subject's does, and the group with the oldest subject. Whoever is left without a name (the smaller part
of somebody who turns out to be two) is given one that was never used.

Days are whole numbers since 1970-01-01; `asof.OPEN` where a holding has not ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.asof import OPEN
from features.graphs import components
from features.meetings import meetings


@dataclass(frozen=True)
class Holdings:
    """Which subject holds which key when: one row per interval, `from_day <= day < to_day`."""

    subject: np.ndarray
    key: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray


@dataclass(frozen=True)
class Timelines:
    """Per subject the name of its person from a day on, until the subject's next row.

    A name is the subject that founded the person, and a number: 0 for the first it founded. The founder
    is -1 while a subject is nobody.
    """

    subject: np.ndarray
    founder: np.ndarray
    number: np.ndarray
    from_day: np.ndarray


def timelines(first_day: np.ndarray, holdings: Holdings, *, nobody: np.ndarray | None = None) -> Timelines:
    """Replay what was known and say for every subject to whom it belonged, and from which day.

    first_day: (n,) the day on which each subject is first known; subjects are 0..n-1 by seniority.
    nobody: (n,) whether a subject stands for a row and names nobody until it is joined to somebody.
    Subjects that share no key found their own person; the others are in the small groups that any chain of
    keys, at any time, could join. Where nothing is ever replaced people only meet, and are followed all
    at once (`features.meetings`); the other groups are replayed one by one.
    """
    unnamed = np.zeros(len(first_day), dtype=bool) if nobody is None else nobody
    group = _groups(len(first_day), holdings)
    changing = np.zeros(len(first_day), dtype=bool)
    changing[group[holdings.subject[unnamed[holdings.subject] | (holdings.to_day < OPEN)]]] = True
    replayed = changing[group]
    rows = [
        row
        for members, held in _one_by_one(holdings, group, replayed)
        for row in _replay(first_day, members, held, unnamed=unnamed)
    ]
    joined = np.array(rows, dtype=np.int64).reshape(-1, 4)
    meeting = ~replayed[holdings.subject]
    subject, founder, day = meetings(
        first_day, holdings.subject[meeting], holdings.key[meeting], holdings.from_day[meeting]
    )
    others = ~replayed[subject]
    return Timelines(
        subject=np.concatenate([subject[others], joined[:, 0]]),
        founder=np.concatenate([np.where(unnamed[founder], -1, founder)[others], joined[:, 1]]),
        number=np.concatenate([np.zeros(others.sum(), dtype=np.int64), joined[:, 2]]),
        from_day=np.concatenate([day[others], joined[:, 3]]),
    )


Holding = tuple[int, int, int, int]
Name = tuple[int, int]
NOBODY: Name = (-1, 0)


def _groups(subjects: int, holdings: Holdings) -> np.ndarray:
    """(n,) the smallest of the subjects that keys join to each at any time."""
    held_by = np.argsort(holdings.key, kind="stable")
    key, subject = holdings.key[held_by], holdings.subject[held_by]
    same = key[1:] == key[:-1]
    return components(subjects, subject[1:][same], subject[:-1][same])


def _one_by_one(
    holdings: Holdings, group: np.ndarray, wanted: np.ndarray
) -> Iterator[tuple[list[int], list[Holding]]]:
    """The subjects and holdings of each wanted group."""
    those = np.flatnonzero(wanted[holdings.subject])
    order = those[np.argsort(group[holdings.subject[those]], kind="stable")]
    columns = (holdings.key, holdings.subject, holdings.from_day, holdings.to_day)
    rows = list(zip(*(column[order].tolist() for column in columns), strict=True))
    ends = group[holdings.subject[order]]
    bounds = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(rows)]
    for low, high in pairwise(bounds):
        held = rows[low:high]
        if held:
            yield sorted({subject for _, subject, _, _ in held}), held


def _replay(
    first_day: np.ndarray, members: list[int], held: list[Holding], *, unnamed: np.ndarray
) -> Iterator[tuple[int, int, int, int]]:
    """(subject, founder, number, day) for each day on which the name of a member's person changes."""
    first = {member: int(first_day[member]) for member in members}
    nobody = {member for member in members if unnamed[member]}
    days = {*first.values(), *(row[2] for row in held), *(row[3] for row in held)}
    last: dict[int, Name] = {}
    given: set[Name] = set()
    for day in sorted(days - {OPEN}):
        holders: dict[int, list[int]] = defaultdict(list)
        for key, subject, from_day, to_day in held:
            if from_day <= day < to_day:
                holders[key].append(subject)
        groups: dict[int, list[int]] = defaultdict(list)
        for member, least in _founders([m for m in members if first[m] <= day], holders).items():
            groups[least].append(member)
        for least, name in _named(groups, last, nobody=nobody, given=given).items():
            for member in groups[least]:
                if last.get(member) != name:
                    last[member] = name
                    yield member, *name, day


def _named(
    groups: dict[int, list[int]], last: dict[int, Name], *, nobody: set[int], given: set[Name]
) -> dict[int, Name]:
    """The name of each group, by its smallest member. last: the name that each member had; given: all
    names of before, to which new ones are added."""
    somebody = {least: [m for m in group if m not in nobody] for least, group in groups.items()}
    claims = []
    for least, named in somebody.items():
        if named:
            had = (last.get(m, (m, 0) if m not in nobody else NOBODY) for m in groups[least])
            claims += [(-n, name, min(named), least) for name, n in Counter(had).items() if name != NOBODY]
    names: dict[int, Name] = {}
    taken: set[Name] = set()
    for _, name, _, least in sorted(claims):
        if least not in names and name not in taken:
            names[least] = name
            taken.add(name)
    given |= taken
    for least, named in somebody.items():
        if least not in names:
            names[least] = _unused(min(named), given) if named else NOBODY
            given.add(names[least])
    return names


def _unused(founder: int, given: set[Name]) -> Name:
    number = 0
    while (founder, number) in given:
        number += 1
    return founder, number


def _founders(members: list[int], holders: dict[int, list[int]]) -> dict[int, int]:
    """Each member's smallest companion: connected components by union and find."""
    parent = {member: member for member in members}

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for subjects in holders.values():
        for other in subjects[1:]:
            one, two = root(subjects[0]), root(other)
            parent[max(one, two)] = min(one, two)
    return {member: root(member) for member in members}
