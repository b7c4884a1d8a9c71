"""A model is champion once two named people in two roles said so, while every gate was met."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import GateFailed, UserMistake
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace, init_workspace
from models.approval_log import Entry, Row, chained, read_log
from models.approvals import (
    Flagged,
    Standing,
    _allowed,
    approval_of,
    candidate_in_use,
    champion,
    decide,
    standings,
)
from models.approvals_text import approvals
from models.candidate import NOT_APPROVED, Candidate, export_candidate, load_candidate
from models.gates import gates_of
from models.human import FILE, Human, Signature, folder_of
from models.verdict import verdict
from tests.answered import ONE_MISSED, ONE_TOO_SMALL, answer, audited, filled
from tests.test_candidate import CARD, draft, panel, reference_of, sums

PEOPLE = {
    "A": ("Anna Bright", "data analyst"),
    "B": ("Ben Castle", "service manager"),
    "C": ("Cara Dunn", "data protection officer"),
    "D": ("Dev Ellis", "data analyst"),
    "a": ("anna  BRIGHT", "service manager"),  # Anna again, in another role
}
KINDS = {"+": "approve", "-": "reject", "x": "retire", "<": "rollback", "?": "propose"}


def history(steps: str) -> list[Row]:
    """'A+1 B+1' → Anna approves model 1, then Ben does."""
    rows: list[Row] = []
    for step in steps.split():
        (by, role), kind, model = PEOPLE[step[0]], KINDS[step[1]], step[2]
        said = Entry("2026-01-05T09:00:00+00:00", kind, "fires", model, by, role, "we say so")
        rows.append(chained(said, rows[-1] if rows else None))
    return rows


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("", None),
        ("A?1", None),
        ("A?1 A+1", None),
        ("A+1 B+1", "1"),
        ("B+1 A+1", "1"),
        ("A+1 D+1", None),  # two people in one role
        ("A+1 a+1", None),  # one person in two roles
        ("A+1 D+1 B+1", "1"),
        ("A+1 B+2", None),
        ("A+1 B+2 C+1", "1"),
        ("A+1 C-1 B+1", None),  # turned down in between: from the start
        ("A+1 C-1 B+1 A+1", "1"),
        ("A+1 B+1 A+2", "1"),
        ("A+1 B+1 A+2 C+2", "2"),
        ("A+1 B+1 A+2 C+2 B<1", "1"),
        ("A+1 B+1 A+2 C+2 B<1 A+2", "1"),  # what was taken back needs two anew
        ("A+1 B+1 A+2 C+2 B<1 A+2 B+2", "2"),
        ("A+1 B+1 A+2 C+2 C+1", "2"),  # nor does one bring back what was succeeded
        ("A+1 B+1 A+2 C+2 C+1 A+1", "1"),
        ("A+1 B+1 Ax1", None),
        ("A+1 B+1 A+2 C+2 Ax1", "2"),
        ("A+1 B+1 A+2 C+2 Ax2", None),  # nobody goes back by themselves
        ("A+1 B+1 A+2 C+2 Ax2 B<1", "1"),
        ("A+1 B+1 A+2 C+2 A+3 C+3 B<2 B<1", "1"),
        ("A+1 B+1 A+2 C+2 A+3 C+3 Ax2 B<1", "1"),
    ],
)
def test_who_is_champion_after_a_history(steps: str, expected: str | None) -> None:
    assert standings(history(steps)).get("fires", Standing()).champion == expected


STEPS = st.lists(st.tuples(st.sampled_from("ABCDa"), st.sampled_from("+++-x<"), st.sampled_from("123")))


@given(STEPS)
def test_a_champion_has_two_approvals_that_stand(steps: list[tuple[str, str, str]]) -> None:
    """Against the rows themselves, of histories that the rules let through."""
    rows: list[Row] = []
    now = Standing()
    for person, kind, model in steps:
        if kind == "<":
            if not now.before:
                continue
            model = now.before[-1]
        by, role = PEOPLE[person]
        try:
            _allowed(KINDS[kind], model, by, now, was=now.champion)
        except UserMistake:
            continue
        rows.append(Row("", KINDS[kind], "fires", model, by, role, "", len(rows) + 1, "", ""))
        now.take(rows[-1])
        for stands in [*([now.champion] if now.champion else []), *now.before]:
            about = [row for row in rows if row.model == stands and row.kind != "rollback"]
            assert not any(row.kind == "retire" for row in about)
            since = max((n for n, row in enumerate(about) if row.kind == "reject"), default=-1)
            approving = [row for row in about[since + 1 :] if row.kind == "approve"]
            assert any(
                one.by.casefold().split() != other.by.casefold().split() and one.role != other.role
                for one, other in combinations(approving, 2)
            )
        assert now.champion not in now.before and len(set(now.before)) == len(now.before)
        assert now.champion not in now.turned_down and not set(now.before) & set(now.turned_down)


GOOD: dict[str, Any] = {
    "kind": "logistic",
    "fitted_on": {"rows": 900, "positives": 60},
    "people": {"learned_from_positive": 50},
    "test": {"precision": 0.4, "calibration_slope": 1.07, "estimable": True, "positive_people": 20},
    "beside": {"calls": {"precision": 0.3}, "lightgbm": {"precision": 0.5}},
    "paired": {
        "calls": {"of": "precision at 30", "difference": 0.1, "low": 0.02, "high": 0.18},
        "latest": {"of": "precision at 30", "difference": 0.3, "low": 0.2, "high": 0.4},
    },
    "audit": audited(),
}
BETTER, GROUPS = "better than the best baseline", "no group is missed too often"


def but(**changed: Any) -> dict[str, Any]:
    return {**GOOD, **changed}


def judged(**changed: Any) -> dict[str, Any]:
    return {"test": {**GOOD["test"], **changed}}


def paired(low: float | None) -> dict[str, Any]:
    return {"paired": {"calls": {"of": "precision at 30", "difference": 0.1, "low": low, "high": 0.2}}}


BASELINE = but(kind="calls", beside={"latest": {"precision": 0.4}, "lightgbm": {"precision": 0.9}}, paired={})


@pytest.mark.parametrize(
    ("card", "unmet"),
    [
        (GOOD, []),
        ({}, [BETTER, "calibration", GROUPS]),
        (but(**paired(0.0)), [BETTER]),
        (but(**paired(None)), [BETTER]),
        (but(paired={}), [BETTER]),
        (BASELINE, []),
        ({**BASELINE, "beside": {"latest": {"precision": 0.41}}}, [BETTER]),
        ({**BASELINE, "beside": {"last_week": {"precision": 0.9}}, "cannot_serve": {"last_week": "it"}}, []),
        ({**BASELINE, "beside": {"latest": {"precision": None}}}, [BETTER]),
        (but(**judged(calibration_slope=0.79)), ["calibration"]),
        (but(**judged(calibration_slope=1.21)), ["calibration"]),
        (but(**judged(calibration_slope=None)), ["calibration"]),
        (but(**judged(estimable=None)), [BETTER]),
        (but(**judged(estimable=False, positive_people=19)), [BETTER]),
        (but(fitted_on={"rows": 900}), [BETTER]),
        (but(people={"learned_from": 700}), [BETTER]),
        (but(people={"learned_from_positive": 49}), [BETTER]),  # though of 60 rows
        (but(audit=audited(ONE_MISSED)), [GROUPS]),
        ({**BASELINE, **paired(0.0), "kind": "calls"}, []),  # itself and what is fitted are no rivals
        ({**BASELINE, "paired": {"latest": {"of": "AP", "difference": -0.001, "low": None}}}, [BETTER]),
        ({**BASELINE, "paired": {"latest": {"of": "AP", "difference": 0.0, "low": None}}}, []),
    ],
)
def test_what_a_card_does_not_tell_is_a_gate_that_is_not_met(card: dict[str, Any], unmet: list[str]) -> None:
    gates = gates_of(card, filled())
    assert [gate.name for gate in gates if not gate.met] == unmet
    assert all(gate.said for gate in gates)


def test_what_people_must_write_is_a_gate() -> None:
    card = but(audit=audited(ONE_TOO_SMALL))
    signed = {"sex: unknown": Signature("Anna Bright", "we looked at all fourteen of them")}

    def unmet(human: Human) -> dict[str, str]:
        return {gate.name: gate.said for gate in gates_of(card, human) if not gate.met}

    assert unmet(replace(filled(), signed=signed)) == {}
    assert unmet(filled()) == {GROUPS: "not estimable, and nobody signed: sex: unknown"}
    assert unmet(replace(filled(), signed={"sex: unknown": Signature("", "")})) == unmet(filled())
    written = "what people must write"
    assert unmet(replace(filled(purpose="", owner=""), signed=signed)) == {written: "empty: owner, purpose"}
    assert "nobody has written" in unmet(Human(filled().answers, signed))[written]  # no file holds it
    assert set(unmet(Human())) == {GROUPS, written}


def test_where_nothing_beats_the_best_baseline_it_is_what_can_be_approved() -> None:
    better, alike = {**GOOD, "kind": "lightgbm", "title": "trees"}, {**GOOD, **paired(0.0), "title": "a sum"}
    rule, worse = {**BASELINE, "title": "calls in 90 days"}, {**BASELINE, "kind": "latest", "title": "latest"}
    worse |= {"beside": {"calls": {"precision": 0.5}}}
    run = {"latest": worse, "calls": rule, "logistic": alike}
    assert verdict({"lightgbm": better, **run}).kind == "lightgbm"
    assert verdict({**run, "lightgbm": better}).said == "Shown to beat the best baseline: trees."
    assert verdict(run).kind == "calls"
    assert verdict(run).said.endswith("best baseline, calls in 90 days: that is what can be approved.")
    assert verdict({"logistic": alike, "latest": worse}).kind is None


def test_what_its_own_figures_stop_is_not_what_can_be_approved() -> None:
    trees, sums = {**GOOD, "kind": "lightgbm", "title": "trees"}, {**GOOD, "title": "a sum"}
    rule = {**BASELINE, "title": "calls"}
    unfair, steep = {"audit": audited(ONE_MISSED)}, judged(calibration_slope=1.4)
    shown = (
        "Shown to beat the best baseline: trees and a sum. trees cannot be approved, whatever people write:"
    )
    run = {"calls": rule, "lightgbm": trees | unfair, "logistic": sums}
    assert verdict(run).kind == "logistic"
    assert verdict(run).said.startswith(f"{shown} missed too often: ")
    assert verdict(run).said.endswith(". What can be approved is a sum.")
    found = verdict({"logistic": sums, "lightgbm": trees | unfair, "calls": rule})
    assert found.kind == "logistic" and "trees cannot be approved" in found.said, "told though it came second"
    found = verdict({"lightgbm": trees | steep, "calls": rule, "logistic": sums | unfair})
    assert found.kind == "calls" and found.said.startswith(f"{shown} the slope is 1.40;")
    assert "a sum cannot be approved" in found.said
    assert found.said.endswith(". What can be approved is calls.")
    found = verdict({"lightgbm": trees | unfair, "calls": rule | steep})
    assert found.kind is None and found.said.endswith(". Nothing of this run can be approved.")
    found = verdict({"logistic": sums | paired(0.0), "calls": rule | unfair})
    assert found.kind is None and "best baseline, calls. calls cannot be approved" in found.said
    to_sign = {"audit": audited(ONE_TOO_SMALL)}  # what a person can sign for stops nothing here
    assert verdict({"lightgbm": trees | to_sign}).kind == "lightgbm"


def test_of_several_that_beat_the_baselines_earlier_folds_choose() -> None:
    def selected(often: str | None, steady: str | None) -> dict[str, Any]:
        rules = {"most_often": {"rule": "often", "kind": often}, "steady": {"rule": "steady", "kind": steady}}
        return {"selection": rules, "titles": {"last_week": "last week's list"}}

    def found(often: str | None, steady: str | None, **logistic: Any) -> tuple[str | None, str]:
        trees, sums = {**GOOD, "kind": "lightgbm", "title": "trees"}, {**GOOD, "title": "a sum", **logistic}
        run = {"lightgbm": trees, "logistic": sums}
        told = verdict({kind: card | selected(often, steady) for kind, card in run.items()})
        return told.kind, told.said

    shown = "Shown to beat the best baseline: a sum and trees."
    assert found("logistic", "logistic") == (
        "logistic",
        f"{shown} What can be approved is a sum, which earlier folds chose.",
    )
    assert found(None, "logistic") == found("logistic", "logistic")
    kind, said = found("lightgbm", "last_week")
    assert kind == "lightgbm" and said.startswith(
        "Shown to beat the best baseline: trees and a sum. On earlier"
    )
    assert (
        "folds 'steady' chose last week's list. What can be approved is trees, which earlier folds chose."
        in said
    )
    kind, said = found("logistic", "logistic", **paired(0.0))
    assert kind == "lightgbm" and "trees. On earlier folds 'often' chose" in said, "it is not shown to"


def test_every_output_says_so_where_a_run_names_another_model(workspace: Workspace) -> None:
    said = "Nothing is shown to beat the best baseline, calls in 90 days: that is what can be approved."
    other = candidate(workspace, verdict={"kind": "calls", "said": said})
    assert approval_of(workspace, other) == f"{NOT_APPROVED}. {said[:-1]}"
    named = candidate(workspace, verdict={"kind": "logistic", "said": "It is shown to beat it."})
    assert approval_of(workspace, named) == NOT_APPROVED
    for who in "AB":
        say(workspace, who, "approve", other.sha256)
    assert approval_of(workspace, other) == ""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path, sources=None)
    return Workspace(tmp_path)


def candidate(workspace: Workspace, *, slope: float = 0.9, **card: Any) -> Candidate:
    """A candidate whose card meets every gate, but for what is given."""
    made = replace(draft(sums(), slope=slope), kind="lightgbm", card={**CARD, **GOOD, **card})
    exported = export_candidate(workspace, made, reference_of(made, panel(20).X))
    answer(workspace, exported)
    return exported


def say(workspace: Workspace, who: str, kind: str, what: str) -> Any:
    by, role = PEOPLE[who]
    at = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    because = "it was looked at by all of us"
    return decide(workspace, kind, what, by=by, role=role, because=because, at=at)


def test_two_people_make_a_champion_and_one_takes_it_back(workspace: Workspace) -> None:
    first, second = candidate(workspace), candidate(workspace, slope=0.8)
    assert champion(workspace, "fires") is None and approval_of(workspace, first) == NOT_APPROVED
    assert candidate_in_use(workspace, "fires") == second

    say(workspace, "A", "propose", first.sha256)
    assert "second person" in say(workspace, "A", "approve", first.sha256[:8]).said
    assert "second person" in approval_of(workspace, first)
    done = say(workspace, "B", "approve", first.sha256.upper())
    assert done.champion == champion(workspace, "fires") == first.sha256
    assert approval_of(workspace, first) == "" and approval_of(workspace, second) == NOT_APPROVED
    assert candidate_in_use(workspace, "fires") == first

    say(workspace, "A", "approve", second.sha256)
    say(workspace, "C", "approve", second.sha256)
    assert candidate_in_use(workspace, "fires") == second
    assert approval_of(workspace, first) == ""  # an earlier champion was approved and still is
    assert say(workspace, "C", "rollback", "fires").champion == first.sha256
    assert approval_of(workspace, second) == "NOT APPROVED: this model was taken back on 1 July 2026"
    assert [row.number for row in read_log(workspace).rows] == [1, 2, 3, 4, 5, 6]


def test_a_retired_model_is_used_by_nobody_and_its_flags_are_counted(workspace: Workspace) -> None:
    older, model = candidate(workspace, slope=0.8), candidate(workspace)
    rows = [
        {"as_of": date(2026, 6, day), "rank": person, "person_id": f"P{person}", "model": who.sha256}
        for day, person, who in [(1, 1, model), (1, 2, model), (8, 1, model), (8, 3, older)]
    ]
    Tables(workspace.data).append("flags", pa.Table.from_pylist(rows, schema=SCHEMAS["flags"]))
    for who in "AB":
        say(workspace, who, "approve", model.sha256)
    done = say(workspace, "C", "retire", model.sha256)
    assert (done.champion, done.flagged) == (None, Flagged(people=2, mornings=2))
    assert "flagged 2 people on 2 mornings" in done.said and "NOT APPROVED" in done.said
    assert approval_of(workspace, model) == "NOT APPROVED: this model was retired on 1 July 2026"
    assert candidate_in_use(workspace, "fires") == older  # which nobody has approved
    assert approval_of(workspace, older) == NOT_APPROVED
    for kind in ("approve", "propose", "reject", "retire"):
        with pytest.raises(UserMistake, match="is retired"):
            say(workspace, "A", kind, model.sha256)
    say(workspace, "A", "reject", older.sha256)
    with pytest.raises(UserMistake, match="not turned down"):
        candidate_in_use(workspace, "fires")
    (shown,) = [each for each in approvals(workspace).models if each.model == model.sha256]
    assert (shown.status, shown.flagged.people) == ("retired", 2)


def test_every_gate_that_is_not_met_is_named(workspace: Workspace) -> None:
    model = candidate(workspace, **judged(calibration_slope=0.5), audit=audited(ONE_TOO_SMALL))
    answer(workspace, model, sign=False, purpose="", owner="tbc")
    with pytest.raises(GateFailed) as refused:
        say(workspace, "A", "approve", model.sha256)
    assert refused.value.exit_code == 4
    assert refused.value.problems == [
        "calibration: the slope is 0.50; it has to be 0.8 to 1.2",
        "no group is missed too often: not estimable, and nobody signed: sex: unknown",
        "what people must write: empty: owner, purpose",
    ]
    assert read_log(workspace).rows == ()
    say(workspace, "A", "reject", model.sha256)  # whatever its gates
    answer(workspace, model)
    with pytest.raises(GateFailed) as refused:
        say(workspace, "A", "approve", model.sha256)
    assert len(refused.value.problems) == 1


def test_both_approve_the_same_words_and_the_words_are_kept(workspace: Workspace) -> None:
    model = candidate(workspace)
    file = folder_of(workspace, "fires", model.sha256) / FILE
    first = say(workspace, "A", "approve", model.sha256).row
    assert first.human == hashlib.sha256(file.read_bytes()).hexdigest()
    answer(workspace, model, purpose="something else altogether")
    changed = say(workspace, "B", "approve", model.sha256)
    assert changed.champion is None and "has changed since" in changed.said
    with pytest.raises(UserMistake, match="approved this model before"):
        say(workspace, "B", "approve", model.sha256)
    done = say(workspace, "A", "approve", model.sha256)  # the new words
    assert done.champion == model.sha256 and done.row.human == changed.row.human != first.human
    (stands,) = approvals(workspace).models
    assert stands.approved_by == ("Ben Castle (service manager)", "Anna Bright (data analyst)")
    with pytest.raises(UserMistake, match="is the champion"):
        say(workspace, "C", "approve", model.sha256)
    kept = {path.name: path.read_bytes() for path in file.parent.glob("approved-*.yaml")}
    assert {hashlib.sha256(text).hexdigest() for text in kept.values()} == {first.human, done.row.human}
    assert f"all of us (what people wrote: {first.human[:12]})" in approvals(workspace).text()
    assert set(kept) == {f"approved-{row[:12]}.yaml" for row in (first.human, done.row.human)}
    answer(workspace, model, purpose="other words for the champion")
    assert say(workspace, "C", "approve", model.sha256).champion == model.sha256
    assert say(workspace, "A", "approve", model.sha256).champion == model.sha256
    now = standings(read_log(workspace).rows)["fires"]
    assert now.before == [] and [row.by for row in now.made[model.sha256]] == ["Cara Dunn", "Anna Bright"]


def test_what_people_wrote_of_another_model_is_not_approved(workspace: Workspace) -> None:
    model, other = candidate(workspace), candidate(workspace, slope=0.8)
    folder = folder_of(workspace, "fires", model.sha256)
    (folder / FILE).write_bytes((folder_of(workspace, "fires", other.sha256) / FILE).read_bytes())
    with pytest.raises(UserMistake, match="cannot be read") as refused:
        say(workspace, "A", "approve", model.sha256)
    assert f"not about {model.sha256[:12]}" in refused.value.problems[0]


def test_what_was_exported_is_what_is_approved(workspace: Workspace) -> None:
    model = candidate(workspace, **judged(calibration_slope=0.5))
    card = workspace.models / model.sha256 / "card.json"
    card.write_text(card.read_text().replace("0.5", "1.0"))
    with pytest.raises(UserMistake, match="have been changed"):
        say(workspace, "A", "approve", model.sha256)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"by": "Anna"}, "first name and surname"),
        ({"by": "Anna 7"}, "first name and surname"),
        ({"by": "Anna \x00Bright"}, "first name and surname"),
        ({"by": "Anna " + "B" * 100}, "at most 100"),
        ({"role": "leader"}, "data analyst, service manager, data protection officer"),
        ({"because": "fine"}, "says why, in 20"),
    ],
)
def test_a_decision_has_a_person_a_role_and_a_reason(
    workspace: Workspace, changed: dict[str, str], said: str
) -> None:
    model = candidate(workspace)
    given = {"by": "Anna Bright", "role": "Data  Analyst", "because": "it was looked at by all of us"}
    at = datetime(2026, 7, 1, tzinfo=UTC)
    with pytest.raises(UserMistake, match="not taken down") as refused:
        decide(workspace, "approve", model.sha256, at=at, **{**given, **changed})
    assert len(refused.value.problems) == 1 and said in refused.value.problems[0]
    assert decide(workspace, "approve", model.sha256, at=at, **given).row.role == "data analyst"


def test_what_has_no_sense_is_told(workspace: Workspace) -> None:
    model = candidate(workspace)
    for what in ("", model.sha256[:5], "0" * 64):
        with pytest.raises(UserMistake, match="names 0 models"):
            say(workspace, "A", "approve", what)
    with pytest.raises(UserMistake, match="no earlier champion"):
        say(workspace, "A", "rollback", "fires")
    say(workspace, "A", "approve", model.sha256)
    with pytest.raises(UserMistake, match="approved this model before"):
        say(workspace, "a", "approve", model.sha256)
    say(workspace, "B", "approve", model.sha256)
    for kind in ("approve", "reject"):
        with pytest.raises(UserMistake, match="is the champion"):
            say(workspace, "C", kind, model.sha256)


def test_nothing_is_decided_or_used_on_a_log_that_does_not_hold(workspace: Workspace) -> None:
    import sqlite3

    model = candidate(workspace)
    say(workspace, "A", "approve", model.sha256)
    say(workspace, "B", "approve", model.sha256)
    with sqlite3.connect(workspace.root / "operations.db") as con:
        con.executescript(
            "DROP TRIGGER approvals_no_UPDATE; UPDATE approvals SET role = 'both' WHERE number = 1"
        )
    for asked in (
        lambda: champion(workspace, "fires"),
        lambda: candidate_in_use(workspace, "fires"),
        lambda: approval_of(workspace, load_candidate(workspace.models / model.sha256)),
        lambda: say(workspace, "C", "retire", model.sha256),
    ):
        with pytest.raises(GateFailed, match="row 1 is not what was added"):
            asked()


def test_the_front_door(workspace: Workspace, earlyhelp_command: Callable[..., tuple[int, str, str]]) -> None:
    model, bad = candidate(workspace), candidate(workspace, test={})
    at = ("--workspace", workspace.root)

    def said(kind: str, what: str, who: str, *more: str) -> tuple[int, str, str]:
        by, role = PEOPLE[who]
        why = ("--because", "the board of July looked at it")
        return earlyhelp_command(kind, what, "--by", by, "--role", role, *why, *at, *more)

    assert "Nobody has decided anything" in earlyhelp_command("approvals", *at)[1]
    code, _, error = said("approve", bad.sha256, "A")
    assert code == 4 and "calibration: the card does not tell" in error
    assert said("propose", model.sha256[:12], "A")[0] == 0
    assert said("approve", model.sha256[:12], "A")[0] == 0
    code, printed, _ = said("approve", model.sha256[:12], "B", "--json")
    assert code == 0 and json.loads(printed)["champion"] == model.sha256
    code, printed, _ = earlyhelp_command("approvals", *at)
    assert code == 0 and f"ends in {read_log(workspace).rows[-1].hash}" in printed
    assert "champion; approved by Anna Bright (data analyst) and Ben Castle (service manager)" in printed
    assert said("rollback", "fires", "C")[0] == 2
    assert said("reject", bad.sha256, "C")[0] == said("retire", model.sha256, "C")[0] == 0
    found = json.loads(earlyhelp_command("approvals", *at, "--json")[1])
    assert [row["kind"] for row in found["rows"]] == ["propose", "approve", "approve", "reject", "retire"]
    assert [each["status"] for each in found["models"]] == ["retired", "rejected"]
    assert [each["approved_by"] for each in found["models"]] == [[], []]
    (workspace.root / "settings.yaml").write_text("approval_roles: [board]")
    assert said("approve", model.sha256, "A")[0] == 2
    (workspace.root / "settings.yaml").write_text("approval_roles: [board, ' Board']")
    assert "two of the roles are the same" in said("approve", model.sha256, "A")[2]
