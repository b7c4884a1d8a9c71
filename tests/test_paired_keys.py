"""A source tells another's key for the same person, and who belongs to whom: dated, and linked surely."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from pydantic import ValidationError

from features.blocking import MOST
from features.declaration import Source
from features.identity_records import STATED, make_identity_records
from features.paired import state_paired
from features.sure import make_sure
from features.tables import SCHEMAS
from features.workspace import TEMPLATES
from tests.one_source import one_source
from tests.test_link import fact, linked, persons

# --- from a delivery to dated rows --------------------------------------------------------------------


def profile(key: str, **said: str) -> dict[str, str]:
    return {"profile_ref": key, "surname": "Lowe", "created_on": "05/01/2026", **said}


def test_the_key_of_another_source_is_known_from_the_day_it_is_told_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    ecins = one_source("ecins", tmp_path)
    for told_on, number in (("2026-01-05", "0012"), ("2026-01-12", "0021"), ("2026-01-19", "")):
        report = ecins.deliver("profiles", told_on, [profile("EC1", social_care_ref=number), profile("EC2")])
        assert (report.used, report.quarantined) == (2, 0)
    columns = "subject_key, other_source, other_key"
    said = {m: ecins.known("paired_keys", f"2026-01-{m:02}", columns) for m in (5, 6, 12, 13, 19, 20)}
    first, second = ([("EC1", "social_care", key)] for key in ("0012", "0021"))
    assert said == {5: [], 6: first, 12: first, 13: second, 19: second, 20: []}


def test_a_claim_tells_its_partners_and_when_it_ended_and_a_family_is_told_by_its_number(
    tmp_path: Path,
) -> None:
    claim = {"claim_ref": "CL00000001", "claim_type": "HB", "claimant_ref": "BE1", "uprn": "1"}
    claim |= {"date_from": "01/03/2025", "keyed_on": "10/03/2025", "partner_ref": "BE2"}
    ended = {"date_to": "01/09/2025", "end_keyed_on": "05/09/2025"}
    alone = claim | {"claim_ref": "CL00000002", "claimant_ref": "BE3", "partner_ref": ""}
    wrong = claim | {"claim_ref": "CL00000003", "date_to": "01/01/2025"}
    benefits = one_source("benefits", tmp_path / "b")
    report = benefits.deliver("claims", "2026-01-22", [claim | ended, alone, wrong], history=True)
    assert (report.used, report.quarantined) == (2, 1)
    columns = "subject_key, relation, other_key, family, start_on, end_on"
    said = ("BE1", "partner", "BE2", None, date(2025, 3, 1))
    assert benefits.known("relations", "2025-03-22", columns) == []
    assert benefits.known("relations", "2025-03-23", columns) == [(*said, None)]
    assert benefits.known("relations", "2026-01-01", columns) == [(*said, date(2025, 9, 1))]

    care = one_source("social_care", tmp_path / "c")
    rows = [{"fami_table_id": f"F{n}", "fami_family_id": "0007", "fami_person_id": f"{n}"} for n in (1, 2)]
    care.deliver("family", "2026-01-05", rows)
    care.deliver("family", "2026-01-12", rows[:1])
    one, two = ((str(n), "family", None, "0007", None, None) for n in (1, 2))
    assert care.known("relations", "2026-01-06", columns) == [one, two]
    assert care.known("relations", "2026-01-13", columns) == [one]


def edited(name: str, extract: str, change: Callable[[dict], object]) -> Source:
    declared = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text("utf-8"))
    declared["schedule"] = {"every": "day"}
    change(declared["extracts"][extract])
    return Source.model_validate(declared)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda e: e["subjects"][0].update(also={"schools": "upn"}), "'upn' is not under `columns`"),
        (
            lambda e: e["subjects"][0].update(also={"schools": "date_from"}),
            "is declared as date, not as text",
        ),
        (lambda e: e["subjects"][0].update(also={"benefits": "partner_ref"}), "'benefits' is this source"),
        (lambda e: e["subjects"][0].update(also={"No 1": "partner_ref"}), "is not the name of a source"),
        (
            lambda e: e["relations"][0].update(of="mother"),
            "'mother' is not a subject; there are claimant, partner",
        ),
        (lambda e: e["relations"][0].update(to="claimant"), "'claimant' is nobody's partner"),
        (lambda e: e["relations"][0].update(start="claim_ref"), "is declared as text, not as a date"),
        (lambda e: e["relations"][0].update(family="claim_ref"), "either `to` and `relation`, or `family`"),
        (lambda e: e["relations"][0].pop("to"), "either `to` and `relation`, or `family`"),
        (lambda e: e["relations"][0].update(relation="friend"), "Input should be 'parent', 'sibling'"),
    ],
)
def test_a_declaration_that_makes_no_sense_says_so(change: Callable[[dict], object], problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        edited("benefits", "claims", change)


# --- links by exact keys -------------------------------------------------------------------------------


def named(source: str, subject: str, other: str, key: str, *, known: int, until: int | None = None) -> dict:
    said = {"other_source": other, "other_key": key}
    return fact(source, subject, known=known, until=until, record_key=f"{source}/{subject}/{known}", **said)


def known_by(source: str, subject: str, *, known: int = 0) -> dict:
    return fact(source, subject, known=known, surname=f"{source}{subject}")


def test_a_key_told_in_pairs_joins_from_the_day_on_which_it_is_told() -> None:
    rows = linked(
        identities=[known_by("care", "7"), known_by("case", "a", known=2), known_by("case", "7", known=2)],
        paired_keys=[named("case", "a", "care", "7", known=5)],
    )
    before, after = persons(rows, 4), persons(rows, 5)
    assert len(set(before.values())) == 3
    assert after["case", "a"] == after["care", "7"] == before["care", "7"]
    assert after["case", "7"] == before["case", "7"], "a key is its own source's"


def test_whoever_names_one_key_is_one_person_even_before_its_owner_is_known() -> None:
    rows = linked(
        identities=[known_by("case", "a"), known_by("home", "h"), known_by("care", "7", known=9)],
        paired_keys=[named("case", "a", "care", "7", known=3), named("home", "h", "care", "7", known=4)],
    )
    assert [len(set(persons(rows, learned).values())) for learned in (3, 4, 9)] == [2, 1, 1]


def test_a_key_taken_back_parts_them_and_a_crowd_that_names_one_key_is_nobodys() -> None:
    identities = [known_by("care", "7"), known_by("care", "8"), known_by("case", "a")]
    rows = linked(
        identities=identities,
        paired_keys=[
            named("case", "a", "care", "7", known=3, until=6),
            named("case", "a", "care", "8", known=6),
        ],
    )
    there = [persons(rows, learned) for learned in (5, 6)]
    assert [p["case", "a"] == p["care", "7"] for p in there] == [True, False]
    assert [p["case", "a"] == p["care", "8"] for p in there] == [False, True]
    many = [f"m{n}" for n in range(MOST)]
    rows = linked(
        identities=[known_by("care", "0"), *(known_by("case", who) for who in many)],
        paired_keys=[named("case", who, "care", "0", known=1) for who in many],
    )
    assert len(set(persons(rows, 1).values())) == MOST + 1


def test_a_register_of_pairs_joins_two_and_whose_key_is_the_person_already_is_joined_to_nobody() -> None:
    identities = [known_by("care", "7"), known_by("police", "N1"), known_by("index", "I1")]
    pairs = [named("crosswalk", "x", "care", "7", known=2), named("crosswalk", "x", "police", "N1", known=4)]
    index = named("care", "7", "index", "I1", known=1)
    rows = linked(identities=identities, paired_keys=[*pairs, index], already_persons=["index"])
    assert [len(set(persons(rows, learned).values())) for learned in (1, 2, 4)] == [3, 3, 2]
    assert persons(rows, 4)["index", "I1"] not in {
        persons(rows, 4)[who] for who in (("care", "7"), ("police", "N1"))
    }


# --- the sure pairs of a probable run --------------------------------------------------------------------

ANN = {"forenames": "Ann", "surname": "Lowe", "born": "1980-03-04"}


def sure(*stated: dict) -> set[tuple[str, str, str]]:
    """(source|key, source|key, kind) of the sure pairs of subjects as they are stated."""
    con = duckdb.connect(config={"threads": 1})
    con.execute(f"CREATE TEMP TABLE stated ({STATED})")
    for row in stated:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        con.execute(f"INSERT INTO stated ({names}) VALUES ({marks})", list(row.values()))
    make_identity_records(con)
    make_sure(con)
    who = "a.source || '|' || a.subject_key, b.source || '|' || b.subject_key"
    pairs = "sure s JOIN identity_records a ON a.subject = s.l JOIN identity_records b ON b.subject = s.r"
    return set(con.execute(f"SELECT {who}, kind FROM {pairs}").fetchall())


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        (ANN, True),
        ({**ANN, "born": "1991-10-20"}, True),  # one of the two may differ
        ({**ANN, "forenames": "Zoe"}, True),
        ({**ANN, "forenames": "Zoe", "born": "1991-10-20"}, False),  # a slip of the pen, then
        ({}, True),  # its agency says nothing of who it is
    ],
)
def test_a_key_is_believed_unless_names_and_birth_dates_both_say_otherwise(other: dict, joined: bool) -> None:
    found = sure(
        {"source": "care", "subject_key": "7", **ANN},
        {"source": "case", "subject_key": "a", "paired": ["care|7"], **other},
        {"source": "care", "subject_key": "8", **ANN},
    )
    assert found == ({("care|7", "case|a", "pair")} if joined else set())


def test_what_is_told_on_a_morning_is_stated_and_who_is_named_is_there() -> None:
    con = duckdb.connect(config={"threads": 1})
    con.execute(
        f"CREATE TEMP TABLE stated ({STATED}); INSERT INTO stated (source, subject_key) VALUES ('a', '1')"
    )
    fields = [pa.field("known_until", pa.date32())]
    told = [
        named("a", "1", "police", "N1", known=1),
        named("a", "1", "care", "7", known=2),
        named("a", "2", "police", "N2", known=3, until=5),
        named("a", "3", "police", "N3", known=6),  # not yet
        named("a", "4", "index", "I", known=1),
    ]
    seen = [fact("police", key, known=1) for key in ("N1", "N3", "N4")]
    for name, rows in (("paired_keys", told), ("events", seen)):
        schema = pa.schema([*(f.with_nullable(True) for f in SCHEMAS[name]), *fields])
        con.register(name, pa.Table.from_pylist(rows, schema=schema))
    state_paired(con, date(2026, 1, 7), already_persons=["index"])
    found = con.execute("SELECT source, subject_key, paired FROM stated ORDER BY ALL").fetchall()
    assert found == [("a", "1", ["care|7", "police|N1"]), ("police", "N1", None)]
    con.execute("UPDATE stated SET paired = NULL")
    state_paired(con, date(2026, 1, 6), already_persons=["index"])
    assert ("a", "2", ["police|N2"]) in con.execute(
        "SELECT source, subject_key, paired FROM stated"
    ).fetchall()
