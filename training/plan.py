"""What a training run is to do, settled before anything is read: the question, the features, the dates."""

from __future__ import annotations

from dataclasses import dataclass

from features.catalogue import Catalogue
from features.deliveries import read_ledger
from features.outcomes import reporting_lag
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.spec import Specification, catalogue_of, read_spec
from training.calendar import Calendar, lay_out
from training.outcome_held import need_outcomes, need_told_of
from training.question import Question


@dataclass(frozen=True)
class Plan:
    """A specification, the features it asks for, its dates, and the question it puts on each of them."""

    workspace: Workspace
    specification: Specification
    catalogue: Catalogue
    calendar: Calendar
    question: Question

    @property
    def snapshot(self) -> Snapshot:
        return self.question.snapshot

    @property
    def threads(self) -> int:
        return self.workspace.settings.threads

    @property
    def seed(self) -> int:
        return self.workspace.settings.seed


def lay_plan(workspace: Workspace, name: str, *, snapshot: Snapshot | None = None) -> Plan:
    """The plan of a specification on a state of what is held; default, the newest.

    Raises UserMistake where the specification or its calendar cannot be used on it, and where it cannot say
    what followed, see `training.outcome_held`.
    """
    specification = read_spec(workspace, name)
    catalogue = catalogue_of(workspace, specification)
    eligibility = specification.to_eligibility(workspace, catalogue)
    outcome, snapshot = specification.to_outcome(eligibility.happenings), snapshot or open_snapshot(workspace)
    need_outcomes(snapshot, outcome)
    ledger = [d for d in read_ledger(snapshot.tables) if d.delivery_id <= snapshot.last_delivery]
    calendar = lay_out(
        specification,
        lag=reporting_lag(snapshot, outcome),
        last_received=max(delivery.received_on for delivery in ledger),
        covered_from=min(fact.covers_from for fact in catalogue.facts),
    )
    need_told_of(snapshot, outcome, calendar, ledger)
    question = Question(snapshot, catalogue, eligibility, outcome, objections_on=calendar.test_judged_on)
    return Plan(workspace, specification, catalogue, calendar, question)
