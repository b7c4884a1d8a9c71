"""How sure it was on a morning that each subject is the person it is linked to.

A link run says how sure it is by all that it read. A later run, with later records, must not change what
was told of an earlier morning: so a morning has the strengths of the last run before it. Mornings from
before the first run of the link model that now links, a first load of past years among them, have those of
that run.
"""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_known
from features.intervals import emptied, filled


def make_strengths(con: duckdb.DuckDBPyConnection, link_run: int) -> None:
    """Make table strengths(source, subject_key, strength, known_on, known_until) of a snapshot's links: what
    the runs up to link_run said, and on which mornings that stood. One list asks four times. Where every run
    was sure of everybody, as one is that goes by exact keys, nobody is in it, and counts as sure.
    """
    if not con.execute("SELECT count(*) FROM all_links WHERE strength < 1").fetchall()[0][0]:
        columns = "source VARCHAR, subject_key VARCHAR, strength DOUBLE, known_on DATE, known_until DATE"
        con.execute(f"CREATE OR REPLACE TABLE strengths ({columns})")
        return
    con.execute(
        f"""
        CREATE OR REPLACE TABLE strengths AS
        WITH runs AS (
            SELECT link_run, r.model, max(received_on) AS received_on
            FROM all_link_runs r JOIN all_deliveries d ON d.delivery_id <= r.last_delivery
            WHERE link_run <= {int(link_run)} GROUP BY ALL
        ), other_models AS (
            SELECT max(link_run) AS latest FROM runs
            WHERE coalesce(model, '') <> (SELECT max_by(coalesce(model, ''), link_run) FROM runs)
        ), stood AS (
            SELECT link_run, if(link_run <= coalesce((SELECT latest FROM other_models), 0) + 1,
                                DATE '0001-01-01', received_on) AS known_on
            FROM runs
        ), of_subject AS (
            SELECT *, {filled("lead(known_on) OVER (PARTITION BY source, subject_key ORDER BY link_run)")}
                          AS known_until
            FROM (SELECT DISTINCT source, subject_key, link_run FROM all_links) JOIN stood USING (link_run)
        ), told AS (  -- within a run it changes on the day of an answer
            SELECT source, subject_key, link_run, coalesce(strength, 1.0) AS strength,
                   if(row_number() OVER days = 1, DATE '0001-01-01', known_on) AS from_day,
                   {filled("lead(known_on) OVER days")} AS to_day
            FROM all_links WINDOW days AS (PARTITION BY source, subject_key, link_run ORDER BY known_on)
        )
        SELECT source, subject_key, strength, greatest(known_on, from_day) AS known_on,
               {emptied("least(known_until, to_day)")} AS known_until
        FROM told JOIN of_subject USING (source, subject_key, link_run)
        WHERE greatest(known_on, from_day) < least(known_until, to_day)
        """
    )


def graded_sql(as_of: date, *, links: str = "links") -> str:
    """A SELECT of source, subject_key, person_id, strength, known_on, known_until: the links that stand on
    the morning; links: a table, or a bracketed SELECT, of the columns of a snapshot's.

    The surest of a person's subjects is the one that the others are joined to, and so has a strength of 1:
    whoever has one subject on the morning is not in doubt.
    """
    surest = "PARTITION BY person_id ORDER BY coalesce(s.strength, 1.0) DESC, source, subject_key"
    return f"""
        SELECT source, subject_key, l.person_id, l.known_on, l.known_until,
               if(row_number() OVER ({surest}) = 1, 1.0, coalesce(s.strength, 1.0)) AS strength
        FROM {links} l
        LEFT JOIN (FROM strengths WHERE {sql_known(as_of)}) s USING (source, subject_key)
        WHERE {sql_known(as_of, "l")}
    """
