"""Which subjects are compared at all: those that share a key, one kind of key per kind of evidence.

Every subject has a list of keys, so that one slip of the pen, names in the wrong order, a missing birth
date or a move still leaves one that both sides share. A key that a crowd holds (1 January, a hostel, a
name that a system writes where it knows none) would compare everybody with everybody and is not used;
whom that touches is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from features.declaration import IDENTIFIERS

MOST = 300
"""Subjects that may share a key: 45,000 pairs."""

_NAMES = "[given_sound, surname_sound]"
KEYS = {
    **{name: f"[{name}]" for name in IDENTIFIERS},
    "birth date": """if(born_firm, [born[1:4] || least(born[6:7], born[9:]) || greatest(born[6:7], born[9:])],
        [])""",
    "name": "[least(one, surname_sound) || '|' || greatest(one, surname_sound) FOR one IN full_sounds]",
    "dwelling": "uprns",
    "postcode and a name": f"flatten([[code || '|' || one FOR one IN {_NAMES}] FOR code IN postcodes])",
    "part of the birth date and a name": f"""if(born_firm, flatten([[born[1:7] || one, born[6:] || one,
        born[1:5] || born[9:] || one] FOR one IN {_NAMES}]), [born[1:4] || one FOR one IN {_NAMES}])""",
    "phone": "phones",
    "email": "emails",
}
"""Kind of key → SQL for a list of them over a row of `identity_records`."""


@dataclass(frozen=True)
class Crowded:
    """Keys of one kind that so many subjects share that nobody is compared by them.

    subjects: of the source, that hold such a key; unreached: those among them that have no other key.
    """

    source: str
    kind: str
    subjects: int
    unreached: int


def make_comparable(con: duckdb.DuckDBPyConnection, *, most: int = MOST) -> list[Crowded]:
    """Make table comparable: identity_records with `keys`, which no more than `most` subjects share.

    Returns what was left out because of crowds, by source and kind.
    """
    keys = " UNION ALL ".join(
        f"SELECT subject, '{kind}' AS kind, unnest({sql}) AS value FROM identity_records"
        for kind, sql in KEYS.items()
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE subject_keys AS
        SELECT subject, kind, kind || ' ' || value AS key, count(*) OVER (PARTITION BY kind, value) AS holders
        FROM (SELECT DISTINCT * FROM ({keys}) WHERE value IS NOT NULL);

        CREATE OR REPLACE TEMP TABLE comparable AS
        SELECT r.*, coalesce(k.keys, []) AS keys
        FROM identity_records r LEFT JOIN (
            SELECT subject, list(key ORDER BY key) AS keys FROM subject_keys
            WHERE holders BETWEEN 2 AND {int(most)} GROUP BY subject) k USING (subject)
        ORDER BY subject
        """
    )
    crowded = con.execute(
        f"""
        SELECT r.source, k.kind, count(DISTINCT k.subject), count(DISTINCT k.subject) FILTER (NOT reached)
        FROM subject_keys k JOIN identity_records r USING (subject)
        JOIN (SELECT subject, bool_or(holders <= {int(most)}) AS reached FROM subject_keys GROUP BY subject)
            USING (subject)
        WHERE k.holders > {int(most)} GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    return [Crowded(*row) for row in crowded]
