"""What the youth justice service holds: outcomes of offences, and prevention and diversion programmes.

Outcomes follow police logs with a young person as suspect, months later; how grave they are grows with
how many there were before. Programmes are offered instead of, or before, any of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, Days, Index, Mask, years_between
from simulation.draw import Random, between, happen, only, pick
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life
from simulation.people import Text

SOURCE = "youth_justice"
DECIDED = 0.6
"""Logs with a suspect of 10 to 17 of which an outcome came."""
WAIT = (25, 150)
"""Days from the offence to its outcome."""
OUTCOMES = ("CR", "YC", "YCC", "RO", "YRO", "DTO")
SHARES = ((0.5, 0.27, 0.13, 0.1, 0, 0), (0.15, 0.2, 0.25, 0.3, 0.1, 0), (0.05, 0.05, 0.15, 0.3, 0.38, 0.07))
"""Shares of the outcomes of somebody's first, second, and third or later offence."""
LASTS = {"RO": (90, 365), "YRO": (180, 730), "DTO": (120, 480)}
"""Days that an order lasts."""
SIGNALS = {"CR": "community_resolution", "YC": "caution", "YCC": "caution"}
DIVERTED = 0.7
"""Community resolutions that came with an offer of a diversion programme."""
OFFERED, OFFERED_SLOPE = 0.0001, 0.008
"""Prevention programmes offered in a month to a young person: by how adrift they are."""
STARTED = 0.75
UPN_KNOWN = 0.6
DELAYS = {"outcomes": (7, 0.8), "ends": (14, 0.9), "programmes": (8, 0.8)}
"""Days to keying: median, and spread of the logarithm."""


@dataclass(frozen=True)
class Decided:
    """Outcomes in order of person and day: of whom, of an offence of when, what, and whether the first
    formal one."""

    who: Index
    offence: Days
    day: Days
    outcome: Text
    entrant: Mask


def youth_justice(random: Random, life: Life) -> list[Draft]:
    """Outcomes of offences, and programmes."""
    decided = _decide(random, life)
    return [_outcomes(random, life.block, decided), _programmes(random, life.block, decided)]


def _of_age(block: Block, who: Index, day: Days) -> Mask:
    """Ten to seventeen, and at home in the county."""
    age = years_between(block.people.birth[who], day)
    return (age >= 10) & (age < 18) & (block.home_of(who, day)[1] >= 0)


def _decide(random: Random, life: Life) -> Decided:
    block, logs = life.block, life.logs
    suspect = (logs.closed == "CRM") & (logs.role == "SUS") & (logs.person >= 0)
    at = np.flatnonzero(suspect & (random.random(len(suspect)) < DECIDED))
    who, offence = logs.person[at], logs.day[at]
    day = (offence + between(random, *WAIT, len(at))).astype(np.int32)
    kept = np.flatnonzero(_of_age(block, who, offence) & _of_age(block, who, day))
    kept = kept[np.lexsort((day[kept], who[kept]))]
    who, offence, day = who[kept], offence[kept], day[kept]
    before = np.arange(len(who)) - np.searchsorted(who, who, side="left")
    outcome = np.full(len(who), "", dtype=object)
    for nth, shares in enumerate(SHARES):
        mine = np.minimum(before, len(SHARES) - 1) == nth
        outcome[mine] = np.array(OUTCOMES, dtype=object)[pick(random, shares, int(mine.sum()))]
    formal = outcome != "CR"
    entrant = np.zeros(len(who), dtype=bool)
    entrant[np.flatnonzero(formal)[np.unique(who[formal], return_index=True)[1]]] = True
    return Decided(who, offence, day, outcome, entrant)


def _names(block: Block, who: Index) -> dict[str, Values]:
    return {
        "person_ref": block.key_of(SOURCE, who),
        "forename": block.people.forename[who],
        "surname": block.people.surname[who],
        "dob": block.people.birth[who],
    }


def _outcomes(random: Random, block: Block, decided: Decided) -> Draft:
    people, n, last = block.people, len(decided.who), block.calendar.last
    dwelling = block.home_of(decided.who, decided.day)[1]
    low, high = (np.array([LASTS.get(o, (0, 0))[i] for o in decided.outcome], dtype=np.int64) for i in (0, 1))
    order = high > 0
    end = decided.day + low + (random.random(n) * (high - low)).astype(np.int64)
    ended = order & (end <= last)
    keyed = block.keyed(random, DELAYS["outcomes"], decided.day, dwelling)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["ends"], np.where(order, end, decided.day)))
    sex = np.where(people.sex[decided.who] == 1, "1", "2").astype(object)
    columns = {
        "outcome_ref": block.ids("OUT", n),
        **_names(block, decided.who),
        "sex": np.where(random.random(n) < 0.02, "9", sex),
        "upn": only((random.random(people.count) < UPN_KNOWN)[decided.who], block.upn(decided.who)),
        "home_uprn": block.uprn(dwelling),
        "home_postcode": block.postcode(dwelling),
        "offence_date": decided.offence,
        "gravity": between(random, 2, 5, n),
        "outcome_date": decided.day,
        "outcome": decided.outcome,
        "first_time_entrant": np.where(decided.entrant, "Y", "N").astype(object),
        "order_ended": np.where(ended, end, NONE).astype(np.int32),
        "end_keyed_on": np.where(ended & (end_keyed <= last), end_keyed, NONE).astype(np.int32),
        "keyed_on": keyed,
        "_signal": np.array([SIGNALS.get(o, "order") for o in decided.outcome], dtype=object),
        "_entrant": np.where(decided.entrant, "first_time_entrant", ""),
    }
    return Draft(
        SOURCE,
        "outcomes",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_signal", "outcome_date", ("person_ref",), ended="order_ended"),
            Happening("_entrant", "outcome_date", ("person_ref",)),
        ),
        end_columns=("order_ended", "end_keyed_on"),
        end_keyed=end_keyed.astype(np.int32),
        corrected={
            "first_time_entrant": np.full(n, "N", dtype=object),
            "_entrant": np.full(n, "", dtype=object),
        },
    )


def _programmes(random: Random, block: Block, decided: Decided) -> Draft:
    """Offers of diversion after a community resolution, and of prevention without one."""
    resolved = (decided.outcome == "CR") & (random.random(len(decided.who)) < DIVERTED)
    row, seen = happen(random, OFFERED + OFFERED_SLOPE * block.troubles.adrift, block.calendar)
    young = block.troubles.children[row]
    of_age = _of_age(block, young, seen)
    who = np.concatenate([decided.who[resolved], young[of_age]])
    offered = np.concatenate([decided.day[resolved], seen[of_age]]).astype(np.int32)
    kind = np.repeat(np.array(["DIV", "PREV"], dtype=object), [int(resolved.sum()), int(of_age.sum())])
    order = np.lexsort((who, offered))
    who, offered, kind = who[order], offered[order], kind[order]
    n, last, dwelling = len(who), block.calendar.last, block.home_of(who, offered)[1]
    begun = random.random(n) < STARTED
    start = np.where(begun, offered + between(random, 5, 40, n), NONE).astype(np.int32)
    end = (offered + 40 + between(random, 30, 180, n)).astype(np.int32)
    keyed = block.keyed(random, DELAYS["programmes"], np.where(begun, start, offered))
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["ends"], np.where(begun, end, offered)))
    ended = begun & (end <= last)
    columns = {
        "programme_ref": block.ids("PRG", n),
        **_names(block, who),
        "home_uprn": block.uprn(dwelling),
        "home_postcode": block.postcode(dwelling),
        "programme": kind,
        "referred_on": offered,
        "started_on": start,
        "ended_on": np.where(ended, end, NONE).astype(np.int32),
        "end_keyed_on": np.where(ended & (end_keyed <= last), end_keyed, NONE).astype(np.int32),
        "status": np.where(begun, np.where(ended, "Closed", "Open"), "Declined").astype(object),
        "keyed_on": keyed,
        "_signal": np.where(begun, "programme", ""),
    }
    return Draft(
        SOURCE,
        "programmes",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "started_on", ("person_ref",), ended="ended_on"),),
        end_columns=("ended_on", "end_keyed_on"),
        end_keyed=end_keyed.astype(np.int32),
    )
