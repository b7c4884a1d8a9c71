"""What children's social care does: contacts, referrals, enquiries, plans, care, early help.

Contacts follow the troubles (and who is written down more); section 47 enquiries, plans and care
follow the troubles alone. Each step leads to the next for some children only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import OPEN, Days, Index, Mask, years_between
from simulation.crisis import Logs
from simulation.draw import Random, between, capped, happen, pick
from simulation.people import Text


@dataclass(frozen=True)
class Spell:
    """One kind of episode: the child, its first day, its end (OPEN = not ended by the last day)."""

    child: Index
    start: Days
    end: Days

    def __len__(self) -> int:
        return len(self.child)

    def where(self, mask: Mask) -> Spell:
        return Spell(self.child[mask], self.start[mask], self.end[mask])

    def later(self, days: Days) -> Spell:
        return Spell(self.child, (self.start + days).astype(np.int32), self.end)


@dataclass(frozen=True)
class Care:
    """Everything that social care does: spells, and for some of them an array of one value a spell."""

    contact: Spell
    contact_source: Text
    contact_goes_on: Mask
    referral: Spell
    referral_source: Text
    referral_goes_on: Mask
    assessment: Spell
    assessment_found_need: Mask
    enquiry: Spell
    plan: Spell
    care: Spell
    early_help: Spell

    def known_children(self) -> Spell:
        """Every child that social care has heard of, once for each thing it did."""
        parts = (self.contact, self.referral, self.enquiry, self.plan, self.care, self.early_help)
        return reduce(_both, parts)

    def first_known(self) -> tuple[Index, Days]:
        """Every child that social care has heard of, once, and the day on which it first did."""
        known = self.known_children()
        order = np.lexsort((known.start, known.child))
        child, first = np.unique(known.child[order], return_index=True)
        return child, known.start[order][first]


def care_for(random: Random, block: Block, logs: Logs) -> Care:
    """Draw what social care does about the block's children."""
    enquiry = _enquiries(random, block)
    plan = _follows(random, block, enquiry, world.PLAN_AFTER_ENQUIRY, (12, 30), (90, 540))
    after_plan = _follows(random, block, plan, world.CARE_AFTER_PLAN, (20, 280), (60, 1300))
    at_once = _follows(random, block, enquiry, world.CARE_AFTER_ENQUIRY, (0, 20), (10, 900))
    contact, source = _contacts(random, block, logs)
    goes_on = random.random(len(contact)) < world.CONTACT_GOES_ON
    referred, referred_source = contact.where(goes_on), source[goes_on]
    referred = referred.later(between(random, 0, 4, len(referred)))
    # Most enquiries start with an urgent referral of the same days.
    urgent = enquiry.where(random.random(len(enquiry)) < 0.6)
    urgent = urgent.later(-between(random, 0, 2, len(urgent)))
    referral = _both(referred, urgent)
    assessed = np.concatenate(
        [random.random(len(referred)) < world.REFERRAL_GOES_ON, np.ones(len(urgent), dtype=bool)]
    )
    n = int(assessed.sum())
    needed = random.random(n) < world.NEED_AFTER_ASSESSMENT
    authorised = referral.start[assessed] + between(random, 10, 50, n)
    closed = authorised + np.where(needed, between(random, 40, 380, n), between(random, 0, 12, n))
    ends = referral.start + 1
    ends[assessed] = closed
    ends = np.minimum(ends, block.people.leave[referral.child]).astype(np.int32)
    helped = contact.where(~goes_on & (random.random(len(goes_on)) < world.EARLY_HELP_AFTER_CONTACT))
    started = (referral.start[assessed] + between(random, 0, 7, n)).astype(np.int32)
    return Care(
        contact=contact,
        contact_source=source,
        contact_goes_on=goes_on,
        referral=Spell(referral.child, referral.start, ends),
        referral_source=np.concatenate([referred_source, np.full(len(urgent), "6", dtype=object)]),
        referral_goes_on=assessed,
        assessment=Spell(referral.child[assessed], started, authorised.astype(np.int32)),
        assessment_found_need=needed,
        enquiry=enquiry,
        plan=_apart(plan),
        care=_apart(_both(after_plan, at_once)),
        early_help=_apart(_follows(random, block, helped, 1, (5, 40), (50, 260))),
    )


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


def _contacts(random: Random, block: Block, logs: Logs) -> tuple[Spell, Text]:
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
