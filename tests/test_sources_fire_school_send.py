"""Fire, exclusions, special educational needs: rows as these systems write them, and what they say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.channels import signals_of
from tests.one_source import OneSource, one_source


# --- fire -------------------------------------------------------------------------------------
@pytest.fixture
def fire(tmp_path: Path) -> OneSource:
    return one_source("fire", tmp_path)


def incident(number: int, kind: str, uprn: str = "990000000001") -> dict[str, str]:
    return {
        "incident_number": f"FI{number:08d}", "date_of_call": "02-May-2026", "time_of_call": "21:05",
        "incident_type": kind, "uprn": uprn, "casualties": "0", "report_completed": "20-May-2026",
    }  # fmt: skip


def test_an_incident_is_known_by_its_place_and_a_false_alarm_is_no_fire(fire: OneSource) -> None:
    kinds = ["PF", "SF", "CF", "FAM", "FAG", "FAA", "SSC", "RTC"]
    rows = [incident(i, kind) for i, kind in enumerate(kinds)] + [incident(90, "PF", uprn="")]
    report = fire.deliver("incidents", "2026-06-08", rows)
    assert (report.used, report.ignored, report.quarantined) == (7, 2, 0)
    told = fire.events("2026-06-09", "signal, subject_key, place, record_key")
    assert {row[1:3] for row in told} == {(None, "990000000001")}
    numbers = {signal: [int(r[-8:]) for s, _, _, r in told if s == signal] for signal, *_ in told}
    assert numbers == {"fire": [0, 1, 2], "false_alarm": [3, 4, 5], "special_service": [6]}
    words = fire.workspace.sources["fire"].signals
    assert all(word.shared for word in words.values())


def test_a_report_that_is_put_right_within_the_window_is_right_from_then_on(fire: OneSource) -> None:
    fire.deliver("incidents", "2026-06-08", [incident(1, "FAA")])
    fire.deliver("incidents", "2026-07-08", [incident(1, "PF")])
    assert fire.events("2026-07-08", "signal") == [("false_alarm",)]
    assert fire.events("2026-07-09", "signal") == [("fire",)]


def test_a_visit_protects_and_what_it_noted_needs_a_reason_to_be_used(fire: OneSource) -> None:
    about = {"uprn": "990000000001", "visit_date": "02-May-2026", "entered_on": "03-May-2026"}
    rows = [
        {"visit_ref": "HV00000001", "outcome": "DONE", "hoarding": "N"} | about,
        {"visit_ref": "HV00000002", "outcome": "DONE", "hoarding": "Y"} | about,
        {"visit_ref": "HV00000003", "outcome": "REF"} | about,
        {"visit_ref": "HV00000004", "outcome": "NOI", "hoarding": "Y"} | about,
    ]
    report = fire.deliver("visits", "2026-06-08", rows)
    assert (report.used, report.ignored) == (2, 2)
    seen = [(signal, int(record[-1])) for signal, record in fire.events("2026-06-09", "signal, record_key")]
    assert seen == [("hoarding_noted", 2), ("safety_visit", 1), ("safety_visit", 2)]
    source = fire.workspace.sources["fire"]
    by_itself = {signal.name: signal for signal in signals_of([source])}
    assert by_itself["fire.safety_visit"].protective
    assert "fire.hoarding_noted" not in by_itself
    named = signals_of([source], ["fire.hoarding_noted"])
    assert "fire.hoarding_noted" in {signal.name for signal in named}


# --- exclusions -------------------------------------------------------------------------------
@pytest.fixture
def inclusion(tmp_path: Path) -> OneSource:
    return one_source("exclusions", tmp_path)


def excluded(number: int, **cells: str) -> dict[str, str]:
    return {
        "exclusion_ref": f"PX{number:08d}", "pupil_ref": f"EX{number}", "upn": f"A{number:012d}",
        "surname": "O’NEILL", "forename": "Chloë", "dob": "01.09.2012", "excluded_from": "03.03.2026",
        "reason": "DB", "outcome": "UPH", "entered_on": "05.03.2026",
    } | cells  # fmt: skip


def test_a_permanent_exclusion_lasts_until_there_is_a_place_again(inclusion: OneSource) -> None:
    inclusion.deliver("permanent", "2026-03-09", [excluded(1), excluded(2)])
    back = excluded(1, back_in_school_on="20.04.2026")
    assert inclusion.deliver("permanent", "2026-04-27", [back, excluded(2)]).used == 2
    spell = ("permanent_exclusion", "EX1", date(2026, 3, 3))
    other = ("permanent_exclusion", "EX2", date(2026, 3, 3), None)
    assert inclusion.events("2026-04-27") == [(*spell, None), other]
    assert inclusion.events("2026-04-28") == [(*spell, date(2026, 4, 20)), other]
    told = inclusion.known("identities", "2026-04-28", "subject_key, surname, forenames, upn")
    assert told[0] == ("EX1", "O’NEILL", "Chloë", "A000000000001")


def test_an_exclusion_that_is_withdrawn_never_was(inclusion: OneSource) -> None:
    inclusion.deliver("permanent", "2026-03-09", [excluded(1), excluded(2)])
    report = inclusion.deliver("permanent", "2026-03-16", [excluded(1, outcome="WDN"), excluded(2)])
    assert (report.used, report.ignored) == (1, 1)
    assert len(inclusion.events("2026-03-16")) == 2
    assert inclusion.events("2026-03-17", "subject_key") == [("EX2",)]


def test_exclusions_and_timetables_are_of_one_pupil_and_no_suspension_is_told_twice(
    inclusion: OneSource,
) -> None:
    timetable = {
        "timetable_ref": "PT00000001", "pupil_ref": "EX1", "surname": "O’NEILL", "forename": "Chloë",
        "starts_on": "12.01.2026", "ended_on": "01.03.2026", "hours_a_week": "10.5",
        "entered_on": "02.02.2026",
    }  # fmt: skip
    inclusion.deliver("permanent", "2026-03-09", [excluded(1)])
    inclusion.deliver("part_time", "2026-03-09", [timetable])
    assert inclusion.events("2026-03-10", "subject_key, signal") == [
        ("EX1", "part_time_timetable"),
        ("EX1", "permanent_exclusion"),
    ]
    assert "suspension" not in inclusion.workspace.sources["exclusions"].signals


# --- special educational needs ----------------------------------------------------------------
@pytest.fixture
def send(tmp_path: Path) -> OneSource:
    return one_source("send", tmp_path)


PUPIL = {"person_ref": "SE1", "upn": "A000000000001", "surname": "Ash", "personbirthdate": "2015-05-05"}


def test_requests_refusals_and_plans_are_told_apart(send: OneSource) -> None:
    asked = {"receiveddate": "2025-11-03", "entered_on": "2025-12-01"} | PUPIL
    decided = {"requestoutcomedate": "2025-12-10"}
    rows = [
        {"request_ref": "RQ00000001"} | asked,
        {"request_ref": "RQ00000002", "requestoutcome": "N"} | decided | asked,
        {"request_ref": "RQ00000003", "requestoutcome": "Y"} | decided | asked,
        {"request_ref": "RQ00000004", "requestoutcome": "W"} | decided | asked,
    ]
    assert send.deliver("requests", "2026-01-15", rows).used == 4
    seen = [(signal, int(key[-1])) for signal, key in send.events("2026-01-16", "signal, record_key")]
    assert seen == [("assessment_refused", 2), *(("assessment_request", i) for i in (1, 2, 3, 4))]


def test_a_plan_that_is_keyed_months_later_is_known_from_then(send: OneSource) -> None:
    plan = {"plan_ref": "EP00000001", "startdate": "2025-03-01", "entered_on": "2025-06-20"} | PUPIL
    send.deliver("plans", "2026-06-01", [plan | {"ceasedate": "2026-02-01"}], history=True)
    assert send.events("2025-07-15") == []  # keyed in June, sent on the 15th of July
    assert send.events("2025-07-16", "ended_on") == [(None,)]
    # thirty-five days' typical delay, and the next 15th of a month
    assert send.events("2026-03-15", "ended_on") == [(None,)]
    assert send.events("2026-03-16", "ended_on") == [(date(2026, 2, 1),)]


def test_nothing_of_special_needs_is_a_feature_unless_it_is_named(send: OneSource) -> None:
    source = send.workspace.sources["send"]
    assert {word.sensitive for word in source.signals.values()} == {"disability"}
    assert signals_of([source]) == []
    assert [signal.name for signal in signals_of([source], ["send.plan"])] == ["send.plan"]
