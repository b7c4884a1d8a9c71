"""Who lives in the county: families, their members, when they come and when they go.

A *unit* is people who live and move together: a family, or a grown child who has left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulation import world
from simulation.areas import Areas
from simulation.calendar import OPEN, Calendar, Days, Index, Mask
from simulation.draw import Floats, Random, Spells, pick
from simulation.draw import Text as Text
from simulation.naming import call

YEAR = 365.25


@dataclass(frozen=True)
class People:
    """Everybody who ever lives in one block of the county; arrays of one value a person or a unit."""

    first_id: int
    sex: Index  # 0 female, 1 male
    role: Index  # 0 first adult, 1 second adult, 2 child of the family
    birth: Days  # as life goes; papers have `born`
    enter: Days  # born or moved in
    leave: Days  # died or moved away; OPEN if neither
    died: Mask  # whether `leave` is a death
    ethnic: Index
    disabled: Mask
    family: Index  # the unit they were born into, or came with
    forename: Text
    surname: Text
    former: Text  # surname before marriage; None for none
    born: Days  # as papers have it: twins share that of the elder
    twin: Index  # the other twin, -1 for none
    stays: Spells  # person → `unit`, from and until when

    unit_enter: Days
    unit_leave: Days
    unit_standing: Floats  # the family's own vulnerability
    unit_dwelling: Index  # where it lives first (an index of the block's first dwellings), -1 = to be found
    unit_tenure: Index

    @property
    def count(self) -> int:
        return len(self.birth)

    @property
    def units(self) -> int:
        return len(self.unit_enter)

    @cached_property
    def families(self) -> int:
        """Units that are families; those after them are grown children who left one."""
        return int((self.role == 0).sum())

    def members(self, unit: Index, day: Days) -> tuple[Index, Index]:
        """Everybody in each unit on each day: (position in `unit`, person)."""
        which, row = self.by_unit.of(unit)
        there = (self.by_unit.start[row] <= day[which]) & (day[which] < self.by_unit.end[row])
        return which[there], self.by_unit.more["person"][row[there]]

    @cached_property
    def by_unit(self) -> Spells:
        """The stays the other way round: unit → `person`."""
        return Spells(self.stays.more["unit"], self.stays.start, self.stays.end, person=self.stays.owner)


def populate(random: Random, people: int, first_id: int, calendar: Calendar, areas: Areas) -> People:
    """Families for about `people` people living in the county on any day, and all who come and go."""
    years = calendar.years
    settled = max(1, round(people / world.PEOPLE_PER_FAMILY))
    arriving = random.poisson(settled * world.ARRIVE * years)
    families = settled + arriving
    enter = np.full(families, calendar.first, dtype=np.int32)
    enter[settled:] = calendar.first + random.integers(30, 365 * years, arriving)
    leave = _day_or_open(enter + random.exponential(YEAR / world.LEAVE, families), calendar)

    kinds = list(world.FAMILY_KINDS.values())
    kind = pick(random, [k[0] for k in kinds], families)
    youngest, oldest, adults = (np.array([k[i] for k in kinds])[kind] for i in (1, 2, 3))
    with_children = np.array([k[4] for k in kinds])[kind]
    age = youngest + random.random(families) * (oldest - youngest)

    tenure = areas.first_tenure[np.minimum(np.arange(families), settled - 1)].copy()
    tenure[settled:] = pick(random, (0.35, 0.45, 0.20), arriving)
    area_score = np.zeros(families)
    area_score[:settled] = areas.score[areas.first_area[:settled]]
    standing = 0.45 * area_score + 0.35 * (tenure == 2) + 0.85 * random.standard_normal(families)
    standing += 0.35 * (kind == list(world.FAMILY_KINDS).index("lone parent"))

    # Members: first adult, second adult, children at the start, children born later.
    count = np.where(with_children, 1 + pick(random, world.CHILDREN, families), 0)
    fertile = (age < 40) & (youngest < 40) & (adults + with_children > 1)
    stay_years = (np.minimum(leave, calendar.last).astype(np.int64) - enter) / YEAR
    born = np.where(fertile, random.poisson(world.BIRTHS * np.maximum(stay_years, 0)), 0)
    second, first = np.flatnonzero(adults == 2), np.arange(families)
    kids = np.repeat(first, count)
    babies = np.repeat(first, np.minimum(born, 3))
    family = np.concatenate([first, second, kids, babies])
    role = np.repeat([0, 1, 2, 2], [families, len(second), len(kids), len(babies)])

    birth_float = np.concatenate(
        [
            enter - age * YEAR,
            enter[second] - np.clip(age[second] + 3 * random.standard_normal(len(second)), 19, 95) * YEAR,
            enter[kids] - random.random(len(kids)) * np.minimum(18.5, age[kids] - 17.5) * YEAR,
            enter[babies] + random.random(len(babies)) * stay_years[babies] * YEAR,
        ]
    )
    birth = np.floor(birth_float).astype(np.int32)
    n = len(family)
    sex = (random.random(n) < 0.5).astype(np.int64)
    sex[:families] = random.random(families) < np.where(with_children, 0.12, 0.5)
    sex[families : families + len(second)] = random.random(len(second)) < np.where(
        sex[second] == 1, 0.04, 0.96
    )
    comes = np.maximum(enter[family], birth).astype(np.int32)
    death = _day_or_open(birth + _death_ages(random, (comes - birth) / YEAR) * YEAR, calendar)
    goes = np.minimum(leave[family], death)
    died = (death < OPEN) & (death <= leave[family])

    # Grown children who leave home make a unit of their own.
    out = birth + ((18 + 7 * random.random(n)) * YEAR).astype(np.int32)
    leaves_home = (role == 2) & (random.random(n) < world.LEAVE_HOME_SHARE)
    leaves_home &= (out > comes + 30) & (out < np.minimum(goes, calendar.last))
    movers = np.flatnonzero(leaves_home)
    stays = Spells(
        np.concatenate([np.arange(n), movers]),
        np.concatenate([comes, out[movers]]).astype(np.int32),
        np.concatenate([np.where(leaves_home, out, goes), goes[movers]]).astype(np.int32),
        unit=np.concatenate([family, families + np.arange(len(movers))]),
    )

    groups = list(world.ETHNIC_GROUPS.values())
    ethnic = pick(random, [g[0] for g in groups], families)[family]
    called = call(
        random, [g[1] for g in groups], family=family, role=role, sex=sex, birth=birth, ethnic=ethnic
    )
    return People(
        first_id=first_id,
        sex=sex,
        role=role,
        birth=birth,
        enter=comes,
        leave=goes,
        died=died,
        ethnic=ethnic,
        disabled=random.random(n) < world.DISABLED,
        family=family,
        forename=called.forename,
        surname=called.surname,
        former=called.former,
        born=called.born,
        twin=called.twin,
        stays=stays,
        unit_enter=np.concatenate([enter, out[movers]]).astype(np.int32),
        unit_leave=np.concatenate([leave, goes[movers]]).astype(np.int32),
        unit_standing=np.concatenate(
            [standing, 0.6 * standing[family[movers]] + 0.6 * random.standard_normal(len(movers))]
        ),
        unit_dwelling=np.concatenate([np.where(first < settled, first, -1), np.full(len(movers), -1)]).astype(
            np.int64
        ),
        unit_tenure=np.concatenate([tenure, pick(random, (0.1, 0.65, 0.25), len(movers))]),
    )


def _day_or_open(days: Floats, calendar: Calendar) -> Days:
    return np.where(days > calendar.last, OPEN, np.minimum(days, OPEN)).astype(np.int64).astype(np.int32)


def _death_ages(random: Random, age: Floats) -> Floats:
    """Age at death of people alive at `age`, by Gompertz' law (inverse of its survival function)."""
    a, b = world.DEATH_LEVEL, world.DEATH_SLOPE
    return np.log(np.exp(b * age) - b / a * np.log(random.random(len(age)))) / b
