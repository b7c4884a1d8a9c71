"""What the police and the missing-persons desk hold.

Logs follow the troubles, but not evenly: some areas are policed more, some groups are written down
more for the same behaviour, and almost half of the mental-health logs are closed as something else.
Crises are concentrated: a few people in crisis make most of the demand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, Days, Index, Mask, years_between
from simulation.draw import Floats, Random, between, capped, happen, only
from simulation.extracts import Draft, Happening
from simulation.people import Text

CLOSING = {
    "mental_health": "MH", "alcohol": "ALC", "domestic_abuse": "DA", "concern_for_safety": "CFS",
    "antisocial_behaviour": "ASB", "crime_victim": "CRM", "crime_suspect": "CRM", "administration": "ADM",
}  # fmt: skip


@dataclass(frozen=True)
class Logs:
    """Police logs: about whom (-1 = nobody named), where, what it truly was and what it was closed as."""

    person: Index
    dwelling: Index
    day: Days
    minute: Index  # of the day
    truly: Text
    closed: Text
    role: Text
    incident: Index  # the same for everybody named on one log
    link: Index  # 0 = nobody named, 1, 2 … the people named


@dataclass(frozen=True)
class Episodes:
    """Missing episodes: who, from when, until when, and whether away without leave rather than missing."""

    child: Index
    dwelling: Index
    day: Days
    minute: Index  # of the day
    found: Days
    absent: Mask


def _carriers(random: Random, block: Block) -> Index:
    """The adult of each unit whom its drinking and its crises are about."""
    people = block.people
    families = people.families
    carrier = np.full(people.units, -1)
    carrier[:families] = np.flatnonzero(people.role == 0)
    second = np.flatnonzero(people.role == 1)
    chosen = second[random.random(len(second)) < 0.5]
    carrier[people.stays.more["unit"][np.searchsorted(people.stays.owner, chosen)]] = chosen
    own = people.stays.more["unit"] >= families
    carrier[people.stays.more["unit"][own]] = people.stays.owner[own]
    return carrier


def police(random: Random, block: Block) -> tuple[list[Draft], Logs]:
    """The command-and-control log: one row a log and person named on it, or a log with nobody."""
    logs = _all_logs(random, block)
    return [_draft(random, block, logs)], logs


def _all_logs(random: Random, block: Block) -> Logs:
    troubles, people, calendar = block.troubles, block.people, block.calendar
    adult = _carriers(random, block)
    found: list[tuple[str, str, Index, Days, Index]] = []  # what, role, person, day, unit

    def by_unit(what: str, trouble: Floats, who: Index, role: str) -> None:
        background, slope = world.POLICE[what]
        unit, day = happen(random, background + slope * trouble, calendar)
        found.append((what, role, who[unit], day, unit))

    by_unit("alcohol", troubles.alcohol, adult, "SUB")
    by_unit("concern_for_safety", troubles.mind + troubles.alcohol, adult, "SUB")
    by_unit("crime_victim", troubles.debt, adult, "VIC")
    by_unit("crime_suspect", troubles.alcohol, adult, "SUS")
    by_unit("called_to_address", troubles.abuse + troubles.alcohol, np.full(people.units, -1), "")
    by_unit("administration", troubles.debt, adult, "WIT")
    found.append(("mental_health", "SUB", *_mental_health(random, block, adult)))
    found += _abuse(random, block)
    for what in ("antisocial_behaviour", "crime_suspect"):
        background, slope = world.POLICE[what]
        row, day = happen(random, background + slope * troubles.adrift, calendar)
        child = troubles.children[row]
        old = years_between(people.birth[child], day) >= 10
        found.append((what, "SUS", child[old], day[old], np.full(int(old.sum()), -1)))

    truly = np.concatenate([np.full(len(f[2]), f[0], dtype=object) for f in found])
    role = np.concatenate([np.full(len(f[2]), f[1], dtype=object) for f in found])
    person = np.concatenate([f[2] for f in found])
    unit = np.concatenate([f[4] for f in found])
    day = np.concatenate([f[3] for f in found]).astype(np.int32)
    _, home = block.home_of(np.maximum(person, 0), day)
    dwelling = np.where(person >= 0, home, block.homes.dwelling_at(np.maximum(unit, 0), day))
    recorded = _recorded(random, block, person, dwelling)
    there = np.flatnonzero((dwelling >= 0) & recorded)
    there = there[np.lexsort((person[there], day[there]))]
    person, day, unit, dwelling = person[there], day[there], unit[there], dwelling[there]
    truly, role = truly[there], role[there]
    incident, link = _incidents(person, unit, day, truly == "domestic_abuse")
    closed = np.array([CLOSING.get(what, "CFS") for what in truly], dtype=object)
    untagged = (truly == "mental_health") & (random.random(len(there)) < world.TAG_MISSING)
    instead = np.array(["CFS", "ASB", "ADM"], dtype=object)[between(random, 0, 2, int(untagged.sum()))]
    closed[untagged] = instead
    # One log has one time and one closing category, whoever is named on it.
    first = np.unique(incident, return_index=True)[1]
    minute = _minute(random, len(there))[first][incident]
    return Logs(person, dwelling, day, minute, truly, closed, role, incident, link)


def _incidents(person: Index, unit: Index, day: Days, together: Mask) -> tuple[Index, Index]:
    """Number the logs: those of one family, day and kind that name several people are one incident."""
    own = np.where(together, -1, np.arange(len(person)))
    _, incident = np.unique(np.stack([day, unit, own]), axis=1, return_inverse=True)
    order = np.argsort(incident, kind="stable")
    place = np.arange(len(order)) - np.searchsorted(incident[order], incident[order], side="left")
    link = np.empty(len(order), dtype=np.int64)
    link[order] = place + 1
    return incident.astype(np.int64), np.where(person >= 0, link, 0)


def _mental_health(random: Random, block: Block, adult: Index) -> tuple[Index, Days, Index]:
    """Crises come in runs: a lasting frailty times one that changes from quarter to quarter."""
    units, months = block.troubles.mind.shape
    frailty = random.gamma(world.MIND_SHAPE, 1 / world.MIND_SHAPE, (units, 1))
    spread = world.MIND_PERSISTS
    run = np.exp(spread * random.standard_normal((units, -(-months // 3))) - spread**2 / 2)
    mind = block.troubles.mind
    rates = world.MIND_LOGS * np.minimum(np.expm1(world.MIND_SLOPE * mind), 20) * frailty
    unit, day = happen(random, rates * np.repeat(run, 3, axis=1)[:, :months], block.calendar)
    return adult[unit], day, unit


def _abuse(random: Random, block: Block) -> list[tuple[str, str, Index, Days, Index]]:
    """Domestic-abuse logs: a victim, often a suspect, and the children who were there."""
    people, calendar = block.people, block.calendar
    background, slope = world.POLICE["domestic_abuse"]
    unit, day = happen(random, background + slope * block.troubles.abuse, calendar)
    which, person = people.members(unit, day)
    adult = (people.role[person] < 2) | (years_between(people.birth[person], day[which]) >= 18)
    grown, who = which[adult], person[adult]
    # The victim is mostly the woman of a couple; with one adult, that adult.
    lean = people.sex[who] + random.random(len(who)) * 1.3
    order = np.lexsort((lean, grown))
    grown, who = grown[order], who[order]
    place = np.arange(len(grown)) - np.searchsorted(grown, grown, side="left")
    victim, suspect = place == 0, (place == 1) & (random.random(len(grown)) < 0.75)
    young = ~adult & (random.random(len(person)) < world.CHILD_PRESENT)
    return [
        ("domestic_abuse", "VIC", who[victim], day[grown[victim]], unit[grown[victim]]),
        ("domestic_abuse", "SUS", who[suspect], day[grown[suspect]], unit[grown[suspect]]),
        ("domestic_abuse", "CHP", person[young], day[which[young]], unit[which[young]]),
    ]


def _recorded(random: Random, block: Block, person: Index, dwelling: Index) -> Mask:
    """Which happenings were written down: all in the areas and groups recorded most, fewer elsewhere."""
    group = np.array([g[2] for g in world.ETHNIC_GROUPS.values()])
    factor = np.where(person >= 0, group[block.people.ethnic[person]], 1.0)
    policed = block.areas.policed[block.homes.area[dwelling]]
    factor = factor * np.where(policed, world.POLICED_FACTOR, 1.0)
    most = group.max() * world.POLICED_FACTOR
    return random.random(len(person)) < np.minimum(factor * 1.6 / most, 1.0)


def _draft(random: Random, block: Block, logs: Logs) -> Draft:
    people, n = block.people, len(logs.person)
    named = logs.person >= 0
    who = np.maximum(logs.person, 0)
    first = np.unique(logs.incident, return_index=True)[1]
    number = block.ids("", int(logs.incident.max(initial=0)) + 1, 11)[logs.incident]
    dates = block.keyed(random, "police.logs", logs.day, logs.dwelling)
    signal = logs.truly.copy()
    signal[logs.closed == "CFS"] = "concern_for_safety"
    signal[logs.closed == "ASB"] = "antisocial_behaviour"
    signal[(logs.closed == "ADM")] = ""
    signal[(logs.closed == "DA") & (logs.role == "SUS")] = "domestic_abuse_suspect"
    called = np.where(random.random(n) < 0.42, "999", "101").astype(object)[first][logs.incident]
    to_address = np.where(called == "999", "emergency_at_address", "called_to_address")
    personal, shared = np.where(named, signal, ""), np.where(named, "", to_address)
    corrected_code = np.where((logs.truly == "mental_health") & (logs.closed != "MH"), "MH", logs.closed)
    corrected = np.where(corrected_code != logs.closed, "mental_health", personal)

    columns = {
        "incident_no": number,
        "link_no": logs.link,
        "received_date": logs.day,
        "received_time": logs.minute,
        "call_type": called,
        "opening_category": np.where(random.random(n) < 0.6, logs.closed, "CFS").astype(object),
        "closing_category": logs.closed,
        "grade": np.array(["1", "2", "3", "4"], dtype=object)[between(random, 0, 3, n)],
        "location_uprn": block.uprn(logs.dwelling),
        "nominal_ref": only(named, block.nominal(who)),
        "role": only(named, logs.role),
        "forenames": only(named, people.forename[who]),
        "surname": only(named, np.array([s.upper() for s in people.surname[who]], dtype=object)),
        "dob": only(named, people.birth[who]).astype(np.int32),
        "home_uprn": only(named, block.uprn(logs.dwelling)),
        "home_postcode": only(named, block.postcode(logs.dwelling)),
        "keyed_on": dates,
        "_personal": personal,
        "_shared": shared,
    }
    return Draft(
        "police",
        "logs",
        columns,
        keyed=dates,
        happenings=(
            Happening("_personal", "received_date", ("nominal_ref",)),
            Happening("_shared", "received_date", place="location_uprn"),
        ),
        corrected={"closing_category": corrected_code, "_personal": corrected},
    )


def _minute(random: Random, n: int) -> Index:
    """Minute of the day: more in the evening."""
    return ((random.normal(20.5, 4.5, n) % 24) * 60).astype(np.int64) % 1440


def missing(random: Random, block: Block) -> tuple[list[Draft], Episodes]:
    """Missing episodes, nearly all of young people who are adrift."""
    adrift = block.troubles.adrift
    rates = capped(world.MISSING, world.MISSING_SLOPE * adrift, world.MISSING_CAP)
    rates = np.where(adrift > 0, rates, world.MISSING_BY_CHANCE)
    row, day = happen(random, rates, block.calendar)
    draft, episodes = written_down(random, block, block.troubles.children[row], day)
    return [draft], episodes


def written_down(
    random: Random, block: Block, child: Index, day: Days, *, numbered_from: int = 0
) -> tuple[Draft, Episodes]:
    """Episodes of those of some children, on some days, who are of 10 to 17 and live here, as the desk has
    them; numbered_from: how many of the block's it has numbered before."""
    people, calendar = block.people, block.calendar
    age = years_between(people.birth[child], day)
    _, dwelling = block.home_of(child, day)
    there = np.flatnonzero((age >= 10) & (age < 18) & (dwelling >= 0))
    there = there[np.lexsort((child[there], day[there]))]
    child, day, dwelling = child[there], day[there], dwelling[there]
    n = len(child)
    hours = np.minimum(random.gamma(0.7, 30, n), 24 * 40)
    minute = _minute(random, n)
    found_day = (day + (minute / 60 + hours) / 24).astype(np.int32)
    keyed = block.keyed(random, "missing.episodes", day, dwelling)
    end_keyed = np.maximum(keyed, block.keyed(random, "missing.episodes", found_day, dwelling))
    absent = random.random(n) < 0.15
    columns = {
        "episode_ref": block.ids("MIS", numbered_from + n)[numbered_from:],
        "person_ref": block.compact_key(child),
        "forename": people.forename[child],
        "surname": people.surname[child],
        "date_of_birth": people.birth[child],
        "home_uprn": block.uprn(dwelling),
        "home_postcode": block.postcode(dwelling),
        "category": np.where(absent, "A", "M").astype(object),
        "risk_level": np.array(["NAR", "LOW", "MED", "HIGH"], dtype=object)[between(random, 0, 3, n)],
        "missing_date": day,
        "missing_time": minute,
        "found_date": np.where(found_day > calendar.last, NONE, found_day).astype(np.int32),
        "rhi_offered": np.where(random.random(n) < 0.8, "Y", "N").astype(object),
        "created_on": keyed,
        "closed_on": end_keyed,
        "_signal": np.where(absent, "away_without_leave", "episode"),
    }
    draft = Draft(
        "missing",
        "episodes",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "missing_date", ("person_ref",), ended="found_date"),),
        end_columns=("found_date", "closed_on"),
        end_keyed=end_keyed,
    )
    return draft, Episodes(child, dwelling, day, minute, found_day, absent)
