"""What DuckDB holds goes to disk while others need the memory, and is all there again afterwards."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features import memory
from features.memory import set_aside

MEMORY = "2GB"


def _held(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()[0][0])


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A connection that holds some 50 MB of text which nothing makes smaller."""
    con = duckdb.connect(config={"temp_directory": str(tmp_path), "memory_limit": MEMORY, "threads": 1})
    con.execute("CREATE TEMP TABLE held AS SELECT i, md5(i::VARCHAR) AS text FROM range(800_000) t(i)")
    return con


def test_tables_set_aside_are_not_in_memory_and_not_lost(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> object:
        return con.execute(
            "SELECT count(*), min(text), max(text), bit_xor(hash(i, text)) FROM held"
        ).fetchall()

    before, whole, limit = (
        told(),
        _held(con),
        con.execute("SELECT current_setting('memory_limit')").fetchall(),
    )
    monkeypatch.setattr(memory, "HELD_MEANWHILE", "10MB")
    set_aside(con, memory=MEMORY)
    assert _held(con) < 15_000_000 < 30_000_000 < whole
    assert con.execute("SELECT current_setting('memory_limit')").fetchall() == limit
    assert told() == before


def test_where_nothing_can_be_set_aside_all_goes_on(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    con.execute("SET temp_directory = ''")
    monkeypatch.setattr(memory, "HELD_MEANWHILE", "10MB")
    set_aside(con, memory=MEMORY)
    assert con.execute("SELECT count(*) FROM held").fetchall() == [(800_000,)]
