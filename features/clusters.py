"""Which subjects are one person, day by day, from exact keys.

A subject *holds* a key (an NHS number; a name, birth date and postcode together) from the day the
records that say so are known until one of them is replaced. Two subjects are one person on every
day on which a chain of keys held by both sides joins them. Subjects are numbered by seniority, so
the founder of a group, whose id the person has, is its smallest number.

Days are whole numbers since 1970-01-01; `asof.OPEN` where a holding has not ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.asof import OPEN


@dataclass(frozen=True)
class Holdings:
    """Which subject holds which key when: one row per interval, `from_day <= day < to_day`."""

    subject: np.ndarray
    key: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray


@dataclass(frozen=True)
class Timelines:
    """Per subject its founder from a day on, until the subject's next row."""

    subject: np.ndarray
    founder: np.ndarray
    from_day: np.ndarray


def timelines(first_day: np.ndarray, holdings: Holdings) -> Timelines:
    """Replay what was known and say for every subject to whom it belonged, and from which day.

    first_day: (n,) the day on which each subject is first known; subjects are 0..n-1 by seniority.
    Subjects that share no key are their own founder throughout; the others are replayed in the
    small groups that any chain of keys, at any time, could join.
    """
    alone = np.ones(len(first_day), dtype=bool)
    alone[holdings.subject] = False
    singles = np.flatnonzero(alone)
    rows = [row for group in _groups(len(first_day), holdings) for row in _replay(first_day, *group)]
    joined = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Timelines(
        subject=np.concatenate([singles, joined[:, 0]]),
        founder=np.concatenate([singles, joined[:, 1]]),
        from_day=np.concatenate([first_day[singles], joined[:, 2]]),
    )


Holding = tuple[int, int, int, int]


def _groups(subjects: int, holdings: Holdings) -> Iterator[tuple[list[int], list[Holding]]]:
    """The subjects and holdings of each group that a key joins at any time."""
    if not len(holdings.subject):
        return
    nodes = subjects + int(holdings.key.max()) + 1
    edges = coo_array(
        (np.ones(len(holdings.key), dtype=np.int8), (holdings.subject, subjects + holdings.key)),
        shape=(nodes, nodes),
    )
    group = connected_components(edges, directed=False)[1][holdings.subject]
    order = np.argsort(group, kind="stable")
    columns = (holdings.key, holdings.subject, holdings.from_day, holdings.to_day)
    rows = list(zip(*(column[order].tolist() for column in columns), strict=True))
    bounds = [0, *(np.flatnonzero(np.diff(group[order])) + 1).tolist(), len(rows)]
    for low, high in pairwise(bounds):
        held = rows[low:high]
        yield sorted({subject for _, subject, _, _ in held}), held


def _replay(first_day: np.ndarray, members: list[int], held: list[Holding]) -> Iterator[tuple[int, int, int]]:
    """(subject, founder, day) for each day on which a member's founder changes."""
    first = {member: int(first_day[member]) for member in members}
    days = {*first.values(), *(row[2] for row in held), *(row[3] for row in held)}
    last: dict[int, int] = {}
    for day in sorted(days - {OPEN}):
        holders: dict[int, list[int]] = defaultdict(list)
        for key, subject, from_day, to_day in held:
            if from_day <= day < to_day:
                holders[key].append(subject)
        founder = _founders([m for m in members if first[m] <= day], holders)
        for member, found in founder.items():
            if last.get(member) != found:
                last[member] = found
                yield member, found, day


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
