"""Training, from a specification to registered candidates, readable from top to bottom.

Who was asked about and what was known of them, date by date; what followed; settings and candidates
tried on earlier dates; trees, a logistic model and what a manager would sort by; calibrated on later
dates, judged on still later ones; exported and registered. Everything is a function of the snapshot, the
specification and the settings, so that the same run again finds what is there and makes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from features.memory import give_back, set_aside
from features.panel import store_panels
from features.progress import Tell, quiet
from features.snapshot import Snapshot
from features.workspace import Workspace
from models.approvals_text import run_stands
from models.calibration import fit_platt
from models.candidate import (
    NOT_APPROVED,
    REFERENCE_ROWS,
    Candidate,
    columns_by_name,
    export_candidate,
    list_candidates,
    reference_of,
)
from models.composition import composition
from models.judge import Judgement, Scored, judge
from models.verdict import verdict
from training.already import key_of, recall_any, remember
from training.asked import Asked, ask
from training.calendar import Calendar
from training.calendar_drawn import calendar_svg
from training.card import card, common
from training.examples import InTurn, draw, margins_of, need_both_outcomes
from training.fair import fair
from training.fitting import TREES, fit_all, score_lists, titles_of
from training.judged import judge_all, with_last_lists
from training.log_store import check_log
from training.plan import Plan, lay_plan
from training.plots import evidence_of
from training.search import search
from training.tracking import register
from training.trees import Fold, Setting, choose, chosen_before, untried

EXACT = "Exact counts, for the data team alone: pass none on. What may leave are papers (`earlyhelp papers`)."
"""Small numbers are starred in papers and nowhere else (`models.disclosure`)."""


@dataclass(frozen=True)
class TrainingReport:
    """What a training run did. cards: kind → its card, which tells everything; models: kind → sha256;
    versions: kind → version in the register of MLflow; approval: how they stand in the log of approvals;
    already: the same run was made before, and this is what it found; to_approve: the sha256 of the one that
    can be approved as far as its figures go, unless it was champion or is retired."""

    note: str = field(default=EXACT, init=False)
    specification: str
    title: str
    calendar: Calendar
    cards: dict[str, dict[str, Any]]
    models: dict[str, str]
    versions: dict[str, int]
    approval: str = NOT_APPROVED
    already: bool = False
    to_approve: str | None = None

    @property
    def verdict(self) -> str | None:
        """The kind that can be approved as far as its figures go; None where none can."""
        return next(iter(self.cards.values()))["verdict"]["kind"]


def train(
    workspace: Workspace,
    name: str,
    *,
    snapshot: Snapshot | None = None,
    again: bool = False,
    trials: int | None = None,
    ablate: bool = False,
    tell: Tell = quiet,
) -> TrainingReport:
    """Fit, calibrate, judge, export and register the candidates of a specification.

    snapshot: default, the newest state. again: even if the same run was made before. trials: of a search for
    the trees' settings; default, as many as the specification says, none if it says nothing of a search.
    ablate: tell too what each source is worth, by fitting the trees without it.
    Raises UserMistake where the specification or its calendar cannot be used on what is held.
    """
    plan = lay_plan(workspace, name, snapshot=snapshot)
    specification, catalogue, calendar = plan.specification, plan.catalogue, plan.calendar
    key = key_of(plan, trials=trials, ablate=ablate)
    if not again and (made := recall_any(plan, trials=trials, ablate=ablate)):
        return _report(plan, *made, already=True)
    check_log(workspace)

    store_panels(plan.snapshot, catalogue, calendar.days, tell=tell)
    asked = ask(plan.question, calendar, tell=tell)
    training, calibration = asked.training, asked.calibration
    need_both_outcomes(training, "fit", "training")
    need_both_outcomes(calibration, "calibrate", "calibration")
    set_aside(plan.snapshot.con, memory=workspace.settings.memory)

    tell("choosing settings")
    folds = [Fold(asked.fit(fold, seed=plan.seed), asked.validation(fold)) for fold in calendar.folds]
    tried = _choose(plan, folds, trials=trials, tell=tell)
    on_folds = _try_on_folds(plan, asked, folds, tried, tell=tell)
    del folds  # and their rows in bins
    give_back()

    tell("fitting")
    scorers = fit_all(plan, tried[0], training)
    give_back()  # the rows in their bins, and all that the trees were grown with

    tell("calibrating and judging")
    names = catalogue.names
    margins = margins_of(scorers, names, calibration.blocks)
    platts = {kind: fit_platt(found, calibration.y) for kind, found in margins.items()}
    scored = score_lists(scorers, names, asked.reported, platts=platts)
    before = score_lists(scorers, names, asked.before, platts=platts)
    with_last = with_last_lists(plan, scored, before)
    judged = judge_all(plan, asked, with_last, before)
    fairness = fair(plan, asked, scorers, platts, with_last, ablate=tried[0] if ablate else None, tell=tell)
    also = {
        str(day): {kind: _judge(plan, dates, [day]) for kind, dates in scored.items()}
        for day in calendar.also_report
    }

    known = InTurn([each.morning.known for each in asked.reported])
    people = sum(len(each.morning.person_ids) for each in asked.reported)
    kept = draw(known, people, most=REFERENCE_ROWS, seed=plan.seed)
    drafts = {
        kind: Candidate(
            "", kind, specification, catalogue, plan.question.eligibility, scorer, platts[kind], card={}
        )
        for kind, scorer in scorers.items()
    }
    shared, titles, cards = common(plan, asked, tried=tried, on_folds=on_folds), titles_of(specification), {}
    for kind, draft in drafts.items():
        tell(f"what {titles[kind]} go by")
        cards[kind] = card(
            kind,
            titles=titles,
            shared=shared,
            judged=judged,
            also=also,
            on_folds=on_folds,
            fit={**asdict(draft.calibration), **(asdict(tried[0]) if kind == TREES else {})},
            made_of=composition(draft, [columns_by_name(kept, names, draft.names)], threads=plan.threads),
            fairness=fairness[kind],
        )
    found = asdict(verdict(cards))
    exported = {
        kind: export_candidate(
            workspace,
            replace(draft, card=cards[kind] | {"verdict": found}),
            reference_of(draft, kept),
            listed=False,
        )
        for kind, draft in drafts.items()
    }
    drawn = calendar_svg(calendar)
    evidence = {
        kind: evidence_of(candidate, [s for s in scored[kind] if s.as_of in calendar.test], calendar=drawn)
        for kind, candidate in exported.items()
    }
    versions = register(workspace, exported, evidence=evidence, tell=tell)
    list_candidates(workspace, exported.values())
    models = {kind: candidate.sha256 for kind, candidate in exported.items()}
    remember(workspace, key, models, versions)
    cards = {kind: candidate.card for kind, candidate in exported.items()}
    return _report(plan, cards, models, versions)


def _report(
    plan: Plan,
    cards: dict[str, dict[str, Any]],
    models: dict[str, str],
    versions: dict[str, int],
    *,
    already: bool = False,
) -> TrainingReport:
    """What a run did, and how its candidates stand: one that was made before may have a champion by now."""
    name, title = plan.specification.name, plan.specification.title
    stands = run_stands(plan.workspace, name, models, titles_of(plan.specification))
    report = TrainingReport(name, title, plan.calendar, cards, models, versions, stands.said, already)
    named = report.verdict
    return replace(report, to_approve=models[named] if named and named not in stands.settled else None)


def _choose(plan: Plan, folds: Sequence[Fold], *, trials: int | None, tell: Tell) -> list[Setting]:
    """Every setting of the trees, written out or searched for, tried on the folds; the best first."""
    settings, names = plan.specification.lightgbm, plan.catalogue.names
    if trials is None and settings.search is None:
        return choose(settings, names, folds=folds, threads=plan.threads, seed=plan.seed)
    return search(
        settings,
        names,
        folds,
        storage=plan.workspace.searches,
        trials=trials,
        threads=plan.threads,
        seed=plan.seed,
        tell=tell,
    )


def _try_on_folds(
    plan: Plan, asked: Asked, folds: Sequence[Fold], tried: Sequence[Setting], *, tell: Tell
) -> dict[int, dict[str, Judgement]]:
    """The number of each fold that can be judged → kind → its figures, the trees' with the setting that the
    folds before it would have chosen. Margins are not calibrated here: neither who is on a list nor in which
    order people stand depends on it."""
    found: dict[int, dict[str, Judgement]] = {}
    first = untried(plan.specification.lightgbm)
    for number, (fold, of) in enumerate(zip(folds, plan.calendar.folds, strict=True), 1):
        if not fold.can_be_judged:
            tell(f"fold {number} of {len(folds)} is left out: its dates have nobody with the outcome, or all")
            continue
        tell(f"trying every candidate on earlier dates, fold {number} of {len(folds)}")
        setting = chosen_before(tried, len(found), otherwise=first)
        scored = score_lists(fit_all(plan, setting, fold), plan.catalogue.names, asked.listed(of))
        found[number] = {kind: _judge(plan, dates, of.validate) for kind, dates in scored.items()}
    return found


def _judge(plan: Plan, scored: Sequence[Scored], days: Collection[date]) -> Judgement:
    return judge([s for s in scored if s.as_of in days], capacity=plan.specification.capacity)
