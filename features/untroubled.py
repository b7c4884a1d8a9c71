"""People whose records trouble nobody are found at once; only the other groups are looked at pair by pair.

Most groups that pairs hang together hold nothing that contradicts itself and no thin pair: there,
`features.clusters_checked` would join everybody to everybody, in whatever order. Those are connected
components and need no more than that. Whoever is in a group with anything doubtful goes the careful way.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from features.asof import OPEN, sql_day_number
from features.clusters_checked import (
    GRACE,
    LARGEST,
    LINKED,
    THIN,
    Clusters,
    Doubt,
    Facts,
    Pair,
    trusted_clusters,
)
from features.declaration import IDENTIFIERS
from features.graphs import components


@dataclass(frozen=True)
class Pairs:
    """Subjects that are probably one, in columns: l < r, how probable, and whether an identifier says so."""

    l: np.ndarray  # noqa: E741 - left and right, as in every linkage
    r: np.ndarray
    probability: np.ndarray
    sure: np.ndarray


def find_people(
    con: duckdb.DuckDBPyConnection, *, linked: float = LINKED, thin: float = THIN, largest: int = LARGEST
) -> tuple[Clusters, Pairs]:
    """Who is one person, from the tables identity_records, pairs, sure and apart; and the pairs that tell it.

    What comes of it is what `trusted_clusters` says of all pairs together. Both are numbered as the records.
    """
    pairs = _likely(con, linked)
    subjects = con.execute("SELECT count(*) FROM identity_records").fetchall()[0][0]
    cluster = components(subjects, pairs.l, pairs.r)
    _find_troubled(con, cluster, pairs, thin=thin, largest=largest)
    troubled = np.asarray(
        con.execute("SELECT subject FROM troubled ORDER BY subject").fetchnumpy()["subject"]
    )
    place = np.full(subjects, -1)
    place[troubled] = np.arange(len(troubled))
    those = place[pairs.l] >= 0
    l, r = place[pairs.l[those]].tolist(), place[pairs.r[those]].tolist()  # noqa: E741
    careful = trusted_clusters(
        _facts(con),
        map(Pair, l, r, pairs.probability[those].tolist(), pairs.sure[those].tolist()),
        apart=[(int(place[one]), int(place[other]), why) for one, other, why in _apart(con)],
        linked=linked,
        thin=thin,
        largest=largest,
    )
    cluster[troubled] = troubled[careful.cluster]
    doubts = [_renumbered(doubt, troubled) for doubt in careful.doubts]
    return Clusters(cluster.tolist(), doubts), pairs


def _likely(con: duckdb.DuckDBPyConnection, linked: float) -> Pairs:
    found = con.execute(
        """
        SELECT l, r, coalesce(p.probability, 1.0) AS probability, s.l IS NOT NULL AS sure
        FROM pairs p FULL JOIN (SELECT DISTINCT l, r FROM sure) s USING (l, r)
        WHERE s.l IS NOT NULL OR p.probability >= ? ORDER BY l, r
        """,
        [linked],
    ).fetchnumpy()
    return Pairs(**{name: np.asarray(column) for name, column in found.items()})


def _find_troubled(
    con: duckdb.DuckDBPyConnection, cluster: np.ndarray, pairs: Pairs, *, thin: float, largest: int
) -> None:
    """Make temporary table troubled(subject) of the groups in which anything may speak against a pair."""
    loose = ~pairs.sure & (pairs.probability < thin)
    con.register("group_of", pa.table({"subject": np.arange(len(cluster)), "first": cluster}))
    con.register("loosely", pa.table({"first": np.unique(cluster[pairs.l[loose]])}))
    several = " OR ".join(f"min({name}) <> max({name})" for name in IDENTIFIERS)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE troubled AS
        WITH contrary AS (
            SELECT first FROM identity_records JOIN group_of USING (subject) GROUP BY first
            HAVING count(*) > {int(largest)} OR {several}
                OR min(born) FILTER (born_firm) <> max(born) FILTER (born_firm)
                OR min(died_on) + {GRACE} < max(seen_on)
                OR count(*) > 3 AND first IN (SELECT first FROM loosely)
            UNION
            SELECT one.first FROM apart a JOIN group_of one ON one.subject = a.l
            JOIN group_of other ON other.subject = a.r WHERE one.first = other.first
        )
        SELECT subject FROM group_of SEMI JOIN contrary USING (first)
        """
    )
    con.unregister("group_of")
    con.unregister("loosely")


def _facts(con: duckdb.DuckDBPyConnection) -> list[Facts]:
    """What of each troubled subject can contradict another, by its number."""
    days = ", ".join(f"nullif({sql_day_number(day)}, {OPEN})" for day in ("died_on", "seen_on"))
    columns = f"if(born_firm, born, NULL), {days}, {', '.join(IDENTIFIERS)}"
    rows = con.execute(
        f"SELECT {columns} FROM identity_records SEMI JOIN troubled USING (subject) ORDER BY subject"
    ).fetchall()
    return [Facts(tuple(numbers), born, died, seen) for born, died, seen, *numbers in rows]


def _apart(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int, str]]:
    return con.execute(
        "SELECT l, r, why FROM apart WHERE l IN (FROM troubled) AND r IN (FROM troubled) ORDER BY ALL"
    ).fetchall()


def _renumbered(doubt: Doubt, number: np.ndarray) -> Doubt:
    pair = doubt.pair
    return Doubt(Pair(int(number[pair.l]), int(number[pair.r]), pair.probability, pair.sure), doubt.why)
