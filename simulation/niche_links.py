"""Who is who to whom, as the police's records system has it: links between two nominals.

An officer enters one when both are on record and somebody says so; most are never entered. A link is
told in the system's own words, between people whom occurrences name, and drawn from a stream of its own: all
else that the police hold is as it was without them.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index
from simulation.draw import Random
from simulation.extracts import Draft
from simulation.kin import ties

ENTERED = 0.45
"""Links that anybody enters."""
SPOUSES = 0.5
"""Partners who are written down as married."""
DELAYS = (20, 1.0)
"""Days until a link, or its end, is entered: median, and the spread of the logarithm."""

NATIVE = {"parent": ("MOTHER", "FATHER"), "sibling": ("SISTER", "BROTHER")}
"""Relation → the system's words, of a woman or girl, and of a man or boy."""


def niche_links(random: Random, block: Block, source: str, person: Index, day: Days) -> Draft:
    """A row a link: `related_ref` is the `relationship` of `nominal_ref`. person, day: who is on record when.

    Kinship is dated from the younger's birth and has no end; partners from when they are both here, if that
    was not always so, until one leaves.
    """
    people, last = block.people, block.calendar.last
    first = np.full(people.count, OPEN, dtype=np.int64)
    np.minimum.at(first, person, day)
    parts = []
    for relation, one, other, start, end in ties(people):
        both = np.maximum(first[one], first[other])
        told = (both <= last) & (start <= last) & (relation != "child")
        told &= (one < other) | (relation == "parent")
        told &= random.random(len(one)) < ENTERED
        man, n = people.sex[other[told]].astype(int), int(told.sum())
        words = NATIVE.get(relation)
        married = random.random(n) < SPOUSES
        word = np.where(married, "SPOUSE", "PARTNER") if words is None else np.array(words)[man]
        born = np.maximum(people.born[one[told]], people.born[other[told]])
        since = np.where(start[told] > block.calendar.first, start[told], NONE) if words is None else born
        parts.append((one[told], other[told], word, since, end[told], both[told]))
    one, other, word, since, end, both = (np.concatenate(column) for column in zip(*parts, strict=True))
    keyed = block.keyed(random, DELAYS, np.maximum(both, since).astype(np.int32))
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS, np.minimum(end, OPEN).astype(np.int32)))
    over = end <= last
    columns = {
        "link_ref": block.ids("LK", len(one)),
        "nominal_ref": block.key_of(source, one),
        "related_ref": block.key_of(source, other),
        "relationship": word.astype(object),
        "effective_from": since.astype(np.int32),
        "effective_to": np.where(over, end, NONE).astype(np.int32),
        "entered_on": keyed,
    }
    return Draft(
        source,
        "relationships",
        columns,
        keyed=keyed,
        end_columns=("effective_to",),
        end_keyed=np.where(over, end_keyed, OPEN).astype(np.int32),
    )
