"""Intervals of knowledge in SQL: meet two, merge many.

A fact holds for the mornings in `(known_on, known_until]`. What needs several facts (an event, a
link, a residence) is known where all of them are, and what several facts say alike must be there
once. While intervals are worked on, "has not been replaced" is the date `FOREVER`, so that least,
greatest and `<` need no care for NULL; the tables that others read have NULL again.
"""

from __future__ import annotations

from collections.abc import Sequence

FOREVER = "DATE '9999-12-31'"
"""Stands for 'has not been replaced' and 'has not ended' inside SQL."""


def filled(column: str) -> str:
    """A date column with NULL read as no end."""
    return f"coalesce({column}, {FOREVER})"


def emptied(column: str) -> str:
    """The reverse of `filled`."""
    return f"nullif({column}, {FOREVER})"


def merged_known_sql(rows: str, by: Sequence[str], first: Sequence[str] = ()) -> str:
    """A SELECT of `by`, known_on, known_until in which no two intervals of equal `by` touch.

    rows:  a table or a bracketed SELECT with the columns `by`, `first`, known_on, known_until
           (filled); empty intervals are dropped, overlapping and touching ones become one.
    first: columns of which the least value in the merged interval is kept.
    """
    columns = ", ".join(by)
    kept = "".join(f", min({column}) AS {column}" for column in first)
    window = f"PARTITION BY {columns} ORDER BY known_on, known_until"
    return f"""
        SELECT {columns}{kept}, min(known_on) AS known_on, max(known_until) AS known_until
        FROM (
            SELECT *, sum(apart) OVER ({window}) AS island  -- equal intervals count as one row
            FROM (
                SELECT *, coalesce(known_on > max(known_until) OVER (
                    {window} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TRUE)::INTEGER AS apart
                FROM {rows} WHERE known_on < known_until
            )
        )
        GROUP BY {columns}, island
    """
