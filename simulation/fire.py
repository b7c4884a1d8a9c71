"""What the fire and rescue service holds: incidents at dwellings and elsewhere, home fire-safety visits.

Fires follow drink and crises, false alarms hardly anything. A visit is offered after a fire, and by
chance; what a visitor notes follows from who lives there.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import Days, Index
from simulation.draw import Floats, Random, between, happen, only, pick
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

INCIDENTS = {
    # signal: (background of a family a month, per unit of drink and crisis, codes and their shares)
    "fire": (0.0003, 0.0008, {"PF": 0.6, "SF": 0.25, "CF": 0.15}),
    "false_alarm": (0.0014, 0.0001, {"FAM": 0.05, "FAG": 0.35, "FAA": 0.6}),
    "special_service": (0.0005, 0.0005, {"SSC": 1.0}),
}
ELSEWHERE = 0.12
"""Incidents at no dwelling, as a share of those at one; half of them are on the road."""
REPORT = (12, 0.9)
"""Days until an incident's report is finished: median, and the spread of the logarithm."""
TYPE_CORRECTED = "PF"
"""What a false alarm turns out to have been, where its report is put right."""

VISIT, VISIT_AFTER_FIRE = 0.0025, 0.5
"""Home fire-safety visits of a family a month, and the share of fires that one follows."""
VISIT_OUTCOMES = {"DONE": 0.84, "REF": 0.06, "NOI": 0.10}
HOARDING, HOARDING_MIND = 0.012, 0.05
"""Chance that a visit notes hoarding, and what each unit of crisis adds."""
ENTERED = (6, 0.8)


def fire(random: Random, life: Life) -> list[Draft]:
    """Incidents and visits of a block, by place alone."""
    block = life.block
    incidents, burnt = _incidents(random, block)
    return [incidents, _visits(random, block, burnt)]


def _incidents(random: Random, block: Block) -> tuple[Draft, tuple[Index, Days]]:
    """The incidents, and the unit and day of each fire at a home."""
    troubles = block.troubles
    found: list[tuple[str, Text, Index, Days]] = []  # signal, code, unit, day
    for kind, (background, slope, codes) in INCIDENTS.items():
        unit, day = happen(random, background + slope * (troubles.alcohol + troubles.mind), block.calendar)
        codes_drawn = np.array(list(codes), dtype=object)[pick(random, list(codes.values()), len(unit))]
        found.append((kind, codes_drawn, unit, day))
    signal = np.concatenate([np.full(len(f[2]), f[0], dtype=object) for f in found])
    code, unit, day = (np.concatenate([f[i] for f in found]) for i in (1, 2, 3))
    elsewhere = random.random(len(unit)) < ELSEWHERE / (1 + ELSEWHERE)
    code[elsewhere & (random.random(len(unit)) < 0.5)] = "RTC"
    dwelling = np.where(elsewhere, -1, block.homes.dwelling_at(unit, day))
    there = np.flatnonzero(elsewhere | (dwelling >= 0))
    there = there[np.lexsort((unit[there], day[there]))]
    signal, code, unit = signal[there], code[there], unit[there]
    day, dwelling = day[there], dwelling[there]
    n, home = len(there), dwelling >= 0
    signal[~home] = ""
    completed = block.keyed(random, REPORT, day, dwelling)
    wrong = home & (signal == "false_alarm")
    hurt = random.random(n) < 0.06
    columns = {
        "incident_number": block.ids("FI", n),
        "date_of_call": day,
        "time_of_call": between(random, 0, 1439, n).astype(np.int64),
        "incident_type": code,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "cause": np.array(["Accidental", "Deliberate", "Not known"], dtype=object)[between(random, 0, 2, n)],
        "casualties": np.where((signal == "fire") & hurt, 1, 0).astype(np.int64),
        "report_completed": completed,
        "_signal": signal,
    }
    draft = Draft(
        "fire",
        "incidents",
        columns,
        keyed=completed,
        happenings=(Happening("_signal", "date_of_call", place="uprn"),),
        corrected={
            "incident_type": np.where(wrong, TYPE_CORRECTED, code),
            "_signal": np.where(wrong, "fire", signal),
        },
    )
    burnt = signal == "fire"
    return draft, (unit[burnt], day[burnt])


def _visits(random: Random, block: Block, burnt: tuple[Index, Days]) -> Draft:
    by_chance = happen(random, np.full(block.troubles.mind.shape, VISIT), block.calendar)
    after = random.random(len(burnt[0])) < VISIT_AFTER_FIRE
    unit = np.concatenate([by_chance[0], burnt[0][after]])
    day = np.concatenate([by_chance[1], burnt[1][after] + between(random, 7, 60, int(after.sum()))])
    dwelling = block.homes.dwelling_at(unit, day)
    there = np.flatnonzero((dwelling >= 0) & (day <= block.calendar.last))
    there = there[np.lexsort((unit[there], day[there]))]
    unit, day, dwelling = unit[there], day[there].astype(np.int32), dwelling[there]
    n = len(there)
    outcome = np.array(list(VISIT_OUTCOMES), dtype=object)
    outcome = outcome[pick(random, list(VISIT_OUTCOMES.values()), n)]
    done = outcome == "DONE"
    mind: Floats = block.troubles.mind[unit, block.calendar.month_of(day)]
    hoards = done & (random.random(n) < HOARDING + HOARDING_MIND * mind)
    entered = block.keyed(random, ENTERED, day, dwelling)
    columns = {
        "visit_ref": block.ids("HV", n),
        "uprn": block.uprn(dwelling),
        "visit_date": day,
        "outcome": outcome,
        "risk_band": only(done, np.array(["Low", "Medium", "High"], dtype=object)[between(random, 0, 2, n)]),
        "smoking": only(done, np.where(random.random(n) < 0.2, "Y", "N")),
        "hoarding": only(done, np.where(hoards, "Y", "N")),
        "entered_on": entered,
        "_visit": np.where(done, "safety_visit", ""),
        "_hoarding": np.where(hoards, "hoarding_noted", ""),
    }
    return Draft(
        "fire",
        "visits",
        columns,
        keyed=entered,
        happenings=(
            Happening("_visit", "visit_date", place="uprn"),
            Happening("_hoarding", "visit_date", place="uprn"),
        ),
    )
