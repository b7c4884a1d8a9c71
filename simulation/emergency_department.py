"""What the hospital holds of A&E: attendances, and the list of people who come very often."""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index
from simulation.draw import Random, between, only
from simulation.emergencies import emergencies
from simulation.extracts import Draft, Happening
from simulation.life import Life

SOURCE = "emergency_department"
BY_AMBULANCE, ON_FOOT = (35, 200), (15, 180)
"""Minutes from the call, or from what happened, to the door: fewest and most."""
LEFT, LEFT_IN_CRISIS = 0.04, 0.15
"""Those who left before they were seen: of the ill and injured, and of people in drink or in crisis."""
TRACED = 0.94
"""Patients whose NHS number was found."""
MISCODED = 0.2
"""Self-harm that was coded as the injury it left."""
CODED = (8, 0.7)
"""Days until an attendance is coded: median, and spread of the logarithm."""
OFTEN, WITHIN = 5, 365
"""So many attendances within so many days put somebody on the list of frequent attenders."""


def emergency_department(random: Random, life: Life) -> list[Draft]:
    """The attendances and the list."""
    block, every = life.block, emergencies(life.block)
    at = np.flatnonzero(every.conveyed | ~every.called)
    who, what, n = every.person[at], every.what[at], len(at)
    wait = np.where(every.conveyed[at], between(random, *BY_AMBULANCE, n), between(random, *ON_FOOT, n))
    arrival = every.moment[at] + wait
    day = (arrival // 1440).astype(np.int32)
    crisis = np.isin(what, ["alcohol", "mental_health", "self_harm"])
    left = random.random(n) < np.where(crisis, LEFT_IN_CRISIS, LEFT)
    harm = what == "self_harm"
    injury = (what == "injury") | (harm & (random.random(n) < MISCODED))
    right = np.where(harm, "SH", np.where(injury, "INJ", "OTH")).astype(object)
    group = np.where(injury, "INJ", right)
    unlike_harm = np.where(left, "left_before_seen", "attendance").astype(object)
    keyed = block.keyed(random, CODED, day)
    traced = (random.random(block.people.count) < TRACED)[who]
    attendances = Draft(
        SOURCE,
        "attendances",
        {
            "attendance_ref": block.ids("AE", n, 9),
            "patient_ref": block.key_of(SOURCE, who),
            "nhs_number": only(traced, block.nhs_number(who)),
            "birth_date": block.people.birth[who],
            "forename": block.people.forename[who],
            "surname": block.people.surname[who],
            "postcode": block.postcode(every.dwelling[at]),
            "sex": np.where(block.people.sex[who] == 1, "1", "2").astype(object),
            "arrival": arrival,
            "complaint_group": group,
            "left_before_seen": np.where(left, "Y", "N").astype(object),
            "coded_on": keyed,
            "_day": day,
            "_signal": np.where(group == "SH", "self_harm", unlike_harm),
        },
        keyed=keyed,
        happenings=(Happening("_signal", "_day", ("patient_ref",)),),
        corrected={
            "complaint_group": right,
            "_signal": np.where(right == "SH", "self_harm", unlike_harm),
        },
    )
    return [attendances, _list(random, block, who, day)]


def _list(random: Random, block: Block, who: Index, day: Days) -> Draft:
    """Whoever came often within a year is put on the list once, weeks later, and taken off after a review."""
    order = np.lexsort((day, who))
    person, came = who[order], day[order]
    last = np.arange(OFTEN - 1, len(person))
    first = last - (OFTEN - 1)
    often = last[(person[first] == person[last]) & (came[last] - came[first] <= WITHIN)]
    listed, once = np.unique(person[often], return_index=True)
    n = len(listed)
    since = came[often][once] + between(random, 10, 60, n)
    until = since + between(random, 180, 400, n)
    return Draft(
        SOURCE,
        "frequent_attenders",
        {
            "listing_ref": block.ids("FA", n),
            "patient_ref": block.key_of(SOURCE, listed),
            "nhs_number": block.nhs_number(listed),
            "listed_on": since.astype(np.int32),
            "taken_off_on": np.where(until > block.calendar.last, NONE, until).astype(np.int32),
        },
        keyed=since.astype(np.int32),
        happenings=(Happening("frequent_attender", "listed_on", ("patient_ref",), ended="taken_off_on"),),
        end_columns=("taken_off_on",),
        end_keyed=np.where(until > block.calendar.last, OPEN, until).astype(np.int32),
    )
