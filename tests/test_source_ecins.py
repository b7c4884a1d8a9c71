"""E-CINS and the register of objections: hand-offs that fail, what is ours, whom a mark protects."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from features.asof import sql_usable
from features.channels import signals_of
from tests.one_source import OneSource, one_source


@pytest.fixture
def ecins(tmp_path: Path) -> OneSource:
    return one_source("ecins", tmp_path)


def referral(**cells: str) -> dict[str, str]:
    """A referral of Monday 5 January 2026, to be answered by 2 February."""
    return {
        "referral_ref": "ER00000001", "profile_ref": "EC1", "from_agency": "POL", "to_agency": "HEA",
        "made_on": "05/01/2026", "entered_on": "06/01/2026",
    } | cells  # fmt: skip


DUE = date(2026, 2, 2)
FIRST_MONDAY = date(2026, 1, 12)


ANSWERS = {
    "never": None,
    "in time": (date(2026, 1, 20), date(2026, 1, 21)),
    "on the last day": (DUE, DUE),
    "in time but told late": (date(2026, 1, 30), date(2026, 2, 5)),
    "late": (date(2026, 2, 20), date(2026, 2, 20)),
}
"""When a referral is answered, and the day on which that was keyed."""


def test_a_referral_nobody_answers_counts_from_its_day_and_while_we_know_no_better(ecins: OneSource) -> None:
    """Monday after Monday as the files came, against the rule told plainly, on every morning."""
    mondays = [FIRST_MONDAY + timedelta(weeks=i) for i in range(7)]
    for monday in mondays:
        rows = []
        for number, answer in enumerate(ANSWERS.values()):
            known = answer is not None and answer[1] < monday
            cells = {"answer": "ACC", "answered_on": f"{answer[0]:%d/%m/%Y}"} if answer and known else {}
            rows.append(referral(referral_ref=f"ER{number:08d}", **cells))
        assert ecins.deliver("referrals", f"{monday}", rows).used == len(ANSWERS)
    con = ecins.con
    for morning in (FIRST_MONDAY + timedelta(days=i) for i in range(60)):
        usable = f"{sql_usable(morning)} AND signal = 'ecins.handoff_unanswered'"
        seen = dict(
            con.execute(f"SELECT right(record_key, 1), ended_on FROM events WHERE {usable}").fetchall()
        )
        waits = {}
        for number, answer in enumerate(ANSWERS.values()):
            heard = answer is not None and any(answer[1] < monday < morning for monday in mondays)
            answered = answer[0] if answer and heard else None
            if morning > DUE and (answered is None or answered > DUE):
                waits[str(number)] = answered
        assert seen == waits, morning


def test_a_first_load_tells_a_late_answer_as_the_weeks_would_have(ecins: OneSource) -> None:
    row = referral(answer="DEC", answered_on="20/02/2026")
    ecins.deliver("referrals", "2026-06-01", [row], history=True)
    waits = ("handoff_unanswered", "EC1", DUE)
    made = ("handoff", "EC1", date(2026, 1, 5))
    assert ecins.events("2026-01-13") == [(*made, None)]
    assert ecins.events("2026-02-02") == [(*made, None)]
    assert ecins.events("2026-02-03") == [(*made, None), (*waits, None)]
    ended = date(2026, 2, 20)  # seven days' typical delay, and the Monday after
    declined = ("handoff_declined", "EC1", ended, None)
    assert ecins.events("2026-03-03") == [(*made, ended), declined, (*waits, ended)]


def test_what_our_own_team_did_is_ours_alone(ecins: OneSource) -> None:
    ours = {"referral_ref": "ER00000002", "from_agency": "EHT"}
    ecins.deliver("referrals", "2026-01-12", [referral(to_agency="EHT"), referral(**ours)])
    about = {"profile_ref": "EC1", "involved_from": "05/01/2026", "entered_on": "06/01/2026"}
    who = [("POL", "INV"), ("SCH", "LEAD"), ("EHT", "INV"), ("EHT", "LEAD")]
    rows = [
        {"involvement_ref": f"IN0000000{i}", "agency": agency, "role": role} | about
        for i, (agency, role) in enumerate(who)
    ]
    ecins.deliver("involvement", "2026-01-12", rows)
    assert ecins.events("2026-03-01", "signal, record_key") == [
        ("agency_involved", "involvement/IN00000000"),
        ("handoff", "referrals/ER00000001"),  # to us, by somebody else: theirs
        ("handoff_unanswered", "referrals/ER00000001"),
        ("lead_professional", "involvement/IN00000001"),
        ("our_handoff", "referrals/ER00000002"),  # never answered, and no sign of anything
        ("our_involvement", "involvement/IN00000002"),
        ("our_involvement", "involvement/IN00000003"),
    ]
    words = ecins.workspace.sources["ecins"].signals
    assert {name for name, word in words.items() if word.ours} == {"our_handoff", "our_involvement"}
    features = {signal.name.split(".")[1] for signal in signals_of([ecins.workspace.sources["ecins"]])}
    assert features == set(words) - {"our_handoff", "our_involvement", "task"}
    assert words["lead_professional"].protective


def test_a_task_is_overdue_from_the_day_after_it_was_due(ecins: OneSource) -> None:
    task = {"profile_ref": "EC1", "agency": "HOU", "created_on": "01/12/2025", "due_on": "15/12/2025"}
    report = ecins.deliver(
        "tasks",
        "2026-01-05",
        [
            {"task_ref": "TK00000001", "done_on": "10/12/2025"} | task,
            {"task_ref": "TK00000002", "done_on": "15/12/2025"} | task,
            {"task_ref": "TK00000003", "done_on": "29/12/2025"} | task,
            {"task_ref": "TK00000004"} | task,
            {"task_ref": "TK00000005"} | task | {"agency": "EHT"},
        ],
    )
    assert (report.used, report.ignored, report.quarantined) == (4, 1, 0)
    late = [row[1:] for row in ecins.events("2026-01-06", "signal, record_key, occurred_on, ended_on")][4:]
    due = date(2025, 12, 16)
    assert late == [("tasks/TK00000003", due, date(2025, 12, 29)), ("tasks/TK00000004", due, None)]


def test_a_profile_without_consent_or_of_a_staff_family_carries_its_mark(ecins: OneSource) -> None:
    person = {"forenames": "Ann", "surname": "Ash", "created_on": "01/12/2025", "postcode": "QX1 1AA"}
    rows = [
        {"profile_ref": "EC1", "consent_basis": "C"} | person,
        {"profile_ref": "EC2", "consent_basis": "C", "consent_withdrawn_on": "20/12/2025"} | person,
        {"profile_ref": "EC3", "consent_basis": "L", "restricted": "SF"} | person,
        {"profile_ref": "EC4", "restricted": "AW"} | person | {"postcode": ""},
    ]
    ecins.deliver("profiles", "2026-01-05", rows)
    assert ecins.known("marks", "2026-01-06", "subject_key, mark, start_on") == [
        ("EC2", "objection", date(2025, 12, 20)),
        ("EC3", "staff_family", None),
        ("EC4", "refuge", None),
    ]
    homes = ecins.known("addresses", "2026-01-06", "subject_key, postcode")
    assert homes == [(f"EC{i}", "QX1 1AA") for i in (1, 2, 3)]
    given = [rows[0], rows[1] | {"consent_withdrawn_on": ""}, rows[2] | {"restricted": ""}, rows[3]]
    ecins.deliver("profiles", "2026-01-12", given)
    assert ecins.known("marks", "2026-01-13", "subject_key, mark") == [("EC4", "refuge")]


def test_an_objection_holds_until_it_is_withdrawn_or_leaves_the_register(tmp_path: Path) -> None:
    register = one_source("objections", tmp_path)
    entry = {"kind": "OBJ", "since": "01/12/2025", "entered_on": "02/12/2025"}
    rows = [
        {"entry_ref": "OB00000001", "person_ref": "D1", "forenames": "Zoë", "surname": "Ash"} | entry,
        {"entry_ref": "OB00000002", "person_ref": "D2", "nhs_number": "9990000018", "kind": "OPT"} | entry,
        {"entry_ref": "OB00000003", "person_ref": "D3", "postcode": "QX1 1AA"} | entry,
    ]
    assert register.deliver("register", "2026-01-05", rows).used == 3
    rows[1]["withdrawn_on"] = "08/01/2026"
    assert register.deliver("register", "2026-01-12", rows[:2]).used == 2
    since = date(2025, 12, 1)
    marks = "subject_key, mark, start_on, end_on"
    assert register.known("marks", "2026-01-12", marks) == [
        (f"D{i}", "objection", since, None) for i in (1, 2, 3)
    ]
    assert register.known("marks", "2026-01-13", marks) == [
        ("D1", "objection", since, None),
        ("D2", "objection", since, date(2026, 1, 8)),
    ]
    told = register.known("identities", "2026-01-13", "subject_key, forenames, nhs_number")
    assert told == [("D1", "Zoë", None), ("D2", None, "9990000018")]
    assert register.con.execute("SELECT count(*) FROM events").fetchall() == [(0,)]
