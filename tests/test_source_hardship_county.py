"""Benefits, homelessness, food bank, adult care in the simulated county: every signal happens, homes are
those of the truth, and rows that name nobody stay nobody's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.snapshot import open_snapshot

OURS = ("adult_care", "benefits", "food_bank", "homelessness")


@pytest.fixture(scope="module")
def con(county: Any, extracts: Path) -> duckdb.DuckDBPyConnection:
    """The snapshot's tables, and the truth beside them as `true_<name>`."""
    con = open_snapshot(county.workspace).con
    for name in ("people", "residences"):
        path = extracts / "truth" / f"{name}.csv"
        con.execute(f"CREATE TABLE true_{name} AS FROM read_csv('{path}', header = true, all_varchar = true)")
    return con


def test_every_signal_happens_and_none_floods(county: Any, con: duckdb.DuckDBPyConnection) -> None:
    sources = county.workspace.sources
    declared = {f"{name}.{signal}" for name in OURS for signal in sources[name].signals}
    found = {s for (s,) in con.execute("SELECT DISTINCT signal FROM events").fetchall()}
    assert declared <= found
    # At most three records in ten people and a year, of 3,000 people and seven years.
    often = con.execute("SELECT source, count(DISTINCT record_key) FROM events GROUP BY 1").fetchall()
    assert all(records < 0.3 * 3_000 * 7 for source, records in often if source in OURS)


def test_who_stays_in_temporary_accommodation_lives_there_by_the_truth(
    con: duckdb.DuckDBPyConnection,
) -> None:
    stays, wrong = con.execute(
        """
        WITH stays AS (
            SELECT DISTINCT p.person, a.uprn, a.start_on FROM addresses a
            JOIN true_people p ON p.homelessness = a.subject_key
            WHERE a.source = 'homelessness' AND starts_with(a.record_key, 'temporary_accommodation/')
        )
        SELECT count(*), count(*) FILTER (NOT EXISTS (
            SELECT * FROM true_residences r
            WHERE r.person = s.person AND r.uprn = s.uprn AND r.start::DATE = s.start_on)) FROM stays s
        """
    ).fetchall()[0]
    assert stays > 20 and wrong == 0


def test_most_who_apply_because_of_arrears_keep_the_home(con: duckdb.DuckDBPyConnection) -> None:
    """A prevention duty must not give the eviction away."""
    owed, lost = con.execute(
        """
        SELECT count(DISTINCT subject_key) FILTER (signal = 'homelessness.prevention_duty'),
               count(DISTINCT subject_key) FILTER (signal = 'homelessness.became_homeless') FROM events
        """
    ).fetchall()[0]
    assert 0 < lost < 0.4 * owed


def test_rows_without_a_person_are_nobody_s_unless_an_identifier_says_whose(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """A voucher names nobody; a line of the spreadsheet is its person's where it has the NINO."""
    found = con.execute(
        """
        SELECT e.source, i.nino IS NOT NULL AS has_nino, count(l.person_id), count(*)
        FROM (SELECT DISTINCT source, subject_key FROM events WHERE starts_with(subject_key, '(row) ')) e
        JOIN (SELECT source, subject_key, max(nino) AS nino FROM identities GROUP BY ALL) i
            USING (source, subject_key)
        LEFT JOIN (SELECT DISTINCT source, subject_key, person_id FROM links WHERE known_until IS NULL) l
            USING (source, subject_key)
        WHERE e.source IN ('benefits', 'food_bank') GROUP BY ALL
        """
    ).fetchall()
    linked = {(source, nino): (some, every) for source, nino, some, every in found}
    vouchers, with_nino = linked["food_bank", False], linked["benefits", True]
    assert vouchers[0] < 0.05 * vouchers[1]
    assert 0.2 * with_nino[1] < with_nino[0]
