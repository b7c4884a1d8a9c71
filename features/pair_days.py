"""From which day on two subjects were probably one person: what weighed enough, when it was known.

A pair is judged by all that is known of both. What the judgement rests on became known piece by piece:
a name, a birth date, the address that both had. The pair is dated by the first day on which what was
known by then, with everything that speaks against it, weighs as much as is asked of a pair. So a panel
of the past joins nobody by what came later, and an address told last week does not date a link of years.
"""

from __future__ import annotations

from math import log2

import duckdb

from features.asof import sql_day_number
from features.compare import Model, rarity
from features.declaration import IDENTIFIERS

ALONE = {"born": "birth_date", "sex": "sex", **{name: name for name in IDENTIFIERS}}
"""Comparison → the column of `identities` whose newest value it compares."""

EVER = {"phone": "phone", "email": "email"}
"""Comparison → the column of `identities` of which whatever was ever said is compared."""


def make_pair_days(con: duckdb.DuckDBPyConnection, model: Model, *, linked: float) -> None:
    """Make temporary table pair_days(l, r, from_day) of the `pairs` that are at least `linked` probable.

    from_day is a day number (`features.asof`), never before both subjects are known. Needs the tables
    identities and addresses of a snapshot, `stated` and `identity_records`.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE likely AS FROM pairs WHERE probability >= {float(linked)}")
    _make_said(con)
    named = [name for name in ("given", "surname", *ALONE, *EVER, "home") if name in _weighed(con)]
    evidence = " UNION ALL ".join(
        f"SELECT l, r, '{'name' if name in ('given', 'surname') else name}' AS what, weighs.{name} AS weight "
        "FROM likely"
        for name in named
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pair_days AS
        WITH evidence AS (
            SELECT l, r, what, sum(weight) AS weight FROM ({evidence}) GROUP BY ALL
        ), homes AS (  -- the first day on which both were known to have lived at one place
            SELECT p.l, p.r, min(greatest(a.day, b.day)) AS day
            FROM likely p JOIN said_home a ON a.subject = p.l
            JOIN said_home b ON b.subject = p.r AND b.code = a.code GROUP BY ALL
        ), dated AS (
            SELECT e.l, e.r, e.weight,
                   CASE WHEN e.weight <= 0 THEN NULL WHEN e.what = 'home'
                        THEN coalesce(h.day, greatest(a.day, b.day)) ELSE greatest(a.day, b.day) END AS day
            FROM evidence e
            LEFT JOIN said a ON a.subject = e.l AND a.what = e.what
            LEFT JOIN said b ON b.subject = e.r AND b.what = e.what
            LEFT JOIN homes h ON h.l = e.l AND h.r = e.r
        ), by_day AS (
            SELECT l, r, day, sum(sum(weight)) OVER (PARTITION BY l, r ORDER BY day NULLS FIRST) AS weighed
            FROM dated GROUP BY l, r, day
        ), enough AS (
            SELECT l, r, coalesce(
                min(day) FILTER (weighed >= {log2(linked / (1 - linked)) - rarity(model) - 1e-6}), max(day)
            ) AS day FROM by_day GROUP BY l, r
        )
        SELECT l, r, greatest(e.day, a.first_day, b.first_day) AS from_day
        FROM enough e JOIN said_first a ON a.subject = e.l JOIN said_first b ON b.subject = e.r
        ORDER BY l, r
        """
    )


def _weighed(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The comparisons whose weights the table `pairs` tells."""
    return [name for name, _ in con.table("pairs").select("weighs").types[0].children]


def _make_said(con: duckdb.DuckDBPyConnection) -> None:
    """Make tables said(subject, what, day), said_home(subject, code, day) and said_first(subject, first_day).

    day: on which the value that is compared was first told of the subject, of those in `likely`.
    """
    names = "t.forenames IS NOT DISTINCT FROM s.forenames AND t.surname IS NOT DISTINCT FROM s.surname"
    first_told = {
        "name": names,
        **{what: f"t.{column}::VARCHAR = s.{what}" for what, column in ALONE.items()},
        **{what: f"t.{column} IS NOT NULL" for what, column in EVER.items()},
        "home": "t.district IS NOT NULL",
    }
    told = ", ".join(f"min(t.day) FILTER ({same}) AS {what}" for what, same in first_told.items())
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE said_of AS
        SELECT r.subject, s.* FROM identity_records r JOIN stated s USING (source, subject_key)
        SEMI JOIN (SELECT l AS subject FROM likely UNION SELECT r FROM likely) USING (subject);

        CREATE OR REPLACE TEMP TABLE said_home AS
        SELECT subject, code, min(day) AS day FROM (
            SELECT s.subject, unnest(a.codes) AS code, {sql_day_number("a.known_on")} AS day
            FROM said_of s JOIN (
                SELECT source, subject_key, known_on,
                       ['dwelling ' || folded(uprn), 'postcode ' || folded(postcode)] AS codes
                FROM addresses
                UNION ALL
                SELECT source, subject_key, known_on, ['postcode ' || folded(postcode)] FROM identities
            ) a USING (source, subject_key)
        ) WHERE code IS NOT NULL GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE said AS
        WITH by_subject AS (
            SELECT s.subject, {told}
            FROM said_of s JOIN (SELECT *, {sql_day_number("known_on")} AS day FROM identities) t
                USING (source, subject_key) GROUP BY s.subject
        )
        SELECT subject, what, min(day) AS day FROM (
            FROM (UNPIVOT by_subject ON {", ".join(first_told)} INTO NAME what VALUE day)
            UNION ALL SELECT subject, 'home', day FROM said_home
        ) GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE said_first AS
        SELECT subject, min(day) AS first_day FROM said GROUP BY subject
        """
    )
