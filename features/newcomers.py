"""Whose the subjects that a load of history brings were, on mornings that a run of before has told.

Those mornings stay as they were told, by the ids of then; ids may have changed places since. So a newcomer
does not have the id that replaying gives its person, which may be somebody else's on such a morning: it
belongs to whom the others of its person belonged as told, and where there were none, it has an id of its own.
"""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_date
from features.intervals import emptied, filled
from features.person_ids import another_id


def join_the_told(con: duckdb.DuckDBPyConnection, begins: date, received: date) -> None:
    """Change whose the subjects of `new_timelines` were, from begins until received, that told_links lacks.

    Both have source, subject_key, person_id, strength, known_on, known_until; moves: see `features.carried`.
    Of several people as told, it is the one with most of those whom replaying puts into the newcomer's.
    """
    days = " UNION ".join(
        f"SELECT source, subject_key, {day} AS since FROM {rows}"
        for rows in ("spans", "beside")
        for day in ("since", "until")
    )
    meet = "greatest(s.since, o.since, t.known_on)", f"least(s.until, o.until, {filled('t.known_until')})"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE anew AS
        SELECT * EXCLUDE (known_on, known_until), known_on AS since, {filled("known_until")} AS until
        FROM new_timelines;

        CREATE OR REPLACE TEMP TABLE spans AS
        SELECT * REPLACE (greatest(since, {sql_date(begins)}) AS since,
                          least(until, {sql_date(received)}) AS until)
        FROM anew ANTI JOIN told_links USING (source, subject_key)
        WHERE person_id IS NOT NULL AND until > {sql_date(begins)} AND since < {sql_date(received)};

        CREATE OR REPLACE TEMP TABLE beside AS
        SELECT s.source, s.subject_key, t.person_id, {meet[0]} AS since, {meet[1]} AS until
        FROM spans s JOIN anew o USING (person_id)
        JOIN told_links t ON t.source = o.source AND t.subject_key = o.subject_key
        WHERE t.person_id IS NOT NULL AND {meet[0]} < {meet[1]};

        CREATE OR REPLACE TEMP TABLE parts AS  -- of spans, in which nobody beside comes or goes
        SELECT s.* REPLACE (d.since AS since, d.until AS until)
        FROM spans s JOIN (
            SELECT *, lead(since) OVER (PARTITION BY source, subject_key ORDER BY since) AS until
            FROM ({days})
        ) d USING (source, subject_key)
        WHERE s.since <= d.since AND d.until <= s.until;

        CREATE OR REPLACE TEMP TABLE told_parts AS
        WITH counted AS (
            SELECT source, subject_key, p.since, b.person_id AS told, count(*) AS subjects
            FROM parts p JOIN beside b USING (source, subject_key)
            WHERE b.since <= p.since AND p.until <= b.until GROUP BY ALL
        ), most AS (
            FROM counted QUALIFY row_number() OVER (
                PARTITION BY source, subject_key, since ORDER BY subjects DESC, told) = 1
        )
        SELECT p.* REPLACE (coalesce(told, m.was, p.person_id) AS person_id), told IS NULL AS alone
        FROM parts p LEFT JOIN most USING (source, subject_key, since)
        LEFT JOIN moves m ON m.becomes = p.person_id
        """
    )
    _have_ids_of_their_own(con)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE new_timelines AS
        WITH before_and_after AS (
            SELECT * REPLACE (least(until, {sql_date(begins)}) AS until) FROM anew
            UNION ALL
            SELECT * REPLACE (greatest(since, {sql_date(received)}) AS since) FROM anew
            UNION ALL
            SELECT * REPLACE (greatest(since, {sql_date(begins)}) AS since,
                              least(until, {sql_date(received)}) AS until)
            FROM anew WHERE person_id IS NULL
        ), whole AS (
            FROM anew ANTI JOIN told_parts USING (source, subject_key)
            UNION ALL BY NAME
            FROM before_and_after SEMI JOIN told_parts USING (source, subject_key)
            UNION ALL BY NAME
            SELECT * EXCLUDE (alone) FROM told_parts
        )
        SELECT * EXCLUDE (since, until), since AS known_on, {emptied("until")} AS known_until
        FROM whole WHERE since < until
        """
    )


def _have_ids_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    """Change told_parts so that whoever was with nobody told has an id that nobody told has."""
    known = " UNION ".join(
        f"SELECT person_id FROM {rows}" for rows in ("told_links", "new_timelines", "told_parts")
    )
    taken = con.execute(
        "SELECT DISTINCT person_id FROM told_parts SEMI JOIN told_links USING (person_id) "
        "WHERE alone ORDER BY person_id"
    ).fetchall()
    for (id_,) in taken:
        own = another_id(con, id_, known=known)
        con.execute("UPDATE told_parts SET person_id = ? WHERE alone AND person_id = ?", [own, id_])
