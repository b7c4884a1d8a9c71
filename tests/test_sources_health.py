"""Ambulance, A&E, mental health, drug and alcohol treatment: rows as they are written, and what they say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import derive_catalogue
from features.declaration import UNIDENTIFIED
from features.identity_records import make_stated
from features.link import link
from features.profile import read_profile
from features.read_declaration import read_source
from features.tables import Tables
from features.workspace import TEMPLATES
from simulation import county
from simulation.ambulance import ambulance
from simulation.calendar import OPEN, Calendar
from simulation.draw import apart
from simulation.drug_alcohol import drug_alcohol
from simulation.emergencies import emergencies
from simulation.emergency_department import emergency_department
from simulation.life import Life
from simulation.mental_health import mental_health, submitted
from tests.one_source import OneSource, one_source

AGENCIES = {
    "ambulance": ambulance,
    "emergency_department": emergency_department,
    "mental_health": mental_health,
    "drug_alcohol": drug_alcohol,
}
HOME, NHS = "990000000001", "9990000018"


# --- ambulance --------------------------------------------------------------------------------
@pytest.fixture
def calls(tmp_path: Path) -> OneSource:
    return one_source("ambulance", tmp_path)


def what_a_call_is(disposition: str, group: str, *, named: bool, placed: bool) -> str:
    """The rule told plainly."""
    if disposition == "DUP" or group == "IFT":
        return "ignored"
    if named:
        return "conveyed" if disposition == "CV" else "quarantined"
    if not placed:
        return "call_without_address"
    if group in ("PSY", "SHO"):
        return "crisis_at_address"
    return "advised_by_phone" if disposition == "HT" else "attended_address"


def test_a_call_is_somebodys_journey_or_a_places_or_nobodys(calls: OneSource) -> None:
    rows, expected = [], []
    groups = ["", "ILL", "INJ", "ALC", "PSY", "SHO", "IFT"]
    for case in product(["HT", "ST", "CV", "DUP"], groups, [False, True], [False, True]):
        disposition, group, named, placed = case
        number = f"A{len(rows):09d}"
        rows.append(
            {
                "incident_no": number, "call_time": "03-May-2026 23:59:58", "category": "2",
                "complaint_group": group, "disposition": disposition,
                "location_uprn": HOME if placed else "", "patient_ref": "AM0000001" if named else "",
                "nhs_number": NHS if named else "", "checked_on": "07-May-2026",
            }
        )  # fmt: skip
        what = what_a_call_is(disposition, group, named=named, placed=placed)
        who = {"conveyed": "AM0000001", "call_without_address": UNIDENTIFIED + number}.get(what)
        expected.append((f"calls/{number}", what, who, HOME if who is None else None))
    report = calls.deliver("calls", "2026-06-08", rows)
    told = [row[1] for row in expected]
    assert (report.ignored, report.quarantined) == (told.count("ignored"), told.count("quarantined"))
    found = calls.events("2026-06-09", "record_key, signal, subject_key, place, occurred_at, has_time")
    assert [row[:4] for row in found] == [r for r in expected if r[1] not in ("ignored", "quarantined")]
    assert {row[4:] for row in found} == {(datetime(2026, 5, 3, 23, 59, 58), True)}
    assert calls.known("identities", "2026-06-09", "DISTINCT subject_key, nhs_number") == [("AM0000001", NHS)]
    con = calls.con
    Tables(calls.workspace.data).view(con, "profiles", alias="profiles")
    profile = read_profile(con.execute("SELECT profile FROM profiles").fetchall()[0][0])
    by_place = sum(row[3] is not None and row[1] not in ("ignored", "quarantined") for row in expected)
    assert (profile.by_place, profile.unidentified) == (by_place, told.count("call_without_address"))


def test_a_call_of_nobody_makes_no_person(calls: OneSource) -> None:
    row = {"incident_no": "A000000001", "call_time": "03-May-2026 08:00:00", "disposition": "ST"}
    named = {"incident_no": "A000000002", "disposition": "CV", "patient_ref": "AM0000001", "nhs_number": NHS}
    calls.deliver("calls", "2026-06-08", [row, row | named])
    assert link(calls.workspace).persons == 1


# --- A&E --------------------------------------------------------------------------------------
@pytest.fixture
def hospital(tmp_path: Path) -> OneSource:
    return one_source("emergency_department", tmp_path)


def attendance(number: int, group: str, left: str = "N") -> dict[str, str]:
    return {
        "attendance_ref": f"AE{number:09d}", "patient_ref": "EM0000001", "nhs_number": NHS,
        "birth_date": "19800102", "arrival": "20260501 01:30", "complaint_group": group,
        "left_before_seen": left, "coded_on": "20260509",
    }  # fmt: skip


def test_an_attendance_is_one_of_three_things(hospital: OneSource) -> None:
    cases = list(product(["SH", "INJ", "OTH", ""], ["Y", "N", ""]))
    rows = [attendance(i, *case) for i, case in enumerate(cases)]
    assert hospital.deliver("attendances", "2026-05-22", rows).used == len(rows)
    for (group, left), (record, signal) in zip(
        cases, hospital.events("2026-05-23", "record_key, signal"), strict=True
    ):
        otherwise = "left_before_seen" if left == "Y" else "attendance"
        assert signal == ("self_harm" if group == "SH" else otherwise), record
    assert hospital.known("identities", "2026-05-23", "DISTINCT nhs_number, birth_date") == [
        (NHS, date(1980, 1, 2))
    ]


def test_self_harm_coded_as_an_injury_is_known_from_the_delivery_that_put_it_right(
    hospital: OneSource,
) -> None:
    hospital.deliver("attendances", "2026-05-22", [attendance(1, "INJ")])
    hospital.deliver("attendances", "2026-06-22", [attendance(1, "SH")])
    assert hospital.events("2026-06-22", "signal") == [("attendance",)]
    assert hospital.events("2026-06-23", "signal") == [("self_harm",)]


def test_whoever_is_off_the_list_was_on_it_until_then(hospital: OneSource) -> None:
    row = {"listing_ref": "FA00000001", "patient_ref": "EM0000001", "listed_on": "20260110"}
    hospital.deliver("frequent_attenders", "2026-05-22", [row])
    hospital.deliver("frequent_attenders", "2026-06-22", [row | {"taken_off_on": "20260601"}])
    listed = ("frequent_attender", "EM0000001", date(2026, 1, 10))
    assert hospital.events("2026-06-22") == [(*listed, None)]
    assert hospital.events("2026-06-23") == [(*listed, date(2026, 6, 1))]


# --- mental health ----------------------------------------------------------------------------
@pytest.fixture
def mind(tmp_path: Path) -> OneSource:
    return one_source("mental_health", tmp_path)


def test_who_did_not_come_and_what_the_service_called_off_are_kept_apart(mind: OneSource) -> None:
    told = {"5": "contact_attended", "6": "contact_attended", "7": "contact_not_attended",
            "3": "contact_not_attended", "4": "contact_cancelled_by_provider"}  # fmt: skip
    cases = list(product("234567", ["Y", "N", ""]))
    rows = [
        {"CareContactId": f"CC{i:09d}", "LocalPatientId": "ME0000001", "CareContDate": "2026-04-03",
         "AttendStatus": status, "CrisisContact": crisis, "SubmittedOn": "2026-06-11"}
        for i, (status, crisis) in enumerate(cases)
    ]  # fmt: skip
    report = mind.deliver("contacts", "2026-06-15", rows)
    assert (report.used, report.ignored) == (15, 3)
    found = dict(mind.events("2026-06-16", "record_key, signal"))
    for i, (status, crisis) in enumerate(cases):
        attended = "crisis_contact" if crisis == "Y" else "contact_attended"
        expected = attended if status in "56" else told.get(status)
        assert found.get(f"contacts/CC{i:09d}") == expected, (status, crisis)


def test_a_rejected_referral_is_one_and_an_accepted_one_lasts_until_we_hear_otherwise(
    mind: OneSource,
) -> None:
    asked = {"ReferralRequestReceivedDate": "2026-01-07", "SubmittedOn": "2026-03-14"}
    accepted = {"ServiceRequestId": "SR00000001", "LocalPatientId": "ME0000001"} | asked
    rejected = {"ServiceRequestId": "SR00000002", "LocalPatientId": "ME0000002"} | asked
    turned_down = {"ReferRejectionDate": "2026-01-20"}
    mind.deliver("referrals", "2026-03-16", [accepted, rejected | turned_down])
    over = {"ServDischDate": "2026-03-30", "DischargeSubmittedOn": "2026-05-12"}
    mind.deliver("referrals", "2026-05-15", [accepted | over])
    no = ("referral_rejected", "ME0000002", date(2026, 1, 20), None)
    under = ("under_services", "ME0000001", date(2026, 1, 7))
    assert mind.events("2026-03-16") == []
    assert mind.events("2026-05-15") == [no, (*under, None)]
    assert mind.events("2026-05-16") == [no, (*under, date(2026, 3, 30))]


def test_a_first_load_knows_nothing_before_its_month_was_submitted(mind: OneSource) -> None:
    rows = [
        {"LegalStatusPeriodId": f"LS{i:08d}", "LocalPatientId": "ME0000001",
         "StartDateLegalStatus": "2025-03-30", "EndDateLegalStatus": "2025-04-02", **told}
        for i, told in enumerate([{"SubmittedOn": "2025-05-13", "EndSubmittedOn": "2025-06-12"}, {}])
    ]  # fmt: skip
    mind.deliver("detentions", "2026-05-25", rows, history=True)
    seen = "SELECT record_key, known_on FROM events WHERE ended_on {} ORDER BY ALL"
    days = [day for _, day in mind.con.execute(seen.format("IS NULL")).fetchall()]
    ends = [day for _, day in mind.con.execute(seen.format("IS NOT NULL")).fetchall()]
    assert days == [date(2025, 5, 15)]
    assert ends == [date(2025, 6, 15), date(2025, 6, 15)]  # as it was submitted, and by the typical delay


def test_where_a_patient_said_they_live_helps_to_tell_who_they_are_and_is_no_residence(
    mind: OneSource,
) -> None:
    patient = {"LocalPatientId": "ME0000001", "NHSNumber": NHS, "PersonBirthDate": "1990-02-03",
               "Postcode": "QX1 1AA", "Gender": "2", "SubmittedOn": "2026-06-11"}  # fmt: skip
    mind.deliver("patients", "2026-06-15", [patient])
    who = "subject_key, postcode, sex, birth_date"
    assert mind.known("identities", "2026-06-16", who) == [
        ("ME0000001", "QX1 1AA", "female", date(1990, 2, 3))
    ]
    assert mind.known("addresses", "2026-06-16", "subject_key") == []
    make_stated(mind.con, date(2026, 6, 16))
    told = mind.con.execute("SELECT uprns, postcode, postcodes FROM stated").fetchall()
    assert told == [(None, "QX1 1AA", ["QX1 1AA"])]


# --- drug and alcohol -------------------------------------------------------------------------
@pytest.fixture
def treatment(tmp_path: Path) -> OneSource:
    return one_source("drug_alcohol", tmp_path)


def test_how_treatment_ended_is_learned_later_than_that_it_did(treatment: OneSource) -> None:
    episode = {
        "EPISODID": "E00000001", "CLIENTID": "DR0000001", "INITIALS": "AB", "DOB": "03/02/1990", "SEX": "2",
        "PC": "QX1", "REFLD": "02/01/2026", "TRSTART": "12/01/2026", "KEYED": "20/01/2026",
    }  # fmt: skip
    ended = {"TREND": "01/04/2026", "ENDKEYED": "15/04/2026"}
    reason = {"EPISODID": "E00000001", "CLIENTID": "DR0000001", "DISD": "01/04/2026", "KEYED": "03/05/2026"}
    treatment.deliver("episodes", "2026-05-25", [episode | ended], history=True)
    treatment.deliver("discharges", "2026-05-25", [reason | {"DISRSN": "IDO"}], history=True)
    referral = ("referral", "DR0000001", date(2026, 1, 2), None)
    lasts = ("treatment", "DR0000001", date(2026, 1, 12))
    left = ("unplanned_exit", "DR0000001", date(2026, 4, 1), None)
    assert treatment.events("2026-04-22") == [referral, (*lasts, None)]
    assert treatment.events("2026-04-23") == [referral, (*lasts, date(2026, 4, 1))]
    assert treatment.events("2026-05-23") == [referral, (*lasts, date(2026, 4, 1)), left]
    who = "initials, birth_date, sex, district, surname, nhs_number"
    hints = ("AB", date(1990, 2, 3), "female", "QX1", None, None)
    assert treatment.known("identities", "2026-05-23", who) == [hints]


def test_only_a_completed_treatment_protects(treatment: OneSource) -> None:
    reasons = ["CDF", "CAF", "COU", "IDO", "ITD", "ITW", "TNC", "TIC", "DIE"]
    rows = [
        {"EPISODID": f"E{i:08d}", "CLIENTID": f"DR{i:07d}", "DISD": "01/04/2026", "DISRSN": reason}
        for i, reason in enumerate(reasons)
    ]
    report = treatment.deliver("discharges", "2026-05-22", rows)
    assert report.ignored_by_rule == {"transfers to another provider or into custody": 2, "deaths": 1}
    told = [signal for _, signal in treatment.events("2026-05-23", "record_key, signal")]
    assert told == ["completed"] * 3 + ["unplanned_exit"] * 3
    protects = [
        n for n, words in treatment.workspace.sources["drug_alcohol"].signals.items() if words.protective
    ]
    assert protects == ["completed"]


# --- all four ---------------------------------------------------------------------------------
def test_nothing_of_health_is_a_feature_unless_it_is_named() -> None:
    sources = {name: read_source(TEMPLATES / f"{name}.yaml") for name in AGENCIES}
    plain = derive_catalogue(sources, windows=[90])
    used = {signal for signal in plain.signals if not signal.startswith("once.")}
    assert used == {
        "ambulance.advised_by_phone", "ambulance.attended_address", "ambulance.call_without_address",
        "ambulance.conveyed", "emergency_department.attendance", "emergency_department.frequent_attender",
        "emergency_department.left_before_seen",
    }  # fmt: skip
    named = derive_catalogue(sources, windows=[90], sensitive=["drug_alcohol.completed"])
    assert set(named.signals) - set(plain.signals) == {"drug_alcohol.completed"}


@pytest.fixture(scope="module")
def life() -> Life:
    """A block of 400 people over three years."""
    random = np.random.default_rng(11)
    block, cases = county._live(random, 400, 0, 0, 0, Calendar(3))
    return county._agencies(random, block, cases)[1]


def test_the_hospital_meets_everybody_whom_an_ambulance_brought_and_within_the_declared_hours(
    life: Life,
) -> None:
    hours = read_source(TEMPLATES / "emergency_department.yaml").signals["attendance"].same_as
    assert hours is not None
    calls = ambulance(np.random.default_rng(1), life)[0].columns
    seen = emergency_department(np.random.default_rng(2), life)[0].columns
    door: dict[str, list[int]] = {}
    numbers = life.block.nhs_number(np.arange(life.block.people.count))
    keys = life.block.key_of("emergency_department", np.arange(life.block.people.count))
    number_of = dict(zip(keys, numbers, strict=True))
    for key, arrival in zip(seen["patient_ref"], seen["arrival"].tolist(), strict=True):
        door.setdefault(number_of[key], []).append(arrival)
    journeys = np.flatnonzero(calls["_conveyed"] == "conveyed")
    assert len(journeys) > 10
    for row in journeys.tolist():
        after = [at - int(calls["call_time"][row]) for at in door[calls["nhs_number"][row]]]
        assert any(0 < minutes <= hours.hours * 60 for minutes in after)
    assert len(seen["arrival"]) > len(journeys)  # others came by themselves
    again = emergencies(life.block)
    assert np.array_equal(again.moment, emergencies(life.block).moment)


def test_what_is_drafted_fits_what_is_declared(life: Life) -> None:
    """Every column, codes that are declared, ends that are not before starts, nothing known before it was."""
    rows = 0
    for name, agency in AGENCIES.items():
        extracts = read_source(TEMPLATES / f"{name}.yaml").extracts
        drafts = agency(np.random.default_rng(5), life)
        assert [draft.extract for draft in drafts] == list(extracts)
        for draft in drafts:
            declared = extracts[draft.extract]
            assert set(declared.columns) == {c for c in draft.columns if not c.startswith("_")}
            for column, is_declared in declared.columns.items():
                if is_declared.codes:
                    assert set(draft.columns[column].tolist()) - {None} <= set(is_declared.codes)
            for happening in draft.happenings:
                day = draft.columns[happening.occurred]
                assert (draft.keyed >= day).all()
            if draft.end_keyed is not None:
                assert (draft.end_keyed >= draft.keyed).all()
            rows += len(draft.keyed)
    assert rows > 200


@given(st.lists(st.integers(18_000, 21_000), min_size=1, max_size=30))
def test_a_month_is_submitted_six_weeks_after_its_end(days: list[int]) -> None:
    told = submitted(np.random.default_rng(0), np.array([*days, OPEN], dtype=np.int32))
    assert told[-1] == OPEN
    for day, on in zip(days, told[:-1].tolist(), strict=True):
        happened = date(1970, 1, 1) + timedelta(days=day)
        next_month = (happened.replace(day=1) + timedelta(days=32)).replace(day=1)
        assert 0 <= on - (next_month - date(1970, 1, 1)).days - 41 <= 2 + 31


SPELLS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(0, 12)), max_size=25)


@given(SPELLS)
def test_spells_that_are_apart_are_those_that_begin_while_none_is_open(
    spells: list[tuple[int, int, int]],
) -> None:
    owner, start, lasts = (np.array([s[i] for s in spells], dtype=np.int64) for i in range(3))
    end = start + lasts
    found = apart(owner, start, end)
    order = np.lexsort((start, owner)).tolist()
    for place, i in enumerate(order):
        before = [j for j in order[:place] if owner[j] == owner[i]]
        assert found[i] == all(end[j] <= start[i] for j in before)
