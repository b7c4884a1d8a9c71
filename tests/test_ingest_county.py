"""Nothing of a simulated county is lost or made up: its events against the truth they were written from."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.deliveries import read_ledger
from features.snapshot import open_snapshot
from features.tables import Tables

SAME = """
    e.source = t.source AND e.record_key = t.record_key AND e.signal = t.signal
    AND e.subject_key IS NOT DISTINCT FROM t.subject_key AND e.occurred_on = t.occurred_on
"""


@pytest.fixture(scope="module")
def con(county: Any, extracts: Path) -> duckdb.DuckDBPyConnection:
    """The snapshot's `events`; beside them `quarantine`, and the `truth` and `faults` of the files taken in.

    What is received on the last as-of day itself waits for the week after.
    """
    con = open_snapshot(county.workspace).con
    for name, file in (("truth", "events.csv"), ("faults", "faults.csv")):
        path = extracts / "truth" / file
        con.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', header = true, all_varchar = true)"
        )
    as_of = county.as_of.isoformat()
    con.execute(f"DELETE FROM truth WHERE written_in <> 'history' AND written_in >= '{as_of}'")
    con.execute(f"DELETE FROM faults WHERE file LIKE 'deliveries/{as_of}/%'")
    for column in ("occurred_on", "ended_on"):
        con.execute(f"ALTER TABLE truth ALTER {column} TYPE DATE")
    Tables(county.workspace.data).view(con, "quarantine", alias="quarantine")
    return con


def test_every_true_event_is_there_or_its_row_is_in_quarantine(con: duckdb.DuckDBPyConnection) -> None:
    ended = "e.ended_on IS NOT DISTINCT FROM t.ended_on AND e.place IS NOT DISTINCT FROM t.place"
    lost = con.execute(
        f"""
        SELECT DISTINCT t.source, t.record_key FROM truth t ANTI JOIN events e ON {SAME} AND {ended}
        WHERE NOT EXISTS (
            FROM faults f JOIN quarantine q
                 ON parse_filename(f.file) = q.file AND CAST(f.row_number AS BIGINT) = q.row_number
            WHERE f.record_key = t.record_key)
        """
    ).fetchall()
    assert lost == []
    assert con.execute("SELECT count(*) > 10000 FROM truth").fetchall() == [(True,)]


def test_no_event_stands_twice_and_none_is_made_up(con: duckdb.DuckDBPyConnection) -> None:
    twice = "source, record_key, subject_key, signal, occurred_on"
    stands = "FROM events WHERE known_until IS NULL"
    assert con.execute(f"SELECT {twice} {stands} GROUP BY ALL HAVING count(*) > 1").fetchall() == []
    made_up = con.execute(f"SELECT e.record_key FROM events e ANTI JOIN truth t ON {SAME}").fetchall()
    assert made_up == []


def test_quarantine_holds_the_planted_faults_and_nothing_else(con: duckdb.DuckDBPyConnection) -> None:
    planted = {
        (file, row): key
        for file, row, key in con.execute(
            """
            SELECT parse_filename(file), CAST(row_number AS BIGINT), record_key FROM faults
            WHERE kind <> 'duplicate'
            """
        ).fetchall()
    }
    found = con.execute("SELECT file, row_number FROM quarantine").fetchall()
    assert len(found) == len(set(found)) > 20
    assert set(found) <= set(planted)
    # a spoilt row that a rule ignores all the same is no true event
    ignored = [planted[row] for row in set(planted) - set(found)]
    told = con.execute("SELECT record_key FROM truth UNION SELECT record_key FROM events").fetchall()
    assert {key for (key,) in told}.isdisjoint(ignored)
    assert len(ignored) < len(found) / 10
    values = "SELECT count(*) FROM quarantine WHERE regexp_matches(shape, '[b-zB-Z0-8]') AND shape <> 'empty'"
    assert con.execute(values).fetchall() == [(0,)]


def test_every_row_of_every_file_is_accounted_for(county: Any, extracts: Path) -> None:
    ledger = read_ledger(Tables(county.workspace.data))
    rows = {}
    for file in [*(extracts / "history").iterdir(), *(extracts / "deliveries").rglob("*.csv")]:
        if file.parent.name != county.as_of.isoformat():
            with file.open(encoding="latin-1", newline="") as lines:
                rows[file.name] = sum(1 for _ in csv.reader(lines)) - 1
    assert {d.file: d.rows for d in ledger} == rows
    assert all(d.rows == d.used + d.quarantined + d.ignored for d in ledger)
    assert sum(d.ignored for d in ledger) == sum(sum(d.ignored_by_rule.values()) for d in ledger)
