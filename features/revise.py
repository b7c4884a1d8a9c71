"""What a delivery adds to a dated table: new revisions of the records that changed, and only those.

A record's revisions replace one another; the one that stands is compared with what the delivery
says. Equal: nothing is added. Anything else is a new revision, known no earlier than the one it
follows; a record that is left with nothing gets one that says so (`withdrawn`).
"""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_date
from features.content import payload
from features.rule_sql import quoted


def revise(
    con: duckdb.DuckDBPyConnection, table: str, *, source: str, received: date, delivery_id: int
) -> int:
    """Make `added_<table>`, the rows to add to a dated table; returns how many. It is not made if none are.

    Expects `new_<table>` (see `features.content`), `standing_<table>`, and `told`: the record keys that
    the delivery speaks of, those included that it leaves with nothing.
    """
    columns = payload(table)
    content = f"sum(hash({', '.join(columns)}))"  # the same whatever the order of a record's rows
    changed, by_steps = _find_changed(con, table, content)
    if not changed:
        return 0
    derived = ""
    if table == "events":
        parts = f"{quoted(source)}, a.record_key, a.revision, s.position"
        derived = f", CASE WHEN NOT a.withdrawn THEN left(md5(concat_ws('|', {parts})), 20) END AS event_id"
    told_on = f"greatest({sql_date(received)}, known_on)"
    row = f"""
        SELECT {quoted(source)} AS source, a.record_key, CAST(a.revision AS INTEGER) AS revision, a.withdrawn,
               a.known_on, CAST({delivery_id} AS BIGINT) AS delivery_id,
               {", ".join(f"s.{c}" for c in columns)}{derived}, s.position
    """
    steps = of_steps = ""
    if by_steps:
        steps = _stepped(table, content, told_on)
        of_steps = f"{row} FROM stepped a LEFT JOIN states s USING (record_key, known_on) UNION ALL"
    made = con.execute(
        f"""
        CREATE OR REPLACE TABLE added_{table} AS
        WITH {steps} at_once AS (
            SELECT record_key, CASE WHEN says IS NULL THEN {told_on} ELSE greatest(from_on, known_on) END
                   AS known_on, says IS NULL AS withdrawn, revision + 1 AS revision
            FROM changed WHERE NOT by_steps
        )
        SELECT * EXCLUDE (position) FROM (
            {of_steps}
            {row} FROM at_once a LEFT JOIN new_{table} s USING (record_key)
        ) ORDER BY record_key, revision, position
        """
    )
    return int(made.fetchall()[0][0])


def _stepped(table: str, content: str, told_on: str) -> str:
    """The beginning of a WITH: states, what a record says on each day on which it changed, and stepped, the
    revisions of records that came to what they say over several days. Most deliveries have none."""
    return f"""
        spans AS (  -- nothing is known earlier than what stands
            SELECT n.* EXCLUDE (row_number, from_on, until_on), greatest(n.from_on, c.known_on) AS from_on,
                   CASE WHEN n.until_on IS NOT NULL THEN greatest(n.until_on, c.known_on) END AS until_on
            FROM new_{table} n JOIN changed c USING (record_key) WHERE c.by_steps
        ), states AS (  -- what a record says on each day on which it changed
            SELECT day.known_on, s.* EXCLUDE (from_on, until_on)
            FROM (SELECT DISTINCT record_key, from_on AS known_on FROM spans) day JOIN spans s
                 ON s.record_key = day.record_key AND s.from_on <= day.known_on
                    AND (s.until_on IS NULL OR day.known_on < s.until_on)
        ), steps AS (
            SELECT record_key, known_on, {content} AS content FROM states GROUP BY ALL
            UNION ALL
            SELECT record_key, {told_on}, NULL FROM changed WHERE by_steps AND says IS NULL
        ), compared AS (
            SELECT s.*, c.revision AS standing, lag(s.content, 1, c.stands) OVER record AS before
            FROM steps s JOIN changed c USING (record_key)
            WINDOW record AS (PARTITION BY s.record_key ORDER BY s.known_on)
        ), stepped AS (
            SELECT record_key, known_on, content IS NULL AS withdrawn,
                   standing + row_number() OVER (PARTITION BY record_key ORDER BY known_on) AS revision
            FROM compared WHERE content IS DISTINCT FROM before
        ),
    """


def _find_changed(con: duckdb.DuckDBPyConnection, table: str, content: str) -> tuple[int, int]:
    """Make `changed`, the records that do not say what they said; returns how many, and how many by steps.

    revision, known_on, stands: of the revision that stands (0, NULL, NULL: none does, or nothing
    stands in it); says: what the record says now, NULL if nothing; by_steps: whether it came to that
    over several days, as in a first load of history; from_on: the day, if it did not.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TABLE changed AS
        WITH head AS (
            SELECT record_key, any_value(revision) AS revision, any_value(known_on) AS known_on,
                   CASE WHEN NOT any_value(withdrawn) THEN {content} END AS stands
            FROM standing_{table} GROUP BY record_key
        ), final AS (  -- what is open-ended is how a record is left
            SELECT record_key, {content} FILTER (until_on IS NULL) AS says, min(from_on) AS from_on,
                   min(from_on) IS DISTINCT FROM max(from_on) OR count(until_on) > 0 AS by_steps
            FROM new_{table} GROUP BY record_key
        )
        SELECT record_key, coalesce(h.revision, 0) AS revision, h.known_on, h.stands, f.says, f.from_on,
               coalesce(f.by_steps, false) AS by_steps
        FROM told LEFT JOIN head h USING (record_key) LEFT JOIN final f USING (record_key)
        WHERE f.says IS DISTINCT FROM h.stands
        """
    )
    return con.execute("SELECT count(*), count_if(by_steps) FROM changed").fetchall()[0]
