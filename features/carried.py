"""Who keeps which id from one link run to the next, and the log of who merged, split or is new.

Replaying everything from the beginning gives ids of its own (`features.clusters`); what is known by now
may have changed the past as well. A person keeps the id that most of their subjects had in the run
before: ids change places, so that one id is never two people on any day. Whose id was taken gets the one
that became free, unless somebody else had it in a run of before: then a new one.
"""

from __future__ import annotations

import duckdb

from features.person_ids import another_id

STANDING = "known_until IS NULL"


def carry_over(con: duckdb.DuckDBPyConnection, *, given: str = "links") -> None:
    """Rename in `new_timelines` whoever had another id in the run before (table `links`).

    Both have source, subject_key, person_id, known_until. A name goes to the person with the most
    of its subjects; of equals to the person whose own id it is, then to the smaller id. given: see
    `features.person_ids`. Makes temporary table moves(was, becomes): ids as replayed that are others now.
    """
    overlaps = con.execute(
        f"""
        SELECT n.person_id, o.person_id, count(*)
        FROM (FROM new_timelines WHERE {STANDING} AND person_id IS NOT NULL) n
        JOIN (FROM links WHERE {STANDING}) o USING (source, subject_key)
        GROUP BY ALL
        """
    ).fetchall()
    con.execute("CREATE OR REPLACE TEMP TABLE moves (was VARCHAR, becomes VARCHAR)")
    if all(new == old for new, old, _ in overlaps):
        return
    keeps: dict[str, str] = {}
    taken: set[str] = set()
    for new, old, _ in sorted(overlaps, key=lambda row: (-row[2], row[0] != row[1], row[1], row[0])):
        if new not in keeps and old not in taken:
            keeps[new] = old
            taken.add(old)
    moves = changing_places({new: old for new, old in keeps.items() if new != old})
    if moves:
        con.executemany("INSERT INTO moves VALUES (?, ?)", list(moves.items()))
        _leave_what_others_had(con, given)
        con.execute(
            "UPDATE new_timelines SET person_id = becomes FROM moves WHERE was = new_timelines.person_id"
        )


def _leave_what_others_had(con: duckdb.DuckDBPyConnection, given: str) -> None:
    """Change `moves` so that nobody becomes an id that in a run of before others had alone."""
    others = con.execute(
        f"""
        SELECT m.was FROM moves m JOIN {given} g ON g.person_id = m.becomes
        LEFT JOIN new_timelines n
            ON n.person_id = m.was AND n.source = g.source AND n.subject_key = g.subject_key
        GROUP BY m.was HAVING count(n.person_id) = 0 ORDER BY m.was
        """
    ).fetchall()
    known = " UNION ".join(
        [
            f"SELECT person_id FROM {given}",
            "SELECT person_id FROM new_timelines",
            "SELECT becomes FROM moves",
        ]
    )
    for (was,) in others:
        con.execute("UPDATE moves SET becomes = ? WHERE was = ?", [another_id(con, was, known=known), was])


def changing_places(moves: dict[str, str]) -> dict[str, str]:
    """Moves made whole: whoever had an id that is taken gets one that became free.

    moves: no two to the same id. Returned are as many ids as they name, each once on either side.
    """
    origin = {becomes: was for was, becomes in moves.items()}
    whole = dict(moves)
    for end in sorted(set(origin) - set(moves)):
        free = end
        while free in origin:
            free = origin[free]
        whole[end] = free
    return whole


def make_changes(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary table person_changes(person_id, change, other, subjects) since the run before.

    change: 'new' (none of its subjects was anybody), 'merged' (its subjects are `other`'s now, whose id
    stands), 'split' (it was part of `other`, who stands too), 'moved' (both stand, as they did, and some
    subjects went from `other` to it). subjects: how many that concerns.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE person_changes AS
        WITH now AS (FROM new_timelines WHERE {STANDING} AND person_id IS NOT NULL),
        before AS (FROM links WHERE {STANDING}),
        moved AS (
            SELECT b.person_id AS was, n.person_id AS now, count(*)::BIGINT AS subjects
            FROM before b JOIN now n USING (source, subject_key) WHERE b.person_id <> n.person_id GROUP BY ALL
        )
        SELECT person_id, 'new' AS change, NULL::VARCHAR AS other, count(*)::BIGINT AS subjects
        FROM now ANTI JOIN before USING (person_id)
        WHERE person_id NOT IN (SELECT now FROM moved) GROUP BY person_id
        UNION ALL
        SELECT was, 'merged', now, subjects FROM moved WHERE was NOT IN (SELECT person_id FROM now)
        UNION ALL
        SELECT now, if(now IN (SELECT person_id FROM before), 'moved', 'split'), was, subjects
        FROM moved WHERE was IN (SELECT person_id FROM now)
        ORDER BY ALL
        """
    )
