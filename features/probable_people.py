"""Which subjects are probably one person, from records to people: the steps of linkage in their order.

The `link` command does not use it yet. What a step leaves in the connection can be looked at: `pairs`,
`sure` and `apart` hold why two subjects were joined or were not.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from features.apart import make_apart
from features.asof import OPEN, sql_day_number
from features.blocking import MOST, Crowded, make_comparable
from features.clusters_checked import LINKED, Clusters, Facts, Pair, trusted_clusters
from features.compare import Model, make_pairs
from features.declaration import IDENTIFIERS
from features.sure import make_sure


@dataclass(frozen=True)
class ProbablePeople:
    """Who is one person, and where crowds kept subjects from being compared."""

    clusters: Clusters
    crowded: list[Crowded]


def probable_people(
    con: duckdb.DuckDBPyConnection, model: Model, *, linked: float = LINKED, most: int = MOST
) -> ProbablePeople:
    """People from `identity_records`.

    linked: the probability from which a pair may join. most: see `features.blocking`.
    """
    crowded = make_comparable(con, most=most)
    make_pairs(con, model)
    make_sure(con, most=most)
    make_apart(con, most=most)
    pairs = con.execute(
        """
        SELECT l, r, coalesce(p.probability, 1.0), s.l IS NOT NULL
        FROM pairs p FULL JOIN (SELECT DISTINCT l, r FROM sure) s USING (l, r)
        WHERE s.l IS NOT NULL OR p.probability >= ? ORDER BY l, r
        """,
        [linked],
    ).fetchall()
    apart = con.execute("SELECT l, r, why FROM apart ORDER BY ALL").fetchall()
    clusters = trusted_clusters(_facts(con), (Pair(*row) for row in pairs), apart=apart, linked=linked)
    return ProbablePeople(clusters, crowded)


def _facts(con: duckdb.DuckDBPyConnection) -> list[Facts]:
    """What of each subject can contradict another, by its number."""
    days = ", ".join(f"nullif({sql_day_number(day)}, {OPEN})" for day in ("died_on", "seen_on"))
    columns = f"if(born_firm, born, NULL), {days}, {', '.join(IDENTIFIERS)}"
    rows = con.execute(f"SELECT {columns} FROM identity_records ORDER BY subject").fetchall()
    return [Facts(tuple(numbers), born, died, seen) for born, died, seen, *numbers in rows]
