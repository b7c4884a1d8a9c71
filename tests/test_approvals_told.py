"""What is told of approvals: how a run's candidates stand, who approved which words, what awaits a decision."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.workspace import Workspace, init_workspace
from models.approvals import decide
from models.approvals_text import run_stands
from models.candidate import NOT_APPROVED, Candidate, export_candidate
from tests.answered import answer
from tests.test_approvals import GOOD, PEOPLE
from tests.test_candidate import CARD, draft, panel, reference_of, sums

Command = Callable[..., tuple[int, str, str]]
TITLES = {"lightgbm": "trees", "logistic": "a sum"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path, sources=None)
    return Workspace(tmp_path)


def candidate(workspace: Workspace, kind: str, *, slope: float = 0.9, **card: Any) -> Candidate:
    made = replace(draft(sums(), slope=slope), kind=kind, card={**CARD, **GOOD, "kind": kind, **card})
    exported = export_candidate(workspace, made, reference_of(made, panel(20).X))
    answer(workspace, exported)
    return exported


def say(workspace: Workspace, who: str, kind: str, what: str) -> Any:
    (by, role), at = PEOPLE[who], datetime(2026, 7, 1, tzinfo=UTC)
    return decide(workspace, kind, what, by=by, role=role, because="it was looked at by all of us", at=at)


def test_a_run_that_was_made_before_says_what_people_decided_since(workspace: Workspace) -> None:
    run = {kind: candidate(workspace, kind).sha256 for kind in TITLES}
    later = {kind: candidate(workspace, kind, slope=0.8).sha256 for kind in TITLES}
    trees, sum_ = run["lightgbm"], run["logistic"]

    def told(models: dict[str, str] = run) -> tuple[str, tuple[str, ...]]:
        found = run_stands(workspace, "fires", models, TITLES)
        return found.said, found.settled

    assert told() == (NOT_APPROVED, ())
    say(workspace, "A", "propose", trees)
    assert told() == (NOT_APPROVED, ()), "nobody has approved it yet"
    say(workspace, "A", "approve", trees)
    said, settled = told()
    assert said.startswith("NOT APPROVED: trees") and "needs a second person" in said and "Anna" in said
    assert settled == ()
    say(workspace, "B", "approve", trees)
    people = "Anna Bright (data analyst) and Ben Castle (service manager)"
    assert told() == (f"trees ({trees[:12]}) is the champion, approved by {people}", ("lightgbm",))
    assert told(later) == (
        f"{NOT_APPROVED}. Lists are made with the champion, {trees[:12]}, which is another",
        (),
    )
    say(workspace, "C", "reject", sum_)
    assert told()[0].endswith(f"; a sum ({sum_[:12]}) was rejected on 1 July 2026")
    assert told()[1] == ("lightgbm",), "what is rejected may be approved anew"
    for who in "AB":
        say(workspace, who, "approve", later["lightgbm"])
    assert told()[0].startswith(f"trees ({trees[:12]}) is an earlier champion, approved by {people}; a sum")
    say(workspace, "C", "retire", trees)
    said, settled = told()
    assert said.startswith(f"NOT APPROVED: trees ({trees[:12]}) was retired on 1 July 2026; a sum")
    assert settled == ("lightgbm",)
    assert run_stands(workspace, "falls", run, TITLES).said == NOT_APPROVED


def test_a_log_that_cannot_be_read_keeps_nobody_from_a_runs_figures(workspace: Workspace) -> None:
    (workspace.root / "operations.db").write_text("this is no database at all, but a page of text " * 30)
    said = run_stands(workspace, "fires", {"lightgbm": "f" * 64}, TITLES).said
    assert said == "NOT APPROVED, as far as can be told: The operational database cannot be used."
