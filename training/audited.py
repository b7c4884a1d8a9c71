"""The bias audit of a run: every candidate's lists of the test dates, group by group.

Who is in which group is read once a date, for all candidates, from the table that no panel can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from features.catalogue import Catalogue
from features.progress import Tell, quiet
from models.audit import ThresholdAudit, audit_people
from models.audit_chart import Point, scatter
from models.calibration import chance
from models.groups import groups
from models.judge import Judgement, Scored
from models.one_person import people_of
from models.pooled import Listing, listing, on_list, pool_kinds
from training.asked import Asked, Listed
from training.plan import Plan

OFTEN = 0.75
"""Agencies met somebody often who is in the most met quarter of those scored that day."""

MEETINGS, MEETINGS_WITHIN = "all", 365
"""What agencies recorded of a person, and within how many days."""

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
    first = next(iter(scored.values()))
    of_one = [
        listing(s, on_list(s, capacity), of[s.as_of], contacted=met[s.as_of], people=people)
        for s, people in zip(first, people_of(first), strict=True)
    ]
    kinds = {
        kind: [_relisted(made, s, capacity) for made, s in zip(of_one, dates, strict=True)]
        for kind, dates in scored.items()
    }
    return {kind: audit_people(people, limit=limit) for kind, people in pool_kinds(kinds).items()}


def groups_of(plan: Plan, asked: Asked) -> dict[date, dict[str, np.ndarray]]:
    """The groups of everybody asked about on each test date."""
    return {
        day: groups(plan.snapshot, day, asked.lists[day].morning.person_ids) for day in plan.calendar.test
    }


def contacted(catalogue: Catalogue, listed: Listed) -> np.ndarray | None:
    """(n,) bool: whom agencies met often, the quarter of whom most was recorded in the year before, those
    of whom just as much was included; None where the catalogue does not count that."""
    name = f"{MEETINGS}.count_{MEETINGS_WITHIN}"
    if name not in catalogue.names:
        return None
    nobody = np.empty((0, 1), np.float32)
    met = np.nan_to_num(np.concatenate([nobody, *listed.morning.known.columns([name])])[:, 0])
    return met >= max(np.quantile(met, OFTEN), 1) if len(met) else met > 0


def fairness_chart(
    judged: Mapping[str, Judgement],
    audits: Mapping[str, ThresholdAudit],
    titles: Mapping[str, str],
    *,
    simple: Sequence[str] = (),
) -> str:
    """SVG text: precision at capacity and the greatest recall gap of every candidate.

    simple: the kinds that are baselines.
    """
    points = []
    for kind, figures in judged.items():
        gap, whose = audits[kind].worst() or (None, "")
        known = figures.precision == figures.precision  # NaN where nobody was listed
        points.append(
            Point(
                titles[kind],
                figures.precision if known else None,
                figures.precision_interval if known else None,
                gap,
                whose,
                simple=kind in simple,
            )
        )
    return scatter(points)


def _relisted(made: Listing, scored: Scored, capacity: int) -> Listing:
    """The same people of a date on the list of another candidate."""
    kept = ~np.isnan(scored.y)
    selected, said = on_list(scored, capacity)[kept], chance(scored.log_odds[kept])
    return replace(made, selected=selected, chance=said)
