"""Who truly belongs to whom: parents, siblings and partners, each with the days on which it was so."""

from __future__ import annotations

import numpy as np

from simulation.calendar import OPEN, Days, Index
from simulation.draw import expand
from simulation.people import People

Ties = tuple[str, Index, Index, Days, Days]
"""A relation, the people, those who are it to them, from when, until when."""


def ties(people: People) -> list[Ties]:
    """Every tie of a block, in both directions where it is mutual.

    A parent is one from birth (or arrival) on, siblings from the younger's; partners are so while both
    live here, since families do not part in this county. `OPEN` where no end is known: kinship has none.
    """
    everybody = np.arange(people.count)
    order = np.lexsort((everybody, people.family))
    family = people.family[order]
    low, high = (np.searchsorted(family, people.family, side=side) for side in ("left", "right"))
    which, place = expand(low, high)
    one, other = everybody[which], order[place]
    one, other = one[one != other], other[one != other]
    child, grown = people.role == 2, people.role < 2
    found: list[Ties] = []
    for relation, here in (
        ("parent", child[one] & grown[other]),
        ("child", grown[one] & child[other]),
        ("sibling", child[one] & child[other]),
        ("partner", grown[one] & grown[other]),
    ):
        a, b = one[here], other[here]
        start = np.maximum(people.enter[a], people.enter[b])
        open_end = np.full(len(a), OPEN, dtype=np.int32)
        end = np.minimum(people.leave[a], people.leave[b]) if relation == "partner" else open_end
        found.append((relation, a, b, start, end.astype(np.int32)))
    return found
