"""What the council's inclusion team holds: permanent exclusions and part-time timetables.

Both follow how adrift a young person is, and part-time timetables a disability too. Schools tell of
a permanent exclusion within days, and of a timetable when they come round to it.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, Days, Index, years_between
from simulation.draw import Floats, Random, between, capped, happen, only, pick
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life
from simulation.people import Text

EXCLUSION, EXCLUSION_SLOPE, EXCLUSION_CAP = 0.00012, 1.5, 0.02
"""Permanent exclusions of a pupil a month: EXCLUSION × exp(slope × adrift), never above the cap."""
WITHDRAWN, REINSTATED = 0.06, 0.03
"""Exclusions that are withdrawn before the governors meet, and those that the governors overturn."""
WITHOUT_A_PLACE = (20, 160)
"""Fewest and most days until an excluded pupil has a place again."""
PART_TIME, PART_TIME_SLOPE, PART_TIME_CAP = 0.0005, 1.2, 0.03
PART_TIME_DISABLED = 3.0
"""How many times more often a disabled pupil is put on a part-time timetable."""
PART_TIME_DAYS = (20, 190)
UPN_KNOWN = {"permanent": 0.97, "part_time": 0.9}
DELAYS = {"permanent": (4, 0.6), "part_time": (18, 0.9)}
"""Days until the team has keyed one: median, and the spread of the logarithm."""


def exclusions(random: Random, life: Life) -> list[Draft]:
    """Permanent exclusions and part-time timetables of a block."""
    return [_permanent(random, life.block), _part_time(random, life.block)]


def _permanent(random: Random, block: Block) -> Draft:
    child, day = _pupils(
        random, block, capped(EXCLUSION, EXCLUSION_SLOPE * block.troubles.adrift, EXCLUSION_CAP)
    )
    n = len(child)
    withdrawn, reinstated = random.random(n) < WITHDRAWN, random.random(n) < REINSTATED
    back = np.where(withdrawn | reinstated, day + 20, day + between(random, *WITHOUT_A_PLACE, n))
    reasons = np.array(["PA", "VA", "PP", "DB", "DA"], dtype=object)
    columns = _told(random, block, "permanent", child) | {
        "exclusion_ref": block.ids("PX", n),
        "excluded_from": day,
        "reason": reasons[pick(random, (0.18, 0.12, 0.2, 0.4, 0.1), n)],
        "outcome": np.where(withdrawn, "WDN", np.where(reinstated, "REI", "UPH")).astype(object),
        "back_in_school_on": _until(block, back),
        "_signal": np.where(withdrawn, "", "permanent_exclusion"),
    }
    return _draft(
        random, block, "permanent", columns, child, ("excluded_from", "back_in_school_on", back), "_signal"
    )


def _part_time(random: Random, block: Block) -> Draft:
    disabled = block.people.disabled[block.troubles.children]
    rates = capped(PART_TIME, PART_TIME_SLOPE * block.troubles.adrift, PART_TIME_CAP)
    child, day = _pupils(random, block, rates * np.where(disabled, PART_TIME_DISABLED, 1.0)[:, None])
    n = len(child)
    over = day + between(random, *PART_TIME_DAYS, n)
    columns = _told(random, block, "part_time", child) | {
        "timetable_ref": block.ids("PT", n),
        "starts_on": day,
        "hours_a_week": np.round(5 + 15 * random.random(n), 1),
        "ended_on": _until(block, over),
    }
    return _draft(
        random, block, "part_time", columns, child, ("starts_on", "ended_on", over), "part_time_timetable"
    )


def _pupils(random: Random, block: Block, rates: Floats) -> tuple[Index, Days]:
    """Whom something happens to at school, and when: pupils of 6 to 15 at home in the county."""
    row, day = happen(random, rates, block.calendar)
    child = block.troubles.children[row]
    age = years_between(block.people.birth[child], day)
    _, dwelling = block.home_of(child, day)
    there = np.flatnonzero((age >= 6) & (age < 16) & (dwelling >= 0))
    there = there[np.lexsort((child[there], day[there]))]
    return child[there], day[there]


def _told(random: Random, block: Block, extract: str, child: Index) -> dict[str, Values]:
    """Who a pupil is, as the team types it: surnames in capitals."""
    people = block.people
    capitals: Text = np.array([name.upper() for name in people.surname[child]], dtype=object)
    return {
        "pupil_ref": block.key_of("exclusions", child),
        "upn": only(random.random(len(child)) < UPN_KNOWN[extract], block.upn(child)),
        "surname": capitals,
        "forename": people.forename[child],
        "dob": people.birth[child],
    }


def _draft(
    random: Random,
    block: Block,
    extract: str,
    columns: dict[str, Values],
    child: Index,
    spell: tuple[str, str, Days],
    signal: str,
) -> Draft:
    start, end, until = spell
    day = columns[start]
    dwelling = block.home_of(child, day)[1]
    entered = block.keyed(random, DELAYS[extract], day, dwelling)
    return Draft(
        "exclusions",
        extract,
        columns | {"entered_on": entered},
        keyed=entered,
        happenings=(Happening(signal, start, ("pupil_ref",), ended=end),),
        end_columns=(end,),
        end_keyed=np.maximum(entered, block.keyed(random, DELAYS[extract], until, dwelling)).astype(np.int32),
    )


def _until(block: Block, end: Days) -> Days:
    """Ends as written: none that lies after the last day."""
    return np.where(end > block.calendar.last, NONE, end).astype(np.int32)
