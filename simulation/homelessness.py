"""What the housing options team holds: the sections of the return, and the log of its advice desk."""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import OPEN, Days, Index, Mask, years_between
from simulation.draw import Floats, Random, Spells, between, happen, only
from simulation.extracts import Draft, Happening
from simulation.homeless import APART, Cases, Duty, cases_for
from simulation.homes import HOSTEL
from simulation.life import Life
from simulation.people import Text

ADVICE, ADVICE_DEBT = 0.0006, 0.0045
"""Times of advice alone, a month: always, and by unit of debt."""
KEYED_LATE = 0.02
"""Applications that are keyed after the fact, with a date after the duty's."""
DELAYS = {"case": (2, 0.8), "duty": (4, 0.9), "end": (8, 0.9), "stay": (1.5, 0.8)}
"""Days from happening to keying: (median, spread of the logarithm)."""
NINO_GIVEN, BIRTH_DATE_GIVEN = 0.8, 0.85


def homelessness(random: Random, life: Life) -> list[Draft]:
    """The sections of the return, a row a person where a duty is owed to a household, and the advice log."""
    block = life.block
    cases = cases_for(random, block, life.arrears)
    reference = block.ids("HC", len(cases.unit))
    which, person = block.people.members(cases.unit, cases.day)
    return [
        _main(random, block, cases, reference),
        _people(random, block, cases, reference, which, person),
        _duty(random, block, "prevention", cases.prevention, reference, which, person),
        _duty(random, block, "relief", cases.relief, reference, which, person),
        _final(random, block, cases, reference, which, person),
        _stays(random, block, cases, reference),
        _advice(random, block, cases),
    ]


def _main(random: Random, block: Block, cases: Cases, reference: Text) -> Draft:
    n = len(cases.unit)
    after = cases.assessed + between(random, 1, 9, n)
    applied = np.where(random.random(n) < KEYED_LATE, after, cases.day).astype(np.int32)
    keyed = block.keyed(random, DELAYS["case"], applied)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["case"], cases.assessed))
    known = cases.assessed <= block.calendar.last
    columns = {
        "case_ref": reference,
        "applicant_ref": block.key_of("homelessness", block.adults(cases.unit, cases.day)[:, 0]),
        "application_date": applied,
        "referred_by": only(random.random(n) < 0.15, np.full(n, "Adult social care", dtype=object)),
        "loss_reason": cases.reason,
        "assessment_date": only(known, cases.assessed).astype(np.int32),
        "assessment": only(known, cases.result),
        "keyed_on": keyed,
        "_none": np.where(np.isin(cases.result, ("NEITHER", "INELIGIBLE")), "no_duty_owed", ""),
    }
    return Draft(
        "homelessness",
        "main",
        columns,
        keyed=keyed,
        happenings=(
            Happening("application", "application_date", ("applicant_ref",)),
            Happening("_none", "assessment_date", ("applicant_ref",)),
        ),
        end_columns=("assessment_date", "assessment"),
        end_keyed=end_keyed,
        corrected={"application_date": applied - 1},
    )


def _people(
    random: Random, block: Block, cases: Cases, reference: Text, which: Index, person: Index
) -> Draft:
    people, n = block.people, len(person)
    day = cases.day[which]
    dwelling = block.homes.dwelling_at(cases.unit, cases.day)[which]
    grown = years_between(people.birth[person], day) >= 18
    adults = block.adults(cases.unit, cases.day)[which]
    role = np.where(grown, "O", "C").astype(object)
    role[adults[:, 1] == person] = "P"
    role[adults[:, 0] == person] = "A"
    keyed = block.keyed(random, DELAYS["case"], day)
    columns = {
        "case_ref": reference[which],
        "person_ref": block.key_of("homelessness", person),
        "household_role": role,
        "forename": people.forename[person],
        "surname": people.surname[person],
        "date_of_birth": people.birth[person],
        "nino": only(grown & (random.random(n) < NINO_GIVEN), block.nino(person)),
        "living_at_uprn": block.uprn(dwelling),
        "living_at_postcode": block.postcode(dwelling),
        "application_date": day,
        "keyed_on": keyed,
    }
    return Draft("homelessness", "people", columns, keyed=keyed)


ENDINGS = {"SEC6": "home_secured", "HOMELESS": "became_homeless", "CONTACT": "contact_lost"}
"""What the end of a duty says by itself."""


def _duty(
    random: Random, block: Block, name: str, duty: Duty, reference: Text, which: Index, person: Index
) -> Draft:
    """One row for each person of each case that a duty is owed to."""
    owed = duty.start[which] <= block.calendar.last
    which, person = which[owed], person[owed]
    start, end, reason = duty.start[which], duty.end[which], duty.reason[which]
    ended = end <= block.calendar.last
    keyed, end_keyed = _keyed(random, block, start, end)
    columns = {
        "case_ref": reference[which],
        "person_ref": block.key_of("homelessness", person),
        "duty_start": start,
        "duty_end": only(ended, end).astype(np.int32),
        "end_reason": only(ended, reason),
        "_ending": np.array([ENDINGS.get(r, "") for r in reason], dtype=object),
    }
    who = ("person_ref",)
    return Draft(
        "homelessness",
        name,
        columns,
        keyed=keyed,
        happenings=(
            Happening(f"{name}_duty", "duty_start", who, ended="duty_end"),
            Happening("_ending", "duty_end", who),
        ),
        end_columns=("duty_end", "end_reason"),
        end_keyed=end_keyed,
    )


def _final(random: Random, block: Block, cases: Cases, reference: Text, which: Index, person: Index) -> Draft:
    decided = cases.final.start[which] <= block.calendar.last
    which, person = which[decided], person[decided]
    start, end, decision = cases.final.start[which], cases.final.end[which], cases.decision[which]
    owed: Mask = decision == "MAIN"
    ended = owed & (end <= block.calendar.last)
    keyed, end_keyed = _keyed(random, block, start, np.where(owed, end, OPEN).astype(np.int32))
    refused = np.isin(decision, ("NOPRIORITY", "INTENTIONAL"))
    columns = {
        "case_ref": reference[which],
        "person_ref": block.key_of("homelessness", person),
        "decision_date": start,
        "decision": decision,
        "main_duty_end": only(ended, end).astype(np.int32),
        "end_reason": only(ended, cases.final.reason[which]),
        "_signal": np.where(owed, "main_duty", np.where(refused, "no_duty_owed", "")).astype(object),
    }
    return Draft(
        "homelessness",
        "final_duties",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "decision_date", ("person_ref",), ended="main_duty_end"),),
        end_columns=("main_duty_end", "end_reason"),
        end_keyed=end_keyed,
    )


def _keyed(random: Random, block: Block, start: Days, end: Days) -> tuple[Days, Days]:
    """The days on which a duty and its end are keyed; the households of one case may be keyed apart."""
    keyed = block.keyed(random, DELAYS["duty"], start)
    return keyed, np.maximum(keyed, block.keyed(random, DELAYS["end"], end)).astype(np.int32)


def _stays(random: Random, block: Block, cases: Cases, reference: Text) -> Draft:
    """Stays in temporary accommodation, of everybody who moved there with the household."""
    spells, last = block.homes.spells, block.calendar.last
    row = np.flatnonzero((spells.more["tenure"] == HOSTEL) & (spells.start <= last))
    of_case = Spells(cases.unit, cases.day - 20, cases.day + APART - 20, case=np.arange(len(cases.unit)))
    at = of_case.at(spells.owner[row], spells.start[row])
    row, case = row[at >= 0], of_case.more["case"][at[at >= 0]]
    placement = block.ids("TA", len(row))
    which, person = block.people.members(spells.owner[row], spells.start[row])
    start, end, dwelling = (v[row][which] for v in (spells.start, spells.end, spells.more["dwelling"]))
    keyed = block.keyed(random, DELAYS["stay"], start)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["stay"], end)).astype(np.int32)
    ended = end <= last
    kinds = np.array(["Hostel", "Nightly paid"], dtype=object)
    columns = {
        "placement_ref": placement[which],
        "case_ref": reference[case][which],
        "person_ref": block.key_of("homelessness", person),
        "ta_type": kinds[between(random, 0, 1, len(row))][which],
        "ta_uprn": block.uprn(dwelling),
        "ta_postcode": block.postcode(dwelling),
        "entry_date": start,
        "exit_date": only(ended, end).astype(np.int32),
        "keyed_on": keyed,
        "exit_keyed_on": only(ended, end_keyed).astype(np.int32),
    }
    stay = Happening("temporary_accommodation", "entry_date", ("person_ref",), ended="exit_date")
    return Draft(
        "homelessness",
        "temporary_accommodation",
        columns,
        keyed=keyed,
        happenings=(stay,),
        end_columns=("exit_date", "exit_keyed_on"),
        end_keyed=end_keyed,
    )


def _advice(random: Random, block: Block, cases: Cases) -> Draft:
    """The log of the advice desk; about half of all applications began there."""
    rates: Floats = ADVICE + ADVICE_DEBT * block.troubles.debt
    unit, day = happen(random, rates, block.calendar)
    became = random.random(len(cases.unit)) < 0.5
    which = np.concatenate([np.zeros(len(unit), dtype=bool), np.ones(int(became.sum()), dtype=bool)])
    unit = np.concatenate([unit, cases.unit[became]])
    day = np.concatenate([day, cases.day[became]]).astype(np.int32)
    who = block.adults(unit, day)[:, 0]
    dwelling = block.homes.dwelling_at(unit, day)
    there = np.flatnonzero((who >= 0) & (dwelling >= 0))
    there = there[np.lexsort((unit[there], day[there]))]
    who, day, dwelling, case = who[there], day[there], dwelling[there], which[there]
    n, people = len(there), block.people
    keyed = block.keyed(random, DELAYS["case"], day)
    birth = only(random.random(n) < BIRTH_DATE_GIVEN, people.birth[who]).astype(np.int32)
    columns = {
        "contact_ref": block.ids("HA", n),
        "person_ref": block.key_of("homelessness", who),
        "forename": people.forename[who],
        "surname": people.surname[who],
        "date_of_birth": birth,
        "postcode": block.postcode(dwelling),
        "uprn": only(random.random(n) < 0.8, block.uprn(dwelling)),
        "contact_date": day,
        "outcome": np.where(case, "CASE", "ADVICE").astype(object),
        "keyed_on": keyed,
        "_signal": np.where(case, "", "advice_only").astype(object),
    }
    return Draft(
        "homelessness",
        "advice",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "contact_date", ("person_ref",)),),
        corrected={"contact_date": day - 1},
    )
