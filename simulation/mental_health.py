"""What mental health services hold: patients, referrals, contacts and detentions, submitted by month.

Adults are referred as their minds are troubled, young people as they drift, both after self-harm; more
than a quarter are turned down. Nothing of a month is seen before it was submitted, six weeks after it.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, years_between
from simulation.draw import Random, apart, between, expand, happen, only, pick
from simulation.emergencies import emergencies
from simulation.extracts import Draft, Happening
from simulation.life import Life

SOURCE = "mental_health"
ADULT, ADULT_SLOPE = 0.0006, 0.008
"""Referrals of a family's adult in a month: background, and per unit of a troubled mind."""
YOUNG, YOUNG_SLOPE, YOUNG_FROM = 0.0004, 0.005, 8
"""Referrals of one young person in a month: background, and per unit of being adrift; from what age."""
AFTER_SELF_HARM = 0.4
REJECTED = 0.28
OPEN_FOR = (150, 0.9)
"""Days under the service: median, and spread of the logarithm."""
CONTACT_EVERY = 28
"""Days between appointments, on average."""
KEPT = {"5": 0.60, "6": 0.05, "7": 0.02, "3": 0.16, "2": 0.08, "4": 0.09}
"""What became of appointments, by code."""
CRISIS = 0.06
"""Contacts of people under the service that were with its crisis team."""
CRISIS_AFTER_LOG, DETAINED_AFTER_LOG = 0.15, 0.05
"""Police logs about somebody's mental health after which the crisis team saw them; after which an adult
was detained."""
HELD_LONGER = 0.4
"""Of those detained, the share kept beyond the first day."""
SIX_WEEKS, STRAGGLES = 42, 0.06
"""Days from the end of a month to its submission, and what is submitted a month late."""
SIGNALS = {
    "5": "contact_attended",
    "6": "contact_attended",
    "7": "contact_not_attended",
    "3": "contact_not_attended",
    "2": "",
    "4": "contact_cancelled_by_provider",
}


def mental_health(random: Random, life: Life) -> list[Draft]:
    """Patients, referrals, contacts, detentions."""
    block = life.block
    who, asked = _referred(random, block)
    n, leaves = len(who), block.people.leave[who]
    rejected = random.random(n) < REJECTED
    turned_down = asked + between(random, 2, 21, n)
    median, spread = OPEN_FOR
    length = np.minimum(median * np.exp(spread * random.standard_normal(n)), 1500).astype(np.int32) + 7
    end = np.where(rejected, turned_down, np.minimum(asked + length, leaves)).astype(np.int32)
    kept = apart(who, asked, end)
    who, asked, rejected, end = who[kept], asked[kept], rejected[kept], end[kept]
    referrals = _referrals(random, block, who, asked, rejected, end)
    seen = ~rejected
    contacts = _contacts(random, life, who[seen], asked[seen], end[seen])
    detentions, detained = _detentions(random, life)
    every = [(who, referrals.keyed), contacts[1:], (detained, detentions.keyed)]
    known = np.concatenate([person for person, _ in every])
    first = np.full(block.people.count, OPEN, dtype=np.int64)
    np.minimum.at(first, known, np.concatenate([keyed for _, keyed in every]))
    return [_patients(random, block, np.unique(known), first), referrals, contacts[0], detentions]


def submitted(random: Random, day: Days) -> Days:
    """The day on which the month of each day was submitted; OPEN for what has no day."""
    month = np.minimum(day, 200_000).astype("datetime64[D]").astype("datetime64[M]")
    late = (random.random(len(day)) < STRAGGLES).astype(np.int64)
    ends = (month + 1 + late).astype("datetime64[D]").astype(np.int64) - 1
    return np.where(day >= OPEN, OPEN, ends + SIX_WEEKS + between(random, 0, 2, len(day))).astype(np.int32)


def _referred(random: Random, block: Block) -> tuple[Index, Days]:
    """(person, day) of every referral of somebody who lives in the county."""
    troubles, calendar = block.troubles, block.calendar
    unit, day = happen(random, ADULT + ADULT_SLOPE * troubles.mind, calendar)
    adult = block.adults(unit, day)[np.arange(len(unit)), between(random, 0, 1, len(unit))]
    row, young_day = happen(random, YOUNG + YOUNG_SLOPE * troubles.adrift, calendar)
    child = troubles.children[row]
    age = years_between(block.people.birth[child], young_day)
    young = (age >= YOUNG_FROM) & (age < 18)
    sudden = emergencies(block)
    after = (sudden.what == "self_harm") & (random.random(len(sudden.person)) < AFTER_SELF_HARM)
    who = np.concatenate([adult, child[young], sudden.person[after]])
    day = np.concatenate([day, young_day[young], sudden.day[after] + between(random, 0, 9, int(after.sum()))])
    there = np.flatnonzero((who >= 0) & (day <= calendar.last))
    there = there[block.home_of(who[there], day[there])[1] >= 0]
    there = there[np.lexsort((who[there], day[there]))]
    return who[there], day[there].astype(np.int32)


def _patients(random: Random, block: Block, known: Index, first: Days) -> Draft:
    keyed = first[known].astype(np.int32)
    return Draft(
        SOURCE,
        "patients",
        {
            "LocalPatientId": block.key_of(SOURCE, known),
            "NHSNumber": only(random.random(len(known)) < 0.98, block.nhs_number(known)),
            "PersonBirthDate": block.people.birth[known],
            "Postcode": block.postcode(block.home_of(known, keyed)[1]),
            "Gender": np.where(block.people.sex[known] == 1, "1", "2").astype(object),
            "SubmittedOn": keyed,
        },
        keyed=keyed,
    )


def _referrals(
    random: Random, block: Block, who: Index, asked: Days, rejected: np.ndarray, end: Days
) -> Draft:
    open_end = np.where(end > block.calendar.last, OPEN, end).astype(np.int32)
    # A referral that was turned down is submitted once it was; an answer still to come is an open one.
    keyed = submitted(random, np.where(rejected, end, asked).astype(np.int32))
    end_keyed = np.maximum(keyed, submitted(random, np.where(rejected, OPEN, open_end).astype(np.int32)))
    ended = ~rejected & (open_end < OPEN)
    return Draft(
        SOURCE,
        "referrals",
        {
            "ServiceRequestId": block.ids("SR", len(who)),
            "LocalPatientId": block.key_of(SOURCE, who),
            "ReferralRequestReceivedDate": asked,
            "ReferRejectionDate": only(rejected, end),
            "ServDischDate": only(ended, end),
            "SubmittedOn": keyed,
            "DischargeSubmittedOn": only(ended, end_keyed),
            "_under": np.where(rejected, "", "under_services").astype(object),
            "_rejected": np.where(rejected, "referral_rejected", "").astype(object),
        },
        keyed=keyed,
        happenings=(
            Happening("_under", "ReferralRequestReceivedDate", ("LocalPatientId",), ended="ServDischDate"),
            Happening("_rejected", "ReferRejectionDate", ("LocalPatientId",)),
        ),
        end_columns=("ServDischDate", "DischargeSubmittedOn"),
        end_keyed=np.where(ended, end_keyed, OPEN).astype(np.int32),
    )


def _contacts(random: Random, life: Life, who: Index, start: Days, end: Days) -> tuple[Draft, Index, Days]:
    """Appointments of people under the service, and what the crisis team did after a police log."""
    block, logs = life.block, life.logs
    until = np.minimum(end, block.calendar.last).astype(np.int64)
    count = random.poisson(np.maximum(until - start, 0) / CONTACT_EVERY)
    which, _ = expand(np.zeros(len(who), dtype=np.int64), count)
    planned = start[which] + (random.random(len(which)) * (until - start)[which]).astype(np.int64)
    about = (logs.truly == "mental_health") & (logs.person >= 0)
    sudden = np.flatnonzero(about & (random.random(len(about)) < CRISIS_AFTER_LOG))
    person = np.concatenate([who[which], logs.person[sudden]])
    day = np.concatenate([planned, logs.day[sudden] + between(random, 0, 2, len(sudden))]).astype(np.int32)
    n = len(person)
    crisis = random.random(n) < CRISIS
    crisis[len(which) :] = True
    status = np.array(list(KEPT), dtype=object)[pick(random, list(KEPT.values()), n)]
    status[len(which) :] = "5"
    signal = np.array([SIGNALS[code] for code in status.tolist()], dtype=object)
    signal[crisis & (signal == "contact_attended")] = "crisis_contact"
    order = np.lexsort((person, day))
    person, day, crisis = person[order], day[order], crisis[order]
    status, signal = status[order], signal[order]
    keyed = submitted(random, day)
    called_off = np.where(status == "3", "4", status)
    draft = Draft(
        SOURCE,
        "contacts",
        {
            "CareContactId": block.ids("CC", n, 9),
            "LocalPatientId": block.key_of(SOURCE, person),
            "CareContDate": day,
            "AttendStatus": status,
            "CrisisContact": np.where(crisis, "Y", "N").astype(object),
            "SubmittedOn": keyed,
            "_signal": signal,
        },
        keyed=keyed,
        happenings=(Happening("_signal", "CareContDate", ("LocalPatientId",)),),
        corrected={
            "AttendStatus": called_off,
            "_signal": np.where(status == "3", "contact_cancelled_by_provider", signal),
        },
    )
    return draft, person, keyed


def _detentions(random: Random, life: Life) -> tuple[Draft, Index]:
    """Detentions of adults after a police log: most end on the day, others last for weeks."""
    block, logs = life.block, life.logs
    who = np.maximum(logs.person, 0)
    about = (logs.truly == "mental_health") & (logs.person >= 0)
    grown = years_between(block.people.birth[who], logs.day) >= 18
    at = np.flatnonzero(about & grown & (random.random(len(who)) < DETAINED_AFTER_LOG))
    person, start = who[at], logs.day[at]
    longer = random.random(len(at)) < HELD_LONGER
    end = start + np.where(longer, between(random, 5, 120, len(at)), 1)
    kept = apart(person, start, end)
    person, start, end = person[kept], start[kept].astype(np.int32), end[kept].astype(np.int32)
    ended = end <= block.calendar.last
    keyed = submitted(random, start)
    end_keyed = np.maximum(keyed, submitted(random, np.where(ended, end, OPEN).astype(np.int32)))
    draft = Draft(
        SOURCE,
        "detentions",
        {
            "LegalStatusPeriodId": block.ids("LS", len(person)),
            "LocalPatientId": block.key_of(SOURCE, person),
            "StartDateLegalStatus": start,
            "EndDateLegalStatus": np.where(ended, end, NONE).astype(np.int32),
            "SubmittedOn": keyed,
            "EndSubmittedOn": only(ended, end_keyed),
        },
        keyed=keyed,
        happenings=(
            Happening("detention", "StartDateLegalStatus", ("LocalPatientId",), ended="EndDateLegalStatus"),
        ),
        end_columns=("EndDateLegalStatus", "EndSubmittedOn"),
        end_keyed=end_keyed.astype(np.int32),
    )
    return draft, person
