"""Everything that the candidates of a run are judged by, on dates that none of them has seen.

One cut of everybody's scores: figures with their bounds, intervals by person, each candidate against each
baseline, how long before the outcome people were listed, whom nobody works with yet, how much of a list
stood on that of a week before, and how chances were told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from features.services import service_signals, worked_with
from models.judge import Judgement, Scored, judge
from models.lead_time import LeadTime, lead_time
from models.nobody_yet import NobodyYet, nobody_yet
from models.overlap import Overlap, overlap
from models.paired import Paired, figure_of, paired_of
from models.plain import plain
from models.reliability import Reliability, reliability
from models.resample import Intervals, intervals_of, redraw
from training.asked import Asked
from training.calendar import WEEK
from training.fitting import LOGISTIC, TREES
from training.last_week import last_week
from training.plan import Plan


@dataclass(frozen=True)
class Judged:
    """What one kind is judged by. against: baseline that could serve → this kind's figure less its own.
    nobody_yet: None where no source declares a service. overlap: of each test date's list with that of a
    week before."""

    figures: Judgement
    intervals: Intervals
    against: dict[str, Paired]
    lead_time: LeadTime
    nobody_yet: NobodyYet | None
    overlap: tuple[Overlap, ...]
    reliability: Reliability

    def to_json(self) -> dict[str, Any]:
        """The card's keys, in plain values; what cannot be estimated is None."""
        return {
            "test": self.figures.to_json(),
            "by_person": self.intervals.to_json(),
            "paired": plain(self.against),
            "lead_time": self.lead_time.to_json(),
            "nobody_yet": plain(self.nobody_yet),
            "overlap": plain(self.overlap),
            "reliability": self.reliability.to_json(),
        }


def judge_all(
    plan: Plan, asked: Asked, scored: Mapping[str, Sequence[Scored]], before: Mapping[str, Sequence[Scored]]
) -> dict[str, Judged]:
    """kind → what it is judged by. scored: kind → everybody of each reported date, of which only test dates
    are judged here. before: kind → everybody of the mornings shortly before them."""
    calendar, capacity = plan.calendar, plan.specification.capacity
    tests = {kind: [s for s in dates if s.as_of in calendar.test] for kind, dates in scored.items()}
    lists = [asked.lists[day] for day in calendar.test]
    days_until = [each.followed.days_until for each in lists]
    services = service_signals(plan.workspace.sources)
    known = [
        worked_with(
            plan.snapshot, as_of=each.morning.as_of, person_ids=each.morning.person_ids, services=services
        )
        for each in lists
    ]
    serve_not = {baseline.name for baseline in plan.specification.baselines if baseline.days_before}
    redrawn = redraw(tests, capacity=capacity, seed=plan.seed)
    figure = figure_of(redrawn.values())
    return {
        kind: Judged(
            figures=judge(dates, capacity=capacity),
            intervals=intervals_of(redrawn[kind]),
            against={
                other: paired_of(redrawn[kind], redrawn[other], figure=figure)
                for other in tests
                if other not in (kind, TREES, LOGISTIC, *serve_not)
            },
            lead_time=lead_time(dates, days_until, capacity=capacity),
            nobody_yet=nobody_yet(dates, known, capacity=capacity) if services else None,
            overlap=tuple(_overlaps(before.get(kind, ()), dates, capacity=capacity)),
            reliability=reliability(dates),
        )
        for kind, dates in tests.items()
    }


def with_last_lists(
    plan: Plan, scored: Mapping[str, Sequence[Scored]], before: Mapping[str, Sequence[Scored]]
) -> dict[str, list[Scored]]:
    """The kinds of a run, and beside them the lists of some days before that the specification names."""
    earlier = {s.as_of: s for s in before[TREES]}
    capacity, found = plan.specification.capacity, {kind: list(dates) for kind, dates in scored.items()}
    for baseline in plan.specification.baselines:
        if baseline.days_before is not None:
            back = timedelta(days=baseline.days_before)
            found[baseline.name] = [
                last_week(earlier[now.as_of - back], now, capacity=capacity)
                for now in scored[TREES]
                if now.as_of in plan.calendar.test
            ]
    return found


def on_both_sides(asked: Asked) -> dict[str, int]:
    """How many people were learned from, how many of them with the outcome, how many judged on, and how many
    stand on both sides."""
    lists = [asked.lists[day] for day in asked.calendar.test]
    judged = {person for each in lists for person in each.morning.person_ids[each.followed.labelled].tolist()}
    return {
        "learned_from": len(asked.learned_from),
        "learned_from_positive": len(asked.learned_from_positive),
        "judged_on": len(judged),
        "both": len(judged & asked.learned_from),
    }


def _overlaps(before: Sequence[Scored], dates: Sequence[Scored], *, capacity: int) -> list[Overlap]:
    week = [(first, now) for now in dates for first in before if (now.as_of - first.as_of).days == WEEK]
    return [overlap(first, now, capacity=capacity) for first, now in week]
