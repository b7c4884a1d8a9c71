"""Where somebody's address must stay secret: their residences, without the days that the mark covers.

A morning sees where somebody lived on the day before it (`asof.sql_spell_open`). So the days before the
mornings on which a mark holds are taken out of the person's residences, on all mornings that know of the
mark: nothing that starts from residences shows the address, counts the person in a household, or lets a
shared event of those days reach them through their dwelling. What went before stays theirs, and so does
what names them. A mark without a start covers what follows its becoming known.
"""

from __future__ import annotations

import duckdb

from features.intervals import emptied, filled, merged_known_sql
from features.marks import REFUGE
from features.rule_sql import quoted


def make_shown_residences(con: duckdb.DuckDBPyConnection) -> None:
    """Make `residences` of `told_residences`, marks and links: the days of refuge marks are cut out.

    A row that is cut becomes one per stretch of days, and of mornings with the same marks known.
    """
    refuges = f"SELECT * FROM marks WHERE mark = {quoted(REFUGE)}"
    if not con.execute(f"SELECT count(*) FROM ({refuges})").fetchall()[0][0]:
        con.execute("CREATE VIEW residences AS FROM told_residences")
        return
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE secret_days AS
        SELECT l.person_id, coalesce(m.start_on - 1, m.first_known) AS start_on,
               {filled("m.end_on - 1")} AS end_on, greatest(m.known_on, l.known_on) AS known_on,
               least({filled("m.known_until")}, {filled("l.known_until")}) AS known_until
        FROM (
            SELECT *, min(known_on) OVER (PARTITION BY source, record_key, subject_key) AS first_known
            FROM ({refuges})
        ) m JOIN links l USING (source, subject_key)
        WHERE greatest(m.known_on, l.known_on)
            < least({filled("m.known_until")}, {filled("l.known_until")})
        """
    )
    _cut(con)
    con.execute("DROP TABLE secret_days")


def _cut(con: duckdb.DuckDBPyConnection) -> None:
    """Make table residences: of the people in secret_days only the pieces that are left."""
    standing = "s.known_on <= p.known_on AND p.known_until <= s.known_until"
    covered = "s.start_on <= p.start_on AND p.end_on <= s.end_on"
    spell = ("person_id", "uprn", "postcode", "area", "start_on", "end_on")
    con.execute(
        f"""
        CREATE TABLE residences AS
        WITH whole AS MATERIALIZED (
            SELECT row_number() OVER () AS home, * REPLACE (
                {filled("end_on")} AS end_on, {filled("known_until")} AS known_until)
            FROM told_residences SEMI JOIN secret_days USING (person_id)
        ), learned AS (  -- the days on which something about a home's secrecy was learned
            SELECT home, known_on AS day FROM whole
            UNION SELECT home, s.known_on FROM whole w JOIN secret_days s USING (person_id)
                WHERE w.known_on < s.known_on AND s.known_on < w.known_until
            UNION SELECT home, s.known_until FROM whole w JOIN secret_days s USING (person_id)
                WHERE w.known_on < s.known_until AND s.known_until < w.known_until
        ), spans AS (
            SELECT w.* REPLACE (day AS known_on,
                least(w.known_until, {filled("lead(day) OVER (PARTITION BY home ORDER BY day)")})
                    AS known_until)
            FROM whole w JOIN learned USING (home)
        ), edges AS (
            SELECT home, p.known_on, p.start_on AS day FROM spans p
            UNION SELECT home, p.known_on, s.start_on FROM spans p JOIN secret_days s USING (person_id)
                WHERE {standing} AND p.start_on < s.start_on AND s.start_on < p.end_on
            UNION SELECT home, p.known_on, s.end_on FROM spans p JOIN secret_days s USING (person_id)
                WHERE {standing} AND p.start_on < s.end_on AND s.end_on < p.end_on
        ), pieces AS (
            SELECT p.* REPLACE (day AS start_on, least(p.end_on,
                {filled("lead(day) OVER (PARTITION BY p.home, p.known_on ORDER BY day)")}) AS end_on)
            FROM spans p JOIN edges e ON e.home = p.home AND e.known_on = p.known_on
        ), seen AS (
            SELECT p.* FROM pieces p WHERE NOT EXISTS (
                FROM secret_days s WHERE s.person_id = p.person_id AND {standing} AND {covered})
        )
        FROM told_residences ANTI JOIN secret_days USING (person_id)
        UNION ALL BY NAME
        SELECT {", ".join(spell[:-1])}, {emptied("end_on")} AS end_on, known_on,
               {emptied("known_until")} AS known_until
        FROM ({merged_known_sql("seen", spell)})
        """
    )
