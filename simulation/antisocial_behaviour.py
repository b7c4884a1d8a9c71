"""What the community safety team holds: antisocial behaviour cases and the steps taken in them.

Young people are complained of after they were seen by the police, or by neighbours alone; adults where
there is drink and violence. Who complains is a neighbour, whose own troubles have little to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, Days, Index, years_between
from simulation.draw import Random, between, happen, only, pick
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

SOURCE = "antisocial_behaviour"
AFTER_A_LOG = 0.3
"""Police logs of antisocial behaviour after which a case was opened."""
OF_ADULTS, OF_ADULTS_SLOPE = 0.0002, 0.005
"""Cases about a household's adult in a month: background, and per unit of drink and violence."""
OF_YOUNG, OF_YOUNG_SLOPE = 0.0001, 0.004
"""Cases about a young person of ten or more that no police log came before: by how adrift they are."""
PERPETRATOR_NAMED, COMPLAINANT_NAMED = 0.8, 0.75
BIRTH_DATE_KNOWN = 0.55
STEPS = {
    # step: (share of cases with a named perpetrator, fewest and most days after the case was opened)
    "WARN": (0.55, 5, 40),
    "ABC": (0.20, 30, 80),
    "CPW": (0.18, 30, 100),
    "VIS": (0.50, 1, 20),
}
NOTICE_AFTER_WARNING = (0.4, 20, 90)
"""Community protection warnings that a notice follows: share, fewest and most days later."""
SIGNALS = {"WARN": "warning", "ABC": "behaviour_contract", "CPW": "protection_warning",
           "CPN": "protection_notice", "VIS": ""}  # fmt: skip
CONTRACT_UNDER = 25
"""Acceptable behaviour contracts are made with people younger than this."""
DELAYS = {"cases": (4, 0.8), "closing": (12, 1.1), "steps": (5, 0.8)}
"""Days to keying: median, and spread of the logarithm."""


@dataclass(frozen=True)
class Cases:
    """Cases: who is complained of and who complains (-1 = not named), where, from when to when."""

    perpetrator: Index
    complainant: Index
    dwelling: Index
    opened: Days
    closed: Days


def antisocial_behaviour(random: Random, life: Life) -> list[Draft]:
    """Cases, and the steps taken in them."""
    block = life.block
    cases = _cases(random, life)
    references = block.ids("ASB", len(cases.opened))
    return [_case_draft(random, block, cases, references), _steps(random, block, cases, references)]


def _cases(random: Random, life: Life) -> Cases:
    who, day = _complained_of(random, life)
    block, n = life.block, len(who)
    dwelling = block.home_of(who, day)[1]
    neighbour = block.adults(random.integers(0, block.people.units, n), day)[:, 0]
    there = (neighbour >= 0) & (neighbour != who) & (block.home_of(neighbour, day)[1] >= 0)
    told = there & (random.random(n) < COMPLAINANT_NAMED)
    named = random.random(n) < PERPETRATOR_NAMED
    lasts = np.minimum(random.gamma(1.6, 60, n) + 7, 700)
    return Cases(
        np.where(named, who, -1), np.where(told, neighbour, -1), dwelling, day, (day + lasts).astype(np.int32)
    )


def _complained_of(random: Random, life: Life) -> tuple[Index, Days]:
    """Who truly did it, and when a case was opened: people at home in the county, ten or older."""
    block, logs, troubles = life.block, life.logs, life.block.troubles
    seen = (logs.truly == "antisocial_behaviour") & (logs.person >= 0)
    after = np.flatnonzero(seen & (random.random(len(seen)) < AFTER_A_LOG))
    rates = OF_ADULTS + OF_ADULTS_SLOPE * (troubles.alcohol + troubles.abuse)
    unit, day = happen(random, rates, block.calendar)
    row, young_day = happen(random, OF_YOUNG + OF_YOUNG_SLOPE * troubles.adrift, block.calendar)
    who = np.concatenate([logs.person[after], block.adults(unit, day)[:, 0], troubles.children[row]])
    when = np.concatenate([logs.day[after] + between(random, 0, 25, len(after)), day, young_day])
    who, when = who[who >= 0], when[who >= 0].astype(np.int32)
    old_enough = years_between(block.people.birth[who], when) >= 10
    there = np.flatnonzero(old_enough & (block.home_of(who, when)[1] >= 0))
    there = there[np.lexsort((who[there], when[there]))]
    return who[there], when[there]


def _case_draft(random: Random, block: Block, cases: Cases, references: Text) -> Draft:
    people, n, last = block.people, len(cases.opened), block.calendar.last
    keyed = block.keyed(random, DELAYS["cases"], cases.opened, cases.dwelling)
    close_keyed = np.maximum(keyed, block.keyed(random, DELAYS["closing"], cases.closed, cases.dwelling))
    closed = cases.closed <= last
    columns = {
        "case_ref": references,
        "opened_on": cases.opened,
        "closed_on": np.where(closed, cases.closed, NONE).astype(np.int32),
        "close_keyed_on": np.where(closed & (close_keyed <= last), close_keyed, NONE).astype(np.int32),
        "nature": np.array(["P", "N", "E"], dtype=object)[pick(random, (0.3, 0.55, 0.15), n)],
        "current_risk": np.array(["standard", "medium", "high"], dtype=object)[between(random, 0, 2, n)],
        "location_uprn": block.uprn(cases.dwelling),
        "keyed_on": keyed,
    }
    for role, who in (("complainant", cases.complainant), ("perpetrator", cases.perpetrator)):
        there = who >= 0
        home = np.where(there, block.home_of(np.maximum(who, 0), cases.opened)[1], -1)
        columns |= {
            f"{role}_ref": only(there, block.key_of(SOURCE, who)),
            f"{role}_forename": only(there, people.forename[who]),
            f"{role}_surname": only(there, people.surname[who]),
            f"{role}_uprn": block.uprn(home),
            f"{role}_postcode": block.postcode(home),
        }
    known = (cases.perpetrator >= 0) & (random.random(n) < BIRTH_DATE_KNOWN)
    columns["perpetrator_dob"] = only(known, people.birth[cases.perpetrator]).astype(np.int32)
    nobody = (cases.perpetrator < 0) & (cases.complainant < 0)
    columns["_place"] = np.where(nobody, "case_at_address", "")
    return Draft(
        SOURCE,
        "cases",
        columns,
        keyed=keyed,
        happenings=(
            Happening("complainant", "opened_on", ("complainant_ref",), ended="closed_on"),
            Happening("complained_of", "opened_on", ("perpetrator_ref",), ended="closed_on"),
            Happening("_place", "opened_on", place="location_uprn"),
        ),
        end_columns=("closed_on", "close_keyed_on"),
        end_keyed=close_keyed,
    )


def _steps(random: Random, block: Block, cases: Cases, references: Text) -> Draft:
    """Steps against whoever is named, while the case is open."""
    named = np.flatnonzero(cases.perpetrator >= 0)
    opened = cases.opened[named]
    young = years_between(block.people.birth[cases.perpetrator[named]], opened) < CONTRACT_UNDER
    parts: list[tuple[str, Index, Days]] = []
    for step, (share, low, high) in STEPS.items():
        taken = (random.random(len(named)) < share) & (young | (step != "ABC"))
        parts.append((step, named[taken], opened[taken] + between(random, low, high, int(taken.sum()))))
    share, low, high = NOTICE_AFTER_WARNING
    _, warned, day = next(part for part in parts if part[0] == "CPW")
    followed = random.random(len(warned)) < share
    parts.append(("CPN", warned[followed], day[followed] + between(random, low, high, int(followed.sum()))))
    every_code = np.concatenate([np.full(len(part[1]), part[0], dtype=object) for part in parts])
    case = np.concatenate([part[1] for part in parts])
    day = np.concatenate([part[2] for part in parts]).astype(np.int32)
    in_time = np.flatnonzero(day <= cases.closed[case])
    in_time = in_time[np.lexsort((case[in_time], day[in_time]))]
    code, case, day = every_code[in_time], case[in_time], day[in_time]
    keyed = block.keyed(random, DELAYS["steps"], day, cases.dwelling[case])
    columns = {
        "step_ref": block.ids("ST", len(case)),
        "case_ref": references[case],
        "perpetrator_ref": block.key_of(SOURCE, cases.perpetrator[case]),
        "step": code,
        "issued_on": day,
        "keyed_on": keyed,
        "_signal": np.array([SIGNALS[c] for c in code], dtype=object),
    }
    return Draft(
        SOURCE,
        "steps",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "issued_on", ("perpetrator_ref",)),),
        corrected={"issued_on": (day - 1).astype(np.int32)},
    )
