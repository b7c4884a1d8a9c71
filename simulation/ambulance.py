"""What the ambulance trust's despatch system holds: calls, most of them known by their place alone."""

from __future__ import annotations

import numpy as np

from features.declaration import UNIDENTIFIED
from simulation.calendar import Index, Mask
from simulation.draw import Random, between, only, pick
from simulation.emergencies import Emergencies, emergencies
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

SOURCE = "ambulance"
ADVISED = 0.28
"""Of the calls that end without a journey, those closed with advice by telephone."""
MATCHED = 0.85
"""Journeys for which the crew's record was matched to a patient."""
AT_HOME, GAZETTEERED = 0.85, 0.96
"""Calls from where the patient lives, and those of them whose address was found in the gazetteer."""
AGAIN = 0.05
"""Calls that somebody else made too, about the same thing."""
TRANSFERS = 0.02
"""Journeys that were a transfer between hospitals, added to the others."""
CHECKED = (4, 0.7)
"""Days until a call is matched and checked: median, and spread of the logarithm."""
GROUPS = {"illness": "ILL", "injury": "INJ", "alcohol": "ALC", "mental_health": "PSY", "self_harm": "SHO"}


def ambulance(random: Random, life: Life) -> list[Draft]:
    """The calls."""
    block, every = life.block, emergencies(life.block)
    call, again, transfer = _rows(random, every)
    n = len(call)
    conveyed = every.conveyed[call]
    home = (random.random(n) < AT_HOME) & (random.random(n) < GAZETTEERED)
    advised = ~conveyed & (random.random(n) < ADVISED)
    named = conveyed & ~again & (random.random(n) < MATCHED)
    # The same call again is about the same place, and comes minutes later.
    home[1:] = np.where(again[1:], home[:-1], home[1:])
    moment = every.moment[call] + np.where(again, between(random, 1, 9, n), 0)
    day = (moment // 1440).astype(np.int32)
    checked = block.keyed(random, CHECKED, day, every.dwelling[call])
    disposition = np.where(again, "DUP", np.where(conveyed, "CV", np.where(advised, "HT", "ST")))
    group = np.array([GROUPS[what] for what in every.what[call].tolist()], dtype=object)
    counted = ~again & ~transfer
    number = block.ids("A", n, 9)
    unplaced = counted & ~named & ~home
    columns = {
        "incident_no": number,
        "call_time": moment,
        "category": 1 + pick(random, (0.08, 0.52, 0.28, 0.08, 0.04), n),
        "complaint_group": np.where(transfer, "IFT", group),
        "disposition": disposition.astype(object),
        "location_uprn": only(home, block.uprn(every.dwelling[call])),
        "patient_ref": only(named, block.key_of(SOURCE, every.person[call])),
        "nhs_number": only(named, block.nhs_number(every.person[call])),
        "patient_forename": only(named, block.people.forename[every.person[call]]),
        "patient_surname": only(named, block.people.surname[every.person[call]]),
        "patient_birth_date": only(named, block.people.birth[every.person[call]]),
        "checked_on": checked,
        "_day": day,
        "_conveyed": np.where(counted & named, "conveyed", "").astype(object),
        "_shared": _at_address(counted & ~named & home, group, advised),
        "_row": only(unplaced, np.array([UNIDENTIFIED + n for n in number], dtype=object)),
        "_who": every.person[call],
        "_unplaced": np.where(unplaced, "call_without_address", "").astype(object),
    }
    return [
        Draft(
            SOURCE,
            "calls",
            columns,
            keyed=checked,
            happenings=(
                Happening("_conveyed", "_day", ("patient_ref",)),
                Happening("_shared", "_day", place="location_uprn"),
                Happening("_unplaced", "_day", ("_row",)),
            ),
        )
    ]


def _rows(random: Random, every: Emergencies) -> tuple[Index, Mask, Mask]:
    """The emergency of each row, and which rows are a second call, or a transfer instead of a call."""
    calls = np.flatnonzero(every.called)
    times = 1 + (random.random(len(calls)) < AGAIN)
    call = np.repeat(calls, times)
    again = np.r_[False, call[1:] == call[:-1]] if len(call) else np.zeros(0, dtype=bool)
    transfer = ~again & every.conveyed[call] & (random.random(len(call)) < TRANSFERS)
    return call, again, transfer


def _at_address(there: Mask, group: Text, advised: Mask) -> Text:
    """The signal of each call that is known by its place alone; '' for others."""
    crisis = np.isin(group, ["PSY", "SHO"])
    signal = np.where(crisis, "crisis_at_address", np.where(advised, "advised_by_phone", "attended_address"))
    return np.where(there, signal, "").astype(object)
