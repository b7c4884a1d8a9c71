"""The simulated county's police records, missing table, MARAC, antisocial behaviour and youth justice.

What is declared the same happening is the same, within the hours declared; what is one role in the
files stays one role; and agencies added leave what the others send as it was.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from features.read_declaration import read_source
from features.workspace import TEMPLATES
from simulation import agencies
from simulation.county import simulate

OURS = ("police_records", "domestic_abuse", "antisocial_behaviour", "youth_justice")


@pytest.fixture(scope="module")
def con(extracts: Path) -> duckdb.DuckDBPyConnection:
    """`events` and `people` of the truth, and what was sent first: `logs`, `occurrences`, `cases`."""
    con = duckdb.connect()
    files = {
        "events": "truth/events.csv", "people": "truth/people.csv", "outcomes": "truth/outcomes.csv",
        "logs": "history/storm_logs_history.csv", "episodes": "history/compact_missing_history.csv",
        "occurrences": "history/niche_occurrences_history.csv",
        "cases": "history/marac_cases_history.csv",
    }  # fmt: skip
    for name, path in files.items():
        text = (
            (extracts / path)
            .read_bytes()
            .decode("cp1252" if "niche" in path or "compact" in path else "utf-8")
        )
        copy = extracts.parent / f"safety_{name}.csv"
        copy.write_text(text, encoding="utf-8")
        con.execute(f"CREATE TABLE {name} AS FROM read_csv('{copy}', header = true, all_varchar = true)")
    return con


def within(con: duckdb.DuckDBPyConnection, *, ours: str, theirs: str, hours: float) -> tuple[int, float]:
    """How many happenings (person, moment) we have, and which share has one of theirs within the hours."""
    return con.execute(
        f"""
        WITH ours AS ({ours}), theirs AS ({theirs})
        SELECT count(*), avg(EXISTS (
            SELECT * FROM theirs WHERE theirs.person = ours.person
                   AND abs(date_diff('minute', theirs.moment, ours.moment)) <= {hours} * 60)::INT)
        FROM ours WHERE moment IS NOT NULL
        """
    ).fetchall()[0]


def log_events(closing: str, role: str) -> str:
    return f"""
        SELECT p.person, try_strptime(received_date || received_time, '%d/%m/%Y%H:%M') AS moment
        FROM logs JOIN people p ON p.police = nominal_ref
        WHERE closing_category = '{closing}' AND role = '{role}'"""


def occurrence_events(classes: str, role: str) -> str:
    return f"""
        SELECT p.person, try_strptime(from_date || from_time, '%d-%m-%Y%H:%M') AS moment
        FROM occurrences JOIN people p ON p.police_records = nominal_ref
        WHERE class IN ({classes}) AND role = '{role}'"""


@pytest.mark.parametrize(
    ("signal", "classes", "role", "closing", "log_role", "share"),
    [
        ("crime_victim", "'CRI'", "V", "CRM", "VIC", 0.3),  # the rest was told online
        ("crime_suspect", "'CRI'", "S", "CRM", "SUS", 0.97),
        ("domestic_abuse_victim", "'DAC', 'DAN'", "V", "DA", "VIC", 0.97),
        ("domestic_abuse_child", "'DAC', 'DAN'", "C", "DA", "CHP", 0.97),
        ("domestic_abuse_suspect", "'DAC', 'DAN'", "S", "DA", "SUS", 0.97),
    ],
)
def test_an_occurrence_is_the_same_happening_as_its_log(
    con: duckdb.DuckDBPyConnection,
    signal: str,
    classes: str,
    role: str,
    closing: str,
    log_role: str,
    share: float,
) -> None:
    """By the files' own times; a few logs are spoilt, or came after the history did."""
    same = read_source(TEMPLATES / "police_records.yaml").signals[signal].same_as
    assert same is not None
    n, paired = within(
        con, ours=occurrence_events(classes, role), theirs=log_events(closing, log_role), hours=same.hours
    )
    assert n > 50 and paired > share


def test_missing_from_three_sides(con: duckdb.DuckDBPyConnection) -> None:
    """The desk's episode, the police's occurrence within hours of it, social care's of children in care."""
    desk = """
        SELECT p.person, try_strptime(missing_date || missing_time, '%d %b %Y%H:%M') AS moment
        FROM episodes JOIN people p ON p.missing = person_ref WHERE category = 'M'"""
    n, paired = within(con, ours=occurrence_events("'MIS'", "M"), theirs=desk, hours=24)
    assert n > 50 and paired > 0.97
    n, paired, in_care = con.execute(
        """
        WITH care AS (SELECT p.person, e.signal, e.occurred_on::DATE AS day FROM events e
                      JOIN people p ON p.social_care = e.subject_key
                      WHERE e.signal IN ('social_care.missing_from_care', 'social_care.away_from_care')),
        desk AS (SELECT p.person, e.signal, e.occurred_on::DATE AS day FROM events e
                 JOIN people p ON p.missing = e.subject_key WHERE e.source = 'missing')
        SELECT count(*),
               avg(EXISTS (SELECT * FROM desk d WHERE d.person = c.person AND c.day - d.day IN (0, 1)
                    AND (d.signal = 'missing.episode') = (c.signal = 'social_care.missing_from_care'))::INT),
               avg(EXISTS (SELECT * FROM outcomes o WHERE o.person = c.person AND o.part = 'looked_after'
                    AND o.day::DATE <= c.day AND coalesce(o.until::DATE, DATE '9999-1-1') >= c.day - 1)::INT)
        FROM care c
        """
    ).fetchall()[0]
    assert n > 20 and in_care == 1 and paired > 0.94  # the desk may have keyed one too late to be sent


def test_nobody_is_two_things_in_one_case_and_a_secret_address_is_marked(
    con: duckdb.DuckDBPyConnection,
) -> None:
    roles = "[victim_ref, perpetrator_ref, child1_ref, child2_ref, child3_ref]"
    different = f"count(*) FILTER (len(list_distinct({roles})) <> list_count({roles}))"
    cases, twice, secret, grown = con.execute(
        f"""
        SELECT count(*), {different}, count(*) FILTER (safe_address = 'Y'),
               count(*) FILTER (try_strptime(child1_dob, '%d %B %Y') + INTERVAL 18 YEAR
                                < try_strptime(meeting_date, '%d %B %Y') - INTERVAL 40 DAY)
        FROM cases
        """
    ).fetchall()[0]
    assert cases > 100 and twice == grown == 0 and 0 < secret < 0.3 * cases


def test_one_enters_the_youth_justice_system_once_and_young(con: duckdb.DuckDBPyConnection) -> None:
    entries, people, youngest, oldest = con.execute(
        """
        SELECT count(DISTINCT record_key), count(DISTINCT subject_key), min(age), max(age) FROM (
            SELECT e.record_key, e.subject_key, (e.occurred_on::DATE - p.birth::DATE) / 365.25 AS age
            FROM events e JOIN people p ON p.youth_justice = e.subject_key
            WHERE e.signal = 'youth_justice.first_time_entrant')
        """
    ).fetchall()[0]
    assert entries == people > 10 and 9.99 < youngest < oldest < 18.01


def test_every_signal_happens_and_none_floods(con: duckdb.DuckDBPyConnection) -> None:
    declared = {f"{n}.{s}" for n in OURS for s in read_source(TEMPLATES / f"{n}.yaml").signals}
    often = con.execute(
        "SELECT source, count(DISTINCT extract || record_key), list(DISTINCT signal) FROM events GROUP BY 1"
    ).fetchall()
    assert declared <= {signal for _, _, signals in often for signal in signals}
    # The police record most: what everybody lives through of it, and each time that somebody is missing.
    assert all(records < 0.4 * 3_000 * 7 for source, records, _ in often if source in OURS)


def test_agencies_added_leave_what_the_others_send_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Social care's other tables draw from the county's random numbers, `ssd_missing` from its own."""

    def sent(name: str) -> dict[str, str]:
        folder = tmp_path / name
        simulate(people=300, years=1, seed=4, out=folder)
        files = [*folder.glob("history/*"), *folder.glob("deliveries/*/*")]
        return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    every = sent("every")
    for name in (*OURS, "ssd_missing"):
        monkeypatch.delitem(agencies.AGENCIES, name)
    others = sent("others")
    assert others.items() < every.items()
    new = {Path(name).name.split("_")[0] for name in every.keys() - others.keys()}
    assert new == {"niche", "marac", "asb", "yjs", "ssd"}
