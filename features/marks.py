"""What limits the use of what we hold of a person, by the morning: who objects, whose record is restricted.

A mark (`declaration.MARKS`) is a dated fact about a subject like any other. It holds on the mornings on
which it is known, through a link that is known, from its first day on and until the day before it ends:
the last are limits of knowing too, so that one table says of every morning who is marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.asof import day_number, is_known, sql_day_number, sql_known
from features.intervals import emptied, filled, merged_known_sql
from features.rule_sql import quoted

OBJECTION, REFUGE = "objection", "refuge"
RESTRICTED = frozenset({"adoption", "staff_family"})
"""Marks of those of whom a page says no more than that they are on the list, and whom to ask."""


def make_marked(con: duckdb.DuckDBPyConnection) -> None:
    """Make table marked(person_id, mark, known_on, known_until), from marks and links: a mark holds on
    the mornings of which known_on and known_until say so (`asof.sql_known`)."""
    if not con.execute("SELECT count(*) FROM marks").fetchall()[0][0]:  # to plan the rest takes time
        columns = "person_id VARCHAR, mark VARCHAR, known_on DATE, known_until DATE"
        con.execute(f"CREATE OR REPLACE TABLE marked ({columns})")
        return
    held = f"""(
        SELECT l.person_id, m.mark,
               greatest(m.known_on, l.known_on, coalesce(m.start_on - 1, m.known_on)) AS known_on,
               least({filled("m.known_until")}, {filled("l.known_until")}, {filled("m.end_on - 1")})
                   AS known_until
        FROM marks m JOIN links l USING (source, subject_key)
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TABLE marked AS
        SELECT person_id, mark, known_on, {emptied("known_until")} AS known_until
        FROM ({merged_known_sql(held, ("person_id", "mark"))})
        """
    )


def marked_sql(mark: str, as_of: date) -> str:
    """A SELECT of person_id: who has a mark on the morning of `as_of`."""
    return f"SELECT person_id FROM marked WHERE mark = {quoted(mark)} AND {sql_known(as_of)}"


@dataclass(frozen=True)
class Objections:
    """Who objects when. spans: (person_id, known_on, known_until), the last two as day numbers."""

    spans: tuple[tuple[str, int, int], ...]

    def on(self, as_of: date) -> list[str]:
        """Who objects on the morning of `as_of`."""
        today = day_number(as_of)
        return [person for person, known_on, until in self.spans if is_known(known_on, until, today)]


def objections(con: duckdb.DuckDBPyConnection) -> Objections:
    """The objections of a snapshot, as what needs no connection."""
    days = f"{sql_day_number('known_on')}, {sql_day_number('known_until')}"
    rows = con.execute(f"SELECT person_id, {days} FROM marked WHERE mark = {quoted(OBJECTION)}").fetchall()
    return Objections(tuple(rows))


def marks_of(
    con: duckdb.DuckDBPyConnection, as_of: date, person_ids: Sequence[str]
) -> dict[str, frozenset[str]]:
    """The marks that each of some people has on the morning of `as_of`; everyone asked for is a key."""
    con.register("asked_marks", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
    try:
        rows = con.execute(
            f"SELECT person_id, mark FROM marked SEMI JOIN asked_marks USING (person_id) "
            f"WHERE {sql_known(as_of)}"
        ).fetchall()
    finally:
        con.unregister("asked_marks")
    found: dict[str, set[str]] = defaultdict(set)
    for person, mark in rows:
        found[person].add(mark)
    return {person: frozenset(found[person]) for person in person_ids}
