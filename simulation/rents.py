"""What the housing service holds: tenancies of the council's own homes, and their arrears.

A case of arrears goes through stages, most of them no further than the first letters; how far is
more likely with more debt, but only a little, so that most arrears lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, OPEN, Calendar, Days, Index, Mask
from simulation.draw import Floats, Random, between, happen, only
from simulation.extracts import Draft, Happening, Values
from simulation.people import People, Text
from simulation.troubles import Troubles, arrears_step

COUNCIL = world.TENURES.index("council rent")
SIGNALS = {
    "LT1": "arrears_letter", "LT2": "arrears_letter", "NOSP": "notice", "CRT": "court",
    "SPO": "possession_order", "EVI": "eviction", "ARA": "arrangement", "VIS": "",
}  # fmt: skip
WEEKS_OWED = {"LT1": 1.0, "LT2": 1.5, "NOSP": 3.0, "CRT": 5.0, "SPO": 6.0, "EVI": 7.0, "ARA": 2.0, "VIS": 0.0}
"""How deep in arrears a stage is, against the first letter."""


@dataclass(frozen=True)
class ArrearsCases:
    """Rent arrears cases: whose, since when, how bad, and the day of each stage (`OPEN` = never reached)."""

    unit: Index
    start: Days
    debt: Floats
    stages: dict[str, Days]


def arrears_cases(random: Random, people: People, troubles: Troubles, calendar: Calendar) -> ArrearsCases:
    """Draw the rent arrears cases of all council tenants and how far each goes."""
    rates = troubles.arrears_case() * (people.unit_tenure == COUNCIL)[:, None]
    unit, start = happen(random, rates, calendar)
    there = (start >= people.unit_enter[unit] + 60) & (start < people.unit_leave[unit])
    unit, start = unit[there], start[there]
    debt = troubles.debt[unit, calendar.month_of(start)].astype(np.float64)
    going = np.ones(len(unit), dtype=bool)
    day, stages = start.astype(np.int64), {}
    for stage, (_, low, high) in world.ARREARS_STAGES.items():
        going = going & (random.random(len(unit)) < arrears_step(stage, debt))
        day = day + between(random, low, high, len(unit))
        stages[stage] = np.where(going & (day < people.unit_leave[unit]), day, OPEN).astype(np.int32)
    standing = _not_while_homeless(unit, start, stages["eviction"])
    return ArrearsCases(
        unit[standing],
        start[standing],
        debt[standing],
        {name: days[standing] for name, days in stages.items()},
    )


def _not_while_homeless(unit: Index, start: Days, evicted: Days) -> Mask:
    """Cases that are real: none starts, or ends in a second eviction, within a year of an eviction."""
    keep = np.ones(len(unit), dtype=bool)
    with_eviction = np.unique(unit[evicted < OPEN])
    free_from: dict[int, int] = {}
    of_interest = np.flatnonzero(np.isin(unit, with_eviction))
    for case in of_interest[np.lexsort((start[of_interest], unit[of_interest]))].tolist():
        family = int(unit[case])
        if start[case] < free_from.get(family, 0):
            keep[case] = False
        elif evicted[case] < OPEN:
            free_from[family] = int(evicted[case]) + 365
    return keep


def rents(random: Random, block: Block, cases: ArrearsCases) -> list[Draft]:
    """Tenancies and the actions taken on their arrears."""
    spells = block.homes.spells
    row = np.flatnonzero(spells.more["tenure"] == COUNCIL)
    holders = block.adults(spells.owner[row], spells.start[row])
    row, holders = row[holders[:, 0] >= 0], holders[holders[:, 0] >= 0]
    dwelling, start, end = spells.more["dwelling"][row], spells.start[row], spells.end[row]
    reference, since = block.ids("TEN", len(row)), block.since(random, start)
    nino = block.nino(np.arange(block.people.count))
    nino[random.random(len(nino)) >= world.NINO_ON_RENTS] = None
    columns: dict[str, Values] = {
        "tenancy_ref": reference,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "lsoa21": block.lsoa(dwelling),
        "start_date": since,
        "end_date": np.where(end >= OPEN, NONE, end).astype(np.int32),
        "weekly_rent": np.round(80 + 60 * random.random(len(row)), 2),
        "current_balance": np.round(random.gamma(0.5, 200, len(row)), 2),
        "keyed_on": block.keyed(random, "rents.tenancies", since, dwelling),
    }
    for slot in (1, 2):
        who = holders[:, slot - 1]
        for name, values in {
            "ref": block.tenant_key(who),
            "forename": _spaced(random, block.people.forename[who]),
            "surname": block.people.surname[who],
            "dob": block.people.birth[who],
            "nino": nino[who],
        }.items():
            columns[f"tenant{slot}_{name}"] = only(who >= 0, values)
    tenancies = Draft(
        "rents",
        "tenancies",
        columns,
        keyed=columns["keyed_on"],
        end_columns=("end_date",),
        end_keyed=block.keyed(random, "rents.tenancies", end, dwelling),
    )
    return [tenancies, _actions(random, block, cases, row, reference, holders)]


def _actions(
    random: Random, block: Block, cases: ArrearsCases, row: Index, reference: Text, holders: Index
) -> Draft:
    """Letters, notices, court, evictions, arrangements, and visits that say nothing of arrears."""
    tenancy_of = np.full(len(block.homes.spells), -1)
    tenancy_of[row] = np.arange(len(row))
    n = len(cases.unit)
    second = cases.start + between(random, 12, 40, n)
    stopped = np.minimum.reduce(list(cases.stages.values())) >= OPEN
    arranged = (random.random(n) < world.ARRANGEMENT) & (cases.stages["eviction"] >= OPEN)
    from_day = np.where(
        stopped, second + 10, np.where(cases.stages["notice"] < OPEN, cases.stages["notice"] + 15, OPEN)
    )
    kept = random.random(n) < world.ARRANGEMENT_KEPT
    until = from_day.astype(np.int64) + np.where(
        kept, between(random, 150, 400, n), between(random, 25, 120, n)
    )
    visits = happen(random, np.full((len(row), block.calendar.months), 0.02), block.calendar)
    visited = block.homes.spells.owner[row][visits[0]]
    parts = [
        # code, unit, day, debt, end of an arrangement
        ("LT1", cases.unit, cases.start, cases.debt, None),
        ("LT2", cases.unit, np.where(random.random(n) < 0.7, second, OPEN), cases.debt, None),
        ("NOSP", cases.unit, cases.stages["notice"], cases.debt, None),
        ("CRT", cases.unit, cases.stages["court"], cases.debt, None),
        ("SPO", cases.unit, cases.stages["order"], cases.debt, None),
        ("EVI", cases.unit, cases.stages["eviction"], cases.debt, None),
        ("ARA", cases.unit, np.where(arranged, from_day, OPEN), cases.debt, until),
        ("VIS", visited, visits[1], np.zeros(len(visited)), None),
    ]
    code = np.concatenate([np.full(len(p[1]), p[0], dtype=object) for p in parts])
    unit = np.concatenate([p[1] for p in parts])
    day = np.concatenate([p[2] for p in parts]).astype(np.int64)
    debt = np.concatenate([p[3] for p in parts])
    ended = np.concatenate([np.full(len(p[1]), OPEN) if p[4] is None else p[4] for p in parts])
    day = np.minimum(day, OPEN).astype(np.int32)
    tenancy = np.where(day < OPEN, block.homes.spells.at(unit, day), -1)
    tenancy = np.where(tenancy >= 0, tenancy_of[tenancy], -1)
    there = np.flatnonzero((tenancy >= 0) & (day <= block.calendar.last))
    there = there[np.lexsort((unit[there], day[there]))]
    tenancy, day, code, unit = tenancy[there], day[there], code[there], unit[there]
    ended = np.minimum(ended[there], OPEN).astype(np.int32)
    dwelling = block.homes.spells.more["dwelling"][row][tenancy]
    stage_size = np.array([WEEKS_OWED[c] for c in code])
    arrears = stage_size * (120 + 150 * debt[there]) * random.uniform(0.6, 1.4, len(there))
    keyed = block.keyed(random, "rents.actions", day, dwelling)
    end_keyed = block.keyed(random, "rents.actions", ended, dwelling)
    tenants = [only(holders[tenancy, slot] >= 0, block.tenant_key(holders[tenancy, slot])) for slot in (0, 1)]
    columns = {
        "action_ref": block.ids("A", len(there), 9),
        "tenancy_ref": reference[tenancy],
        "uprn": block.uprn(dwelling),
        "tenant1_ref": tenants[0],
        "tenant2_ref": tenants[1],
        "action_code": code,
        "action_date": day,
        "arrears": np.where(code == "VIS", np.nan, np.round(arrears, 2)),
        "plan_ended": np.where(ended >= OPEN, NONE, ended).astype(np.int32),
        "plan_end_keyed": np.where(end_keyed >= OPEN, NONE, end_keyed).astype(np.int32),
        "keyed_on": keyed,
        "_held_from": block.homes.spells.start[row][tenancy],
        "_signal": np.array([SIGNALS[c] for c in code], dtype=object),
    }
    return Draft(
        "rents",
        "actions",
        columns,
        keyed=keyed,
        happenings=(
            Happening(
                "_signal", "action_date", ("tenant1_ref", "tenant2_ref"), ended="plan_ended", place="uprn"
            ),
        ),
        end_columns=("plan_ended", "plan_end_keyed"),
        end_keyed=end_keyed,
        corrected={"action_date": np.where(code == "EVI", day, day - 1).astype(np.int32)},
    )


def _spaced(random: Random, names: Text) -> Text:
    """Names as typed: a few with a stray blank at the end."""
    stray = random.random(len(names)) < 0.02
    return np.where(stray, names + " ", names)
