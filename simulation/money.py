"""What the council's own ledgers hold: council tax accounts and recovery, tenancies and rent arrears.

A case of arrears goes through stages, most of them no further than the first letters; how far is
more likely with more debt, but only a little, so that most arrears lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, OPEN, Calendar, Days, Index, Mask, years_between
from simulation.draw import Random, between, capped, happen
from simulation.extracts import Draft, Happening
from simulation.homes import HOSTEL
from simulation.people import People
from simulation.troubles import Troubles, arrears_step

COUNCIL = world.TENURES.index("council rent")


# --- rents ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ArrearsCases:
    """Rent arrears cases: whose, since when, how bad, and the day of each stage (`OPEN` = never reached)."""

    unit: Index
    start: Days
    debt: np.ndarray
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
    for stage, (low, high) in {
        "notice": (14, 50),
        "court": (21, 70),
        "order": (10, 45),
        "eviction": (18, 75),
    }.items():
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
    holders = _holders(block, spells.owner[row], spells.start[row])
    row, holders = row[holders[:, 0] >= 0], holders[holders[:, 0] >= 0]
    dwelling, start, end = spells.more["dwelling"][row], spells.start[row], spells.end[row]
    reference = np.array([f"TEN{block.first_dwelling + r:08d}" for r in row.tolist()], dtype=object)
    nino = block.nino(np.arange(block.people.count))
    nino[random.random(len(nino)) >= world.NINO_ON_RENTS] = None
    columns = {
        "tenancy_ref": reference,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "lsoa21": block.lsoa(dwelling),
        "start_date": start,
        "end_date": np.where(end >= OPEN, NONE, end).astype(np.int32),
        "weekly_rent": np.round(80 + 60 * random.random(len(row)), 2),
        "current_balance": np.round(random.gamma(0.5, 200, len(row)), 2),
        "keyed_on": block.keyed(random, "rents.tenancies", start, dwelling),
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
            columns[f"tenant{slot}_{name}"] = _where(who >= 0, values)
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
    random: Random, block: Block, cases: ArrearsCases, row: Index, reference: np.ndarray, holders: Index
) -> Draft:
    """Letters, notices, court, evictions, arrangements, and visits and repairs that say nothing of arrears."""
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
    stage_size = np.array(
        [{"LT1": 1, "LT2": 1.5, "NOSP": 3, "CRT": 5, "SPO": 6, "EVI": 7}.get(c, 2) for c in code]
    )
    arrears = stage_size * (120 + 150 * debt[there]) * random.uniform(0.6, 1.4, len(there))
    keyed = block.keyed(random, "rents.actions", day, dwelling)
    end_keyed = block.keyed(random, "rents.actions", ended, dwelling)
    names = {
        "LT1": "arrears_letter", "LT2": "arrears_letter", "NOSP": "notice", "CRT": "court", "SPO": "possession_order",
        "EVI": "eviction", "ARA": "arrangement", "VIS": "",
    }  # fmt: skip
    tenants = [
        _where(holders[tenancy, slot] >= 0, block.tenant_key(holders[tenancy, slot])) for slot in (0, 1)
    ]
    columns = {
        "action_ref": np.array(
            [f"A{block.people.first_id + i:09d}" for i in range(len(there))], dtype=object
        ),
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
        "_signal": np.array([names[c] for c in code], dtype=object),
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


# --- council tax ------------------------------------------------------------------------------
def council_tax(random: Random, block: Block) -> list[Draft]:
    """Accounts with their liable adults, and the recovery of what was not paid."""
    spells = block.homes.spells
    row = np.flatnonzero(spells.more["tenure"] != HOSTEL)
    holders = _holders(block, spells.owner[row], spells.start[row])
    row, holders = row[holders[:, 0] >= 0], holders[holders[:, 0] >= 0]
    dwelling, start, end = spells.more["dwelling"][row], spells.start[row], spells.end[row]
    left = (end == block.people.unit_leave[spells.owner[row]]) & (end < OPEN)
    reference = np.array([f"{7_000_000_000 + block.first_dwelling + r}" for r in row.tolist()], dtype=object)
    has_birth_date = random.random(block.people.count) < world.BIRTH_DATE_ON_TAX
    columns = {
        "account_ref": reference,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "lsoa_code": block.lsoa(dwelling),
        "liable_from": start,
        "liable_to": np.where(end >= OPEN, NONE, end).astype(np.int32),
        "end_reason": np.where(end >= OPEN, None, np.where(left, "LFT", "MOV")),
        "current_balance": np.round(random.gamma(0.4, 300, len(row)), 2),
        "keyed_on": block.keyed(random, "council_tax.accounts", start, dwelling),
    }
    died = np.where(block.people.died, block.people.leave, NONE)
    for slot in (1, 2):
        who = holders[:, slot - 1]
        in_time = died[who] < np.where(end >= OPEN, block.calendar.last - 20, end)
        for name, values in {
            "ref": block.tax_key(who),
            "forenames": block.people.forename[who],
            "surname": np.array([s.upper() for s in block.people.surname[who]], dtype=object),
            "dob": np.where(has_birth_date[who], block.people.birth[who], NONE).astype(np.int32),
            "deceased": np.where(in_time, died[who], NONE).astype(np.int32),
        }.items():
            columns[f"party{slot}_{name}"] = _where(who >= 0, values)
    columns["_signal"] = np.where(left, "moved_away", "")
    end_keyed = block.keyed(random, "council_tax.accounts", end, dwelling)
    deaths = np.maximum(columns["party1_deceased"], columns["party2_deceased"])
    end_keyed = np.where(deaths != NONE, np.minimum(end_keyed, deaths.astype(np.int64) + 16), end_keyed)
    accounts = Draft(
        "council_tax",
        "accounts",
        columns,
        keyed=columns["keyed_on"],
        happenings=(Happening("_signal", "liable_to", ("party1_ref", "party2_ref")),),
        end_columns=("liable_to", "end_reason", "party1_deceased", "party2_deceased"),
        end_keyed=end_keyed.astype(np.int32),
    )
    return [accounts, _recovery(random, block, row, reference, holders)]


def _recovery(random: Random, block: Block, row: Index, reference: np.ndarray, holders: Index) -> Draft:
    """Reminders and what follows them, in the bulk runs of the 12th of the month."""
    account_of = np.full(len(block.homes.spells), -1)
    account_of[row] = np.arange(len(row))
    rates = capped(world.REMINDER, world.REMINDER_SLOPE * block.troubles.debt, world.REMINDER_CAP)
    # Nothing is due in February and March: bills run from April to January.
    months = np.arange(block.calendar.months)
    rates = rates * np.where(np.isin((months + 6) % 12, (1, 2)), 0.15, 1.17)
    unit, day = happen(random, rates, block.calendar)
    debt = block.troubles.debt[unit, block.calendar.month_of(day)]
    n, going, at = len(unit), np.ones(len(unit), dtype=bool), day.astype(np.int64)
    parts: list[tuple[str, Days]] = [("RM1", day)]
    gaps = {
        "final_notice": (14, 28),
        "summons": (20, 45),
        "liability_order": (21, 35),
        "enforcement_agent": (20, 60),
    }
    codes = {"final_notice": "FIN", "summons": "SUM", "liability_order": "LOR", "enforcement_agent": "EAG"}
    for stage, share in world.TAX_STAGES.items():
        going = going & (random.random(n) < np.minimum(share + 0.06 * debt, 0.95))
        at = at + between(random, *gaps[stage], n)
        parts.append((codes[stage], np.where(going, at, OPEN).astype(np.int32)))
    arranged = np.where(random.random(n) < world.ARRANGEMENT, at + 12, OPEN)
    parts.append(("ARR", np.minimum(arranged, OPEN).astype(np.int32)))
    write_offs = happen(random, np.full((block.people.units, block.calendar.months), 0.002), block.calendar)

    code = np.concatenate(
        [np.full(n, c, dtype=object) for c, _ in parts] + [np.full(len(write_offs[0]), "WOF", object)]
    )
    owner = np.concatenate([unit] * len(parts) + [write_offs[0]])
    owed = np.concatenate([debt] * len(parts) + [np.zeros(len(write_offs[0]))])
    when = np.concatenate([p[1] for p in parts] + [write_offs[1]])
    run = np.isin(code, ("RM1", "FIN", "SUM"))
    when = np.where(run & (when < OPEN), _next_run(block.calendar, when), when).astype(np.int32)
    account = np.where(when < OPEN, block.homes.spells.at(owner, when), -1)
    account = np.where(account >= 0, account_of[account], -1)
    there = np.flatnonzero((account >= 0) & (when <= block.calendar.last))
    there = there[np.lexsort((owner[there], when[there]))]
    account, code, when, owed = account[there], code[there], when[there], owed[there]
    dwelling = block.homes.spells.more["dwelling"][row][account]
    kept = random.random(len(there)) < world.ARRANGEMENT_KEPT
    lasts = np.where(kept, between(random, 180, 300, len(there)), between(random, 20, 120, len(there)))
    ended = np.where(code == "ARR", when + lasts, OPEN).astype(np.int32)
    keyed = block.keyed(random, "council_tax.recovery", when, dwelling)
    end_keyed = block.keyed(random, "council_tax.recovery", ended, dwelling)
    names = {
        "RM1": "reminder", "FIN": "final_notice", "SUM": "summons", "LOR": "liability_order",
        "EAG": "enforcement_agent", "ARR": "arrangement", "WOF": "",
    }  # fmt: skip
    parties = [_where(holders[account, s] >= 0, block.tax_key(holders[account, s])) for s in (0, 1)]
    outcome = np.where(code == "ARR", np.where(kept, "KEPT", "BRK"), None)
    columns = {
        "recovery_ref": np.array(
            [f"R{block.people.first_id + i:09d}" for i in range(len(there))], dtype=object
        ),
        "account_ref": reference[account],
        "uprn": block.uprn(dwelling),
        "party1_ref": parties[0],
        "party2_ref": parties[1],
        "stage": code,
        "stage_date": when,
        "balance": np.round((90 + 260 * random.random(len(there))) * (1 + owed), 2),
        "arrangement_end": np.where(ended >= OPEN, NONE, ended).astype(np.int32),
        "arrangement_outcome": outcome,
        "end_keyed_on": np.where(end_keyed >= OPEN, NONE, end_keyed).astype(np.int32),
        "keyed_on": keyed,
        "_signal": np.array([names[c] for c in code], dtype=object),
        "_broken": np.where((code == "ARR") & ~kept, "arrangement_broken", ""),
    }
    refs = ("party1_ref", "party2_ref")
    return Draft(
        "council_tax",
        "recovery",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_signal", "stage_date", refs, ended="arrangement_end", place="uprn"),
            Happening("_broken", "arrangement_end", refs, place="uprn"),
        ),
        end_columns=("arrangement_end", "arrangement_outcome", "end_keyed_on"),
        end_keyed=end_keyed,
        corrected={"stage_date": when - 1},
    )


def _next_run(calendar: Calendar, day: Days) -> Days:
    """The 12th of the month, or of the next: recovery runs in bulk."""
    starts = calendar.month_starts
    month = calendar.month_of(day)
    this = starts[month] + 11
    return np.where(day <= this, this, starts[month + 1] + 11).astype(np.int32)


# --- shared -----------------------------------------------------------------------------------
def _holders(block: Block, unit: Index, day: Days) -> Index:
    """Up to two adults of each unit on each day, as (n, 2) people; -1 = none."""
    which, person = block.people.members(unit, day)
    adult = years_between(block.people.birth[person], day[which]) >= 18
    adult &= (block.people.role[person] < 2) | _alone(block, unit)[which]
    which, person = which[adult], person[adult]
    order = np.lexsort((person, which))
    which, person = which[order], person[order]
    place = np.arange(len(which)) - np.searchsorted(which, which, side="left")
    holders = np.full((len(unit), 2), -1)
    holders[which[place < 2], place[place < 2]] = person[place < 2]
    return holders


def _alone(block: Block, unit: Index) -> Mask:
    """Whether a unit is a grown child who left home."""
    families = int((block.people.role == 0).sum())
    return unit >= families


def _where(there: Mask, values: np.ndarray) -> np.ndarray:
    """Values where `there`, else empty."""
    return np.where(there, values, None if values.dtype == object else NONE)


def _spaced(random: Random, names: np.ndarray) -> np.ndarray:
    """Names as typed: a few with a stray blank at the end."""
    stray = random.random(len(names)) < 0.02
    return np.where(stray, names + " ", names)
