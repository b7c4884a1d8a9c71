"""What is known only after a date is found in what training learns from by dates; scores do not give it away.

Every number that a training run reads of every date is derived again, slowly, from the rows of the tables
that were known by then. A peek of thirty days differs by the hundred; its figures look like anybody's luck.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features import panel
from features.asof import day_number
from features.panel import store_panels
from features.rows import Rows
from features.tables import Tables
from features.workspace import Workspace, open_workspace
from models.judge import auc
from tests.slowly import Event, slowly
from tests.trained_town import DAYS, TEST, trained_town
from tests.worlds import asked as as_asked
from tests.worlds import same
from training.asked import ask
from training.linear import fit_logistic
from training.plan import Plan, lay_plan

PEEK = 30


def what_came_later(rows: Rows, today: int) -> Rows:
    """What happens within thirty days of a date counts as of the day before it."""
    soon = (rows.occurred >= today) & (rows.occurred < today + PEEK)
    occurred = np.where(soon, today - 1, rows.occurred).astype(np.int32)
    return rows._replace(
        occurred=occurred, known_on=np.where(soon, today - 1, rows.known_on).astype(np.int32)
    )


def what_was_told_later(rows: Rows, today: int) -> Rows:
    """What happened before a date counts, though it was told of within thirty days after."""
    late = (rows.known_on >= today) & (rows.known_on < today + PEEK)
    return rows._replace(known_on=np.where(late, today - 1, rows.known_on).astype(np.int32))


def peeking(how: Callable[[Rows, int], Rows]) -> Any:
    def compute(rows: Rows, program: Any, as_of: Any, **rest: Any) -> Any:
        return honest(how(rows, day_number(as_of)), program, as_of, **rest)

    honest = panel.compute
    return compute


@dataclass(frozen=True)
class Learned:
    """What training reads of a town, and what comes of it.

    too_early: date → numbers that are not what the tables said by then. auc: of a logistic model.
    """

    too_early: dict[date, int]
    auc: float


def learned_from(workspace: Workspace) -> Learned:
    plan = lay_plan(workspace, "missing")
    store_panels(plan.snapshot, plan.catalogue, plan.calendar.days)
    asked = ask(plan.question, plan.calendar)
    few, training = plan.specification.logistic, asked.training
    model = fit_logistic(plan.catalogue, few, training.columns(few), training.y)
    tested = asked.rows[TEST, plan.calendar.test_judged_on]
    margins = model.margin(np.concatenate(list(tested.known.columns(model.names))))
    events = defaultdict(list)
    for row in Tables(workspace.data).read("events").to_pylist():
        event = Event(row["subject_key"], row["signal"], row["occurred_at"].date(), row["known_on"])
        events[event.person].append(event)
    wrong = {day: too_early(plan, events, day) for day in plan.calendar.days}
    return Learned({day: number for day, number in wrong.items() if number}, auc(margins, tested.y))


def too_early(plan: Plan, events: Mapping[str, list[Event]], day: date) -> int:
    """How many numbers of everybody asked about on a date are not what the tables said by then."""
    catalogue, morning = plan.catalogue, plan.question.morning(day)
    covers = {fact.source: (fact.covers_from, fact.register) for fact in catalogue.facts}
    given = as_asked(catalogue), covers, day, catalogue.longest, set(catalogue.codes)
    found, people = 0, morning.person_ids.tolist()
    for person, row in zip(people, np.concatenate(list(morning.known)).tolist(), strict=True):
        wanted = slowly(events[person], [], *given).get(person, [nan] * len(row))
        found += sum(not same(got, want) for got, want in zip(row, wanted, strict=True))
    assert people
    return found


def test_a_peek_is_caught_by_dates_and_not_by_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, town = {}, trained_town(tmp_path / "w", people=120).workspace.root
    for name, how in (("no peek", None), ("happened", what_came_later), ("told", what_was_told_later)):
        with monkeypatch.context() as patch:
            if how:
                patch.setattr("features.panel.compute", peeking(how))
            found[name] = learned_from(open_workspace(shutil.copytree(town, tmp_path / name)))
        print(f"{name:<8} AUC {found[name].auc:.3f}, numbers too early {sum(found[name].too_early.values())}")
    honest = found.pop("no peek")
    assert honest.too_early == {}
    for peek in found.values():
        assert set(DAYS) <= set(peek.too_early) and min(peek.too_early.values()) > 60
        assert peek.auc < honest.auc + 0.05, "nobody would look twice at such a figure"
