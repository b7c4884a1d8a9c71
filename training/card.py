"""A candidate's card: how it did on dates it had not seen, and from what it was made.

Whoever approves a model, reads a list or audits one starts here. Only figures, never a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from features.outcomes import Labels
from features.snapshot import OPEN_VIEWS
from features.workspace import Workspace
from models.composition import Composition
from models.judge import Judgement
from models.selection import best_less_spread, choices, most_often_near_best, regret
from models.spec import Specification, sensitive_signals
from training.asked import Asked
from training.calendar import Calendar
from training.examples import Examples
from training.fitting import titles_of
from training.judged import Judged, on_both_sides
from training.last_week import CANNOT_SERVE
from training.plan import Plan
from training.trees import Setting

READ = (*OPEN_VIEWS, "deliveries", "link_runs", "links", "residences")
"""The tables a run reads; the versions of others would give the same model another name."""


def common(
    plan: Plan, asked: Asked, *, tried: Sequence[Setting], on_folds: Mapping[int, Mapping[str, Judgement]]
) -> dict[str, Any]:
    """What every candidate of a run shares: the outcome, the dates, the people, the tables read."""
    specification, calendar, snapshot = plan.specification, plan.calendar, plan.snapshot
    return {
        "specification": specification.name,
        "outcome": specification.title,
        "horizon_days": specification.outcome.horizon_days,
        "lag_days": calendar.lag_days,
        "dates": _dates(calendar),
        "cannot_serve": {b.name: CANNOT_SERVE for b in specification.baselines if b.days_before},
        "tried": [asdict(setting) for setting in tried],
        "selection": _selection(list(on_folds.values()), titles_of(specification)),
        "fitted_on": _count(asked.training),
        "calibrated_on": _count(asked.calibration),
        "people": on_both_sides(asked),
        "parts": _parts(specification, [asked.lists[day].followed for day in calendar.test]),
        "flow": {
            str(each.morning.as_of): [
                {"why": why, "left_out": out, "left": left} for why, out, left in each.morning.flow
            ]
            for each in asked.reported
        },
        "followed": {str(each.morning.as_of): each.followed.counts for each in asked.reported},
        "sensitive": _sensitive(specification, snapshot.workspace),
        "catalogue": plan.catalogue.hash,
        "last_delivery": snapshot.last_delivery,
        "link_run": snapshot.link_run,
        "tables": {table: snapshot.tables.version(table) for table in READ},
    }


def card(
    kind: str,
    *,
    titles: Mapping[str, str],
    shared: Mapping[str, Any],
    judged: Mapping[str, Judged],
    also: Mapping[str, Mapping[str, Judgement]],
    on_folds: Mapping[int, Mapping[str, Judgement]],
    fit: Mapping[str, Any],
    made_of: Composition,
    fairness: Mapping[str, Any],
) -> dict[str, Any]:
    """The card of one candidate.

    titles: kind → what it is called, of those too that are judged and have no card. judged: kind → what it
    is judged by on the test dates, this candidate and the others. also: date → kind → figures. on_folds:
    number of a fold → kind → figures. fit: what is particular to how it was fitted. made_of: what the scores
    of its reference are made of. fairness: see `training.fair`.
    """
    return {
        "kind": kind,
        "title": titles[kind],
        "titles": dict(titles),
        **shared,
        "fit": dict(fit),
        **judged[kind].to_json(),
        "beside": {other: each.figures.to_json() for other, each in judged.items() if other != kind},
        "also_report": {day: figures[kind].to_json() for day, figures in also.items()},
        "on_folds": [{"fold": number, **figures[kind].to_json()} for number, figures in on_folds.items()],
        "made_of": _made_of(made_of),
        **fairness,
    }


def _selection(on_folds: Sequence[Mapping[str, Judgement]], titles: Mapping[str, str]) -> dict[str, Any]:
    """Whom two rules would choose by precision at capacity on the folds, and what it would have cost; by the
    titles of the kinds."""
    if not on_folds:
        return {}
    figures = {titles[kind]: [figures[kind].precision for figures in on_folds] for kind in on_folds[0]}
    kinds = {titles[kind]: kind for kind in on_folds[0]}
    found = {}
    for name, rule in (("most_often", most_often_near_best), ("steady", best_less_spread)):
        chosen = rule(figures)
        cost = regret(figures, choices(figures, rule)).to_json()
        found[name] = {**chosen.to_json(), "kind": kinds.get(chosen.kind or ""), "regret": cost}
    return found


def _sensitive(specification: Specification, workspace: Workspace) -> dict[str, Any]:
    """Which signals close to a protected characteristic are used, and why; which are left out."""
    close_to = sensitive_signals(workspace)
    used = {rule.signal: rule.why for rule in specification.features.sensitive}
    return {
        "used": {name: {"close_to": close_to[name], "why": why} for name, why in used.items()},
        "left_out": {name: close for name, close in close_to.items() if name not in used},
    }


def _made_of(made_of: Composition) -> dict[str, dict[str, float]]:
    """Channel → mean size and mean of its contributions, log-odds; the weightiest first, none of nothing."""
    parts = sorted(made_of.channels.items(), key=lambda item: (-item[1].weight, item[0]))
    rounded = {name: {"weight": round(part.weight, 4), "pull": round(part.pull, 4)} for name, part in parts}
    return {name: part for name, part in rounded.items() if part["weight"]}


def _parts(specification: Specification, followed: Sequence[Labels]) -> dict[str, Any]:
    """How often each part of the outcome followed, by itself, among the people judged."""
    n = sum(int(labels.labelled.sum()) for labels in followed)
    cards = {}
    for part in specification.outcome.parts:
        k = sum(int((labels.parts[part.name] & labels.labelled).sum()) for labels in followed)
        cards[part.name] = {"title": part.title, "positives": k, "n": n, "base_rate": k / n if n else None}
    return cards


def _count(examples: Examples) -> dict[str, int]:
    return {"rows": len(examples.y), "positives": int(examples.y.sum())}


def _dates(calendar: Calendar) -> dict[str, Any]:
    def plain(days: Sequence[date]) -> list[str]:
        return [str(day) for day in days]

    return {
        "train": plain(calendar.train),
        "calibrate": plain(calendar.calibrate),
        "test": plain(calendar.test),
        "also_report": plain(calendar.also_report),
        "folds_asked": calendar.folds_asked,
        "folds": [{"fit": plain(fold.fit), "validate": plain(fold.validate)} for fold in calendar.folds],
        "judged_on": {
            "train": str(calendar.train_judged_on),
            "calibrate": str(calendar.calibrate_judged_on),
            "test": str(calendar.test_judged_on),
        },
        "apart_days": calendar.apart,
    }
