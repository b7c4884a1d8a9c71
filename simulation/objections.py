"""The data protection officer's register of people who do not wish to be scored.

About one in a thousand, of any kind: who objects has nothing to do with their troubles. Some give an
identifier, the rest a name, a birth date and an address.
"""

from __future__ import annotations

import numpy as np

from simulation.calendar import NONE, OPEN, years_between
from simulation.draw import Random, between, only
from simulation.extracts import Draft
from simulation.life import Life

OBJECT = 0.0012
"""Share of people who ever object."""
WITHDRAWN = 0.15
"""Share of objections that are withdrawn some months later."""
WITH_NHS_NUMBER, WITH_NINO = 0.3, 0.2
DELAY = (1, 0.7)
"""Days until an objection is entered: median, and the spread of the logarithm."""


def objections(random: Random, life: Life) -> list[Draft]:
    """The register of a block's people."""
    block, last = life.block, life.block.calendar.last
    people = block.people
    who = np.flatnonzero(random.random(people.count) < OBJECT)
    stays = np.minimum(people.leave[who], last).astype(np.int64) - people.enter[who]
    since = (people.enter[who] + random.random(len(who)) * stays).astype(np.int32)
    since = np.maximum(since, block.calendar.first)
    dwelling = block.home_of(who, since)[1]
    there = np.flatnonzero(dwelling >= 0)
    there = there[np.lexsort((who[there], since[there]))]
    who, since, dwelling, n = who[there], since[there], dwelling[there], len(there)
    over = np.where(random.random(n) < WITHDRAWN, since + between(random, 30, 700, n), OPEN).astype(np.int32)
    adult = years_between(people.birth[who], since) >= 18
    pupil = ~adult & (years_between(people.birth[who], since) >= 5)
    entered = block.keyed(random, DELAY, since)
    columns = {
        "entry_ref": block.ids("OB", n),
        "person_ref": block.key_of("objections", who),
        "surname": people.surname[who],
        "forenames": people.forename[who],
        "date_of_birth": people.birth[who],
        "uprn": only(random.random(n) < 0.3, block.uprn(dwelling)),
        "postcode": block.postcode(dwelling),
        "nhs_number": only(random.random(n) < WITH_NHS_NUMBER, block.nhs_number(who)),
        "upn": only(pupil, block.upn(who)),
        "nino": only(adult & (random.random(n) < WITH_NINO), block.nino(who)),
        "kind": np.where(random.random(n) < 0.7, "OBJ", "OPT").astype(object),
        "since": since,
        "withdrawn_on": np.where(over > last, NONE, over).astype(np.int32),
        "entered_on": entered,
    }
    return [
        Draft(
            "objections",
            "register",
            columns,
            keyed=entered,
            end_columns=("withdrawn_on",),
            end_keyed=np.maximum(entered, block.keyed(random, DELAY, over)).astype(np.int32),
        )
    ]
