"""Who in the county is called what, and which children are twins.

A family shares a surname, but for a third of second adults; the others who took it on have a surname
of before. Forenames follow the generation. A few sons are named after their father. Twins are the
children of one family who are nearest in age: papers give the younger the birth date of the elder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import names, world
from simulation.calendar import Days, Index, Mask
from simulation.draw import Floats, Random, Text, only, own_stream

KEEPS_SURNAME = 0.33
"""Second adults who keep their own surname."""
JUNIORS = 0.01
"""Sons named after the man of the family."""


@dataclass(frozen=True)
class Called:
    """One value a person. former: surname before marriage, None for none; twin: who the other is, or -1."""

    forename: Text
    surname: Text
    former: Text
    born: Days
    twin: Index


def call(
    random: Random, groups: list[str], *, family: Index, role: Index, sex: Index, birth: Days, ethnic: Index
) -> Called:
    """Names for everybody. groups: of `names`, by ethnic code; the other arrays have one value a person."""
    n, families = len(family), int(family.max()) + 1
    first = random.random(n)
    of_family, own = random.random(families)[family], random.random(n)
    keeps = random.random(n) < KEEPS_SURNAME
    twin = _twins(family, role, birth)
    born = np.where(twin >= 0, np.minimum(birth, birth[twin]), birth).astype(np.int32)
    era = names.era_of(birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)

    forename = _forenames(first, groups, ethnic, sex, era)
    surname = _surnames(np.where((role == 1) & keeps, own, of_family), groups, ethnic)
    couple = (np.bincount(family[role == 1], minlength=families) > 0)[family]
    took = (sex == 0) & ((role == 1) & ~keeps | (role == 0) & couple)
    before = _surnames(own, groups, ethnic)
    former = only(took & (before != surname), before)

    # What is new since draws from a stream of its own, so that the rest of the county stays as it is.
    more = own_stream(random, "naming")
    man = np.full(families, -1)
    grown = np.flatnonzero((role < 2) & (sex == 1))
    man[family[grown]] = grown
    junior = (role == 2) & (sex == 1) & (twin < 0) & (more.random(n) < JUNIORS) & (man[family] >= 0)
    forename[junior] = forename[man[family[junior]]]
    again = np.flatnonzero((twin > np.arange(n)) & (forename == forename[twin]))
    while len(again):  # no two twins have one forename
        forename[again] = _forenames(more.random(len(again)), groups, ethnic[again], sex[again], era[again])
        again = again[forename[again] == forename[twin[again]]]
    return Called(forename, surname, former, born, twin)


def _twins(family: Index, role: Index, birth: Days) -> Index:
    """Pairs of children of one family, the nearest in age, until they are `world.TWINS` of everybody."""
    children = np.flatnonzero(role == 2)
    children = children[np.lexsort((birth[children], family[children]))]
    elder, younger = children[:-1], children[1:]
    gap = np.where(family[elder] == family[younger], birth[younger] - birth[elder], np.iinfo(np.int32).max)
    twin = np.full(len(family), -1)
    wanted = round(world.TWINS * len(family) / 2)
    for at in np.argsort(gap, kind="stable").tolist():
        if wanted == 0 or gap[at] > world.TWINS_WITHIN:
            break
        one, other = elder[at], younger[at]
        if twin[one] < 0 and twin[other] < 0:
            twin[one], twin[other] = other, one
            wanted -= 1
    return twin


def _forenames(point: Floats, groups: list[str], ethnic: Index, sex: Index, era: Index) -> Text:
    found = np.empty(len(point), dtype=object)
    for code, group in enumerate(groups):
        for male in (0, 1):
            for generation in np.unique(era).tolist():
                here: Mask = (ethnic == code) & (sex == male) & (era == generation)
                found[here] = names.forenames(group, bool(male), generation).of(point[here])
    return found


def _surnames(point: Floats, groups: list[str], ethnic: Index) -> Text:
    found = np.empty(len(point), dtype=object)
    for code, group in enumerate(groups):
        here: Mask = ethnic == code
        found[here] = names.surnames(group).of(point[here])
    return found
