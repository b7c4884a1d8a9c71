"""What goes wrong so suddenly that somebody dials 999 or goes to A&E: known to more than one agency.

The ambulance trust and the hospital hear of the same happening, so both ask here, and here alone the
stream of random numbers is named after the block: the same people have the same emergencies.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import Days, Index, Mask, years_between
from simulation.draw import Floats, Random, happen
from simulation.people import Text

KINDS: dict[str, tuple[float, dict[str, float], float]] = {
    # kind: (background of a family and month, growth with each trouble, share that dial 999)
    "illness": (0.0050, {"mind": 0.002}, 0.30),
    "injury": (0.0035, {"alcohol": 0.005, "abuse": 0.006}, 0.25),
    "alcohol": (0.0002, {"alcohol": 0.009}, 0.60),
    "mental_health": (0.0001, {"mind": 0.008}, 0.60),
    "self_harm": (0.0001, {"mind": 0.005}, 0.65),
}
ANYBODYS = ("illness", "injury")
"""Kinds that strike anybody of a family; the others strike those of `GROWN` and over."""
GROWN = 16
FRAIL_OLD, FRAIL_YOUNG = 5.0, 1.5
"""How much more often illness and injury strike those over 75, and children under 5."""
YOUNG_SELF_HARM, YOUNG_SELF_HARM_SLOPE, YOUNG_FROM = 0.0001, 0.004, 11
"""Self-harm of one young person in a month: background, growth with being adrift, and from what age."""
CONCENTRATED = 0.7
"""Shape of the gamma frailty of families: a few make most of the calls."""
CONVEYED = 0.58
"""Of those who dial 999, the share that an ambulance takes to hospital."""
BUSIEST_HOUR, SPREAD_OF_HOURS = 18.0, 6.0


@dataclass(frozen=True)
class Emergencies:
    """One a row, in order of time: whose, when (minutes since 1970), of what kind, where they live.

    called: somebody dialled 999; conveyed: and an ambulance took them to hospital. All others who did
    not call went there by themselves.
    """

    person: Index
    moment: Index
    what: Text
    dwelling: Index
    called: Mask
    conveyed: Mask

    @property
    def day(self) -> Days:
        return (self.moment // 1440).astype(np.int32)


def emergencies(block: Block) -> Emergencies:
    """Every emergency of a block, the same whoever asks."""
    named = [zlib.crc32(text) for text in (b"emergencies", block.people.birth.tobytes())]
    random = np.random.default_rng(named)
    people, troubles, calendar = block.people, block.troubles, block.calendar
    frailty = random.gamma(CONCENTRATED, 1 / CONCENTRATED, (people.units, 1))
    found: list[tuple[str, Index, Days]] = []
    for kind, (background, growth, _) in KINDS.items():
        rates: Floats = background + sum(slope * getattr(troubles, name) for name, slope in growth.items())
        unit, day = happen(random, rates * frailty, calendar)
        struck, of_family = _one_of_each(random, block, kind, unit, day)
        found.append((kind, struck, day[of_family]))
    row, day = happen(random, YOUNG_SELF_HARM + YOUNG_SELF_HARM_SLOPE * troubles.adrift, calendar)
    child = troubles.children[row]
    age = years_between(people.birth[child], day)
    young = (age >= YOUNG_FROM) & (age < GROWN)
    found.append(("self_harm", child[young], day[young]))

    what = np.repeat(np.array([f[0] for f in found], dtype=object), [len(f[1]) for f in found])
    person, day = (np.concatenate([f[i] for f in found]) for i in (1, 2))
    hour = random.normal(BUSIEST_HOUR, SPREAD_OF_HOURS, len(day)) % 24
    moment = day.astype(np.int64) * 1440 + (hour * 60).astype(np.int64) % 1440
    dwelling = block.home_of(person, day)[1]
    rings = np.array([KINDS[name][2] for name in what.tolist()])
    called = random.random(len(day)) < rings
    conveyed = called & (random.random(len(day)) < CONVEYED)
    at = np.flatnonzero(dwelling >= 0)
    at = at[np.lexsort((person[at], moment[at]))]
    return Emergencies(person[at], moment[at], what[at], dwelling[at], called[at], conveyed[at])


def _one_of_each(random: Random, block: Block, kind: str, unit: Index, day: Days) -> tuple[Index, Index]:
    """Whom it strikes of each unit on each day, and of which of the given it is; none where nobody can be."""
    which, person = block.people.members(unit, day)
    age = years_between(block.people.birth[person], day[which])
    if kind in ANYBODYS:
        weight = np.where(age > 75, FRAIL_OLD, np.where(age < 5, FRAIL_YOUNG, 1.0))
    else:
        grown = age >= GROWN
        which, person, weight = which[grown], person[grown], np.ones(int(grown.sum()))
    # The first of exponential waiting times: each member with the chance of their weight.
    order = np.lexsort((random.exponential(size=len(which)) / weight, which))
    which, person = which[order], person[order]
    first = np.unique(which, return_index=True)[1]
    return person[first], which[first]
