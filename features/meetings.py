"""To whom each subject belonged where people only ever meet and nobody is taken apart again.

What is known of most people is never withdrawn: then the names of `features.clusters` follow from the
order of their meetings alone. Of those who meet on a day the one with most subjects gives the name, of
equals the one whom the oldest founded; and every person there ever was has the first name of its founder.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np

from features.graphs import Edges, least_tree

Part = tuple[int, list[int]]
"""A person of the morning: its founder, its subjects."""


def meetings(
    first_day: np.ndarray, subject: np.ndarray, key: np.ndarray, from_day: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns subject, founder, day: the person of each subject from a day on, until its next row.

    first_day: (n,) the day on which each subject is first known. subject, key, from_day: (k,) who holds
    which key from which day on, for good. All n subjects are in the answer.
    """
    day = np.maximum(from_day, first_day[subject])
    order = np.lexsort((subject, day, key))  # whoever holds a key meets whoever held it first
    held, day, key = subject[order], day[order], key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    hub = np.repeat(held[first], np.diff(np.append(first, len(held))))
    days, rank = np.unique(day, return_inverse=True)
    tree = least_tree(len(first_day), Edges(hub, held, rank))
    when = np.argsort(tree.rank, kind="stable")
    met = zip(days[tree.rank[when]].tolist(), tree.one[when].tolist(), tree.other[when].tolist(), strict=True)
    rows = np.array(list(_renamed(len(first_day), met)), dtype=np.int64).reshape(-1, 3)
    everybody = np.arange(len(first_day))
    alone = np.ones(len(first_day), dtype=bool)  # on its first day; but for those who met a larger one on it
    alone[rows[rows[:, 2] == first_day[rows[:, 0]], 0]] = False
    return (
        np.concatenate([everybody[alone], rows[:, 0]]),
        np.concatenate([everybody[alone], rows[:, 1]]),
        np.concatenate([first_day[alone], rows[:, 2]]),
    )


def _renamed(subjects: int, met: Iterator[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """(subject, founder, day) for each day on which a subject gets the name of somebody else.

    met: (day, one, other) in the order of days.
    """
    parent = list(range(subjects))
    person: dict[int, Part] = {}  # by the root of those who have met somebody

    def root(subject: int) -> int:
        while parent[subject] != subject:
            parent[subject] = parent[parent[subject]]
            subject = parent[subject]
        return subject

    for day, pairs in groupby(met, itemgetter(0)):
        meeting: dict[int, list[Part]] = {}
        for _, one, other in pairs:
            into, gone = root(one), root(other)
            ours, theirs = (
                meeting.pop(at) if at in meeting else [person.pop(at) if at in person else (at, [at])]
                for at in (into, gone)
            )
            parent[gone] = into
            meeting[into] = ours + theirs
        for at, parts in meeting.items():
            founder, members = min(parts, key=lambda part: (-len(part[1]), part[0]))
            for named, joining in parts:
                if named != founder:
                    yield from ((subject, founder, day) for subject in joining)
                    members = members + joining
            person[at] = (founder, members)
