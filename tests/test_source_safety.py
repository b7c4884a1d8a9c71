"""Police records, missing from care, domestic abuse, antisocial behaviour, youth justice: what rows say.

Who did it, who it was done to and who was there stand on one row or in one occurrence; the tests here
hold that they never become one signal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from features.channels import signals_of
from features.declaration import Source
from features.read_declaration import read_source
from features.workspace import TEMPLATES
from tests.one_source import OneSource, one_source

OURS = ("police", "police_records", "domestic_abuse", "antisocial_behaviour", "youth_justice")


@pytest.fixture
def agency(request: pytest.FixtureRequest, tmp_path: Path) -> OneSource:
    return one_source(request.param, tmp_path)


def given(source: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("agency", [source], indirect=True)


# --- roles ------------------------------------------------------------------------------------
ROLES = {
    "victim": "harmed", "complainant": "harmed", "missing person": "missing", "witness": "saw",
    "suspect": "did it", "perpetrator": "did it",
    "child present": "was there", "first child": "was there", "second child": "was there",
    "third child": "was there",
}  # fmt: skip


def roles_of(source: Source) -> Iterator[tuple[str, str]]:
    """(signal, role) for every role that a rule's people or its conditions name."""
    for extract in source.extracts.values():
        for rule in extract.events:
            who = rule.of or ([subject.name for subject in extract.subjects] if rule.place is None else [])
            for name in [*who, *map(str, rule.when.get("role", []))]:
                if name in ROLES:
                    yield rule.signal, ROLES[name]


@pytest.mark.parametrize("name", OURS)
def test_no_signal_is_of_who_did_it_and_of_who_it_was_done_to(name: str) -> None:
    found: dict[str, set[str]] = {}
    for signal, role in roles_of(read_source(TEMPLATES / f"{name}.yaml")):
        found.setdefault(signal, set()).add(role)
    allowed = [{"did it"}, {"harmed"}, {"was there"}, {"missing"}, {"saw"}]
    if name == "police":  # command and control tells victims and children present alike
        allowed.append({"harmed", "was there"})
    assert [signal for signal, roles in found.items() if roles not in allowed] == []
    assert ("did it" in {r for roles in found.values() for r in roles}) == (name != "youth_justice")


def test_every_signal_declared_the_same_is_declared_by_its_source() -> None:
    sources = {path.stem: read_source(path) for path in TEMPLATES.glob("*.yaml") if path.stem in OURS}
    sources |= {name: read_source(TEMPLATES / f"{name}.yaml") for name in ("missing", "social_care")}
    same = [
        (f"{name}.{signal}", other)
        for name, source in sources.items()
        for signal, words in source.signals.items()
        if words.same_as is not None
        for other in words.same_as.signals
    ]
    assert {(a, b) for a, b in same if "missing" in b} == {
        ("police_records.missing", "missing.episode"),
        ("social_care.missing_from_care", "missing.episode"),
        ("social_care.away_from_care", "missing.away_without_leave"),
    }
    for _, other in same:
        source, signal = other.split(".")
        assert signal in sources[source].signals, other


# --- command and control ----------------------------------------------------------------------
@given("police")
def test_an_emergency_call_to_an_address_is_another_signal_than_101(agency: OneSource) -> None:
    def log(number: int, call_type: str, **cells: str) -> dict[str, str]:
        return {
            "incident_no": f"{number:011d}", "link_no": "0", "received_date": "02/05/2026",
            "received_time": "23:10", "call_type": call_type, "closing_category": "CFS",
            "location_uprn": "77", "keyed_on": "03/05/2026",
        } | cells  # fmt: skip

    named = {"link_no": "1", "nominal_ref": "N0000001", "role": "SUB"}
    rows = [log(1, "999"), log(2, "101"), log(3, ""), log(4, "112"), log(5, "999", **named)]
    report = agency.deliver("logs", "2026-05-04", rows)
    assert (report.used, report.quarantined, report.ignored) == (4, 1, 0)
    told = agency.events("2026-05-05", "signal, subject_key, place, record_key")
    calls = {(signal, record[5:]) for signal, subject, place, record in told if place == "77"}
    assert calls == {
        ("emergency_at_address", "00000000001|0"),
        ("called_to_address", "00000000002|0"),
        ("called_to_address", "00000000003|0"),
    }
    assert [row[:2] for row in told if row[2] is None] == [("concern_for_safety", "N0000001")]


# --- police records ---------------------------------------------------------------------------
def linked(number: int, link: int, role: str, **cells: str) -> dict[str, str]:
    return {
        "occurrence_no": f"{number:011d}", "link_no": f"{link}", "class": "CRI", "role": role,
        "from_date": "02-05-2026", "from_time": "21:15", "nominal_ref": f"PO{number:05d}{link:02d}",
        "forenames": "Zoë", "surname": "O’NEILL", "dob": "01-02-1990", "home_uprn": "77",
        "linked_on": "04-05-2026",
    } | cells  # fmt: skip


@given("police_records")
def test_each_person_of_an_occurrence_has_the_signal_of_their_role(agency: OneSource) -> None:
    abuse = {"class": "DAN"}
    rows = [
        linked(1, 1, "V"), linked(1, 2, "S"), linked(1, 3, "W"),
        linked(2, 1, "V", **abuse), linked(2, 2, "S", **abuse), linked(2, 3, "C", **abuse),
        linked(3, 1, "M", **{"class": "MIS"}), linked(3, 2, "I", **{"class": "MIS"}),
        linked(4, 1, "C"), linked(5, 1, "M"), linked(6, 1, "S", **{"class": "MIS"}),
    ]  # fmt: skip
    report = agency.deliver("occurrences", "2026-05-11", rows)
    assert (report.used, report.ignored, report.quarantined) == (8, 3, 0)
    told = agency.events("2026-05-12", "subject_key, signal, strftime(occurred_at, '%H:%M')")
    assert told == [
        ("PO0000101", "crime_victim", "21:15"),
        ("PO0000102", "crime_suspect", "21:15"),
        ("PO0000103", "witness", "21:15"),
        ("PO0000201", "domestic_abuse_victim", "21:15"),
        ("PO0000202", "domestic_abuse_suspect", "21:15"),
        ("PO0000203", "domestic_abuse_child", "21:15"),
        ("PO0000301", "missing", "21:15"),
        ("PO0000501", "missing", "21:15"),
    ]
    who = agency.known("identities", "2026-05-12", "DISTINCT forenames, surname, birth_date")
    assert who == [("Zoë", "O’NEILL", date(1990, 2, 1))]
    used = {signal.name for signal in signals_of([agency.workspace.sources["police_records"]])}
    assert "police_records.witness" not in used and "police_records.missing" in used


@given("police_records")
def test_who_is_cleared_is_a_suspect_until_the_day_we_are_told(agency: OneSource) -> None:
    agency.deliver("occurrences", "2026-05-11", [linked(1, 2, "S", outcome="Under investigation")])
    agency.deliver("occurrences", "2026-05-25", [linked(1, 2, "W", outcome="Filed")])
    assert agency.events("2026-05-25", "signal") == [("crime_suspect",)]
    assert agency.events("2026-05-26", "signal") == [("witness",)]


@given("police_records")
def test_an_arrest_may_end_at_once_or_in_a_cell(agency: OneSource) -> None:
    about = {"nominal_ref": "PO0000001", "arrested_date": "02-05-2026", "recorded_on": "03-05-2026"}
    rows = [
        {"custody_ref": "CR00000001", "detention": "A", "hours_held": "11.5", **about},
        {"custody_ref": "CR00000002", "detention": "R", **about},
        {"custody_ref": "CR00000003", "detention": "A", "hours_held": "-1", **about},
    ]
    report = agency.deliver("custody", "2026-05-04", rows)
    assert (report.used, report.quarantined) == (2, 1)
    told = agency.events("2026-05-05", "signal, right(record_key, 1), amount")
    assert told == [("arrest", "1", None), ("arrest", "2", None), ("custody", "1", 11.5)]


# --- missing from care ------------------------------------------------------------------------
@given("social_care")
def test_a_time_missing_from_care_is_open_until_its_end_is_told(agency: OneSource) -> None:
    def row(number: int, kind: str, end: str = "") -> dict[str, str]:
        return {
            "miss_table_id": f"MIS{number}", "miss_person_id": "31", "miss_missing_episode_type": kind,
            "miss_missing_episode_start_date": "2026-05-02", "miss_missing_episode_end_date": end,
            "miss_missing_rhi_offered": "Y" if end else "", "miss_missing_rhi_accepted": "NA" if end else "",
        }  # fmt: skip

    agency.deliver("missing", "2026-05-04", [row(1, "M"), row(2, "A")])
    agency.deliver("missing", "2026-05-11", [row(1, "M", "2026-05-06"), row(2, "A"), row(3, "X")])
    start, end = date(2026, 5, 2), date(2026, 5, 6)
    away = ("away_from_care", "31", start, None)
    assert agency.events("2026-05-11") == [away, ("missing_from_care", "31", start, None)]
    assert agency.events("2026-05-12") == [away, ("missing_from_care", "31", start, end)]


# --- domestic abuse ---------------------------------------------------------------------------
def heard(number: int, **cells: str) -> dict[str, str]:
    row = {
        "case_ref": f"MARAC{number:08d}", "meeting_date": "05 May 2026", "grade": "H", "repeat_case": "N",
        "safe_address": "N", "keyed_on": "06 May 2026",
    }  # fmt: skip
    for place, role in enumerate(("victim", "perpetrator", "child1", "child3"), start=1):
        row |= {f"{role}_ref": f"DO{place:07d}", f"{role}_surname": f"{role.title()}son"}
    return row | cells


@given("domestic_abuse")
def test_the_people_of_a_case_are_told_apart(agency: OneSource) -> None:
    rows = [heard(1), heard(2, repeat_case="Y", perpetrator_ref="", perpetrator_surname="")]
    assert agency.deliver("marac", "2026-05-08", rows).used == 2
    told = agency.events("2026-05-09", "right(record_key, 1), signal, subject_key")
    children = [("marac_child", "DO0000003"), ("marac_child", "DO0000004")]
    assert told == [
        *(("1", *child) for child in children),
        ("1", "marac_perpetrator", "DO0000002"),
        ("1", "marac_victim", "DO0000001"),
        *(("2", *child) for child in children),
        ("2", "marac_victim_again", "DO0000001"),
    ]
    names = dict(agency.known("identities", "2026-05-09", "DISTINCT subject_key, surname"))
    assert names["DO0000002"] == "Perpetratorson" and names["DO0000004"] == "Child3son"


@given("domestic_abuse")
def test_a_secret_address_marks_the_victim_and_the_children_and_nobody_else(agency: OneSource) -> None:
    open_case = {"victim_ref": "DO0000008", "child1_ref": "DO0000009", "child3_ref": "", "home_uprn": "77"}
    agency.deliver("marac", "2026-05-08", [heard(1, safe_address="Y"), heard(2, **open_case)])
    start = date(2026, 5, 5)
    marked = agency.known("marks", "2026-05-09", "subject_key, mark, start_on, end_on")
    assert marked == [(f"DO000000{n}", "refuge", start, None) for n in (1, 3, 4)]
    homes = agency.known("addresses", "2026-05-09", "subject_key, uprn")
    assert homes == [("DO0000008", "77"), ("DO0000009", "77")]  # not the perpetrator's


@given("domestic_abuse")
def test_a_refuge_is_a_mark_with_dates_and_never_a_reason(agency: OneSource) -> None:
    def offer(number: int, service: str, **cells: str) -> dict[str, str]:
        return {
            "support_ref": f"DAS{number:08d}", "victim_ref": f"DO{number:07d}", "service": service,
            "referred_on": "01 April 2026", "started_on": "10 April 2026", "keyed_on": "12 April 2026",
        } | cells  # fmt: skip

    first = [offer(1, "R"), offer(2, "I"), offer(3, "O"), offer(4, "I", started_on="")]
    report = agency.deliver("support", "2026-05-08", first)
    assert (report.used, report.ignored) == (3, 1)
    ended = {"ended_on": "20 May 2026", "end_keyed_on": "01 June 2026"}
    agency.deliver("support", "2026-06-08", [offer(1, "R", **ended), *first[1:]])
    start, end = date(2026, 4, 10), date(2026, 5, 20)
    mark = "subject_key, start_on, end_on"
    assert agency.known("marks", "2026-06-08", mark) == [("DO0000001", start, None)]
    assert agency.known("marks", "2026-06-09", mark) == [("DO0000001", start, end)]
    told = agency.events("2026-06-09")
    assert told == [
        ("refuge", "DO0000001", start, end),
        ("support", "DO0000002", start, None),
        ("support", "DO0000003", start, None),
    ]
    signals = {s.name.split(".")[1]: s for s in signals_of([agency.workspace.sources["domestic_abuse"]])}
    assert "refuge" not in signals and signals["support"].protective
    assert not [name for name, s in signals.items() if s.protective and name != "support"]


@given("domestic_abuse")
def test_a_grade_that_is_raised_is_raised_from_then_on(agency: OneSource) -> None:
    row = {
        "dash_ref": "DASH00000001", "victim_ref": "DO0000001", "assessed_on": "02 April 2026",
        "ticks": "13", "grade": "M", "keyed_on": "03 April 2026",
    }  # fmt: skip
    agency.deliver("dash", "2026-04-08", [row, {**row, "dash_ref": "DASH00000002", "ticks": "25"}])
    agency.deliver("dash", "2026-05-08", [{**row, "grade": "H"}])
    assert agency.events("2026-05-08", "signal, amount") == [("dash_below_high", 13.0)]
    assert agency.events("2026-05-09", "signal, amount") == [("dash_high", 13.0)]


# --- antisocial behaviour ---------------------------------------------------------------------
@given("antisocial_behaviour")
def test_who_complains_is_never_who_is_complained_of(agency: OneSource) -> None:
    def case(number: int, **cells: str) -> dict[str, str]:
        return {
            "case_ref": f"ASB{number:08d}", "opened_on": "02.03.2026", "nature": "N",
            "location_uprn": "77", "keyed_on": "04.03.2026",
        } | cells  # fmt: skip

    by, of = {"complainant_ref": "AN0000001"}, {"perpetrator_ref": "AN0000002"}
    rows = [case(1, **by, **of), case(2, **by), case(3, **of), case(4)]
    assert agency.deliver("cases", "2026-03-16", rows).used == 4
    start, end = date(2026, 3, 2), date(2026, 4, 1)
    rows[0] |= {"closed_on": "01.04.2026", "close_keyed_on": "10.04.2026"}
    agency.deliver("cases", "2026-04-15", rows)
    told = "right(record_key, 1), signal, subject_key, place, ended_on"
    before = [
        ("1", "complainant", "AN0000001", None, None),
        ("1", "complained_of", "AN0000002", None, None),
        ("2", "complainant", "AN0000001", None, None),
        ("3", "complained_of", "AN0000002", None, None),
        ("4", "case_at_address", None, "77", None),
    ]
    assert agency.events("2026-04-15", told) == before
    after = [(*row[:4], end if row[0] == "1" else None) for row in before]
    assert agency.events("2026-04-16", told) == after
    assert {row[0] for row in agency.events("2026-04-16", "occurred_on")} == {start}


@given("antisocial_behaviour")
def test_steps_are_told_apart_and_a_visit_is_none(agency: OneSource) -> None:
    codes = ("WARN", "ABC", "CPW", "CPN", "VIS", "PSPO")
    rows = [
        {
            "step_ref": f"ST{i:08d}", "case_ref": "ASB00000001", "perpetrator_ref": "AN0000002",
            "step": code, "issued_on": "02.03.2026", "keyed_on": "04.03.2026",
        }
        for i, code in enumerate(codes)
    ]  # fmt: skip
    report = agency.deliver("steps", "2026-03-16", rows)
    assert (report.used, report.ignored, report.quarantined) == (4, 1, 1)
    steps = ["warning", "behaviour_contract", "protection_warning", "protection_notice"]
    assert agency.events("2026-03-17", "right(record_key, 1), signal") == [
        (str(i), signal) for i, signal in enumerate(steps)
    ]


# --- youth justice ----------------------------------------------------------------------------
@given("youth_justice")
def test_what_was_decided_and_whether_it_was_the_first(agency: OneSource) -> None:
    def outcome(number: int, code: str, first: str = "N", **cells: str) -> dict[str, str]:
        return {
            "outcome_ref": f"OUT{number:08d}", "person_ref": "YO0000001", "dob": "30/09/10", "sex": "2",
            "outcome_date": "02/03/26", "outcome": code, "first_time_entrant": first,
            "keyed_on": "09/03/26",
        } | cells  # fmt: skip

    rows = [outcome(1, "CR"), outcome(2, "YCC", "Y"), outcome(3, "RO"), outcome(4, "FINE")]
    report = agency.deliver("outcomes", "2026-03-23", rows)
    assert (report.used, report.quarantined) == (3, 1)
    ended = outcome(3, "RO", order_ended="30/06/26", end_keyed_on="10/07/26")
    agency.deliver("outcomes", "2026-07-22", [ended, outcome(2, "YCC", "N")])
    told = "right(record_key, 1), signal, ended_on"
    same = ("1", "community_resolution", None)
    assert agency.events("2026-07-22", told) == [
        same, ("2", "caution", None), ("2", "first_time_entrant", None), ("3", "order", None)
    ]  # fmt: skip
    assert agency.events("2026-07-23", told) == [
        same, ("2", "caution", None), ("3", "order", date(2026, 6, 30))
    ]  # fmt: skip
    who = agency.known("identities", "2026-07-23", "DISTINCT birth_date, sex")
    assert who == [(date(2010, 9, 30), "female")]


@given("youth_justice")
def test_a_programme_protects_once_it_has_begun(agency: OneSource) -> None:
    about = {"person_ref": "YO0000001", "referred_on": "02/03/26", "keyed_on": "09/03/26"}
    rows = [
        {"programme_ref": "PRG00000001", "programme": "PREV", "started_on": "10/03/26", **about},
        {"programme_ref": "PRG00000002", "programme": "DIV", "status": "Declined", **about},
    ]
    report = agency.deliver("programmes", "2026-03-23", rows)
    assert (report.used, report.ignored) == (1, 1)
    assert agency.events("2026-03-24") == [("programme", "YO0000001", date(2026, 3, 10), None)]
    signals = {s.name for s in signals_of([agency.workspace.sources["youth_justice"]]) if s.protective}
    assert signals == {"youth_justice.programme"}
