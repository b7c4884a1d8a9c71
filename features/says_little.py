"""Where a source says nothing of who its subjects are, or the same of so many that it says next to nothing.

Nobody is joined by it, and nobody left out: they stay people of their own where nothing else is known of
them. But whoever reads a list must know that a source brings nothing to it, and whoever runs the source
may be able to mend it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from features.identity_records import PLACEHOLDER
from features.near import sql_one_of

FEWEST, MUCH = 50, 0.2
"""A value that so many subjects of a source have, and that share of those of whom any is told, is no longer
what tells people apart: the commonest surname of a group of people is far below it."""

MOST_OF_THEM = 0.5
"""The share of a source's subjects with nothing to be compared by, above which that is told of the source."""

NOTHING = "nothing"
COLUMNS = {"surname": "surname", "forename": "given", "birth date": "born"}


@dataclass(frozen=True)
class SaysLittle:
    """So many subjects of a source, of so many, have the same value, or nothing to be compared by.

    what: one of `COLUMNS`, "1 January" for birth dates on it, an identifier that is a placeholder
    (`features.placeholders`), or `NOTHING`.
    """

    source: str
    what: str
    subjects: int
    of: int


def find_little(con: duckdb.DuckDBPyConnection, *, already_persons: Collection[str] = ()) -> list[SaysLittle]:
    """What the tables subjects, identity_records, subject_keys (`features.blocking`) and placeholders show,
    by source."""
    same = " UNION ALL ".join(
        f"""
        SELECT source, '{what}' AS what, max(n) AS subjects, sum(n)::BIGINT AS known FROM (
            SELECT source, {column}, count(*) AS n FROM identity_records
            WHERE {column} IS NOT NULL GROUP BY ALL) GROUP BY source
        """
        for what, column in COLUMNS.items()
    )
    rows = con.execute(
        f"""
        SELECT source, '{NOTHING}' AS what, count(*) FILTER (k.subject IS NULL) AS subjects, count(*) AS known
        FROM subjects s LEFT JOIN identity_records r USING (source, subject_key)
        LEFT JOIN (SELECT DISTINCT subject FROM subject_keys) k ON k.subject = r.subject
        WHERE NOT {sql_one_of("source", already_persons)} GROUP BY source
        HAVING count(*) FILTER (k.subject IS NULL) > {MOST_OF_THEM} * count(*)
        UNION ALL
        SELECT * FROM (
            {same} UNION ALL
            SELECT source, '1 January', count(*) FILTER (ends_with(born, '{PLACEHOLDER}')), count(born)
            FROM identity_records GROUP BY source
        ) WHERE subjects >= {FEWEST} AND subjects > {MUCH} * known
        UNION ALL
        FROM placeholders
        ORDER BY ALL
        """
    ).fetchall()
    return [SaysLittle(*row) for row in rows]
