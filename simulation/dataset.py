"""What social care's system gives: the tables and columns of the Standard Safeguarding Dataset.

Each table has its own key and no day of keying; a worker keys things days later, and teams of slow
areas later still.
"""

from __future__ import annotations

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, years_between
from simulation.care import Care, Spell
from simulation.draw import Random, Spells, between, only, pick
from simulation.extracts import Draft, Happening


def social_care(random: Random, block: Block, care: Care) -> list[Draft]:
    """Every table of the dataset that is simulated."""
    return [
        _contacts(random, block, care),
        _referrals(random, block, care),
        _assessments(random, block, care),
        _enquiries(random, block, care),
        _spells(random, block, "cp_plans", "cppl_cp_plan", "child_protection_plan", care.plan),
        _spells(random, block, "cla_episodes", "clae_cla_episode", "looked_after", care.care),
        _spells(random, block, "early_help_episodes", "earl_episode", "early_help", care.early_help),
        *_who(random, block, care.known_children()),
    ]


def _known(random: Random, block: Block, child: Index, day: Days) -> Days:
    return block.keyed(random, "social_care", day, block.home_of(child, day)[1])


def _until(block: Block, end: Days) -> Days:
    """Ends as written: none that lies after the last day."""
    return np.where(end > block.calendar.last, NONE, end).astype(np.int32)


def _contacts(random: Random, block: Block, care: Care) -> Draft:
    contact, goes_on = care.contact, care.contact_goes_on
    columns = {
        "cont_contact_id": block.ids("CON", len(contact.child)),
        "cont_person_id": block.child_key(contact.child),
        "cont_contact_date": contact.start,
        "cont_contact_source_code": care.contact_source,
        "cont_outcome_nfa_flag": np.where(goes_on, "N", "Y").astype(object),
        "_signal": np.where(goes_on, "contact", "contact_no_further_action"),
    }
    return Draft(
        "social_care",
        "contacts",
        columns,
        keyed=_known(random, block, contact.child, contact.start),
        happenings=(Happening("_signal", "cont_contact_date", ("cont_person_id",)),),
        corrected={"cont_contact_date": contact.start - 1},
    )


def _referrals(random: Random, block: Block, care: Care) -> Draft:
    referral, referred = care.referral, care.referral_goes_on
    n, end = len(referral), referral.end
    needs = np.array(["N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8"], dtype=object)
    closed = np.array(["RC7", "RC8", "RC9"], dtype=object)[between(random, 0, 2, n)]
    reason = np.where(referred, closed, "RC8")
    columns = {
        "cine_referral_id": block.ids("REF", n),
        "cine_person_id": block.child_key(referral.child),
        "cine_referral_date": referral.start,
        "cine_cin_primary_need_code": needs[pick(random, (0.5, 0.06, 0.06, 0.14, 0.16, 0.04, 0.02, 0.02), n)],
        "cine_referral_source_code": care.referral_source,
        "cine_referral_nfa": np.where(referred, "N", "Y").astype(object),
        "cine_close_date": _until(block, end),
        "cine_close_reason": only(end <= block.calendar.last, reason),
        "_referral": np.where(referred, "referral", "referral_no_further_action"),
        "_need": np.where(referred, "child_in_need", ""),
    }
    return Draft(
        "social_care",
        "cin_episodes",
        columns,
        keyed=_known(random, block, referral.child, referral.start),
        happenings=(
            Happening("_referral", "cine_referral_date", ("cine_person_id",)),
            Happening("_need", "cine_referral_date", ("cine_person_id",), ended="cine_close_date"),
        ),
        end_columns=("cine_close_date", "cine_close_reason"),
        end_keyed=_known(random, block, referral.child, end),
        corrected={"cine_referral_date": referral.start - 1},
    )


def _assessments(random: Random, block: Block, care: Care) -> Draft:
    assessed, n = care.assessment, len(care.assessment)
    started, authorised = assessed.start, assessed.end
    columns = {
        "cina_assessment_id": block.ids("ASM", n),
        "cina_person_id": block.child_key(assessed.child),
        "cina_assessment_start_date": started,
        "cina_assessment_child_seen": np.where(random.random(n) < 0.94, "Y", "N").astype(object),
        "cina_assessment_auth_date": _until(block, authorised),
        "cina_assessment_outcome_nfa": np.where(care.assessment_found_need, "N", "Y").astype(object),
    }
    return Draft(
        "social_care",
        "cin_assessments",
        columns,
        keyed=_known(random, block, assessed.child, started),
        happenings=(Happening("assessment", "cina_assessment_start_date", ("cina_person_id",)),),
        end_columns=("cina_assessment_auth_date", "cina_assessment_outcome_nfa"),
        end_keyed=_known(random, block, assessed.child, authorised),
    )


def _enquiries(random: Random, block: Block, care: Care) -> Draft:
    enquiry, n = care.enquiry, len(care.enquiry)
    # An enquiry that a plan follows within the month went to conference.
    later = Spells(care.plan.child, care.plan.start - 31, care.plan.start + 1)
    conference = later.at(enquiry.child, enquiry.start) >= 0
    nothing = ~conference & (random.random(n) < 0.5)
    columns = {
        "s47e_s47_enquiry_id": block.ids("S47", n),
        "s47e_person_id": block.child_key(enquiry.child),
        "s47e_s47_start_date": enquiry.start,
        "s47e_s47_end_date": _until(block, enquiry.end),
        "s47e_s47_nfa": np.where(nothing, "Y", "N").astype(object),
    }
    return Draft(
        "social_care",
        "s47_enquiry",
        columns,
        keyed=_known(random, block, enquiry.child, enquiry.start),
        happenings=(Happening("section_47", "s47e_s47_start_date", ("s47e_person_id",)),),
        end_columns=("s47e_s47_end_date", "s47e_s47_nfa"),
        end_keyed=_known(random, block, enquiry.child, enquiry.end),
        corrected={"s47e_s47_start_date": enquiry.start - 1},
    )


def _spells(random: Random, block: Block, extract: str, stem: str, signal: str, spell: Spell) -> Draft:
    """cp_plans, cla_episodes and early_help_episodes: a start, an end, and a reason."""
    n, short = len(spell), stem.split("_")[0]
    abuse = ("Neglect", "Emotional abuse", "Physical abuse", "Sexual abuse")
    family = ("Parenting and Family Dynamics", "Domestic Violence/ Abuse")
    reasons: dict[str, tuple[str, tuple[str, ...]]] = {
        "cp_plans": (f"{stem}_initial_category", abuse),
        "cla_episodes": (f"{stem}_start_reason", ("S",)),
        "early_help_episodes": (f"{stem}_reason", family),
    }
    reason, values = reasons[extract]
    end_name = f"{stem}_ceased" if extract == "cla_episodes" else f"{stem}_end_date"
    columns = {
        f"{stem}_id": block.ids(short.upper(), n),
        f"{short}_person_id": block.child_key(spell.child),
        f"{stem}_start_date": spell.start,
        reason: np.array(values, dtype=object)[between(random, 0, len(values) - 1, n)],
        end_name: _until(block, spell.end),
    }
    return Draft(
        "social_care",
        extract,
        columns,
        keyed=_known(random, block, spell.child, spell.start),
        happenings=(Happening(signal, f"{stem}_start_date", (f"{short}_person_id",), ended=end_name),),
        end_columns=(end_name,),
        end_keyed=_known(random, block, spell.child, spell.end),
    )


def _who(random: Random, block: Block, known: Spell) -> list[Draft]:
    """Persons, disabilities and addresses of every child that social care has heard of."""
    people = block.people
    child = np.unique(known.child)
    first = np.full(people.count, OPEN, dtype=np.int64)
    np.minimum.at(first, known.child, known.start)
    first_day = first[child].astype(np.int32)
    keyed = block.keyed(random, "social_care", first_day) - 1
    keyed = np.maximum(np.minimum(keyed, first_day + 2), first_day)
    at_school = years_between(people.birth[child], block.calendar.last) >= 4.5
    known_upn = at_school & (random.random(len(child)) < 0.93)
    has_nhs = random.random(len(child)) < 0.9
    key = block.child_key(child)
    dead = people.died[child] & (people.leave[child] <= block.calendar.last)
    unknown = random.random(len(child)) < 0.06
    persons = Draft(
        "social_care",
        "person",
        {
            "pers_person_id": key,
            "pers_upn": only(known_upn, block.upn(child)),
            "pers_forename": people.forename[child],
            "pers_surname": people.surname[child],
            "pers_sex": np.where(people.sex[child] == 1, "M", "F").astype(object),
            "pers_ethnicity": np.where(unknown, "NOBT", block.ethnic_code(child)),
            "pers_dob": people.birth[child],
            "pers_common_child_id": only(has_nhs, block.nhs_number(child)),
            "pers_death_date": np.where(dead, people.leave[child], NONE).astype(np.int32),
        },
        keyed=keyed,
        end_columns=("pers_death_date",),
        end_keyed=np.where(dead, people.leave[child] + 9, OPEN).astype(np.int32),
    )
    impairments = np.array(["AUT", "LD", "BEH", "MOB", "COMM"], dtype=object)
    disabled = np.where(
        people.disabled[child], impairments[between(random, 0, len(impairments) - 1, len(child))], "NONE"
    )
    disability = Draft(
        "social_care",
        "disability",
        {
            "disa_table_id": block.ids("DIS", len(child)),
            "disa_person_id": key,
            "disa_disability_code": disabled,
        },
        keyed=keyed,
    )
    return [persons, disability, _addresses(random, block, child, first_day)]


def _addresses(random: Random, block: Block, child: Index, first_day: Days) -> Draft:
    """Where each child lives, from the address of the first contact on."""
    at, start, end, dwelling = block.homes_of(child)
    there = end > first_day[at]
    at, start, end, dwelling = at[there], start[there], end[there], dwelling[there]
    seen = np.maximum(start, first_day[at]).astype(np.int32)
    keyed = np.where(start > first_day[at], block.keyed(random, "address", seen), seen + 1).astype(np.int32)
    columns = {
        "addr_table_id": block.ids("ADR", len(at)),
        "addr_person_id": block.child_key(child[at]),
        "addr_address_type": np.full(len(at), "Home", dtype=object),
        "addr_address_start_date": np.maximum(block.since(random, start), block.people.birth[child[at]]),
        "addr_address_end_date": _until(block, end),
        "addr_address_postcode": block.postcode(dwelling),
        "addr_uprn": block.uprn(dwelling),
        "addr_lsoa": block.lsoa(dwelling),
    }
    return Draft(
        "social_care",
        "address",
        columns,
        keyed=keyed,
        end_columns=("addr_address_end_date",),
        end_keyed=np.maximum(keyed, block.keyed(random, "address", end)).astype(np.int32),
    )
