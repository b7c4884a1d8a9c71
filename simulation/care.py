"""What children's social care holds, in the tables and columns of the Standard Safeguarding Dataset.

Contacts follow the troubles (and who is written down more); section 47 enquiries, plans and care
follow the troubles alone. Each step leads to the next for some children only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, Mask, years_between
from simulation.crisis import Logs
from simulation.draw import Random, between, capped, happen, pick
from simulation.extracts import Draft, Happening

ETHNICITY = np.array(list(world.ETHNIC_GROUPS), dtype=object)


@dataclass(frozen=True)
class Spell:
    """One kind of episode: the child, its first day, its end (OPEN = not ended by the last day)."""

    child: Index
    start: Days
    end: Days


@dataclass(frozen=True)
class Care:
    """The truth of social care: what the drafts say, and what counts as an outcome."""

    enquiry: Spell
    plan: Spell
    care: Spell


def social_care(random: Random, block: Block, logs: Logs) -> tuple[list[Draft], Care]:
    """Every table of social care, and the true enquiries, plans and care episodes."""
    enquiry = _enquiries(random, block)
    plan = _follows(random, block, enquiry, world.PLAN_AFTER_ENQUIRY, (12, 30), (90, 540))
    after_plan = _follows(random, block, plan, world.CARE_AFTER_PLAN, (20, 280), (60, 1300))
    at_once = _follows(random, block, enquiry, world.CARE_AFTER_ENQUIRY, (0, 20), (10, 900))
    care = _apart(_both(after_plan, at_once))
    plan = _apart(plan)
    contact, source = _contacts(random, block, logs)
    goes_on = random.random(len(contact.child)) < world.CONTACT_GOES_ON
    n = int(goes_on.sum())
    opened = Spell(
        contact.child[goes_on], contact.start[goes_on] + between(random, 0, 4, n), contact.end[goes_on]
    )
    urgent = random.random(len(enquiry.child)) < 0.6
    urgent_start = enquiry.start[urgent] - between(random, 0, 2, int(urgent.sum()))
    referred = np.concatenate(
        [random.random(n) < world.REFERRAL_GOES_ON, np.ones(int(urgent.sum()), dtype=bool)]
    )
    referral = _both(opened, Spell(enquiry.child[urgent], urgent_start.astype(np.int32), enquiry.end[urgent]))
    assessed = Spell(referral.child[referred], referral.start[referred], referral.end[referred])
    m = len(assessed.child)
    authorised = assessed.start + between(random, 10, 50, m)
    needed = random.random(m) < world.NEED_AFTER_ASSESSMENT
    closed = authorised + np.where(needed, between(random, 40, 380, m), between(random, 0, 12, m))
    ends = np.full(len(referral.child), NONE, dtype=np.int64)
    ends[referred] = closed
    ends[~referred] = referral.start[~referred] + 1
    referral_source = np.concatenate([source[goes_on], np.full(int(urgent.sum()), "6", dtype=object)])
    nothing = ~goes_on & (random.random(len(goes_on)) < world.EARLY_HELP_AFTER_CONTACT)
    helped = _follows(
        random,
        block,
        Spell(contact.child[nothing], contact.start[nothing], contact.end[nothing]),
        1,
        (5, 40),
        (50, 260),
    )
    helped = _apart(helped)

    drafts = [
        _contact_table(random, block, contact, source, goes_on),
        _referral_table(random, block, referral, referral_source, referred, ends),
        _assessment_table(random, block, assessed, authorised, needed),
        _enquiry_table(random, block, enquiry, plan),
        _spell_table(random, block, "cp_plans", "cppl_cp_plan", "child_protection_plan", plan),
        _spell_table(random, block, "cla_episodes", "clae_cla_episode", "looked_after", care),
        _spell_table(random, block, "early_help_episodes", "earl_episode", "early_help", helped),
    ]
    drafts += _who(random, block, [contact, referral, enquiry, plan, care, helped])
    return drafts, Care(enquiry, plan, care)


# --- what happens -----------------------------------------------------------------------------
def _young(block: Block, child: Index, day: Days) -> Mask:
    """Under 18 and living in the county."""
    unit, dwelling = block.home_of(child, day)
    born = day >= block.people.birth[child]
    return (years_between(block.people.birth[child], day) < 17.99) & (unit >= 0) & (dwelling >= 0) & born


def _open_ended(block: Block, child: Index, day: Days) -> Spell:
    there = np.flatnonzero(_young(block, child, day) & (day <= block.calendar.last))
    there = there[np.lexsort((child[there], day[there]))]
    return Spell(child[there], day[there].astype(np.int32), np.full(len(there), OPEN, dtype=np.int32))


def _enquiries(random: Random, block: Block) -> Spell:
    """Section 47 enquiries, of most children of a family at once, and of single young people."""
    unit, day = happen(random, block.troubles.enquiry(), block.calendar)
    which, child = block.people.members(unit, day)
    seen = random.random(len(child)) < world.ENQUIRY_SIBLING
    row, alone_day = happen(random, block.troubles.teen_enquiry(), block.calendar)
    alone = block.troubles.children[row]
    old = years_between(block.people.birth[alone], alone_day) >= 11
    found = _open_ended(
        block, np.concatenate([child[seen], alone[old]]), np.concatenate([day[which[seen]], alone_day[old]])
    )
    n = len(found.child)
    return _apart(Spell(found.child, found.start, found.start + between(random, 5, 25, n)), gap=30)


def _contacts(random: Random, block: Block, logs: Logs) -> tuple[Spell, np.ndarray]:
    """Contacts from everybody who worries, and from the police after a domestic-abuse log."""
    people = block.people
    rates = capped(world.CONTACT, world.CONTACT_SLOPE * block.troubles.all(), world.CONTACT_CAP)
    unit, day = happen(random, rates, block.calendar)
    which, child = people.members(unit, day)
    group = np.array([g[3] for g in world.ETHNIC_GROUPS.values()])
    written = random.random(len(child)) < 0.75 * group[people.ethnic[child]] / group.max()
    child, day = child[written], day[which[written]]
    row, away = happen(random, 0.0015 + 0.025 * block.troubles.adrift, block.calendar)
    present = (logs.role == "CHP") & (random.random(len(logs.person)) < world.CONTACT_AFTER_ABUSE)
    police = logs.person[present]
    after = logs.day[present] + between(random, 0, 6, len(police))
    source = np.concatenate(
        [
            np.array(["1A", "2A", "3A", "4", "5A", "8", "9"], dtype=object)[
                pick(random, (0.12, 0.33, 0.2, 0.06, 0.12, 0.09, 0.08), len(child) + len(row))
            ],
            np.full(len(police), "6", dtype=object),
        ]
    )
    every = np.concatenate([child, block.troubles.children[row], police])
    when = np.concatenate([day, away, after]).astype(np.int32)
    there = np.flatnonzero(_young(block, every, when) & (when <= block.calendar.last))
    there = there[np.lexsort((every[there], when[there]))]
    return Spell(every[there], when[there], np.full(len(there), OPEN, dtype=np.int32)), source[there]


def _follows(
    random: Random, block: Block, first: Spell, share: float, wait: tuple[int, int], lasts: tuple[int, int]
) -> Spell:
    """Spells that follow others for a share of children, after so many days, for so many days."""
    chosen = random.random(len(first.child)) < share
    child = first.child[chosen]
    start = first.start[chosen] + between(random, *wait, len(child))
    found = _open_ended(block, child, start)
    grown = block.people.birth[found.child] + 6574
    until = np.minimum(found.start + between(random, *lasts, len(found.child)), grown)
    until = np.minimum(until, block.people.leave[found.child])
    return Spell(found.child, found.start, np.maximum(until, found.start + 1).astype(np.int32))


def _both(one: Spell, other: Spell) -> Spell:
    return Spell(*(np.concatenate([getattr(one, n), getattr(other, n)]) for n in ("child", "start", "end")))


def _apart(spell: Spell, *, gap: int = 0) -> Spell:
    """Those spells of each child that begin at least `gap` days after the one kept before has ended."""
    order = np.lexsort((spell.start, spell.child))
    keep: list[int] = []
    last_child, free_from = -1, 0
    for i in order.tolist():
        if spell.child[i] != last_child or spell.start[i] >= free_from:
            keep.append(i)
            last_child, free_from = int(spell.child[i]), int(spell.end[i]) + gap
    kept = np.array(keep, dtype=np.int64)
    kept = kept[np.lexsort((spell.child[kept], spell.start[kept]))]
    return Spell(spell.child[kept], spell.start[kept], spell.end[kept])


# --- what is written --------------------------------------------------------------------------
def _ids(block: Block, prefix: str, n: int) -> np.ndarray:
    return np.array([f"{prefix}{block.people.first_id + i:08d}" for i in range(n)], dtype=object)


def _known(random: Random, block: Block, child: Index, day: Days) -> Days:
    return block.keyed(random, "social_care", day, block.home_of(child, day)[1])


def _until(block: Block, end: Days) -> Days:
    """Ends as written: none that lies after the last day."""
    return np.where(end > block.calendar.last, NONE, end).astype(np.int32)


def _contact_table(random: Random, block: Block, contact: Spell, source: np.ndarray, goes_on: Mask) -> Draft:
    columns = {
        "cont_contact_id": _ids(block, "CON", len(contact.child)),
        "cont_person_id": block.child_key(contact.child),
        "cont_contact_date": contact.start,
        "cont_contact_source_code": source,
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


def _referral_table(
    random: Random, block: Block, referral: Spell, source: np.ndarray, referred: Mask, ends: np.ndarray
) -> Draft:
    n = len(referral.child)
    end = np.minimum(ends, block.people.leave[referral.child]).astype(np.int32)
    needs = np.array(["N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8"], dtype=object)
    reason = np.where(
        referred, np.array(["RC7", "RC8", "RC9"], dtype=object)[between(random, 0, 2, n)], "RC8"
    )
    columns = {
        "cine_referral_id": _ids(block, "REF", n),
        "cine_person_id": block.child_key(referral.child),
        "cine_referral_date": referral.start,
        "cine_cin_primary_need_code": needs[pick(random, (0.5, 0.06, 0.06, 0.14, 0.16, 0.04, 0.02, 0.02), n)],
        "cine_referral_source_code": source,
        "cine_referral_nfa": np.where(referred, "N", "Y").astype(object),
        "cine_close_date": _until(block, end),
        "cine_close_reason": np.where(end > block.calendar.last, None, reason),
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


def _assessment_table(random: Random, block: Block, assessed: Spell, authorised: Days, needed: Mask) -> Draft:
    n = len(assessed.child)
    started = assessed.start + between(random, 0, 7, n)
    columns = {
        "cina_assessment_id": _ids(block, "ASM", n),
        "cina_person_id": block.child_key(assessed.child),
        "cina_assessment_start_date": started,
        "cina_assessment_child_seen": np.where(random.random(n) < 0.94, "Y", "N").astype(object),
        "cina_assessment_auth_date": _until(block, authorised),
        "cina_assessment_outcome_nfa": np.where(needed, "N", "Y").astype(object),
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


def _enquiry_table(random: Random, block: Block, enquiry: Spell, plan: Spell) -> Draft:
    n = len(enquiry.child)
    planned = set(zip(plan.child.tolist(), plan.start.tolist(), strict=True))
    conference = np.array(
        [
            any((c, s + d) in planned for d in range(12, 31))
            for c, s in zip(enquiry.child.tolist(), enquiry.start.tolist(), strict=True)
        ],
        dtype=bool,
    )
    nothing = ~conference & (random.random(n) < 0.5)
    columns = {
        "s47e_s47_enquiry_id": _ids(block, "S47", n),
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


def _spell_table(random: Random, block: Block, extract: str, stem: str, signal: str, spell: Spell) -> Draft:
    """cp_plans, cla_episodes and early_help_episodes: a start, an end, and a reason."""
    n, short = len(spell.child), stem.split("_")[0]
    reasons: dict[str, tuple[str, tuple[str, ...]]] = {
        "cp_plans": (
            f"{stem}_initial_category",
            ("Neglect", "Emotional abuse", "Physical abuse", "Sexual abuse"),
        ),
        "cla_episodes": (f"{stem}_start_reason", ("S",)),
        "early_help_episodes": (
            f"{stem}_reason",
            ("Parenting and Family Dynamics", "Domestic Violence/ Abuse"),
        ),
    }
    reason, values = reasons[extract]
    end_name = f"{stem}_ceased" if extract == "cla_episodes" else f"{stem}_end_date"
    columns = {
        f"{stem}_id": _ids(block, short.upper(), n),
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


def _who(random: Random, block: Block, spells: list[Spell]) -> list[Draft]:
    """Persons, disabilities and addresses of every child that social care has heard of."""
    people = block.people
    every = np.concatenate([s.child for s in spells])
    starts = np.concatenate([s.start for s in spells])
    child = np.unique(every)
    first = np.full(people.count, OPEN, dtype=np.int64)
    np.minimum.at(first, every, starts)
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
            "pers_upn": np.where(known_upn, block.upn(child), None),
            "pers_forename": people.forename[child],
            "pers_surname": people.surname[child],
            "pers_sex": np.where(people.sex[child] == 1, "M", "F").astype(object),
            "pers_ethnicity": np.where(unknown, "NOBT", ETHNICITY[people.ethnic[child]]),
            "pers_dob": people.birth[child],
            "pers_common_child_id": np.where(has_nhs, block.nhs_number(child), None),
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
            "disa_table_id": _ids(block, "DIS", len(child)),
            "disa_person_id": key,
            "disa_disability_code": disabled,
        },
        keyed=keyed,
    )
    return [persons, disability, _addresses(random, block, child, first_day)]


def _addresses(random: Random, block: Block, child: Index, first_day: Days) -> Draft:
    """Where each child lives, from the address of the first contact on."""
    at, start, end, dwelling = homes_of(block, child)
    there = end > first_day[at]
    at, start, end, dwelling = at[there], start[there], end[there], dwelling[there]
    seen = np.maximum(start, first_day[at]).astype(np.int32)
    keyed = np.where(start > first_day[at], block.keyed(random, "address", seen), seen + 1).astype(np.int32)
    columns = {
        "addr_table_id": _ids(block, "ADR", len(at)),
        "addr_person_id": block.child_key(child[at]),
        "addr_address_type": np.full(len(at), "Home", dtype=object),
        "addr_address_start_date": start,
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


def homes_of(block: Block, who: Index) -> tuple[Index, Days, Days, Index]:
    """Every home of each person: (position in `who`, first day, end, dwelling)."""
    people, spells = block.people, block.homes.spells
    at, stay = people.stays.of(who)
    unit = people.stays.more["unit"][stay]
    again, row = spells.of(unit)
    start = np.maximum(spells.start[row], people.stays.start[stay][again])
    end = np.minimum(spells.end[row], people.stays.end[stay][again])
    there = start < end
    return at[again][there], start[there], end[there], spells.more["dwelling"][row][there]
