"""Who becomes homeless or nearly so, and what the council owes them: applications and their duties.

Many who are taken to court for arrears apply before they lose the home, and most of those never do;
whoever is evicted applies at the latest then. Others apply because of debt, or because somebody is not
safe at home. A case goes from one duty to the next for some only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import OPEN, Days, Index
from simulation.draw import Random, Spells, between, happen, only, pick
from simulation.people import Text
from simulation.rents import ArrearsCases

APPLIES_AT_NOTICE = 0.35
"""Arrears cases that, once they reach a notice, bring the household to the council."""
APPLY, APPLY_DEBT, APPLY_ABUSE = 0.0003, 0.0030, 0.0025
"""Applications of a household a month for other reasons: always, and by unit of debt and of abuse."""
BY_TENURE = (0.3, 1.3, 0.7, 0.0)
"""How much likelier that is for owners, private tenants and council tenants; none from a hostel."""
APART = 250
"""Days within which a second application is the same case."""
ASSESSED = {"THREAT": 0.52, "HOMELESS": 0.24, "NEITHER": 0.20, "INELIGIBLE": 0.04}
PREVENTED = {"SEC6": 0.50, "HOMELESS": 0.10, "DAYS56": 0.20, "CONTACT": 0.15, "REFUSED": 0.02, "OTHER": 0.03}
RELIEVED = {"SEC6": 0.40, "DAYS56": 0.30, "CONTACT": 0.20, "REFUSED": 0.05, "OTHER": 0.05}
DECIDED = {"MAIN": 0.40, "NOPRIORITY": 0.40, "INTENTIONAL": 0.10, "NOTHOMELESS": 0.10}
DECIDED_AFTER_EVICTION = {"MAIN": 0.75, "NOPRIORITY": 0.10, "INTENTIONAL": 0.15}
"""How an assessment, a prevention duty, a relief duty and a final decision come out."""


@dataclass(frozen=True)
class Duty:
    """One duty of some cases: the day it begins and ends (`OPEN` = not at all), and how it ends."""

    start: Days
    end: Days
    reason: Text


@dataclass(frozen=True)
class Cases:
    """Applications: whose, when, the day and result of the assessment, and each duty; one value a case."""

    unit: Index
    day: Days
    reason: Text
    assessed: Days
    result: Text
    prevention: Duty
    relief: Duty
    final: Duty
    decision: Text


def cases_for(random: Random, block: Block, arrears: ArrearsCases) -> Cases:
    """Draw every application of a block and what became of it."""
    people, last = block.people, block.calendar.last
    unit, day, reason = _applications(random, block, arrears)
    gone = arrears.stages["eviction"]
    evictions = Spells(
        arrears.unit[gone < OPEN], gone[gone < OPEN] - APART, gone[gone < OPEN] + 15, day=gone[gone < OPEN]
    )
    day = day.astype(np.int64)
    row = evictions.at(unit, day)
    evicted = row >= 0
    lost = np.where(evicted, evictions.more["day"][row] if len(evictions) else OPEN, OPEN)
    back = block.homes.spells.at(unit, np.minimum(lost + 1, last))
    back = np.where(evicted & (back >= 0), block.homes.spells.end[back], OPEN)  # from the hostel to a home
    n, leave = len(unit), people.unit_leave[unit].astype(np.int64)

    assessed = day + between(random, 0, 14, n)
    result = _choose(random, ASSESSED, n)
    from_arrears = reason == "Rent arrears"
    result[from_arrears] = "THREAT"
    result[evicted] = np.where(day < lost, "THREAT", "HOMELESS")[evicted]

    ending = _choose(random, PREVENTED, n)
    ending[evicted] = "HOMELESS"
    begins = np.where(result == "THREAT", np.minimum(assessed, lost), OPEN)
    ends = np.where(evicted, lost, begins + between(random, 20, 90, n))
    prevention = _kept(begins, ends, ending, leave)

    homeless = (prevention.reason == "HOMELESS") & (prevention.end < leave)
    begins = np.where(result == "HOMELESS", np.where(evicted, np.maximum(assessed, lost + 1), assessed), OPEN)
    begins = np.where(homeless, prevention.end + evicted, begins)
    ends = begins + between(random, 30, 100, n)
    ending = _choose(random, RELIEVED, n)
    ending[evicted] = np.where(back <= ends, "SEC6", "DAYS56")[evicted]
    relief = _kept(begins, np.where(evicted, np.minimum(ends, np.maximum(back, begins)), ends), ending, leave)

    undecided = (relief.reason == "DAYS56") & (relief.end < OPEN)
    begins = np.where(undecided, relief.end + between(random, 0, 25, n), OPEN)
    decision = np.where(evicted, _choose(random, DECIDED_AFTER_EVICTION, n), _choose(random, DECIDED, n))
    decision[evicted & (begins >= back)] = "NOTHOMELESS"
    ends = np.where(evicted, back, begins + between(random, 60, 400, n))
    ends = np.where(decision == "MAIN", ends, OPEN)
    final = _kept(begins, ends, np.full(n, "Accepted an offer of a home", dtype=object), leave)
    return Cases(
        unit,
        day.astype(np.int32),
        reason,
        assessed.astype(np.int32),
        result,
        prevention,
        relief,
        final,
        decision,
    )


def _applications(random: Random, block: Block, arrears: ArrearsCases) -> tuple[Index, Days, Text]:
    """Who applies, when, and why; one application in `APART` days."""
    people, troubles, calendar = block.people, block.troubles, block.calendar
    notice, evicted = arrears.stages["notice"], arrears.stages["eviction"]
    comes = (notice < OPEN) & (random.random(len(notice)) < APPLIES_AT_NOTICE)
    early = notice[comes] + between(random, 3, 25, int(comes.sum()))
    put_out = evicted < OPEN
    late = evicted[put_out] + between(random, 0, 10, int(put_out.sum()))
    rates = APPLY + APPLY_DEBT * troubles.debt + APPLY_ABUSE * troubles.abuse
    other, other_day = happen(random, rates * np.array(BY_TENURE)[people.unit_tenure][:, None], calendar)
    unsafe = troubles.abuse[other, calendar.month_of(other_day)] > 0.5
    why = np.array(["Family no longer willing", "End of private rented tenancy", "Other"], dtype=object)
    reasons = np.where(unsafe, "Domestic abuse", why[pick(random, (0.4, 0.4, 0.2), len(other))])

    unit = np.concatenate([arrears.unit[comes], arrears.unit[put_out], other])
    day = np.concatenate([early, late, other_day]).astype(np.int32)
    from_arrears = np.full(len(early) + len(late), "Rent arrears", dtype=object)
    reason = np.concatenate([from_arrears, reasons.astype(object)])
    lives_here = block.homes.dwelling_at(unit, day) >= 0
    signs = block.adults(unit, day)[:, 0] >= 0
    there = np.flatnonzero(lives_here & signs & (day <= calendar.last))
    there = there[np.lexsort((day[there], unit[there]))]
    again = np.diff(unit[there], prepend=-1) == 0
    again &= np.diff(day[there], prepend=-APART) < APART
    kept = there[~again]
    kept = kept[np.lexsort((unit[kept], day[kept]))]
    return unit[kept], day[kept], reason[kept]


def _choose(random: Random, shares: dict[str, float], n: int) -> Text:
    return np.array(list(shares), dtype=object)[pick(random, list(shares.values()), n)]


def _kept(begins: Days, ends: Days, reason: Text, leave: Days) -> Duty:
    """A duty ends when the household leaves, and none begins after that."""
    begins = np.where(begins < leave, begins, OPEN)
    left = (ends > leave) & (begins < OPEN)
    ends = np.where(begins < OPEN, np.where(left, leave, np.minimum(ends, OPEN)), OPEN)
    told = np.where(left, "OTHER", reason)
    return Duty(begins.astype(np.int32), ends.astype(np.int32), only(begins < OPEN, told))
