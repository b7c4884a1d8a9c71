"""Benefits, homelessness, food bank, adult care: what a few rows of each say."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from features.channels import signals_of
from features.ingest import ingest
from features.read_declaration import read_source
from features.snapshot import make_standing, open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace

OURS = ("adult_care", "benefits", "food_bank", "homelessness")
TEMPLATES = Path(__file__).parents[1] / "features" / "sources"
ROW = "(row) "
Said = set[tuple[str | None, ...]]


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with these four sources and no other."""
    root = tmp_path_factory.mktemp("council") / "w"
    init_workspace(root, sources=None)
    for name in OURS:
        shutil.copyfile(TEMPLATES / f"{name}.yaml", root / "sources" / f"{name}.yaml")
    return open_workspace(root)


def delivered(council: Workspace, folder: Path, extract: str, rows: Iterable[dict[str, str]]) -> dict:
    """Rows, by the declaration's own delimiter and encoding, taken in on 8 June 2026.

    Cells left out are empty. Returns the counts of the file's report.
    """
    source, name = extract.split(".")
    declared = council.sources[source].extracts[name]
    lines = [list(declared.columns), *([row.get(c, "") for c in declared.columns] for row in rows)]
    file = folder / declared.files.replace("*", "test")
    text = "".join(declared.delimiter.join(line) + "\n" for line in lines)
    file.write_bytes(text.encode(declared.encoding))
    report = ingest(council, file, received=date(2026, 6, 8))[0]
    return {"used": report.used, "quarantined": report.quarantined, "ignored": report.ignored}


def told(council: Workspace, extract: str, *columns: str, table: str = "events") -> Said:
    """What stands of one extract: a tuple of these columns, as text, for every row."""
    source, name = extract.split(".")
    shown = ", ".join(f"CAST({column} AS VARCHAR)" for column in columns)
    stands = "source = ? AND starts_with(record_key, ?) AND known_until IS NULL"
    query = f"SELECT record_key, {shown} FROM {table} WHERE {stands}"
    snapshot = open_snapshot(council)
    con = snapshot.tables.connect()
    make_standing(con, snapshot, table)  # nothing else is asked for
    rows = con.execute(query, [source, f"{name}/"]).fetchall()
    assert len(set(rows)) == len(rows)
    return {row[1:] for row in rows}


EVENT = ("subject_key", "signal", "occurred_at::DATE", "ended_on", "amount", "place")


def said(council: Workspace, extract: str) -> Said:
    """Events as (subject, signal without its source, day, end, amount, place)."""
    return {(who, str(s).split(".")[1], *rest) for who, s, *rest in told(council, extract, *EVENT)}


# --- benefits ---------------------------------------------------------------------------------
CLAIM = {"claimant_ref": "B1", "partner_ref": "B2", "uprn": "77", "date_from": "01/03/2024"}


def test_claims_reach_the_home_and_a_premium_is_of_the_one_who_has_it(
    council: Workspace, tmp_path: Path
) -> None:
    rows = [
        {**CLAIM, "claim_ref": "CL00000001", "claim_type": "HB", "premium": "DISP", "date_to": "04/05/2025"},
        {**CLAIM, "claim_ref": "CL00000002", "claim_type": "CTR", "partner_ref": ""},
        {**CLAIM, "claim_ref": "CL00000003", "claim_type": "UC"},
    ]
    counts = delivered(council, tmp_path, "benefits.claims", rows)
    assert counts == {"used": 2, "quarantined": 1, "ignored": 0}
    assert said(council, "benefits.claims") == {
        ("B1", "housing_benefit", "2024-03-01", "2025-05-04", None, "77"),
        ("B2", "housing_benefit", "2024-03-01", "2025-05-04", None, "77"),
        ("B2", "disability_premium", "2024-03-01", "2025-05-04", None, None),
        ("B1", "council_tax_reduction", "2024-03-01", None, None, "77"),
    }
    # The end of a claim says nothing of where people live.
    homes = told(council, "benefits.claims", "subject_key", "uprn", "start_on", "end_on", table="addresses")
    assert {row[1:] for row in homes} == {("77", "2024-03-01", None)}


def test_notices_of_the_dwp_are_spells_and_a_change_of_award_is_left_aside(
    council: Workspace, tmp_path: Path
) -> None:
    notice = {"claimant_ref": "B1", "nino": "QQ000001A", "effective_from": "20260401"}
    rows = [
        {**notice, "notice_no": "DN000000001", "notice_type": "SAN", "weekly_reduction": "84.80"},
        {**notice, "notice_no": "DN000000002", "notice_type": "CAP", "effective_to": "20260601"},
        {**notice, "notice_no": "DN000000003", "notice_type": "AWD"},
    ]
    counts = delivered(council, tmp_path, "benefits.dwp_notices", rows)
    assert counts == {"used": 2, "quarantined": 0, "ignored": 1}
    assert said(council, "benefits.dwp_notices") == {
        ("B1", "sanction", "2026-04-01", None, "84.8", None),
        ("B1", "benefit_cap", "2026-04-01", "2026-06-01", None, None),
    }


def test_a_payment_refused_is_not_a_payment_and_an_award_may_end_later_than_today(
    council: Workspace, tmp_path: Path
) -> None:
    asked = {"claimant_ref": "B1", "uprn": "77", "applied_on": "01/05/2026", "decided_on": "20/05/2026"}
    award = {"award_from": "01/05/2026", "award_to": "31/10/2026", "award_total": "260"}
    rows = [
        {**asked, **award, "dhp_ref": "DHP00000001", "decision": "A"},
        {**asked, "dhp_ref": "DHP00000002", "decision": "R"},
    ]
    delivered(council, tmp_path, "benefits.housing_payments", rows)
    assert said(council, "benefits.housing_payments") == {
        ("B1", "housing_payment", "2026-05-01", "2026-10-31", "260.0", "77"),
        ("B1", "housing_payment_refused", "2026-05-20", None, None, "77"),
    }


def test_lines_of_the_spreadsheet_are_nobody_s_and_keep_who_they_hint_at(
    council: Workspace, tmp_path: Path
) -> None:
    line = {"Date": "02/06/26", "Surname": "Novák", "First name": "Zoë", "Postcode area": "QX1"}
    rows = [
        {**line, "Ref": "LW00000001", "Outcome": "Paid", "Amount": "49.50", "NI number": "QQ000002B"},
        {**line, "Ref": "LW00000002", "Outcome": "Signposted", "DOB": "03/04/1968"},
        {**line, "Ref": "LW00000003", "Outcome": "Test"},
    ]
    counts = delivered(council, tmp_path, "benefits.local_welfare", rows)
    assert counts == {"used": 2, "quarantined": 0, "ignored": 1}
    assert said(council, "benefits.local_welfare") == {
        (ROW + "LW00000001", "local_welfare_payment", "2026-06-02", None, "49.5", None),
        (ROW + "LW00000002", "local_welfare_refused", "2026-06-02", None, None, None),
    }
    who = ("subject_key", "forenames", "surname", "birth_date", "nino", "district")
    assert told(council, "benefits.local_welfare", *who, table="identities") == {
        (ROW + "LW00000001", "Zoë", "Novák", None, "QQ000002B", "QX1"),
        (ROW + "LW00000002", "Zoë", "Novák", "1968-04-03", None, "QX1"),
    }


# --- homelessness -----------------------------------------------------------------------------
CASE = {"case_ref": "HC00000001", "person_ref": "H1"}


def test_an_application_is_one_whatever_is_found(council: Workspace, tmp_path: Path) -> None:
    found = ("", "THREAT", "HOMELESS", "NEITHER", "INELIGIBLE")
    rows = [
        {
            "case_ref": f"HC0000000{i}",
            "applicant_ref": f"H{i}",
            "application_date": "2026-05-01",
            "assessment_date": "2026-05-08" if result else "",
            "assessment": result,
        }
        for i, result in enumerate(found)
    ]
    delivered(council, tmp_path, "homelessness.main", rows)
    applications = {(f"H{i}", "application", "2026-05-01", None, None, None) for i in range(5)}
    nothing = {(who, "no_duty_owed", "2026-05-08", None, None, None) for who in ("H3", "H4")}
    assert said(council, "homelessness.main") == applications | nothing


@pytest.mark.parametrize("extract", ["prevention", "relief"])
def test_a_duty_is_a_spell_and_how_it_ended_may_say_something_more(
    council: Workspace, tmp_path: Path, extract: str
) -> None:
    duty = {"case_ref": "HC00000001", "duty_start": "2026-03-01"}
    ended = {**duty, "duty_end": "2026-04-26"}
    rows = [
        {**duty, "person_ref": "H0"},
        {**ended, "person_ref": "H1", "end_reason": "SEC6"},
        {**ended, "person_ref": "H2", "end_reason": "CONTACT"},
        {**ended, "person_ref": "H3", "end_reason": "DAYS56"},
        {**ended, "person_ref": "H4", "end_reason": "HOMELESS"},
        {**duty, "person_ref": "H5", "duty_end": "2026-02-20"},
    ]
    counts = delivered(council, tmp_path, f"homelessness.{extract}", rows)
    assert counts == {"used": 5, "quarantined": 1, "ignored": 0}
    more = {("H1", "home_secured"), ("H2", "contact_lost")}
    more |= {("H4", "became_homeless")} if extract == "prevention" else set()
    assert said(council, f"homelessness.{extract}") == {
        ("H0", f"{extract}_duty", "2026-03-01", None, None, None),
        *((f"H{i}", f"{extract}_duty", "2026-03-01", "2026-04-26", None, None) for i in range(1, 5)),
        *((who, signal, "2026-04-26", None, None, None) for who, signal in more),
    }


def test_decisions_stays_and_advice_are_each_their_own(council: Workspace, tmp_path: Path) -> None:
    decided = {"decision_date": "2026-05-01"}
    counts = delivered(
        council,
        tmp_path,
        "homelessness.final_duties",
        [
            {**CASE, **decided, "decision": "MAIN", "main_duty_end": "2026-06-01"},
            {**CASE, **decided, "person_ref": "H2", "decision": "INTENTIONAL"},
            {**CASE, **decided, "person_ref": "H3", "decision": "NOPRIORITY"},
            {**CASE, **decided, "person_ref": "H4", "decision": "NOTHOMELESS"},
        ],
    )
    assert counts == {"used": 3, "quarantined": 0, "ignored": 1}
    assert said(council, "homelessness.final_duties") == {
        ("H1", "main_duty", "2026-05-01", "2026-06-01", None, None),
        ("H2", "no_duty_owed", "2026-05-01", None, None, None),
        ("H3", "no_duty_owed", "2026-05-01", None, None, None),
    }

    stay = {"placement_ref": "TA00000001", **CASE, "ta_uprn": "99", "entry_date": "2026-04-30"}
    delivered(council, tmp_path, "homelessness.temporary_accommodation", [stay])
    assert said(council, "homelessness.temporary_accommodation") == {
        ("H1", "temporary_accommodation", "2026-04-30", None, None, None)
    }
    where = ("subject_key", "uprn", "start_on", "end_on")
    assert told(council, "homelessness.temporary_accommodation", *where, table="addresses") == {
        ("H1", "99", "2026-04-30", None)
    }

    contact = {"person_ref": "H9", "contact_date": "2026-06-01"}
    counts = delivered(
        council,
        tmp_path,
        "homelessness.advice",
        [
            {**contact, "contact_ref": "HA00000001", "outcome": "ADVICE"},
            {**contact, "contact_ref": "HA00000002", "outcome": "CASE"},
        ],
    )
    assert counts == {"used": 1, "quarantined": 0, "ignored": 1}
    assert said(council, "homelessness.advice") == {("H9", "advice_only", "2026-06-01", None, None, None)}


# --- food bank --------------------------------------------------------------------------------
def test_a_voucher_counts_whether_used_or_not_and_names_nobody(council: Workspace, tmp_path: Path) -> None:
    row = {"Date": "01.06.26", "Surname": "O'NEILL", "Postcode district": "QX1", "Adults": "1"}
    rows = [{**row, "Voucher no": f"FB-0000000{i}", "Used": used} for i, used in enumerate("YNV")]
    rows.append({**row, "Voucher no": "FB-00000003", "Used": "Y", "Adults": "-1"})
    counts = delivered(council, tmp_path, "food_bank.vouchers", rows)
    assert counts == {"used": 2, "quarantined": 1, "ignored": 1}
    assert said(council, "food_bank.vouchers") == {
        (ROW + f"FB-0000000{i}", "voucher", "2026-06-01", None, None, None) for i in (0, 1)
    }
    hints = told(council, "food_bank.vouchers", "surname", "district", "forenames", table="identities")
    assert hints == {("O'NEILL", "QX1", None)}


# --- adult care -------------------------------------------------------------------------------
def test_an_event_of_adult_care_is_what_its_type_role_and_outcome_make_it(
    council: Workspace, tmp_path: Path
) -> None:
    table = [
        ("Request", "Service User", "Progress to Assessment", "request", None),
        ("Request", "Carer", "Admitted to hospital", "request", None),
        ("Request", "Service User", "NFA - Support declined", "request_no_further_action", None),
        ("Assessment", "Service User", "NFA - Other", "assessment", None),
        ("Assessment", "Carer", "NFA - Other", "carer_assessment", None),
        ("Service", "Service User", "Service ended as planned", "service", "2026-05-20"),
        ("Service", "Carer", "", "carer_service", "2026-05-20"),
        ("Review", "Service User", "No change in package", None, None),
    ]
    names = ("Event Type", "Client Type", "Event Outcome")
    days = {"Event Start Date": "05/05/2026", "Event End Date": "20/05/2026"}
    rows = [
        dict(zip(names, map(str, cells), strict=False))
        | days
        | {"Event Reference": f"E{i}", "LA Person Unique Identifier": f"A{i}"}
        for i, cells in enumerate(table)
    ]
    counts = delivered(council, tmp_path, "adult_care.events", rows)
    assert counts == {"used": 7, "quarantined": 0, "ignored": 1}
    assert said(council, "adult_care.events") == {
        (f"A{i}", signal, "2026-05-05", end, None, None)
        for i, (*_, signal, end) in enumerate(table)
        if signal
    }


# --- the declarations -------------------------------------------------------------------------
def test_what_is_no_trouble_or_close_to_disability_is_no_feature_unless_asked_for() -> None:
    sources = [read_source(TEMPLATES / f"{name}.yaml") for name in OURS]
    plain = {signal.name for signal in signals_of(sources)}
    close = {"benefits.disability_premium", "adult_care.assessment", "adult_care.service"}
    assert {signal.name for signal in signals_of(sources, close)} - plain == close
    assert "benefits.council_tax_reduction" not in plain
    assert {s.name for s in signals_of(sources) if s.protective} == {
        "homelessness.home_secured",
        "adult_care.carer_service",
    }
