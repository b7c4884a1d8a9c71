"""Training, from a specification to registered candidates, readable from top to bottom.

Who was asked about and what was known of them, date by date; what followed; trees, a logistic model
and what a manager would sort by; calibrated on later dates, judged on still later ones; exported and
registered. Everything is a function of the snapshot, the specification and the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.deliveries import read_ledger
from features.outcomes import Labels, reporting_lag
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.calibration import Platt, fit_platt
from models.candidate import NOT_APPROVED, Candidate, columns_by_name, export_candidate, reference_of
from models.judge import Judgement, Scored, judge
from models.scorer import Scorer
from models.spec import Specification, catalogue_of, read_spec
from training.calendar import Calendar, lay_out
from training.card import card, common
from training.examples import Examples, Morning, Question, need_both_outcomes
from training.linear import fit_baseline, fit_logistic
from training.tracking import register
from training.trees import Setting, choose, fit_trees

TREES, LOGISTIC = "lightgbm", "logistic"


@dataclass(frozen=True)
class TrainingReport:
    """What a training run did. judged: kind → figures on the test dates; also_report: date → kind →
    figures; models: kind → sha256; versions: kind → version in the register of MLflow; tried: every
    setting of the trees, the best first; shared: what the cards have in common; approval: that nobody
    has approved any of them."""

    specification: str
    title: str
    calendar: Calendar
    shared: dict[str, Any]
    tried: list[Setting]
    titles: dict[str, str]
    judged: dict[str, Judgement]
    also_report: dict[str, dict[str, Judgement]]
    models: dict[str, str]
    versions: dict[str, int]
    approval: str = NOT_APPROVED


def train(
    workspace: Workspace, name: str, *, snapshot: Snapshot | None = None, tell: Tell = quiet
) -> TrainingReport:
    """Fit, calibrate, judge, export and register the candidates of a specification.

    snapshot: default, the newest state.
    Raises UserMistake where the specification or its calendar cannot be used on what is held.
    """
    specification = read_spec(workspace, name)
    catalogue = catalogue_of(workspace, specification)
    snapshot, outcome = snapshot or open_snapshot(workspace), specification.to_outcome()
    question = Question(snapshot, catalogue, specification.to_eligibility(workspace, catalogue), outcome)
    calendar = _calendar(snapshot, specification, catalogue, lag=reporting_lag(snapshot, outcome))

    fit_days, validation_days = calendar.earlier_fold()
    training: list[Examples] = []
    earlier: list[Examples] = []
    for day in calendar.train:
        tell(f"what was known on {day}, and what followed")
        morning = question.morning(day)
        training.append(question.examples(morning, calendar.train_judged_on))
        if day in fit_days:
            earlier.append(question.examples(morning, validation_days[0]))
    validation = training[len(training) - len(validation_days) :]
    need_both_outcomes(training, "fit", "training")
    later = []
    for day in calendar.calibrate:
        tell(f"what was known on {day}, and what followed")
        later.append(question.examples(question.morning(day), calendar.calibrate_judged_on))
    need_both_outcomes(later, "calibrate", "calibration")
    reported, followed = [], []
    for day in calendar.reported:
        tell(f"what was known on {day}, and what followed")
        reported.append(question.morning(day))
        followed.append(question.labels(reported[-1], calendar.test_judged_on))

    tell("fitting")
    threads, seed = workspace.settings.threads, workspace.settings.seed
    tried = choose(
        specification.lightgbm, catalogue.names, fit=earlier, validate=validation, threads=threads, seed=seed
    )
    trees = fit_trees(tried[0], catalogue.names, training, threads=threads, seed=seed)
    scorers: dict[str, Scorer] = {
        TREES: trees,
        LOGISTIC: fit_logistic(catalogue, specification.logistic, training),
        **{b.name: fit_baseline(catalogue, b.features, training) for b in specification.baselines},
    }

    tell("calibrating and judging")
    drafts = {
        kind: Candidate("", kind, specification, catalogue, question.eligibility, scorer, platt, card={})
        for kind, scorer in scorers.items()
        for platt in [_calibrate(scorer, catalogue, later)]
    }
    scored = {kind: _score(draft, reported, followed) for kind, draft in drafts.items()}
    judged = {kind: _judge(specification, dates, calendar.test) for kind, dates in scored.items()}
    also = {
        str(day): {kind: _judge(specification, dates, [day]) for kind, dates in scored.items()}
        for day in calendar.also_report
    }

    shared = common(
        specification,
        question,
        calendar,
        training=training,
        calibration=later,
        reported=reported,
        followed=followed,
    )
    titles = {TREES: "gradient-boosted trees", LOGISTIC: f"{len(specification.logistic)}-feature logistic"}
    titles |= {b.name: b.title for b in specification.baselines}
    panels = [morning.panel for morning in reported]
    exported = {}
    for kind, draft in drafts.items():
        tell(f"exporting {titles[kind]}")
        fit = {**asdict(draft.calibration), **(asdict(tried[0]) if kind == TREES else {})}
        whole = card(kind, titles[kind], shared=shared, judged=judged, also=also, fit=fit)
        reference = reference_of(draft, panels, seed=seed)
        exported[kind] = export_candidate(workspace, replace(draft, card=whole), reference)
    return TrainingReport(
        specification=name,
        title=specification.title,
        calendar=calendar,
        shared=shared,
        tried=tried,
        titles=titles,
        judged=judged,
        also_report=also,
        models={kind: candidate.sha256 for kind, candidate in exported.items()},
        versions=register(workspace, exported, tell=tell),
    )


def _calendar(
    snapshot: Snapshot, specification: Specification, catalogue: Catalogue, *, lag: int
) -> Calendar:
    ledger = [d for d in read_ledger(snapshot.tables) if d.delivery_id <= snapshot.last_delivery]
    return lay_out(
        specification,
        lag=lag,
        last_received=max(delivery.received_on for delivery in ledger),
        covered_from=min(fact.covers_from for fact in catalogue.facts),
    )


def _calibrate(scorer: Scorer, catalogue: Catalogue, later: Sequence[Examples]) -> Platt:
    """Platt's numbers from dates after those it was fitted on."""
    y = np.concatenate([examples.y for examples in later])
    columns = [columns_by_name(examples.X, catalogue.names, scorer.names) for examples in later]
    return fit_platt(np.concatenate([scorer.margin(X) for X in columns]), y)


def _score(draft: Candidate, mornings: Sequence[Morning], followed: Sequence[Labels]) -> list[Scored]:
    return [
        Scored(m.as_of, m.panel.person_ids, draft.log_odds(m.panel), after.y, after.same_as)
        for m, after in zip(mornings, followed, strict=True)
    ]


def _judge(specification: Specification, scored: Sequence[Scored], days: Collection[date]) -> Judgement:
    return judge([s for s in scored if s.as_of in days], capacity=specification.capacity)
