"""The bias audit of a run: every candidate's lists of the test dates, group by group.

Who is in which group is read once a date, for all candidates, from the table that no panel can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from features.catalogue import Catalogue
from features.progress import Tell, quiet
from models.audit import ThresholdAudit, audit_people
from models.audit_proxies import Proxy, proxies
from models.groups import groups
from models.judge import Scored
from models.pooled import listings, pool_kinds
from training.asked import Asked, Listed
from training.plan import Plan

MET_BY, MET_OFTEN = "all.agencies_365", 2
"""Agencies met somebody often of whom this many recorded something in the year before. Records are no
measure of it: of a pupil a school writes something down every week."""

MOST_LOOKED_AT = 4_000
"""People of whom it is asked what the features give away; of 1,200 features they take 20 MB, and what is
made of them ten times that."""

Groups = Mapping[date, Mapping[str, np.ndarray]]
"""Date → characteristic → (n,) the group of everybody asked about on it."""


def audit_run(
    plan: Plan,
    asked: Asked,
    scored: Mapping[str, Sequence[Scored]],
    *,
    of: Groups | None = None,
    tell: Tell = quiet,
) -> dict[str, ThresholdAudit]:
    """Kind → the audit of its lists of the test dates, each cut at capacity.

    scored: kind → everybody of each date; dates beside the test dates are left out. of: the groups, where
    they have been read; see `groups_of`. Raises ValueError where nobody on them can be judged.
    """
    tell("auditing the lists, group by group")
    known = groups_of(plan, asked) if of is None else of
    met = {day: contacted(plan.catalogue, asked.lists[day]) for day in plan.calendar.test}
    rule = plan.specification
    return audits(
        {kind: [s for s in dates if s.as_of in known] for kind, dates in scored.items()},
        known,
        met,
        capacity=rule.capacity,
        limit=rule.gates.recall_gap,
    )


def audits(
    scored: Mapping[str, Sequence[Scored]],
    of: Groups,
    met: Mapping[date, np.ndarray | None],
    *,
    capacity: int,
    limit: float,
) -> dict[str, ThresholdAudit]:
    """Kind → its audit. met: date → (n,) bool, whom agencies met often; None where that is not known.

    Raises ValueError where the kinds did not score the same people.
    """
    lists = listings(scored, of, capacity=capacity, contacted=met)
    return {kind: audit_people(people, limit=limit) for kind, people in pool_kinds(lists).items()}


def groups_of(plan: Plan, asked: Asked) -> dict[date, dict[str, np.ndarray]]:
    """The groups of everybody asked about on each test date."""
    return {
        day: groups(plan.snapshot, day, asked.lists[day].morning.person_ids) for day in plan.calendar.test
    }


def contacted(catalogue: Catalogue, listed: Listed) -> np.ndarray | None:
    """(n,) bool: whom agencies met often; None where the catalogue does not count that."""
    if MET_BY not in catalogue.names:
        return None
    met = np.concatenate([np.empty((0, 1), np.float32), *listed.morning.known.columns([MET_BY])])[:, 0]
    return np.nan_to_num(met) >= MET_OFTEN


def proxies_run(
    plan: Plan, asked: Asked, *, of: Groups | None = None, most: int = MOST_LOOKED_AT, tell: Tell = quiet
) -> list[Proxy]:
    """What the features give away of who is in which group, from people of the newest test date drawn at
    random; a card keeps it as `models.audit_text` tells it. of: as for `audit_run`."""
    tell("what the features give away")
    day = plan.calendar.test[-1]
    morning = asked.lists[day].morning
    known = groups(plan.snapshot, day, morning.person_ids) if of is None else of[day]
    drawn = np.zeros(len(morning.person_ids), bool)
    drawn[np.random.default_rng(plan.seed).permutation(len(drawn))[:most]] = True
    names = plan.catalogue.names
    blocks = [np.empty((0, len(names)), np.float32), *morning.known.only(drawn)]
    of_drawn = {name: group[drawn] for name, group in known.items()}
    return proxies(morning.person_ids[drawn], np.concatenate(blocks), names, of_drawn, seed=plan.seed)
