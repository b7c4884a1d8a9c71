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
    same = " AND ".join(f"r.{column} IS NOT DISTINCT FROM s.{column}" for column in by)
    window = f"PARTITION BY {columns} ORDER BY known_on, known_until"
    return f"""
        FROM (
        WITH interval_facts AS MATERIALIZED (FROM {rows} WHERE known_on < known_until),
        interval_spans AS MATERIALIZED (  -- nearly always all of them meet, and nothing needs to be sorted
            SELECT {columns}{kept}, min(known_on) AS known_on, max(known_until) AS known_until,
                   max(known_on) > min(known_until) AS apart
            FROM interval_facts GROUP BY {columns}
        )
        SELECT * EXCLUDE (apart) FROM interval_spans WHERE NOT apart
        UNION ALL
        SELECT {columns}{kept}, min(known_on) AS known_on, max(known_until) AS known_until
        FROM (
            SELECT *, sum(begins) OVER ({window}) AS island  -- equal intervals count as one row
            FROM (
                SELECT *, coalesce(known_on > max(known_until) OVER (
                    {window} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TRUE)::INTEGER AS begins
                FROM interval_facts r SEMI JOIN (FROM interval_spans WHERE apart) s ON {same}
            )
        )
        GROUP BY {columns}, island
        )
    """


def uncrowded_sql(rows: str, by: Sequence[str], most: int) -> str:
    """A SELECT of `by`, known_on, known_until: from when on and until when no more than `most` rows stand.

    rows: a table or a bracketed SELECT with the columns `by`, known_on, known_until (filled), no
          interval empty. What comes before the first row of equal `by` is left out. No two intervals
          of equal `by` touch.
    """
    columns = ", ".join(by)
    days = f"PARTITION BY {columns} ORDER BY day"
    quiet = f"""(
        SELECT {columns}, day AS known_on, {filled(f"lead(day) OVER ({days})")} AS known_until
        FROM (
            SELECT {columns}, day, sum(change) AS change
            FROM (SELECT {columns}, known_on AS day, 1 AS change FROM {rows}
                  UNION ALL SELECT {columns}, known_until, -1 FROM {rows})
            GROUP BY ALL
        )
        QUALIFY sum(change) OVER ({days}) <= {int(most)}
    )"""
    return merged_known_sql(quiet, by)
