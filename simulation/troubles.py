"""The hidden part of the world: troubles that rise and fall, and the escalations they lead to.

Each family has four scores (debt, alcohol, abuse, mind) that wander month by month around a level
of its own, are lifted by shocks and pull one another up; what lies above `TROUBLE_FROM` is a
trouble. Each child has a fifth, *adrift*. Escalation follows from these alone: who is policed or
recorded more has no part in it. No model ever sees this; the truth keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation import world
from simulation.calendar import Calendar, Days, Index, years_between
from simulation.draw import Floats, Random, capped
from simulation.people import People

Wave = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Troubles:
    """Troubles, never below zero: (units, months) each, and `adrift` (children, months)."""

    debt: Wave
    alcohol: Wave
    abuse: Wave
    mind: Wave
    children: Index  # the people who are a row of `adrift`
    adrift: Wave

    def all(self) -> Wave:
        """The four troubles of a family added up."""
        return self.debt + self.alcohol + self.abuse + self.mind

    def enquiry(self) -> Floats:
        """Section 47 enquiries expected of a family with children, each month."""
        weighted = sum(weight * getattr(self, name) for name, weight in world.ENQUIRY_WEIGHTS.items())
        return capped(world.ENQUIRY, weighted, world.ENQUIRY_CAP)

    def teen_enquiry(self) -> Floats:
        """Section 47 enquiries expected about one young person of 11 to 17, each month."""
        return capped(world.TEEN_ENQUIRY, world.TEEN_SLOPE * self.adrift, world.TEEN_CAP)

    def arrears_case(self) -> Floats:
        """Rent arrears cases expected of a council tenancy, each month."""
        return capped(world.ARREARS_CASE, world.ARREARS_SLOPE * self.debt, world.ARREARS_CAP)


def arrears_step(stage: str, debt: Floats) -> Floats:
    """The chance that an arrears case goes on to `stage`, at a level of debt."""
    return np.minimum(world.ARREARS_STAGES[stage][0] + world.ARREARS_DEPTH * debt, 0.95)


def trouble(random: Random, people: People, calendar: Calendar) -> Troubles:
    """Let the troubles of every family and child wander over the calendar's months."""
    units, months = people.units, calendar.months
    keeps, fresh = world.KEEPS, np.sqrt(1 - world.KEEPS**2)
    level = world.VULNERABILITY * people.unit_standing[:, None] + 0.5 * random.standard_normal((units, 4))
    # Not every family has somebody who could be violent, or who drinks.
    level[:, 1:3] -= 0.35
    score = level + random.standard_normal((units, 4))
    waves = np.empty((4, months, units), dtype=np.float32)
    for month in range(months):
        above = np.maximum(score - world.TROUBLE_FROM, 0)
        pull = world.SPILL * (above.sum(axis=1, keepdims=True) - above)
        score = (
            keeps * score + (1 - keeps) * (level + pull) + fresh * 0.9 * random.standard_normal((units, 4))
        )
        shocked = random.random(units) < world.SHOCKS
        hit = np.column_stack([np.ones(units), random.random((units, 3)) < 0.3])
        score += shocked[:, None] * hit * world.SHOCK_SIZE * random.random((units, 1))
        waves[:, month] = np.maximum(score - world.TROUBLE_FROM, 0).T

    children = np.flatnonzero(people.birth > calendar.first - 18 * 365)
    family = people.stays.more["unit"][np.searchsorted(people.stays.owner, children)]
    adrift = np.empty((months, len(children)), dtype=np.float32)
    score = random.standard_normal(len(children))
    for month in range(months):
        pulled = world.ADRIFT_FROM_FAMILY * waves[:, month].sum(axis=0)[family] - 0.3
        score = world.ADRIFT_KEEPS * score + (1 - world.ADRIFT_KEEPS) * pulled
        score += np.sqrt(1 - world.ADRIFT_KEEPS**2) * random.standard_normal(len(children))
        adrift[month] = np.maximum(score - world.TROUBLE_FROM, 0)
    debt, alcohol, abuse, mind = (np.ascontiguousarray(w.T) for w in waves)
    return Troubles(debt, alcohol, abuse, mind, children, np.ascontiguousarray(adrift.T))


def risk(
    people: People, troubles: Troubles, calendar: Calendar, who: Index, unit: Index, month: int
) -> Floats:
    """What a model that saw the troubles would expect of each person in the 180 days from a month's start.

    The sum of the monthly rates of each part of the outcome, times six: a score for ranking, not a
    probability. `who` are people, `unit` where each lives then.
    """
    day: Days = calendar.month_starts[month : month + 1]
    age = years_between(people.birth[who], int(day[0]))
    expected = np.where(age < 18, world.ENQUIRY_SIBLING * troubles.enquiry()[unit, month], 0.0)
    row = np.full(people.count, -1)
    row[troubles.children] = np.arange(len(troubles.children))
    teen = (age >= 11) & (age < 18) & (row[who] >= 0)
    expected += np.where(teen, troubles.teen_enquiry()[np.maximum(row[who], 0), month], 0.0)
    debt = troubles.debt[unit, month].astype(np.float64)
    evicted = troubles.arrears_case()[unit, month]
    for stage in world.ARREARS_STAGES:
        evicted = evicted * arrears_step(stage, debt)
    return 6 * (
        expected + np.where(people.unit_tenure[unit] == world.TENURES.index("council rent"), evicted, 0)
    )
