"""What the domestic abuse services hold: risk assessments, cases heard at MARAC, support.

Most assessments follow a police log, some are made by health or a voluntary service that no log tells
of. The more violence there is, the more ticks; the high ones are heard at the next meeting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, Days, Index, Mask, years_between
from simulation.draw import Random, Spells, between, happen, only, pick
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life
from simulation.people import Text

SOURCE = "domestic_abuse"
ASSESSED = 0.55
"""Victims on a police log whose risk was assessed."""
ELSEWHERE, ELSEWHERE_SLOPE = 0.0001, 0.006
"""Assessments by others than the police in a month: background, and per unit of violence at home."""
TICKS, TICKS_SLOPE, TICKS_SPREAD = 6.0, 3.5, 3.0
HIGH, MEDIUM = 14, 9
"""Ticks from which an assessment is graded high, and medium."""
HEARD = {"H": 0.9, "M": 0.04, "S": 0.02}
"""Assessments heard at MARAC: nearly all high ones, and a few by professional judgement."""
MEETS_EVERY, A_MEETING = 28, 5
"""Days between meetings, and the number of a Tuesday on which one was held."""
PERPETRATOR_NAMED = 0.85
SUPPORTED = {"H": 0.7, "M": 0.12, "S": 0.03}
"""Assessments after which support was offered, and the share that took it up."""
TAKEN_UP = 0.7
SERVICES = {"I": 0.68, "O": 0.22, "R": 0.10}
AFRESH = 210
"""Days within which a second offer is part of the first."""
KEPT_SECRET = 0.03
"""Victims outside a refuge whose address is secret all the same."""
DELAYS = {"dash": (6, 0.8), "marac": (5, 0.5), "support": (9, 0.9)}
"""Days to keying: median, and spread of the logarithm."""


@dataclass(frozen=True)
class Assessed:
    """Risk assessments: of whom, when, by whom, ticks and grade."""

    victim: Index
    day: Days
    by: Text
    ticks: Index
    grade: Text


@dataclass(frozen=True)
class Support:
    """Offers of support that began on `start` (NONE = not taken up) and ended on `end`."""

    victim: Index
    offered: Days
    start: Days
    end: Days
    service: Text


def domestic_abuse(random: Random, life: Life) -> list[Draft]:
    """Risk assessments, cases heard at MARAC and support."""
    assessed = _assess(random, life)
    support = _support(random, life.block, assessed)
    return [
        _dash(random, life.block, assessed),
        _marac(random, life.block, assessed, support),
        _offers(random, life.block, support),
    ]


def _assess(random: Random, life: Life) -> Assessed:
    block, logs = life.block, life.logs
    seen = (logs.closed == "DA") & (logs.role == "VIC") & (logs.person >= 0)
    at = np.flatnonzero(seen & (random.random(len(seen)) < ASSESSED))
    unit, day = happen(random, ELSEWHERE + ELSEWHERE_SLOPE * block.troubles.abuse, block.calendar)
    adults = block.adults(unit, day)
    # Mostly the woman of a couple.
    second = (adults[:, 1] >= 0) & (block.people.sex[adults[:, 0]] == 1)
    told = np.where(second, adults[:, 1], adults[:, 0])
    unit, day, told = unit[told >= 0], day[told >= 0], told[told >= 0]
    others = np.array(["H", "C", "V"], dtype=object)[pick(random, (0.45, 0.2, 0.35), len(told))]
    victim = np.concatenate([logs.person[at], told])
    when = np.concatenate([logs.day[at], day]).astype(np.int32)
    by = np.concatenate([np.full(len(at), "P", dtype=object), others])
    home, dwelling = block.home_of(victim, when)
    violence = block.troubles.abuse[np.maximum(home, 0), block.calendar.month_of(when)]
    drawn = random.normal(TICKS + TICKS_SLOPE * violence, TICKS_SPREAD)
    ticks = np.clip(np.round(drawn), 0, 24).astype(np.int64)
    grade = np.where(ticks >= HIGH, "H", np.where(ticks >= MEDIUM, "M", "S")).astype(object)
    there = np.flatnonzero(dwelling >= 0)
    there = there[np.lexsort((victim[there], when[there]))]
    return Assessed(victim[there], when[there], by[there], ticks[there], grade[there])


def _support(random: Random, block: Block, assessed: Assessed) -> Support:
    share = np.array([SUPPORTED[grade] for grade in assessed.grade])
    at = np.flatnonzero(random.random(len(share)) < share)
    _, first = np.unique(
        np.stack([assessed.victim[at], assessed.day[at] // AFRESH]), axis=1, return_index=True
    )
    at = at[first]
    at = at[np.lexsort((assessed.day[at], assessed.victim[at]))]
    victim, n = assessed.victim[at], len(at)
    offered = assessed.day[at] + between(random, 0, 10, n)
    start = offered + between(random, 1, 20, n)
    service = np.array(list(SERVICES), dtype=object)[pick(random, tuple(SERVICES.values()), n)]
    end = start + between(random, 30, 190, n)
    # One ends before the next begins.
    again = np.flatnonzero(victim[1:] == victim[:-1])
    end[again] = np.maximum(np.minimum(end[again], start[again + 1]), start[again])
    begun = random.random(n) < TAKEN_UP
    start, end = np.where(begun, start, NONE), np.where(begun, end, NONE)
    return Support(victim, offered.astype(np.int32), start.astype(np.int32), end.astype(np.int32), service)


def _person(block: Block, who: Index, role: str) -> dict[str, Values]:
    """The columns of one person on a row; empty where `who` is -1."""
    there = who >= 0
    return {
        f"{role}_ref": only(there, block.key_of(SOURCE, who)),
        f"{role}_forename": only(there, block.people.forename[who]),
        f"{role}_surname": only(there, block.people.surname[who]),
        f"{role}_dob": only(there, block.people.birth[who]).astype(np.int32),
    }


def _dash(random: Random, block: Block, assessed: Assessed) -> Draft:
    dwelling = block.home_of(assessed.victim, assessed.day)[1]
    keyed = block.keyed(random, DELAYS["dash"], assessed.day, dwelling)
    told = random.random(len(dwelling)) >= KEPT_SECRET
    columns = {
        "dash_ref": block.ids("DASH", len(assessed.victim)),
        **_person(block, assessed.victim, "victim"),
        "victim_uprn": only(told, block.uprn(dwelling)),
        "victim_postcode": only(told, block.postcode(dwelling)),
        "assessed_on": assessed.day,
        "assessed_by": assessed.by,
        "ticks": assessed.ticks,
        "grade": assessed.grade,
        "keyed_on": keyed,
        "_signal": np.where(assessed.grade == "H", "dash_high", "dash_below_high"),
    }
    regraded = (assessed.grade == "M") & (assessed.ticks >= HIGH - 2)
    return Draft(
        SOURCE,
        "dash",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "assessed_on", ("victim_ref",)),),
        corrected={
            "grade": np.where(regraded, "H", assessed.grade),
            "_signal": np.where(regraded, "dash_high", columns["_signal"]),
        },
    )


def _marac(random: Random, block: Block, assessed: Assessed, support: Support) -> Draft:
    share = np.array([HEARD[grade] for grade in assessed.grade])
    at = np.flatnonzero(random.random(len(share)) < share)
    # At the first meeting a week or more later, and once a meeting whatever there was in between.
    meeting = -(-(assessed.day[at].astype(np.int64) + 7 - A_MEETING) // MEETS_EVERY) * MEETS_EVERY + A_MEETING
    _, first = np.unique(np.stack([assessed.victim[at], meeting]), axis=1, return_index=True)
    at, meeting = at[first], meeting[first].astype(np.int32)
    victim, day, n = assessed.victim[at], assessed.day[at], len(at)
    again = np.r_[
        False, (victim[1:] == victim[:-1]) & (meeting[1:] - meeting[:-1] <= 365)
    ]  # by victim, meeting
    other = block.other_adult(victim, day)
    named = (other >= 0) & (random.random(n) < PERPETRATOR_NAMED)
    secret = _in_refuge(support, victim, meeting) | (random.random(n) < KEPT_SECRET)
    keyed = block.keyed(random, DELAYS["marac"], meeting)
    home = np.where(secret, -1, block.home_of(victim, meeting)[1])
    elsewhere = np.where(named, block.home_of(np.maximum(other, 0), meeting)[1], -1)
    columns = {
        "case_ref": block.ids("MARAC", n),
        "meeting_date": meeting,
        "grade": assessed.grade[at],
        "repeat_case": np.where(again, "Y", "N").astype(object),
        "safe_address": np.where(secret, "Y", "N").astype(object),
        **_person(block, victim, "victim"),
        "home_uprn": block.uprn(home),
        "home_postcode": block.postcode(home),
        **_person(block, np.where(named, other, -1), "perpetrator"),
        "perpetrator_uprn": block.uprn(elsewhere),
        "perpetrator_postcode": block.postcode(elsewhere),
        "keyed_on": keyed,
        "_victim": np.where(again, "marac_victim_again", "marac_victim"),
    }
    for place, child in enumerate(_children(block, victim, day), start=1):
        columns |= _person(block, child, f"child{place}")
    children = ("child1_ref", "child2_ref", "child3_ref")
    return Draft(
        SOURCE,
        "marac",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_victim", "meeting_date", ("victim_ref",)),
            Happening("marac_perpetrator", "meeting_date", ("perpetrator_ref",)),
            Happening("marac_child", "meeting_date", children),
        ),
    )


def _in_refuge(support: Support, victim: Index, day: Days) -> Mask:
    """Whether each victim was in a refuge on each day."""
    stays = (support.service == "R") & (support.start != NONE)
    return Spells(support.victim[stays], support.start[stays], support.end[stays]).at(victim, day) >= 0


def _children(block: Block, victim: Index, day: Days) -> list[Index]:
    """Up to three children of each victim's home, as three arrays; -1 = no more."""
    unit, _ = block.home_of(victim, day)
    which, person = block.people.members(np.maximum(unit, 0), day)
    young = (years_between(block.people.birth[person], day[which]) < 18) & (unit[which] >= 0)
    young &= person != victim[which]
    which, person = which[young], person[young]
    order = np.lexsort((person, which))
    which, person = which[order], person[order]
    place = np.arange(len(which)) - np.searchsorted(which, which, side="left")
    found = np.full((3, len(victim)), -1)
    for nth in range(3):
        found[nth, which[place == nth]] = person[place == nth]
    return list(found)


def _offers(random: Random, block: Block, support: Support) -> Draft:
    begun, last = support.start != NONE, block.calendar.last
    known = np.where(begun, support.start, support.offered).astype(np.int32)
    keyed = block.keyed(random, DELAYS["support"], known)
    ended = begun & (support.end <= last)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["support"], np.where(begun, support.end, known)))
    refuge = support.service == "R"
    workers = np.array(["Team A", "Team B", "Team C"], dtype=object)
    columns = {
        "support_ref": block.ids("DAS", len(known)),
        "victim_ref": block.key_of(SOURCE, support.victim),
        "service": support.service,
        "referred_on": support.offered,
        "started_on": support.start,
        "ended_on": np.where(ended, support.end, NONE).astype(np.int32),
        "end_keyed_on": np.where(ended & (end_keyed <= last), end_keyed, NONE).astype(np.int32),
        "current_worker": workers[between(random, 0, 2, len(known))],
        "keyed_on": keyed,
        "_signal": np.where(begun, np.where(refuge, "refuge", "support"), ""),
    }
    return Draft(
        SOURCE,
        "support",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "started_on", ("victim_ref",), ended="ended_on"),),
        end_columns=("ended_on", "end_keyed_on"),
        end_keyed=end_keyed.astype(np.int32),
    )
