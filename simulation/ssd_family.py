"""Which children social care holds as one family: one more table of its dataset.

The dataset says no more than that they belong to one, and not from when. It is drawn apart from the other
tables of social care, which stay as they were without this one.
"""

from __future__ import annotations

import numpy as np

from simulation.draw import Random
from simulation.extracts import Draft
from simulation.life import Life

PUT_TOGETHER = 0.9
"""Children who have been put into their family's record; the others stand alone."""


def ssd_family(random: Random, life: Life) -> list[Draft]:
    """The dataset's `ssd_family`: a row a child, from the first contact on."""
    block = life.block
    child, first = life.care.first_known()
    together = random.random(len(child)) < PUT_TOGETHER
    child, first = child[together], first[together]
    number = block.people.family[child] + block.people.first_id
    columns = {
        "fami_table_id": block.ids("FAM", len(child)),
        "fami_family_id": np.array([f"F{n:07d}" for n in number.tolist()], dtype=object),
        "fami_person_id": block.child_key(child),
    }
    return [Draft("social_care", "family", columns, keyed=block.keyed(random, "social_care", first))]
