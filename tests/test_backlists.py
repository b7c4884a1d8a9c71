"""A town of 400, made by hand, whose past lists, what followed them and whom they missed is known.

Everybody has a police call on the 10th of each month from January 2025 on; *heavy* people (every
twentieth) have two more. The score is the number of calls in 90 days and 20 fit on a list, so that a
list is the heavy people, then others by id. Serious harm came on 20 November 2025 to ten heavy women,
twenty other women and forty other men; everything reaches us three days later.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import UserMistake
from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace, init_workspace
from models.calibration import Platt
from models.candidate import Candidate, export_candidate, reference_of
from models.scorer import LinearScorer, Term
from models.spec import Specification, catalogue_of
from monitoring.backlists import (
    judge_backlists,
    judging_day,
    make_backlists,
    mondays,
    read_backlists,
)
from monitoring.groups import groups
from monitoring.report import MonitorReport
from monitoring.run import monitor

AS_OF = date(2026, 6, 29)
RECEIVED = date(2026, 6, 22)
FIRST_TOLD = date(2025, 1, 6)
HARMED_ON = date(2025, 11, 20)
LEARNED_UNTIL = date(2025, 10, 20)
DELAY = timedelta(days=3)
PEOPLE = 400
IDS = [f"P{i:011d}" for i in range(PEOPLE)]
HEAVY = set(range(0, PEOPLE, 20))
WOMEN = {i for i in range(PEOPLE) if i // 20 % 2 == 0}
FOUND = {i for i in HEAVY if i in WOMEN}
HARMED = FOUND | {i for i in range(PEOPLE) if i % 10 == 5} | {i for i in range(PEOPLE) if i % 10 == 6} - WOMEN
PAST = [date(2025, 10, 6), date(2025, 11, 3), date(2025, 12, 1)]
PAST += [date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 2)]

SOURCE = """
source: police
title: Police
owner: the police
legal_gateway: Crime and Disorder Act 1998, s. 115
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2025-01-01
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  log:
    files: police_*.csv
    delivery: changes
    record_key: id
    columns: {id: {required: true}, who: {}, day: {type: date, format: "%Y-%m-%d"}, kind: {}}
    subjects: [{key: who}]
    events:
      - {signal: call, occurred: day, when: {kind: call}}
      - {signal: harm, occurred: day, when: {kind: harm}}
signals:
  call: {one: police call, many: police calls, theme: crime}
  harm: {one: serious harm, many: serious harms, theme: child_safety}
"""
SPECIFICATION = Specification.model_validate(
    {
        "name": "escalation",
        "title": "Serious harm within three months",
        "outcome": {
            "horizon_days": 90,
            "parts": [{"name": "harm", "title": "serious harm", "signals": ["police.harm"]}],
        },
        "eligible": {"held": False, "seen_within_days": 90},
        "capacity": 20,
        "features": {"windows": [90], "include": ["police.call.count_90"]},
        "baselines": [{"name": "calls", "title": "calls", "features": ["police.call.count_90"]}],
        "logistic": ["police.call.count_90"],
        "calendar": {"train": ["2025-03-03"], "calibrate": ["2025-07-07"], "test": ["2025-10-20"]},
        "lightgbm": {"settings": [{"num_leaves": 3}]},
    }
)
CARD = {
    "dates": {"judged_on": {"train": "2025-07-07", "calibrate": str(LEARNED_UNTIL), "test": "2026-06-23"}},
    "test": {"precision": 0.9, "precision_interval": [0.8, 0.97], "base_rate": 0.2},
    "last_delivery": 1,
    "link_run": 1,
}


def dated(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a dated table: source, record and delivery are filled in where they are not given."""
    first = {"source": "police", "revision": 1, "withdrawn": False, "delivery_id": 1}
    filled = [{**first, "record_key": f"{name}/{at}", **row} for at, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=SCHEMAS[name])


def event(person: int, signal: str, day: date, number: int) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "record_key": f"log/{number}",
        "subject_key": f"s{person}",
        "signal": f"police.{signal}",
        "occurred_at": datetime(day.year, day.month, day.day),
        "has_time": False,
        "known_on": day + DELAY,
    }


def deliver(tables: Tables, delivery_id: int, received_on: date) -> None:
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["deliveries"].names)
    row |= {"delivery_id": delivery_id, "source": "police", "extract": "log", "received_on": received_on}
    row |= {"history": delivery_id == 1, "ignored_by_rule": "{}"}
    row |= dict.fromkeys(("rows", "used", "quarantined", "ignored", "events", "withdrawn"), 0)
    tables.append("deliveries", pa.Table.from_pylist([row], schema=SCHEMAS["deliveries"]))


def fill(tables: Tables) -> None:
    months = [date(2025 + m // 12, m % 12 + 1, 1) for m in range(18)]
    days = [
        (i, m.replace(day=d))
        for i in range(PEOPLE)
        for m in months
        for d in (10, 5, 15)[: 3 if i in HEAVY else 1]
    ]
    happened = [(i, "call", day) for i, day in days] + [(i, "harm", HARMED_ON) for i in sorted(HARMED)]
    tables.append("events", dated("events", [event(*each, number) for number, each in enumerate(happened)]))
    told = FIRST_TOLD
    everybody = range(PEOPLE)
    tables.append(
        "characteristics",
        dated(
            "characteristics",
            [
                {
                    "subject_key": f"s{i}",
                    "characteristic": "sex",
                    "value": "f" if i in WOMEN else "m",
                    "known_on": told,
                }
                for i in everybody
            ],
        ),
    )
    tables.append(
        "identities",
        dated(
            "identities",
            [
                {"subject_key": f"s{i}", "birth_date": date(2015 if i % 2 else 1980, 1, 1), "known_on": told}
                for i in everybody
            ],
        ),
    )
    areas = [
        {"area": area, "deprivation_fifth": fifth, "known_on": told} for area, fifth in (("A", 1), ("B", 5))
    ]
    tables.append("areas", dated("areas", areas))
    link = {"link_run": 1, "source": "police", "known_on": told}
    tables.append(
        "links",
        pa.Table.from_pylist(
            [{**link, "subject_key": f"s{i}", "person_id": IDS[i]} for i in everybody],
            schema=SCHEMAS["links"],
        ),
    )
    home = {"link_run": 1, "uprn": "1", "postcode": None, "start_on": told, "end_on": None}
    home |= {"known_on": told, "known_until": None}
    tables.append(
        "residences",
        pa.Table.from_pylist(
            [{**home, "person_id": IDS[i], "area": "A" if i % 2 else "B"} for i in everybody if i != 7],
            schema=SCHEMAS["residences"],
        ),
    )
    run = {"link_run": 1, "last_delivery": 1, "subjects": PEOPLE, "persons": PEOPLE}
    tables.append("link_runs", pa.Table.from_pylist([run], schema=SCHEMAS["link_runs"]))
    deliver(tables, 1, RECEIVED)


def fit(workspace: Workspace) -> Candidate:
    from features.panel import read_panel

    catalogue = catalogue_of(workspace, SPECIFICATION)
    draft = Candidate(
        sha256="",
        kind="lightgbm",
        specification=SPECIFICATION,
        catalogue=catalogue,
        eligibility=SPECIFICATION.to_eligibility(workspace, catalogue),
        scorer=LinearScorer((Term("police.call.count_90", 0.5),), -4.0),
        calibration=Platt(1.0, 0.0),
        card=CARD,
    )
    panel = read_panel(open_snapshot(workspace), catalogue, date(2025, 10, 20))
    return export_candidate(workspace, draft, reference_of(draft, panel.X))


def put_on_list(workspace: Workspace, candidate: Candidate, as_of: date, people: list[str]) -> None:
    named = {"model": candidate.sha256, "last_delivery": 1, "link_run": 1}
    flags = [{"rank": at, "person_id": person} for at, person in enumerate(people, 1)]
    folder = workspace.list_folder(as_of)
    folder.mkdir(parents=True)
    (folder / "list.json").write_text(json.dumps({**named, "flags": flags}), encoding="utf-8")


@pytest.fixture(scope="module")
def made_town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Candidate]:
    root = tmp_path_factory.mktemp("town")
    init_workspace(root, sources=None)
    (root / "sources" / "police.yaml").write_text(SOURCE, encoding="utf-8")
    workspace = Workspace(root)
    fill(Tables(workspace.data))
    candidate = fit(workspace)
    put_on_list(workspace, candidate, AS_OF, [IDS[i] for i in sorted(HEAVY)])
    made = make_backlists(workspace)
    assert list(made.made) == PAST
    return workspace, candidate


@pytest.fixture(scope="module")
def report(made_town: tuple[Workspace, Candidate]) -> MonitorReport:
    return monitor(made_town[0], AS_OF)


@pytest.fixture
def town(made_town: tuple[Workspace, Candidate], tmp_path: Path) -> tuple[Workspace, Candidate]:
    """A copy of the town that a test may change."""
    shutil.copytree(made_town[0].root, tmp_path / "town")
    return Workspace(tmp_path / "town"), made_town[1]


def test_mondays() -> None:
    assert mondays(date(2026, 3, 22), months=6) == PAST
    assert mondays(date(2026, 3, 1), months=1) == [date(2026, 2, 2)]
    assert mondays(date(2026, 6, 1), months=1) == [date(2026, 6, 1)]


def test_a_back_list_is_the_list_of_that_morning(made_town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = made_town
    lists = {b.as_of: b for b in read_backlists(open_snapshot(workspace), candidate)}
    assert sorted(lists) == PAST
    october, december = lists[PAST[0]], lists[PAST[2]]
    assert october.person_ids.tolist() == IDS
    assert set(october.person_ids[october.on_list]) == {IDS[i] for i in HEAVY}
    # In December the harmed are there already; the places they leave go to others, by id.
    free = [IDS[i] for i in range(PEOPLE) if i not in HARMED]
    heavy = {IDS[i] for i in HEAVY - HARMED}
    others = [person for person in free if person not in heavy][: 20 - len(heavy)]
    assert december.person_ids.tolist() == free
    assert set(december.person_ids[december.on_list]) == heavy | set(others)


def test_a_back_list_says_what_its_model_had_learned(made_town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = made_town
    lists = read_backlists(open_snapshot(workspace), candidate)
    assert {b.model for b in lists} == {candidate.sha256}
    assert [b.seen for b in lists] == [LEARNED_UNTIL, *[None] * 5]
    assert [(b.known_from - b.as_of).days for b in lists] == [93] * 6  # horizon 90, everything 3 days late


@pytest.mark.parametrize(("days_before", "matured"), [(0, True), (1, False)])
def test_it_matures_on_its_date_and_horizon_and_lag(
    made_town: tuple[Workspace, Candidate], days_before: int, matured: bool
) -> None:
    workspace, candidate = made_town
    snapshot = open_snapshot(workspace)
    october = read_backlists(snapshot, candidate)[0]
    judged_on = PAST[0] + timedelta(days=93 - days_before)
    judged = judge_backlists(snapshot, candidate, [october], judged_on=judged_on)
    assert bool(judged) == matured
    if matured:
        assert set(october.person_ids[judged[0].y == 1]) == {IDS[i] for i in HARMED}
        assert judged[0].lost == 0


def test_people_no_link_names_any_more_are_left_out_and_counted(
    made_town: tuple[Workspace, Candidate],
) -> None:
    workspace, candidate = made_town
    snapshot = open_snapshot(workspace)
    october = read_backlists(snapshot, candidate)[0]
    ids = october.person_ids.copy()
    ids[399] = "P_erased"
    (judged,) = judge_backlists(
        snapshot, candidate, [replace(october, person_ids=ids)], judged_on=date(2026, 6, 23)
    )
    assert judged.lost == 1
    assert np.isnan(judged.y[399])
    assert not np.isnan(judged.y[:399]).any()


def object_now(workspace: Workspace, *people: int) -> None:
    """People object by a delivery that came after the list, with which they got newer ids."""
    tables, told = Tables(workspace.data), AS_OF + timedelta(days=2)
    deliver(tables, 2, told)
    link = {"link_run": 2, "source": "police"}
    ids = [(who, name, on) for who in people for name, on in ((IDS[who], FIRST_TOLD), (f"P_{who}", told))]
    links = [link | {"subject_key": f"s{who}", "person_id": name, "known_on": on} for who, name, on in ids]
    tables.append("links", pa.Table.from_pylist(links, schema=SCHEMAS["links"]))
    run = {"link_run": 2, "last_delivery": 2, "subjects": PEOPLE, "persons": PEOPLE}
    tables.append("link_runs", pa.Table.from_pylist([run], schema=SCHEMAS["link_runs"]))
    objects = {"mark": "objection", "known_on": told, "delivery_id": 2}
    tables.append("marks", dated("marks", [objects | {"subject_key": f"s{who}"} for who in people]))


@pytest.mark.parametrize("newest", [True, False])
def test_who_objects_after_a_back_list_is_judged_no_more(
    town: tuple[Workspace, Candidate], newest: bool
) -> None:
    """Whether it is read through the newest state or through the one that an earlier list names."""
    workspace, candidate = town
    before = open_snapshot(workspace)
    was = judge_backlists(before, candidate, read_backlists(before, candidate), judged_on=date(2026, 6, 23))
    object_now(workspace, 0)
    snapshot = open_snapshot(workspace) if newest else before
    lists = read_backlists(snapshot, candidate)
    now = judge_backlists(snapshot, candidate, lists, judged_on=date(2026, 6, 23))
    assert [each.backlist.as_of for each in now] == PAST
    for each, earlier in zip(now, was, strict=True):
        theirs = each.backlist.person_ids == IDS[0]
        assert each.lost == theirs.sum() and np.isnan(each.y[theirs]).all()
        assert np.array_equal(each.y[~theirs], earlier.y[~theirs])
    assert now[0].lost == 1 and was[0].y[0] == 1, "harm came to the one who objects"


def test_who_objects_after_the_list_is_in_no_count_of_the_report(town: tuple[Workspace, Candidate]) -> None:
    """All ten whom the past lists found; the figures with them are those of the next tests."""
    workspace, _ = town
    object_now(workspace, *sorted(FOUND))
    report = monitor(workspace, AS_OF)
    assert report.realised is not None
    assert report.realised.people == {"n": 390, "selected": 20, "positives": 60, "found": 0}
    (week,) = [audit for audit in report.this_week if audit.characteristic == "sex"]
    assert [g.counts for g in week.groups] == [{"n": 190, "selected": 0}, {"n": 200, "selected": 10}]


def test_the_judging_day_is_the_morning_after_the_last_delivery(
    made_town: tuple[Workspace, Candidate],
) -> None:
    snapshot = open_snapshot(made_town[0])
    assert judging_day(snapshot) == RECEIVED + timedelta(days=1)
    assert judging_day(snapshot, AS_OF) == RECEIVED + timedelta(days=1)
    assert judging_day(snapshot, date(2026, 2, 2)) == date(2026, 2, 2)


def test_a_rerun_adds_nothing_and_later_dates_are_added(town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = town
    version = Tables(workspace.data).version("backlists")
    again = make_backlists(workspace)
    assert (list(again.made), list(again.kept)) == ([], PAST)
    assert Tables(workspace.data).version("backlists") == version
    more = make_backlists(workspace, [date(2026, 6, 1), date(2024, 12, 2)])
    assert more.made == (date(2026, 6, 1),)
    assert more.nobody == (date(2024, 12, 2),)
    assert len(read_backlists(open_snapshot(workspace), candidate)) == 7


def test_a_future_morning_has_no_back_list(town: tuple[Workspace, Candidate]) -> None:
    with pytest.raises(UserMistake, match="past morning") as mistake:
        make_backlists(town[0], [date(2026, 6, 24)])
    assert "2026-06-23" in mistake.value.problems[0]


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
    make_backlists(workspace)
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
