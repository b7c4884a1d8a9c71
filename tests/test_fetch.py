"""A source's database is asked, read only and in pieces; its answer is a delivery like any other."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from features import fetch as fetching
from features.errors import DataRefused, EarlyHelpError, UserMistake
from features.fetch import fetch
from features.ingest import ingest
from features.read_declaration import read_source
from features.tables import Tables
from features.workspace import Workspace, init_workspace, open_workspace
from tests.postgres import postgresql

RENTS = """
source: rents
title: Rents
owner: Head of housing
legal_gateway: Housing Act 1996
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2020-01-01
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  letters:
    files: "rent_letters_*.parquet"
    query: |
      SELECT ref, tenant, sent_on, seen_at, owed, note FROM letters -- with a 'colon: here' and a % sign
      WHERE ref <> ':none' AND length(':a: y %s \\:z') = 12
    delivery: changes
    record_key: ref
    columns:
      ref: {type: text, required: true}
      tenant: {type: text}
      sent_on: {type: date, format: "%Y-%m-%d"}
      seen_at: {type: datetime, format: "%Y-%m-%d %H:%M:%S"}
      owed: {type: number}
      note: {type: text}
    subjects:
      - {key: tenant}
    events:
      - {signal: letter, occurred: sent_on, amount: owed}
signals:
  letter: {one: letter about rent, many: letters about rent, theme: finance, unit: £}
"""
DAY = date(2024, 3, 4)
ROWS = 25


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    init_workspace(root, sources=None)
    (root / "sources" / "rents.yaml").write_text(RENTS)
    (root / "settings.yaml").write_text("databases: {rents: $RENTS_URL}")
    return open_workspace(root)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgresql() as url:
        yield url


def fill(url: str) -> None:
    """A table with rows, of the types that the database has for them."""
    engine = sa.create_engine(url)
    table = sa.Table(
        "letters",
        sa.MetaData(),
        sa.Column("ref", sa.String),
        sa.Column("tenant", sa.Integer),
        sa.Column("sent_on", sa.Date),
        # SQLite has no type for times, and SQLAlchemy would write it one with microseconds
        sa.Column("seen_at", sa.String if url.startswith("sqlite") else sa.DateTime),
        sa.Column("owed", sa.Numeric(10, 2)),
        sa.Column("note", sa.String),
    )
    seen = datetime(2024, 2, 1, 9, 30)
    rows = [
        {
            "ref": f"L{i}",
            "tenant": 100 + i,
            "sent_on": date(2024, 2, 1 + i) if i != 7 else None,
            "seen_at": (str(seen) if url.startswith("sqlite") else seen) if i % 2 else None,
            "owed": None if i == 3 else i * 10.25,
            "note": None,
        }
        for i in range(ROWS)
    ]
    with engine.begin() as con:
        table.drop(con, checkfirst=True)
        table.create(con)
        con.execute(table.insert(), rows)
    engine.dispose()


def fetched_and_taken_in(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RENTS_URL", url)
    monkeypatch.setattr(fetching, "ROWS_AT_ONCE", 4)  # in pieces
    (one,) = fetch(workspace, "rents", on=DAY)
    assert (one.rows, one.file) == (ROWS, workspace.inbox / "2024-03-04" / "rent_letters_2024-03-04.parquet")
    assert pq.ParquetFile(one.file).num_row_groups == 7
    (report,) = ingest(workspace, workspace.inbox, received=DAY)
    assert (report.rows, report.used, report.quarantined) == (ROWS, ROWS - 1, 1)  # one without a day
    con = Tables(workspace.data).connect()
    Tables(workspace.data).view(con, "events")
    found = con.execute(
        "SELECT subject_key, CAST(occurred_at AS DATE), amount FROM all_events ORDER BY occurred_at"
    ).fetchall()
    assert found == [
        (str(100 + i), date(2024, 2, 1 + i), None if i == 3 else i * 10.25) for i in range(ROWS) if i != 7
    ]
    fetch(workspace, "rents", on=DAY)  # again: the same answer, and nothing is added
    assert ingest(workspace, workspace.inbox, received=DAY)[0].unchanged


def test_sqlite(workspace, tmp_path, monkeypatch) -> None:
    url = f"sqlite:///{tmp_path / 'housing.db'}"
    fill(url)
    fetched_and_taken_in(workspace, monkeypatch, url)


def test_postgresql(workspace, monkeypatch, postgres) -> None:
    fill(postgres)
    fetched_and_taken_in(workspace, monkeypatch, postgres)


def test_a_column_that_begins_with_nothing_may_go_on_in_any_way(workspace, tmp_path, monkeypatch) -> None:
    """Longer than a block: text where text comes, and where a moment does, it as it is declared."""
    url = f"sqlite:///{tmp_path / 'housing.db'}"
    fill(url)
    monkeypatch.setenv("RENTS_URL", url)
    monkeypatch.setattr(fetching, "ROWS_AT_ONCE", 4)
    extracts = workspace.sources["rents"].extracts
    late = "SELECT ref, tenant, CASE WHEN tenant > 110 THEN sent_on END AS sent_on, seen_at, owed, note"
    query = f"{late} FROM letters ORDER BY tenant"
    monkeypatch.setitem(extracts, "letters", extracts["letters"].model_copy(update={"query": query}))
    (one,) = fetch(workspace, "rents", on=DAY)
    sent = pq.read_table(one.file)["sent_on"].to_pylist()
    assert sent == [None] * 11 + [f"2024-02-{1 + i:02}" for i in range(11, ROWS)]
    day = extracts["letters"].columns["sent_on"].model_copy(update={"format": "%d/%m/%y"})
    found = [fetching._text(value, day) for value in (date(2024, 2, 3), date(1924, 2, 3), "x", None)]
    assert found == ["03/02/24", "1924-02-03", "x", None]
    moment = day.model_copy(update={"type": "datetime", "format": "%d/%m/%Y %H:%M"})
    asked = datetime(2024, 7, 1, 23, 30, tzinfo=UTC)
    assert fetching._text(asked, moment) == "02/07/2024 00:30"
    assert fetching._text(asked.replace(second=5), moment) == "2024-07-02 00:30:05"


WRITES = {
    "a statement within": "WITH gone AS (DELETE FROM letters RETURNING *) SELECT * FROM gone",
    "a function": "SELECT l.*, nextval('counted') FROM letters l",
    "another statement": "SELECT * FROM letters; DELETE FROM letters",
}


def test_nothing_is_written_to_the_database(workspace, monkeypatch, postgres, subtests) -> None:
    fill(postgres)
    monkeypatch.setenv("RENTS_URL", postgres)
    extracts = workspace.sources["rents"].extracts
    engine = sa.create_engine(postgres)
    with engine.begin() as con:
        con.execute(sa.text("CREATE SEQUENCE counted"))
    for case, query in WRITES.items():
        with subtests.test(case):
            extract = extracts["letters"].model_copy(update={"query": query})
            monkeypatch.setitem(extracts, "letters", extract)
            with pytest.raises(DataRefused, match=r"read-only|data-modifying|did not answer"):
                fetch(workspace, "rents", on=DAY)
            with engine.connect() as con:
                assert con.execute(sa.text("SELECT count(*) FROM letters")).scalar() == ROWS
            assert not list(workspace.inbox.iterdir())
    engine.dispose()


def test_what_cannot_be_asked_is_told_without_a_secret(workspace, tmp_path, monkeypatch, subtests) -> None:
    monkeypatch.delenv("RENTS_URL", raising=False)
    file = tmp_path / "housing.db"
    fill(f"sqlite:///{file}")
    cases: dict[str, tuple[str, type[EarlyHelpError], str]] = {
        "no variable": ("", UserMistake, "RENTS_URL is not set"),
        "no URL": ("hunter2 is my password", UserMistake, "is not a SQLAlchemy URL"),
        "no file": (f"sqlite:///{tmp_path}/hunter2.db", UserMistake, "is not there"),
        "no driver": ("oracle+oracledb://me:hunter2@db/x", UserMistake, "not installed"),
        "nobody listens": ("postgresql+pg8000://me:hunter2@127.0.0.1:1/x", UserMistake, "cannot be reached"),
    }
    for case, (url, kind, says) in cases.items():
        with subtests.test(case):
            monkeypatch.setenv("RENTS_URL", url)
            with pytest.raises(kind) as refused:
                fetch(workspace, "rents", on=DAY)
            assert says in str(refused.value) and "hunter2" not in str(refused.value), str(refused.value)
            assert not list(workspace.inbox.iterdir())
    with pytest.raises(UserMistake, match="did you mean rents"):
        fetch(workspace, "rent", on=DAY)
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as con:
        con.execute(sa.text("ALTER TABLE letters RENAME COLUMN owed TO debt"))
    engine.dispose()
    monkeypatch.setenv("RENTS_URL", f"sqlite:///{file}")
    with pytest.raises(DataRefused, match="did not answer"):
        fetch(workspace, "rents", on=DAY)


def test_a_database_that_goes_away_while_it_answers_is_told_so(workspace, monkeypatch, postgres) -> None:
    """And what an earlier fetch of the day has brought stays as it was."""
    fill(postgres)
    monkeypatch.setenv("RENTS_URL", postgres)
    (before,) = fetch(workspace, "rents", on=DAY)
    kept = before.file.read_bytes()
    extracts = workspace.sources["rents"].extracts
    ends = "SELECT *, pg_terminate_backend(pg_backend_pid()) FROM letters"
    extract = extracts["letters"].model_copy(update={"query": ends})
    monkeypatch.setitem(extracts, "letters", extract)
    with pytest.raises(UserMistake, match="or went away"):
        fetch(workspace, "rents", on=DAY)
    assert [file.read_bytes() for file in before.file.parent.iterdir()] == [kept]


DECLARED = [
    ("SELECT ref,", "DELETE", "begins with SELECT or WITH"),
    ("*.parquet", "*.csv", "must end in"),
    ("':none'", "'postgresql://me:word@host/db'", "holds a URL"),
    ("    query: |", "    sheet: Letters\n    query: |", "is for Excel workbooks"),
]


@pytest.mark.parametrize(("given", "instead", "says"), DECLARED)
def test_a_declaration_that_cannot_be_asked_is_told(tmp_path, given, instead, says) -> None:
    (tmp_path / "rents.yaml").write_text(RENTS.replace(given, instead))
    with pytest.raises(UserMistake, match=says):
        read_source(tmp_path / "rents.yaml")


def test_nothing_is_asked_for_under_an_agreement_that_has_run_out(workspace: Workspace) -> None:
    with pytest.raises(DataRefused, match="to be reviewed by 2030-01-01"):
        fetch(workspace, "rents", on=date(2031, 1, 6))
    assert not list(workspace.inbox.iterdir())
