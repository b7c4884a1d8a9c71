"""What is told of approvals: how a run's candidates stand, who approved which words, what is undecided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import UserMistake
from features.workspace import Workspace, init_workspace
from models import registry
from models.approvals import decide
from models.approvals_text import approvals, run_stands
from models.candidate import NOT_APPROVED, Candidate, export_candidate
from models.human import FILE, folder_of
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


ENTRIES = st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("abc"), st.integers(1, 2)), max_size=12)


@given(ENTRIES)
def test_the_newest_of_each_specification_are_its_last_that_were_made_of_the_same(
    made: list[tuple[str, str, int]],
) -> None:
    there = [registry.Entry(str(n), kind, name, of, 1) for n, (name, kind, of) in enumerate(made)]
    expected = set()
    for name in {entry.specification for entry in there}:
        theirs = [entry for entry in there if entry.specification == name][::-1]
        of = theirs[0].last_delivery
        run = list(takewhile(lambda entry, of=of: entry.last_delivery == of, theirs))  # type: ignore[misc]
        expected |= {next(entry for entry in run if entry.kind == kind) for kind in {e.kind for e in run}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "entries", lambda models: there)
        found = registry.newest_of_each(Path("anywhere"))
    assert set(found) == expected and len(found) == len(expected)


def test_candidates_that_nobody_has_decided_about_are_listed_by_their_hashes(
    workspace: Workspace, earlyhelp_command: Command
) -> None:
    old = candidate(workspace, "lightgbm", slope=0.7)
    dates = {"dates": {"judged_on": {"test": "2026-06-16"}}}
    new = [
        candidate(workspace, kind, verdict={"kind": "logistic", "said": "a sum"}, **dates) for kind in TITLES
    ]
    trees, sum_ = (each.sha256[:12] for each in new)

    def said() -> str:
        return earlyhelp_command("approvals", "--workspace", workspace.root)[1]

    lines = said().splitlines()
    assert "Nobody has decided anything about a model yet." in lines
    assert f"  fires  {trees}  lightgbm, judged as known on 2026-06-16" in lines
    named = f"  fires  {sum_}  logistic, judged as known on 2026-06-16; what can be approved, as far as its"
    assert any(line.startswith(named) for line in lines) and old.sha256[:12] not in said()
    say(workspace, "A", "propose", trees)
    (left,) = approvals(workspace).undecided
    assert left.model == new[1].sha256 and left.named
    say(workspace, "A", "reject", sum_)
    assert "Nobody has decided" not in said()


def test_who_names_no_model_is_told_the_newest_of_every_specification(workspace: Workspace) -> None:
    with pytest.raises(UserMistake) as mistake:
        say(workspace, "A", "approve", "abcabcabc")
    assert "there is none yet: make one with `earlyhelp train`" in mistake.value.problems
    model = candidate(workspace, "lightgbm")
    later = [registry.Entry(f"{n:x}" * 64, f"b{n}", "falls", 1, 1) for n in range(15)]
    registry.record(workspace.models, *later, registry.Entry("0" * 60 + "1111", "b15", "falls", 1, 1))
    with pytest.raises(UserMistake) as mistake:
        say(workspace, "A", "approve", "abcabcabc")
    assert f"{model.sha256[:12]}  fires, lightgbm" in mistake.value.problems
    assert len(mistake.value.problems) == 2 + 1 + 16
    with pytest.raises(UserMistake, match="names 2 models") as mistake:
        say(workspace, "A", "approve", "000000")
    assert mistake.value.problems[1:] == [
        "it begins like all of these:",
        "000000000000  falls, b0",
        "000000000000  falls, b15",
    ]


def test_an_approval_of_older_words_is_told_as_such(workspace: Workspace) -> None:
    model = candidate(workspace, "lightgbm")

    def stands() -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
        (found,) = (shown := approvals(workspace)).models
        (line,) = (
            line for line in shown.text().splitlines() if line.startswith(f"fires  {model.sha256[:12]}")
        )
        return found.status, found.approved_by, found.of_older_words, line

    anna, cara = "Anna Bright (data analyst)", "Cara Dunn (data protection officer)"
    second, two = "waiting for a second person in another role", "waiting for two people in different roles"
    say(workspace, "A", "approve", model.sha256)
    assert stands()[:3] == (second, (anna,), ())
    answer(workspace, model, purpose="something else altogether")
    assert stands()[:3] == (two, (), (anna,)), "the file is what the next approval is of"
    assert f"{two}; no longer counted, as it was of older words: {anna}; flagged" in stands()[3]
    say(workspace, "C", "approve", model.sha256)
    assert stands()[:3] == (second, (cara,), (anna,))
    assert (
        f"{second}; approved by {cara}; no longer counted, as it was of older words: {anna}; " in stands()[3]
    )
    (folder_of(workspace, "fires", model.sha256) / FILE).unlink()
    assert stands()[:3] == (second, (cara,), (anna,)), "as it read when it was approved last"
    answer(workspace, model, purpose="something else altogether")
    say(workspace, "A", "approve", model.sha256)
    assert stands()[:3] == ("champion", (cara, anna), ())
    answer(workspace, model, purpose="other words for the champion")
    assert stands()[:3] == ("champion", (cara, anna), ()), "two people stand by it"
