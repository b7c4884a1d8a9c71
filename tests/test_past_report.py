"""The monitoring report of a list: what followed past lists, in which groups, and what is said of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.errors import UserMistake
from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace
from models.candidate import Candidate, export_candidate
from models.groups import groups
from monitoring.backlists import make_backlists
from monitoring.report import MonitorReport
from monitoring.run import monitor
from tests.past_lists import (
    AS_OF,
    FOUND,
    HEAVY,
    IDS,
    LEARNED_UNTIL,
    PAST,
    dated,
    deliver,
    event,
    make_town,
    object_now,
    put_on_list,
)


@pytest.fixture(scope="module")
def made_town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Candidate]:
    return make_town(tmp_path_factory.getbasetemp() / "town_of_400")


@pytest.fixture
def town(made_town: tuple[Workspace, Candidate], tmp_path: Path) -> tuple[Workspace, Candidate]:
    """A copy of the town that a test may change."""
    shutil.copytree(made_town[0].root, tmp_path / "town")
    return Workspace(tmp_path / "town"), made_town[1]


@pytest.fixture(scope="module")
def report(made_town: tuple[Workspace, Candidate]) -> MonitorReport:
    return monitor(made_town[0], AS_OF)


def test_groups_are_as_they_were_known_on_the_date(town: tuple[Workspace, Candidate]) -> None:
    """Two sources disagree: what became known last stands. Nothing known is `unknown`."""
    workspace, _ = town
    told = [
        {"subject_key": "s0", "value": "no", "known_on": date(2026, 1, 5)},
        {"subject_key": "t0", "value": "yes", "known_on": date(2026, 2, 9), "source": "schools"},
        {"subject_key": "s1", "value": "yes", "known_on": date(2026, 1, 5)},
    ]
    tables = Tables(workspace.data)
    tables.append(
        "characteristics",
        dated(
            "characteristics",
            [{"record_key": f"d/{at}", **row, "characteristic": "disability"} for at, row in enumerate(told)],
        ),
    )
    linked = {"link_run": 1, "source": "schools", "subject_key": "t0", "person_id": IDS[0]}
    linked["known_on"] = date(2026, 2, 9)
    tables.append("links", pa.Table.from_pylist([linked], schema=SCHEMAS["links"]))

    def on(day: date) -> list[str]:
        told = groups(open_snapshot(workspace), day, np.array(IDS[:3]))
        return told["disability"].tolist() if "disability" in told else []

    assert on(date(2026, 1, 5)) == []  # that morning no source had told of any disability
    assert on(date(2026, 1, 6)) == ["no", "yes", "unknown"]
    assert on(date(2026, 2, 9)) == ["no", "yes", "unknown"]
    assert on(date(2026, 2, 10)) == ["yes", "yes", "unknown"]


def test_age_and_deprivation_are_derived(made_town: tuple[Workspace, Candidate]) -> None:
    told = groups(open_snapshot(made_town[0]), AS_OF, np.array([IDS[0], IDS[1], IDS[7]]))
    assert told["age_band"].tolist() == ["40 to 64", "11 to 15", "11 to 15"]
    assert told["deprivation_fifth"].tolist() == ["5 (least deprived)", "1 (most deprived)", "unknown"]
    assert sorted(told) == ["age_band", "deprivation_fifth", "sex"]


def test_who_objects_after_the_list_is_in_no_count_of_the_report(town: tuple[Workspace, Candidate]) -> None:
    """All ten whom the past lists found; the figures with them are those of the next tests."""
    workspace, _ = town
    object_now(workspace, *sorted(FOUND))
    report = monitor(workspace, AS_OF)
    assert report.realised is not None
    assert report.realised.people == {"n": 390, "selected": 20, "positives": 60, "found": 0}
    (week,) = [audit for audit in report.this_week if audit.characteristic == "sex"]
    assert [g.counts for g in week.groups] == [{"n": 190, "selected": 0}, {"n": 200, "selected": 10}]


def test_the_report_says_whom_past_lists_missed(report: MonitorReport) -> None:
    realised = report.realised
    assert realised is not None
    # Pooled, each once: 20 heavy people and the 10 others by id; 70 harmed, of whom 10 were listed.
    assert realised.people == {"n": 400, "selected": 30, "positives": 70, "found": 10}
    assert (realised.recall, realised.precision, realised.base_rate) == (10 / 70, 10 / 30, 70 / 400)
    assert (realised.promised, realised.dates) == (0.9, tuple(PAST))

    (sex,) = [audit for audit in report.past if audit.characteristic == "sex"]
    women, men = sex.groups
    assert (women.name, men.name) == ("f", "m")
    assert women.counts["found"] == women.counts["positives"] / 3 == 10
    assert men.counts["found"] == 0
    assert men.estimates["recall"].verdict == "lower"
    assert women.estimates["recall"].verdict == "higher"
    said = [f for f in report.findings if f.what.startswith("By sex, m")]
    assert said[0].severity == "warning"
    assert said[0].what == (
        "By sex, m: past lists held 0% of those for whom the outcome followed, of everybody 14%."
    )

    (week,) = [audit for audit in report.this_week if audit.characteristic == "sex"]
    assert [g.counts for g in week.groups] == [{"n": 200, "selected": 10}] * 2
    assert [g.estimates["selection"].rate for g in week.groups] == [0.05, 0.05]
    # Seven lives nobody knows where: one person, and so the next group's count is hidden too.
    (fifths,) = [audit for audit in report.this_week if audit.characteristic == "deprivation_fifth"]
    assert [g.counts["n"] for g in fifths.groups] == ["*", 200, "*"]


def test_the_report_says_what_the_model_had_learned_and_what_it_promised(report: MonitorReport) -> None:
    said = [finding.what for finding in report.findings]
    assert any("1 past list of the 6 judged here came before 20 October 2025" in what for what in said)
    assert any("the model's card promised 90% (80% to 97%)" in what for what in said)
    assert [p.seen for p in report.past_lists] == [LEARNED_UNTIL, *[None] * 5]
    assert report.judged_on == date(2026, 6, 23)
    assert report.approval.startswith("NOT APPROVED")
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["critical", "warning", "note"].index)
    assert all(finding.do for finding in report.findings)


def test_what_is_written_is_what_was_seen(town: tuple[Workspace, Candidate]) -> None:
    workspace, _ = town
    make_backlists(workspace, [date(2026, 6, 1)])
    report = monitor(workspace, AS_OF, html=True)
    assert sorted(path.name for path in report.folder.iterdir()) == sorted(report.files)
    told = json.loads((report.folder / "fairness.json").read_text(encoding="utf-8"))
    assert told["past_lists"][-1] == {
        "as_of": "2026-06-01",
        "what_followed": "not yet known",
        "known_from": "2026-09-02",
        "model_learned_until": None,
    }
    assert [each["what_followed"] for each in told["past_lists"][:-1]] == ["known"] * 6
    drifted = json.loads((report.folder / "drift.json").read_text(encoding="utf-8"))
    assert [c["title"] for c in drifted["columns"]] == ["the score", "police calls in the last 90 days"]
    assert drifted["approval"] == report.approval
    assert report.approval in (report.folder / "drift.html").read_text(encoding="utf-8")
    page = (report.folder / "report.html").read_text(encoding="utf-8")
    assert "NOT APPROVED" in page
    assert "not yet known; from 2 September 2026" in page
    assert not any(person in page for person in IDS)
    assert monitor(workspace, AS_OF).files == ("drift.json", "fairness.json", "report.html")
    assert not (report.folder / "drift.html").exists()


def test_without_a_back_list_what_followed_is_not_yet_known(town: tuple[Workspace, Candidate]) -> None:
    workspace, _ = town
    Tables(workspace.data).remove("backlists", "true")
    report = monitor(workspace, AS_OF)
    assert (report.realised, report.past, report.past_lists) == (None, (), ())
    told = json.loads((report.folder / "fairness.json").read_text(encoding="utf-8"))
    assert told["recall_and_precision"] == "not yet known"
    assert any("not yet known" in finding.what for finding in report.findings)


def test_a_list_of_nobody_is_watched_and_said_to_be_one(town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = town
    long_before = date(2010, 1, 4)
    put_on_list(workspace, candidate, long_before, [])
    report = monitor(workspace, long_before, html=True)
    assert [f.severity for f in report.findings if "nobody could be considered" in f.what] == ["critical"]
    assert (report.drift, report.this_week) == (None, ())
    assert sorted(path.name for path in report.folder.iterdir()) == sorted(report.files)
    assert "Not estimable" in (report.folder / "report.html").read_text(encoding="utf-8")


def test_a_card_that_promised_nothing_is_held_to_nothing(town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = town
    silent = {**candidate.card["test"], "precision": None, "precision_interval": [None, None]}
    card = {**candidate.card, "test": silent}
    other = export_candidate(workspace, replace(candidate, card=card), candidate.reference())
    (workspace.list_folder(AS_OF) / "list.json").unlink()
    workspace.list_folder(AS_OF).rmdir()
    put_on_list(workspace, other, AS_OF, [IDS[i] for i in sorted(HEAVY)])
    make_backlists(workspace, PAST[-1:])
    assert monitor(workspace, AS_OF).realised is not None


def test_there_is_no_report_without_a_list(made_town: tuple[Workspace, Candidate]) -> None:
    with pytest.raises(UserMistake, match="no list of 2026-06-22") as mistake:
        monitor(made_town[0], date(2026, 6, 22))
    assert "earlyhelp flag --as-of 2026-06-22" in mistake.value.problems[0]


def test_what_arrives_later_changes_nothing(town: tuple[Workspace, Candidate], report: MonitorReport) -> None:
    """A delivery of the list's own day, telling of harm and of another sex, leaves the report as it was."""
    workspace, _ = town
    tables = Tables(workspace.data)
    late = {"delivery_id": 2, "known_on": AS_OF}
    harm = event(1, "harm", date(2025, 11, 1), 10**6) | late
    sex = {"subject_key": "s0", "characteristic": "sex", "value": "m", "record_key": "late/1", **late}
    tables.append("events", dated("events", [harm]))
    tables.append("characteristics", dated("characteristics", [sex]))
    deliver(tables, 2, AS_OF)
    after = monitor(workspace, AS_OF)
    assert after.fairness_json() == report.fairness_json()
    assert after.drift_json() == report.drift_json()
    assert after.findings == report.findings
