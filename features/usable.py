"""The person rows that a morning may use, of the few signals that a cohort and an outcome ask about.

A training run asks about fifty mornings, and of each several times. Those few signals are looked out of all
rows once and kept as they became known; which of them a morning may use is then a glance at each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from features.asof import sql_usable
from features.kept import kept
from features.rule_sql import quoted
from features.shard_views import ensure_views
from features.snapshot import Snapshot

COLUMNS = "person_id, signal, household, occurred_on, minute, ended_on"


def sql_in(names: Iterable[str]) -> str:
    """Names as the right side of an SQL `IN`; no name at all matches nothing."""
    return f"({', '.join(map(quoted, names)) or 'NULL'})"


def usable_rows(snapshot: Snapshot, signals: Iterable[str], *, as_of: date) -> str:
    """A SELECT, in parentheses, of the rows of some signals that are usable on a morning: person_id, signal,
    household, occurred_on, minute, ended_on."""
    return _usable(_rows(snapshot, f"signal IN {sql_in(sorted(set(signals)))}"), as_of)


def rows_of_those_with(snapshot: Snapshot, signals: Iterable[str], *, as_of: date) -> str:
    """The same of all signals, of everybody who ever had a row of one of these, household rows left out."""
    one_of_them = f"signal IN {sql_in(sorted(set(signals)))} AND NOT household"
    with_one = f"SELECT person_id FROM person_rows WHERE {one_of_them}"
    return _usable(_rows(snapshot, f"NOT household AND person_id IN ({with_one})"), as_of)


def all_usable_rows(snapshot: Snapshot, *, as_of: date) -> str:
    """The same of everybody and all signals, gone through anew each time."""
    ensure_views(snapshot)
    return _usable("person_rows", as_of)


def _rows(snapshot: Snapshot, which: str) -> str:
    ensure_views(snapshot)
    return kept(snapshot, f"SELECT {COLUMNS}, known_on, known_until FROM person_rows WHERE {which}")


def _usable(table: str, as_of: date) -> str:
    return f"(SELECT {COLUMNS} FROM {table} WHERE {sql_usable(as_of)})"
