"""What is surely a person's: their links and homes on a morning without those that are only probably theirs.

What hangs on a link below the threshold may be somebody else's, and so may what reaches a person through
a home that only such a subject tells of. What is left is there to find out which of a person's events may
be put in front of somebody; the model saw them all.
"""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_known
from features.graded import graded_sql
from features.intervals import emptied, filled
from features.near import Near
from features.residences import make_address_facts, make_residences


def make_sure(con: duckdb.DuckDBPyConnection, near: Near, as_of: date, *, show: float) -> Near | None:
    """Make temporary tables doubted(person_id), whoever has a subject below `show` on the morning, and
    sure_links and sure_homes out of those of `near`; None where nobody is in doubt.

    A home counts for as long as what is surely the person's would have them live there too.
    """
    if not show:
        return None
    doubted = con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE graded AS {graded_sql(as_of, links=near.links)};
        CREATE OR REPLACE TEMP TABLE doubted AS
        SELECT DISTINCT person_id FROM graded WHERE strength < {float(show)}
        """
    )
    if not doubted.fetchall()[0][0]:
        return None
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sure_links AS FROM graded WHERE strength >= {float(show)};
        CREATE OR REPLACE TEMP VIEW doubted_links AS FROM sure_links SEMI JOIN doubted USING (person_id)
        """
    )
    make_address_facts(con, addresses="(FROM addresses SEMI JOIN doubted_links USING (source, subject_key))")
    make_residences(con, links="doubted_links")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sure_homes AS
        FROM {near.homes} ANTI JOIN doubted USING (person_id)
        UNION ALL BY NAME
        SELECT f.* REPLACE (greatest(f.start_on, n.start_on) AS start_on,
                            {emptied(f"least({filled('f.end_on')}, {filled('n.end_on')})")} AS end_on)
        FROM {near.homes} f JOIN new_residences n USING (person_id, uprn)
        WHERE {sql_known(as_of, "f")} AND {sql_known(as_of, "n")}
          AND greatest(f.start_on, n.start_on) < least({filled("f.end_on")}, {filled("n.end_on")})
        """
    )
    return Near(near.events, "sure_links", "sure_homes")
