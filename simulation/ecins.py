"""What E-CINS holds: profiles of people about whom several agencies talk, and what was agreed.

A care contact or a police log may draw agencies in; the more troubles at home, the likelier and the
more of them. Each such case has agencies with their involvement, perhaps a lead professional,
referrals between them of which many are answered late or never, and tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, Mask
from simulation.draw import Random, between, expand, lag, only, own_stream
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

AGENCIES = np.array(["POL", "HOU", "SCH", "CSC", "HEA", "VCS", "ASC", "PRB", "FRS"], dtype=object)
OURS = "EHT"
CONTACT_DRAWS, LOG_DRAWS, TROUBLE_DRAWS = 0.03, 0.005, 0.007
"""Chance that a contact, or a named log, draws agencies in, and what each unit of trouble adds."""
MORE, MORE_TROUBLE, MOST_AGENCIES = 0.4, 0.15, 5
"""Agencies besides the first, on average: of any case, for each unit of trouble, and the most of all."""
OURS_TOO = 0.3
"""Cases in which our own team takes part; in a third of those it makes a referral."""
LEAD = 0.4
"""Cases with a lead professional."""
LASTS = (60, 420)
END_NEVER_KEYED = 0.2
UNANSWERED, UNANSWERED_TROUBLE, UNANSWERED_CAP = 0.14, 0.015, 0.4
"""Referrals that are not answered in time, what each unit of trouble adds, and the most it can come
to: the hardest families are passed on most."""
ANSWERED_LATE = 0.45
"""Of those, the share that is answered after all, 30 to 150 days on."""
ANSWER = (8, 0.7)
"""Days until an answer in time: median, and the spread of the logarithm; at most `IN_TIME`."""
IN_TIME = 28
DECLINED = 0.2
TASKS = 1.2
"""Tasks a case, on average."""
LATE, NEVER_DONE = 0.3, 0.08
CONSENT, CONSENT_WITHDRAWN = 0.45, 0.05
"""Share of profiles that rest on consent, and of those where it is withdrawn later."""
STAFF_FAMILY, ADDRESS_WITHHELD = 0.008, 0.02
UPRN_KNOWN, BIRTH_DATE_KNOWN = 0.5, 0.9
SOCIAL_CARE_NUMBER = 0.4
"""Profiles of children whom social care knew by then that have its number."""
ENTERED = (4, 1.0)
"""Days until something is entered: median, and the spread of the logarithm."""


@dataclass(frozen=True)
class Cases:
    """What drew agencies in: about whom, from when until when, how much trouble, which agencies.

    agency and at are one value an agency of a case: the code, and the case it belongs to; the first
    of a case is the one that began it.
    """

    person: Index
    start: Days
    end: Days
    trouble: np.ndarray
    at: Index
    agency: Text
    ours: Mask

    def __len__(self) -> int:
        return len(self.person)


def ecins(random: Random, life: Life) -> list[Draft]:
    """Profiles, involvement, referrals and tasks of a block."""
    cases = _cases(random, life)
    return [
        _profiles(random, life, cases),
        _involvement(random, life.block, cases),
        _referrals(random, life.block, cases),
        _tasks(random, life.block, cases),
    ]


def _cases(random: Random, life: Life) -> Cases:
    block, logs, contact = life.block, life.logs, life.care.contact
    named = np.flatnonzero((logs.person >= 0) & (logs.truly != "administration"))
    person = np.concatenate([contact.child, logs.person[named]])
    day = np.concatenate([contact.start, logs.day[named]]).astype(np.int32)
    draws = np.repeat([CONTACT_DRAWS, LOG_DRAWS], [len(contact), len(named)])
    unit, dwelling = block.home_of(person, day)
    trouble = block.troubles.all()[np.maximum(unit, 0), block.calendar.month_of(day)].astype(np.float64)
    chosen = (dwelling >= 0) & (random.random(len(person)) < draws + TROUBLE_DRAWS * trouble)
    day = day + between(random, 0, 7, len(day))
    chosen &= (day <= block.calendar.last) & (day < block.people.leave[person])
    there = np.flatnonzero(chosen)
    there = there[np.lexsort((person[there], day[there]))]
    n = len(there)
    many = np.minimum(1 + random.poisson(MORE + MORE_TROUBLE * trouble[there]), MOST_AGENCIES).astype(
        np.int64
    )
    at, place = expand(np.zeros(n, dtype=np.int64), many.astype(np.int64))
    order = np.argsort(random.random((n, len(AGENCIES))), axis=1)
    lasts = between(random, *LASTS, n)
    return Cases(
        person=person[there],
        start=day[there].astype(np.int32),
        end=(day[there] + lasts).astype(np.int32),
        trouble=trouble[there],
        at=at,
        agency=AGENCIES[order[at, place]],
        ours=random.random(n) < OURS_TOO,
    )


def _profiles(random: Random, life: Life, cases: Cases) -> Draft:
    """One a person, from the first case on."""
    block = life.block
    people, last = block.people, block.calendar.last
    who, first = np.unique(cases.person, return_index=True)  # cases are in order of their days
    created, n = cases.start[first], len(who)
    dwelling = block.home_of(who, created)[1]
    keyed = block.keyed(random, ENTERED, created, dwelling)
    gave = random.random(n) < CONSENT
    withdrawn = np.where(
        gave & (random.random(n) < CONSENT_WITHDRAWN), created + between(random, 30, 500, n), OPEN
    ).astype(np.int32)
    gone = withdrawn <= last
    withheld = random.random(n) < ADDRESS_WITHHELD
    staff = ~withheld & (random.random(n) < STAFF_FAMILY)
    restricted = only(staff | withheld, np.where(staff, "SF", "AW"))
    since = np.full(people.count, OPEN, dtype=np.int32)
    child, day = life.care.first_known()
    since[child] = day
    noted = (since[who] < created) & (own_stream(random, "social care").random(n) < SOCIAL_CARE_NUMBER)
    columns = {
        "profile_ref": block.key_of("ecins", who),
        "social_care_ref": only(noted, block.child_key(who)),
        "forenames": people.forename[who],
        "surname": people.surname[who],
        "date_of_birth": only(random.random(n) < BIRTH_DATE_KNOWN, people.birth[who]).astype(np.int32),
        "uprn": only(~withheld & (random.random(n) < UPRN_KNOWN), block.uprn(dwelling)),
        "postcode": only(~withheld, block.postcode(dwelling)),
        "created_on": keyed,
        "case_status": np.where(random.random(n) < 0.4, "Open", "Closed").astype(object),
        "consent_basis": np.where(gave, "C", "L").astype(object),
        "consent_withdrawn_on": np.where(gone, withdrawn, NONE).astype(np.int32),
        "restricted": restricted,
    }
    return Draft(
        "ecins",
        "profiles",
        columns,
        keyed=keyed,
        end_columns=("consent_withdrawn_on",),
        end_keyed=np.where(gone, np.maximum(keyed, block.keyed(random, ENTERED, withdrawn)), OPEN).astype(
            np.int32
        ),
    )


def _involvement(random: Random, block: Block, cases: Cases) -> Draft:
    """The agencies of each case, ours where it takes part, and a lead professional where there is one."""
    mine = np.flatnonzero(cases.ours)
    led = np.flatnonzero(random.random(len(cases)) < LEAD)
    first = np.searchsorted(cases.at, led)
    at = np.concatenate([cases.at, mine, led])
    agency = np.concatenate([cases.agency, np.full(len(mine), OURS, dtype=object), cases.agency[first]])
    leads = np.arange(len(at)) >= len(cases.at) + len(mine)
    start = cases.start[at] + between(random, 0, 20, len(at))
    end = np.where(random.random(len(at)) < END_NEVER_KEYED, OPEN, np.maximum(cases.end[at], start + 1))
    there = np.flatnonzero(start <= block.calendar.last)
    there = there[np.lexsort((at[there], start[there]))]
    at, agency, leads = at[there], agency[there], leads[there]
    start, end = start[there].astype(np.int32), end[there].astype(np.int32)
    keyed, who = block.keyed(random, ENTERED, start), cases.person[at]
    signal = np.where(leads, "lead_professional", "agency_involved")
    columns = {
        "involvement_ref": block.ids("IN", len(at)),
        "profile_ref": block.key_of("ecins", who),
        "agency": agency,
        "role": np.where(leads, "LEAD", "INV").astype(object),
        "involved_from": start,
        "involved_to": _until(block, end),
        "entered_on": keyed,
        "_signal": np.where(agency == OURS, "our_involvement", signal).astype(object),
    }
    return Draft(
        "ecins",
        "involvement",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "involved_from", ("profile_ref",), ended="involved_to"),),
        end_columns=("involved_to",),
        end_keyed=np.maximum(keyed, block.keyed(random, ENTERED, end)).astype(np.int32),
    )


def _referrals(random: Random, block: Block, cases: Cases) -> Draft:
    """From the agency that began a case to each of the others; some by us."""
    begins = np.r_[True, cases.at[1:] != cases.at[:-1]] if len(cases.at) else np.zeros(0, dtype=bool)
    other = np.flatnonzero(~begins)
    mine = np.flatnonzero(cases.ours & (random.random(len(cases)) < 1 / 3))
    first = np.flatnonzero(begins)
    at = np.concatenate([cases.at[other], mine])
    to = np.concatenate([cases.agency[other], cases.agency[first[mine]]])
    by = np.concatenate([cases.agency[first[cases.at[other]]], np.full(len(mine), OURS, dtype=object)])
    made = cases.start[at] + between(random, 0, 30, len(at))
    there = np.flatnonzero(made <= block.calendar.last)
    there = there[np.lexsort((at[there], made[there]))]
    at, to, by, made = at[there], to[there], by[there], made[there].astype(np.int32)
    n = len(at)
    unanswered = np.minimum(UNANSWERED + UNANSWERED_TROUBLE * cases.trouble[at], UNANSWERED_CAP)
    waits = random.random(n) < unanswered
    in_time = made + np.minimum(lag(random, ANSWER, n), IN_TIME)
    late = np.where(random.random(n) < ANSWERED_LATE, made + between(random, IN_TIME + 2, 150, n), OPEN)
    answered = np.where(waits, late, in_time).astype(np.int32)
    known = answered <= block.calendar.last
    declined = random.random(n) < DECLINED
    keyed = block.keyed(random, ENTERED, made)
    ours = by == OURS
    columns = {
        "referral_ref": block.ids("ER", n),
        "profile_ref": block.key_of("ecins", cases.person[at]),
        "from_agency": by,
        "to_agency": to,
        "made_on": made,
        "answer": only(known, np.where(declined, "DEC", "ACC").astype(object)),
        "answered_on": _until(block, answered),
        "entered_on": keyed,
        "_due": (made + IN_TIME).astype(np.int32),
        "_made": np.where(ours, "our_handoff", "handoff").astype(object),
        "_declined": np.where(declined & ~ours, "handoff_declined", "").astype(object),
        "_unanswered": np.where(ours, "", "handoff_unanswered").astype(object),
    }
    return Draft(
        "ecins",
        "referrals",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_made", "made_on", ("profile_ref",), ended="answered_on"),
            Happening("_declined", "answered_on", ("profile_ref",)),
            Happening("_unanswered", "_due", ("profile_ref",), ended="answered_on", unless_ended=True),
        ),
        end_columns=("answer", "answered_on"),
        end_keyed=np.maximum(keyed, block.keyed(random, ENTERED, answered)).astype(np.int32),
    )


def _tasks(random: Random, block: Block, cases: Cases) -> Draft:
    """What agencies undertook to do, and when they did it."""
    counts = random.poisson(TASKS, len(cases))
    at = np.repeat(np.arange(len(cases)), counts)
    created = cases.start[at] + between(random, 0, 90, len(at))
    there = np.flatnonzero(created <= block.calendar.last)
    there = there[np.lexsort((at[there], created[there]))]
    at, created, n = at[there], created[there].astype(np.int32), len(there)
    # Any agency of the case, and ours where it takes part.
    size = np.bincount(cases.at, minlength=len(cases))[at]
    chosen = np.searchsorted(cases.at, at) + (random.random(n) * size).astype(np.int64)
    agency = np.where(cases.ours[at] & (random.random(n) < 0.4), OURS, cases.agency[chosen])
    due = created + between(random, 7, 42, n)
    late = random.random(n) < LATE
    done = np.where(late, due + between(random, 3, 60, n), created + (due - created) * random.random(n))
    done = np.where(random.random(n) < NEVER_DONE, OPEN, done).astype(np.int32)
    ours = agency == OURS
    columns = {
        "task_ref": block.ids("TK", n),
        "profile_ref": block.key_of("ecins", cases.person[at]),
        "agency": agency.astype(object),
        "created_on": created,
        "due_on": due.astype(np.int32),
        "done_on": _until(block, done),
        "_overdue_from": (due + 1).astype(np.int32),
        "_task": np.where(ours, "", "task").astype(object),
        "_overdue": np.where(ours, "", "task_overdue").astype(object),
    }
    return Draft(
        "ecins",
        "tasks",
        columns,
        keyed=created,
        happenings=(
            Happening("_task", "created_on", ("profile_ref",), ended="done_on"),
            Happening("_overdue", "_overdue_from", ("profile_ref",), ended="done_on", unless_ended=True),
        ),
        end_columns=("done_on",),
        end_keyed=np.maximum(created, block.keyed(random, ENTERED, done)).astype(np.int32),
    )


def _until(block: Block, end: Days) -> Days:
    """Ends as written: none that lies after the last day."""
    return np.where(end > block.calendar.last, NONE, end).astype(np.int32)
