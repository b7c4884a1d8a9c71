"""What the special educational needs team holds: requests for an assessment, refusals, plans.

Requests are made for disabled children mostly, sometimes for children who are adrift. Everything is
slow: the decision, the plan, and the keying of both.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, years_between
from simulation.draw import Random, between, happen, only
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life

REQUEST, REQUEST_DISABLED, REQUEST_ADRIFT = 0.0002, 0.0065, 0.0006
"""Requests for a child a month: of any, more of a disabled one, more for each unit of being adrift."""
REFUSED, REFUSED_DISABLED = 0.55, 0.15
"""Requests that are refused: of children without a disability, and of disabled ones."""
PLAN_AFTER_ASSESSMENT = 0.88
DECISION_DAYS, PLAN_DAYS = (30, 80), (90, 300)
"""Fewest and most days from a request to its decision, and from that to a plan."""
CEASES_AT = 19.0
"""The age at which a plan ceases at the latest."""
CEASES_EARLY = 0.15
UPN_KNOWN = {"requests": 0.85, "plans": 0.9}
DELAYS = {"requests": (20, 0.9), "plans": (30, 0.9)}
"""Days until the team has keyed one: median, and the spread of the logarithm."""


def send(random: Random, life: Life) -> list[Draft]:
    """Requests with their decisions, and plans."""
    block = life.block
    people, troubles, last = block.people, block.troubles, block.calendar.last
    disabled = people.disabled[troubles.children]
    rates = REQUEST + REQUEST_DISABLED * disabled[:, None] + REQUEST_ADRIFT * troubles.adrift
    row, day = happen(random, rates, block.calendar)
    child = troubles.children[row]
    age = years_between(people.birth[child], day)
    there = np.flatnonzero((age >= 2) & (age < 16.5) & (block.home_of(child, day)[1] >= 0))
    there = there[np.lexsort((day[there], child[there]))]
    # A child who has been assessed, or who waits, is not asked for again.
    there = there[np.r_[True, child[there][1:] != child[there][:-1]]] if len(there) else there
    there = there[np.lexsort((child[there], day[there]))]
    child, day, n = child[there], day[there], len(there)
    refused = random.random(n) < np.where(people.disabled[child], REFUSED_DISABLED, REFUSED)
    decided = (day + between(random, *DECISION_DAYS, n)).astype(np.int32)
    planned = np.flatnonzero(~refused & (random.random(n) < PLAN_AFTER_ASSESSMENT))
    begins = decided[planned] + between(random, *PLAN_DAYS, len(planned))
    here = (begins <= last) & (begins < people.leave[child[planned]])
    planned, begins = planned[here], begins[here].astype(np.int32)
    return [
        _requests(random, block, child, day, decided, refused),
        _plans(random, block, child[planned], begins),
    ]


def _requests(
    random: Random, block: Block, child: Index, day: Days, decided: Days, refused: np.ndarray
) -> Draft:
    n, known = len(child), decided <= block.calendar.last
    entered = block.keyed(random, DELAYS["requests"], day)
    columns = _told(random, block, "requests", child) | {
        "request_ref": block.ids("RQ", n),
        "receiveddate": day,
        "requestoutcome": only(known, np.where(refused, "N", "Y")),
        "requestoutcomedate": np.where(known, decided, NONE).astype(np.int32),
        "entered_on": entered,
        "_refused": np.where(refused, "assessment_refused", ""),
    }
    return Draft(
        "send",
        "requests",
        columns,
        keyed=entered,
        happenings=(
            Happening("assessment_request", "receiveddate", ("person_ref",)),
            Happening("_refused", "requestoutcomedate", ("person_ref",)),
        ),
        end_columns=("requestoutcome", "requestoutcomedate"),
        end_keyed=np.maximum(entered, block.keyed(random, DELAYS["requests"], decided)).astype(np.int32),
    )


def _plans(random: Random, block: Block, child: Index, begins: Days) -> Draft:
    n, people = len(child), block.people
    grown = people.birth[child] + int(CEASES_AT * 365.25)
    early = np.where(random.random(n) < CEASES_EARLY, begins + between(random, 200, 1500, n), OPEN)
    ceases = np.minimum(np.minimum(grown, early), people.leave[child]).astype(np.int32)
    ceases = np.maximum(ceases, begins + 1).astype(np.int32)
    entered = block.keyed(random, DELAYS["plans"], begins)
    needs = np.array(["ASD", "SEMH", "SLCN", "MLD", "SLD", "PD"], dtype=object)
    columns = _told(random, block, "plans", child) | {
        "plan_ref": block.ids("EP", n),
        "primary_need": needs[between(random, 0, len(needs) - 1, n)],
        "startdate": begins,
        "ceasedate": np.where(ceases > block.calendar.last, NONE, ceases).astype(np.int32),
        "entered_on": entered,
    }
    return Draft(
        "send",
        "plans",
        columns,
        keyed=entered,
        happenings=(Happening("plan", "startdate", ("person_ref",), ended="ceasedate"),),
        end_columns=("ceasedate",),
        end_keyed=np.maximum(entered, block.keyed(random, DELAYS["plans"], ceases)).astype(np.int32),
    )


def _told(random: Random, block: Block, extract: str, child: Index) -> dict[str, Values]:
    people = block.people
    return {
        "person_ref": block.key_of("send", child),
        "upn": only(random.random(len(child)) < UPN_KNOWN[extract], block.upn(child)),
        "surname": people.surname[child],
        "forename": people.forename[child],
        "personbirthdate": people.birth[child],
    }
