"""What adult social care holds: requests, assessments, services and their reviews, a row an event.

Old age, disability and a troubled mind bring requests, for oneself or as a carer; fewer than half go
on to an assessment, and of those some to a service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import OPEN, Days, Index, Mask, years_between
from simulation.draw import Floats, Random, between, happen, only, pick
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

REQUEST, REQUEST_DISABLED, REQUEST_OLD, REQUEST_TROUBLED = 0.0003, 0.0040, 0.0060, 0.0012
"""Requests of an adult a month: always, if disabled, if over 75, and by unit of the family's trouble of
mind and drink."""
AS_CARER = 0.15
GOES_ON, ASSESSED_NEED = 0.42, 0.6
SERVICE_DAYS = 420
"""How long a service lasts, on average."""
NHS_NUMBER_GIVEN = 0.93
FINISHED_LATER = (3, 6, 40)
"""Days that a request takes at most, and an assessment at least and at most."""
DELAY = (6, 0.9)
"""Days from the end of something to its keying: median, and spread of the logarithm."""
OUTCOMES = {
    "NFA - Information & Advice / Signposting only": 0.6,
    "NFA - Support declined": 0.2,
    "NFA - No services offered: Other reason": 0.2,
}


@dataclass(frozen=True)
class Step:
    """Events of one type: about whom, as a carer or not, from and until when, and how they came out."""

    kind: str
    person: Index
    carer: Mask
    start: Days
    end: Days
    outcome: Text

    def __len__(self) -> int:
        return len(self.person)


def adult_care(random: Random, life: Life) -> list[Draft]:
    """All events in one table, as the national collection has them."""
    block = life.block
    steps = _steps(random, block)
    return [_draft(random, block, steps)]


def _steps(random: Random, block: Block) -> list[Step]:
    person, day = _asks(random, block)
    n = len(person)
    carer = random.random(n) < AS_CARER
    goes_on = random.random(n) < GOES_ON
    nothing = np.array(list(OUTCOMES), dtype=object)[pick(random, list(OUTCOMES.values()), n)]
    done = day + between(random, 0, FINISHED_LATER[0], n)
    outcome = np.where(goes_on, "Progress to Assessment", nothing)
    requests = Step("Request", person, carer, day, done, outcome)

    person, carer, n = person[goes_on], carer[goes_on], int(goes_on.sum())
    start = done[goes_on] + between(random, 3, 30, n)
    done = start + between(random, *FINISHED_LATER[1:], n)
    need = random.random(n) < ASSESSED_NEED
    outcome = np.where(need, "Progress to Support Planning / Services", "NFA - Support declined")
    assessments = Step("Assessment", person, carer, start, done, outcome.astype(object))

    person, carer, n = person[need], carer[need], int(need.sum())
    start = done[need] + between(random, 2, 25, n)
    stops = start + 14 + random.exponential(SERVICE_DAYS, n)
    end = np.minimum(stops, block.people.leave[person]).astype(np.int32)
    ended = np.full(n, "Service ended as planned", dtype=object)
    services = Step("Service", person, carer, start, end, ended)

    reviewed = end > start + 365
    start = start[reviewed] + 365
    same = np.full(len(start), "No change in package", dtype=object)
    reviews = Step("Review", person[reviewed], carer[reviewed], start, start + 1, same)
    return [requests, assessments, services, reviews]


def _asks(random: Random, block: Block) -> tuple[Index, Days]:
    """Adults who ask, and the day."""
    people, troubles, calendar = block.people, block.troubles, block.calendar
    unit = people.stays.more["unit"][np.searchsorted(people.stays.owner, np.arange(people.count))]
    trouble = (troubles.mind + troubles.alcohol)[unit]
    age = years_between(people.birth[:, None], calendar.month_starts[None, :-1])
    rates: Floats = REQUEST + REQUEST_TROUBLED * trouble + REQUEST_DISABLED * people.disabled[:, None]
    rates = np.where(age >= 18, rates + REQUEST_OLD * (age > 75), 0)
    person, day = happen(random, rates, calendar)
    there = block.home_of(person, day)[1] >= 0
    return person[there], day[there]


def _draft(random: Random, block: Block, steps: list[Step]) -> Draft:
    people, last = block.people, block.calendar.last
    kind = np.concatenate([np.full(len(s), s.kind, dtype=object) for s in steps])
    person, carer, start, end, outcome = (
        np.concatenate([getattr(s, name) for s in steps])
        for name in ("person", "carer", "start", "end", "outcome")
    )
    service = kind == "Service"
    start, end = start.astype(np.int32), np.minimum(end, OPEN).astype(np.int32)
    dwelling = block.home_of(person, start)[1]
    # All but a service are there only once they are finished.
    there = np.flatnonzero((dwelling >= 0) & (np.where(service, start, end) <= last) & (end >= start))
    there = there[np.lexsort((person[there], start[there]))]
    kind, person, carer, service = kind[there], person[there], carer[there], service[there]
    start, end, outcome, dwelling = start[there], end[there], outcome[there], dwelling[there]
    end_keyed = block.keyed(random, DELAY, end, dwelling)
    keyed = np.where(service, block.keyed(random, DELAY, start, dwelling), end_keyed).astype(np.int32)
    knows_nhs = random.random(people.count) < NHS_NUMBER_GIVEN
    ended, n = end <= last, len(person)
    routes = np.array(["Community / other route", "Discharge from hospital"], dtype=object)
    columns = {
        "LA Person Unique Identifier": block.key_of("adult_care", person),
        "NHS Number": only(knows_nhs[person], block.nhs_number(person)),
        "First Name": people.forename[person],
        "Last Name": people.surname[person],
        "Date of Birth": people.birth[person],
        "Postcode": block.postcode(dwelling),
        "UPRN": block.uprn(dwelling),
        "Client Type": np.where(carer, "Carer", "Service User").astype(object),
        "Event Type": kind,
        "Event Reference": block.ids("E", n),
        "Event Start Date": start,
        "Event End Date": only(ended, end).astype(np.int32),
        "Event Outcome": only(ended, outcome),
        "Request: Route of Access": only(kind == "Request", routes[pick(random, (0.8, 0.2), n)]),
        "Service Type": only(service, np.full(n, "Long Term Support: Community", dtype=object)),
        "_signal": _signals(kind, carer, outcome),
        "_service": np.where(service, np.where(carer, "carer_service", "service"), "").astype(object),
    }
    who = ("LA Person Unique Identifier",)
    return Draft(
        "adult_care",
        "events",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_signal", "Event Start Date", who),
            Happening("_service", "Event Start Date", who, ended="Event End Date"),
        ),
        end_columns=("Event End Date", "Event Outcome"),
        end_keyed=np.maximum(keyed, end_keyed).astype(np.int32),
        corrected={"Event Start Date": np.where(service, start, start - 1).astype(np.int32)},
    )


def _signals(kind: Text, carer: Mask, outcome: Text) -> Text:
    """What a request or an assessment says; a carer's assessment is never that of the person."""
    nothing = np.array([o.startswith("NFA") for o in outcome], dtype=bool)
    request = np.where(nothing, "request_no_further_action", "request")
    assessment = np.where(carer, "carer_assessment", "assessment")
    found = np.where(kind == "Request", request, np.where(kind == "Assessment", assessment, ""))
    return found.astype(object)
