"""Training, from a specification to registered candidates, readable from top to bottom.

Who was asked about and what was known of them, date by date; what followed; trees, a logistic model
and what a manager would sort by; calibrated on later dates, judged on still later ones; exported and
registered. Everything is a function of the snapshot, the specification and the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import chain
from typing import Any

from features.catalogue import Catalogue
from features.deliveries import read_ledger
from features.memory import give_back
from features.outcomes import Labels, reporting_lag
from features.panel import store_panels
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.calibration import fit_platt
from models.candidate import (
    NOT_APPROVED,
    REFERENCE_ROWS,
    Candidate,
    columns_by_name,
    export_candidate,
    reference_of,
)
from models.composition import composition
from models.judge import Judgement, Scored, judge
from models.scorer import LinearScorer, Scorer
from models.spec import Specification, catalogue_of, read_spec
from training.calendar import Calendar, Fold, lay_out
from training.card import card, common
from training.examples import Examples, InTurn, draw, join, margins_of, need_both_outcomes
from training.linear import fit_baseline, fit_logistic
from training.question import Morning, Question
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
    calendar = _calendar(snapshot, specification, catalogue, lag=reporting_lag(snapshot, outcome))
    eligibility = specification.to_eligibility(workspace, catalogue)
    question = Question(snapshot, catalogue, eligibility, outcome, objections_on=calendar.test_judged_on)

    store_panels(snapshot, catalogue, calendar.days, tell=tell)
    last = calendar.folds[-1] if calendar.folds else Fold((), ())
    fit_days, validation_days = last.fit, last.validate
    by_day, earlier_by_day, later_by_day = {}, {}, {}
    for day in calendar.train:
        tell(f"who was asked about on {day}, and what followed")
        morning = question.morning(day)
        by_day[day] = question.examples(morning, calendar.train_judged_on)
        if day in fit_days:
            earlier_by_day[day] = question.examples(morning, validation_days[0])
    for day in calendar.calibrate:
        tell(f"who was asked about on {day}, and what followed")
        later_by_day[day] = question.examples(question.morning(day), calendar.calibrate_judged_on)
    training, validation = join(by_day.values()), join(by_day[day] for day in validation_days)
    earlier, later = join(earlier_by_day.values()), join(later_by_day.values())
    need_both_outcomes(training, "fit", "training")
    need_both_outcomes(later, "calibrate", "calibration")
    reported, followed = [], []
    for day in calendar.reported:
        tell(f"who was asked about on {day}, and what followed")
        reported.append(question.morning(day))
        followed.append(question.labels(reported[-1], calendar.test_judged_on))

    tell("fitting")
    names, threads, seed = catalogue.names, workspace.settings.threads, workspace.settings.seed
    settings = specification.lightgbm
    tried = choose(settings, names, fit=earlier, validate=validation, threads=threads, seed=seed)
    trees = fit_trees(tried[0], names, training, threads=threads, seed=seed)
    scorers: dict[str, Scorer] = {TREES: trees, **_fit_linear(specification, catalogue, training)}

    give_back()  # the rows in their bins, and all that the trees were grown with

    tell("calibrating and judging")
    platts = {kind: fit_platt(m, later.y) for kind, m in margins_of(scorers, names, later.blocks).items()}
    drafts = {
        kind: Candidate(
            "", kind, specification, catalogue, question.eligibility, scorer, platts[kind], card={}
        )
        for kind, scorer in scorers.items()
    }
    scored = _score(drafts, names, reported, followed)
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
    known, n = InTurn([m.known for m in reported]), sum(len(m.person_ids) for m in reported)
    kept = draw(known, n, most=REFERENCE_ROWS, seed=seed)
    exported = {}
    for kind, draft in drafts.items():
        tell(f"exporting {titles[kind]}")
        fit = {**asdict(draft.calibration), **(asdict(tried[0]) if kind == TREES else {})}
        made_of = composition(draft, [columns_by_name(kept, names, draft.names)], threads=threads)
        whole = card(kind, titles[kind], shared=shared, judged=judged, also=also, fit=fit, made_of=made_of)
        exported[kind] = export_candidate(workspace, replace(draft, card=whole), reference_of(draft, kept))
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


def _fit_linear(
    specification: Specification, catalogue: Catalogue, training: Examples
) -> dict[str, LinearScorer]:
    """kind → the logistic model and the baselines. Their few columns are held for all training rows."""
    baselines, y = {b.name: b.features for b in specification.baselines}, training.y
    few = training.columns(sorted({*specification.logistic, *chain(*baselines.values())}))
    return {
        LOGISTIC: fit_logistic(catalogue, specification.logistic, few, y),
        **{kind: fit_baseline(catalogue, features, few, y) for kind, features in baselines.items()},
    }


def _score(
    drafts: Mapping[str, Candidate],
    names: Sequence[str],
    mornings: Sequence[Morning],
    followed: Sequence[Labels],
) -> dict[str, list[Scored]]:
    """kind → everybody of each morning, scored."""
    scorers = {kind: draft.scorer for kind, draft in drafts.items()}
    scored: dict[str, list[Scored]] = {kind: [] for kind in drafts}
    for m, after in zip(mornings, followed, strict=True):
        for kind, margins in margins_of(scorers, names, m.known).items():
            log_odds = drafts[kind].slope * margins + drafts[kind].intercept
            scored[kind].append(Scored(m.as_of, m.person_ids, log_odds, after.y, after.same_as))
    return scored


def _judge(specification: Specification, scored: Sequence[Scored], days: Collection[date]) -> Judgement:
    return judge([s for s in scored if s.as_of in days], capacity=specification.capacity)
