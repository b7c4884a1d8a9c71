"""What the police's records system holds: recorded occurrences, detentions, vulnerability notices, and who is
who to whom.

Most occurrences are the same happening as a log of command and control, or as an episode of the
missing-persons desk, within a few hours; some are told online and have no log.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulation.block import Block
from simulation.calendar import Days, Index, Mask, years_between
from simulation.crisis import Logs
from simulation.draw import Random, between, happen, only, own_stream, pick
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life
from simulation.niche_links import niche_links
from simulation.people import Text

SOURCE = "police_records"
RECORDED = {"CRM": 0.82, "DA": 0.9}
"""Logs, by what they were closed as, of which an occurrence was made."""
A_CRIME = 0.55
"""Occurrences of domestic abuse that are a crime; the others are recorded all the same."""
HOURS_BEFORE = 6
"""A thing happens up to so many hours before somebody rings about it."""
ONLINE, ONLINE_SLOPE = 0.0006, 0.003
"""Crimes that a household's first adult tells online in a month: background, and per unit of debt."""
WITNESSED = 0.2
"""Crimes against somebody that another adult of the home saw."""
MISSING_RECORDED = 0.96
ARRESTED, DETAINED = 0.4, 0.85
"""Suspects who were arrested within three days, and those of them whose detention was authorised."""
NOTICED = {"mental_health": 0.2, "concern_for_safety": 0.25, "domestic_abuse": 0.3}
"""Logs after which an officer wrote a notice, by what they truly were, not by how they were closed."""
DELAYS = {"occurrences": (3, 1.0), "custody": (1, 0.7), "notices": (4, 0.9)}
"""Days to keying: median, and spread of the logarithm."""

ROLES = {"VIC": "V", "SUS": "S", "CHP": "C"}
SIGNALS = {
    ("CRI", "V"): "crime_victim",
    ("CRI", "S"): "crime_suspect",
    ("CRI", "W"): "witness",
    ("DA", "V"): "domestic_abuse_victim",
    ("DA", "S"): "domestic_abuse_suspect",
    ("DA", "C"): "domestic_abuse_child",
    ("MIS", "M"): "missing",
    ("MIS", "I"): "",
}


@dataclass(frozen=True)
class Linked:
    """People linked to occurrences: rows with the same `occurrence` are one; `moment` in minutes."""

    occurrence: Index
    person: Index
    moment: Index
    what: Text  # CRI, DA or MIS
    role: Text

    @property
    def day(self) -> Days:
        return (self.moment // 1440).astype(np.int32)

    def where(self, chosen: Index | Mask) -> Linked:
        return Linked(*(getattr(self, field.name)[chosen] for field in fields(self)))


def police_records(random: Random, life: Life) -> list[Draft]:
    """Occurrences, detentions, vulnerability notices, and links between people."""
    parts = [
        _with_witnesses(random, life.block, _from_logs(random, life)),
        _told_online(random, life.block),
        _missing(random, life),
    ]
    linked = _in_order(life.block, parts)
    return [
        _occurrences(random, life.block, linked),
        _custody(random, life.block, linked),
        _notices(random, life.block, life.logs),
        _links(random, life.block, linked),
    ]


def _links(random: Random, block: Block, linked: Linked) -> Draft:
    """Links between those whom an occurrence names; who rang about somebody is not told on."""
    named = linked.where(linked.role != "I")
    return niche_links(own_stream(random, "links"), block, SOURCE, named.person, named.day)


def _in_order(block: Block, parts: list[Linked]) -> Linked:
    """All parts as one, oldest first, their occurrences numbered from 0 on; nothing before the first day."""
    firsts = np.cumsum([0, *(int(part.occurrence.max(initial=-1)) + 1 for part in parts)])
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Linked)}
    columns["occurrence"] = columns["occurrence"] + np.repeat(firsts[:-1], [len(p.person) for p in parts])
    columns["moment"] = np.maximum(columns["moment"], block.calendar.first * 1440)
    _, columns["occurrence"] = np.unique(columns["occurrence"], return_inverse=True)
    linked = Linked(**columns)
    return linked.where(np.lexsort((linked.person, linked.role, linked.occurrence, linked.day)))


def _from_logs(random: Random, life: Life) -> Linked:
    logs = life.logs
    incidents = int(logs.incident.max(initial=-1)) + 1
    share = np.array([RECORDED.get(closed, 0.0) for closed in logs.closed])
    at = np.flatnonzero((logs.person >= 0) & (random.random(incidents)[logs.incident] < share))
    before = np.minimum(random.gamma(1.2, 60, incidents), HOURS_BEFORE * 60).astype(np.int64)
    moment = logs.day.astype(np.int64) * 1440 + logs.minute - before[logs.incident]
    what = np.where(logs.closed == "DA", "DA", "CRI").astype(object)
    role = np.array([ROLES.get(role, "") for role in logs.role], dtype=object)
    return Linked(logs.incident, logs.person, moment, what, role).where(at[role[at] != ""])


def _with_witnesses(random: Random, block: Block, linked: Linked) -> Linked:
    """Crimes against somebody at home now and then have another adult of the home as witness."""
    crime = (linked.what == "CRI") & (linked.role == "V")
    seen = linked.where(crime & (random.random(len(linked.person)) < WITNESSED))
    other = block.other_adult(seen.person, seen.day)
    seen = Linked(seen.occurrence, other, seen.moment, seen.what, np.full(len(other), "W", dtype=object))
    seen = seen.where(other >= 0)
    return Linked(*(np.concatenate([getattr(linked, f.name), getattr(seen, f.name)]) for f in fields(Linked)))


def _told_online(random: Random, block: Block) -> Linked:
    unit, day = happen(random, ONLINE + ONLINE_SLOPE * block.troubles.debt, block.calendar)
    victim = block.adults(unit, day)[:, 0]
    n = len(unit)
    moment = day.astype(np.int64) * 1440 + between(random, 0, 1439, n)
    what, role = (np.full(n, text, dtype=object) for text in ("CRI", "V"))
    at_home = (victim >= 0) & (block.homes.dwelling_at(unit, day) >= 0)
    return Linked(np.arange(n), victim, moment, what, role).where(at_home)


def _missing(random: Random, life: Life) -> Linked:
    """Missing people, each with the adult who rang."""
    block, episodes = life.block, life.missing
    at = np.flatnonzero(~episodes.absent & (random.random(len(episodes.child)) < MISSING_RECORDED))
    child, day, n = episodes.child[at], episodes.day[at], len(at)
    moment = day.astype(np.int64) * 1440 + episodes.minute[at] - between(random, 0, 180, n)
    informant = block.other_adult(child, day)
    role = np.repeat(np.array(["M", "I"], dtype=object), n)
    person = np.concatenate([child, informant])
    what = np.full(2 * n, "MIS", dtype=object)
    return Linked(np.tile(np.arange(n), 2), person, np.tile(moment, 2), what, role).where(person >= 0)


def _names(block: Block, who: Index) -> dict[str, Values]:
    """Who somebody is, as this system writes it: surnames in capitals."""
    return {
        "nominal_ref": block.key_of(SOURCE, who),
        "forenames": block.people.forename[who],
        "surname": np.array([name.upper() for name in block.people.surname[who]], dtype=object),
        "dob": block.people.birth[who],
    }


def _occurrences(random: Random, block: Block, linked: Linked) -> Draft:
    n, occurrences = len(linked.person), int(linked.occurrence.max(initial=-1)) + 1
    # The first of those linked to an occurrence is number 1.
    order = np.argsort(linked.occurrence, kind="stable")
    place = np.empty(n, dtype=np.int64)
    sorted_numbers = linked.occurrence[order]
    place[order] = np.arange(n) - np.searchsorted(sorted_numbers, sorted_numbers, side="left")
    abuse = np.where(random.random(occurrences) < A_CRIME, "DAC", "DAN").astype(object)[linked.occurrence]
    dwelling = block.home_of(linked.person, linked.day)[1]
    signal = np.array([SIGNALS[key] for key in zip(linked.what, linked.role, strict=True)], dtype=object)
    cleared = (linked.what == "CRI") & (linked.role == "S")
    outcomes = np.array(["Under investigation", "No suspect identified", "Charged", "Filed"], dtype=object)
    keyed = block.keyed(random, DELAYS["occurrences"], linked.day, dwelling)
    suspect = (linked.role == "S") & (random.random(n) < 0.6)
    columns = {
        "occurrence_no": block.ids("", occurrences, 11)[linked.occurrence],
        "link_no": place + 1,
        "class": np.where(linked.what == "DA", abuse, linked.what),
        "role": linked.role,
        "from_date": linked.day,
        "from_time": linked.moment % 1440,
        "outcome": outcomes[between(random, 0, len(outcomes) - 1, occurrences)[linked.occurrence]],
        "pnc_id": only(suspect, block.key("", 3_141_593, linked.person)),
        **_names(block, linked.person),
        "home_uprn": block.uprn(dwelling),
        "home_postcode": block.postcode(dwelling),
        "linked_on": keyed,
        "_signal": signal,
    }
    return Draft(
        SOURCE,
        "occurrences",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "from_date", ("nominal_ref",)),),
        corrected={
            "role": np.where(cleared, "W", linked.role),
            "_signal": np.where(cleared, "witness", signal),
        },
    )


def _custody(random: Random, block: Block, linked: Linked) -> Draft:
    """Arrests of suspects, most of them followed by hours in a cell."""
    age = years_between(block.people.birth[linked.person], linked.day)
    arrested = (linked.role == "S") & (age >= 10) & (random.random(len(age)) < ARRESTED)
    taken = linked.where(arrested)
    n = len(taken.person)
    moment = taken.moment + between(random, 20, 3 * 1440, n)
    detained = random.random(n) < DETAINED
    hours = np.round(np.minimum(random.gamma(4, 3.5, n), 36), 1)
    day = (moment // 1440).astype(np.int32)
    keyed = block.keyed(random, DELAYS["custody"], day)
    disposals = np.array(["Bailed", "Released under investigation", "Charged", "No further action"], object)
    columns = {
        "custody_ref": block.ids("CR", n),
        **_names(block, taken.person),
        "arrested_date": day,
        "arrested_time": moment % 1440,
        "detention": np.where(detained, "A", "R").astype(object),
        "hours_held": np.where(detained, hours, np.nan),
        "disposal": disposals[between(random, 0, len(disposals) - 1, n)],
        "recorded_on": keyed,
        "_custody": np.where(detained, "custody", ""),
    }
    return Draft(
        SOURCE,
        "custody",
        columns,
        keyed=keyed,
        happenings=(
            Happening("arrest", "arrested_date", ("nominal_ref",)),
            Happening("_custody", "arrested_date", ("nominal_ref",)),
        ),
    )


def _notices(random: Random, block: Block, logs: Logs) -> Draft:
    """Vulnerability notices about those whom a log was about or who were harmed, never about suspects."""
    share = np.array([NOTICED.get(truly, 0.0) for truly in logs.truly])
    about = (logs.person >= 0) & np.isin(logs.role, ["SUB", "VIC", "CHP"])
    at = np.flatnonzero(about & (random.random(len(share)) < share))
    who, day, n = logs.person[at], logs.day[at], len(at)
    child = years_between(block.people.birth[who], day) < 18
    kind = np.where(child, "C", np.where(logs.truly[at] == "domestic_abuse", "D", "A")).astype(object)
    keyed = block.keyed(random, DELAYS["notices"], day, logs.dwelling[at])
    columns = {
        "ppn_ref": block.ids("PPN", n),
        "ppn_type": kind,
        "ppn_grade": np.array(["S", "M", "H"], dtype=object)[pick(random, (0.5, 0.35, 0.15), n)],
        **_names(block, who),
        "incident_date": day,
        "incident_time": logs.minute[at],
        "submitted_on": keyed,
    }
    return Draft(
        SOURCE,
        "notices",
        columns,
        keyed=keyed,
        happenings=(Happening("vulnerability_notice", "incident_date", ("nominal_ref",)),),
    )
