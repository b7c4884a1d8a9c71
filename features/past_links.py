"""What a link run leaves as it was: the links of mornings that were before anything new reached us.

What is known by now may show that two people of last year are one, or that one is two. Lists keep the run
they name; but a panel of last year, made today, must not know better than last year either. So a run adds to
the timelines of the run before from the day on which the first new delivery was received. A first load of
past years counts as if it had come on schedule: then the mornings before the first live delivery, on which no
list was made, are told anew. So are all, once another link model has been chosen.
A subject that is new brings its whole past (`features.newcomers`).
"""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_date
from features.intervals import filled
from features.newcomers import join_the_told

DISTANT = date(1, 1, 1)


def told_until(con: duckdb.DuckDBPyConnection, *, last_delivery: int, up_to: int | None = None) -> date:
    """The first day that a run may tell anew, by all_deliveries and the last that the run before had read.

    up_to: the last delivery that the run reads itself; None: all.
    """
    query = (
        "SELECT coalesce(min(received_on) FILTER (delivery_id > $last), max(received_on) + 1) "
        "FROM all_deliveries WHERE delivery_id <= coalesce($up_to, delivery_id)"
    )
    return con.execute(query, {"last": last_delivery, "up_to": up_to}).fetchall()[0][0]


def keep_the_past(con: duckdb.DuckDBPyConnection, *, last_delivery: int, up_to: int | None = None) -> None:
    """Put the rows of `told_links` (a snapshot's) in place of `new_timelines`' where nothing new was known.

    Both have source, subject_key, person_id, strength, known_on, known_until. last_delivery, up_to: see
    `told_until`; all_deliveries is the ledger. moves: see `features.carried`.
    """
    received = told_until(con, last_delivery=last_delivery, up_to=up_to)
    first, history = con.execute(
        "SELECT min(received_on), coalesce(bool_or(history) FILTER (delivery_id > $last), FALSE) "
        "FROM all_deliveries WHERE delivery_id <= coalesce($up_to, delivery_id)",
        {"last": last_delivery, "up_to": up_to},
    ).fetchall()[0]
    begins = min(first, received) if history else DISTANT
    kept, until = sql_date(begins), sql_date(received)
    if history:
        join_the_told(con, begins, received)
    row = "source, subject_key, person_id, strength"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE new_timelines AS
        WITH before AS (  -- nobody's time is told too
            SELECT * REPLACE ({filled("known_until")} AS known_until) FROM told_links
        ), anew AS (
            SELECT * REPLACE ({filled("known_until")} AS known_until) FROM new_timelines
        ), pieces AS (
            SELECT {row}, greatest(known_on, {kept}) AS known_on, least(known_until, {until}) AS known_until
            FROM before SEMI JOIN anew USING (source, subject_key)
            UNION ALL
            SELECT {row}, known_on, least(known_until, {kept})
            FROM anew SEMI JOIN before USING (source, subject_key)
            UNION ALL
            SELECT {row}, greatest(known_on, {until}), known_until
            FROM anew SEMI JOIN before USING (source, subject_key)
            UNION ALL
            SELECT {row}, known_on, known_until FROM anew ANTI JOIN before USING (source, subject_key)
        ), marked AS (
            SELECT *, lag(person_id) OVER one IS NOT DISTINCT FROM person_id
                      AND lag(strength) OVER one IS NOT DISTINCT FROM strength
                      AND lag(known_until) OVER one IS NOT DISTINCT FROM known_on AS goes_on
            FROM pieces WHERE known_on < known_until
            WINDOW one AS (PARTITION BY source, subject_key ORDER BY known_on)
        ), begun AS (
            FROM marked WHERE NOT goes_on
        )
        SELECT source, subject_key, person_id, known_on,
               lead(known_on) OVER (PARTITION BY source, subject_key ORDER BY known_on) AS known_until,
               strength
        FROM begun
        """
    )
