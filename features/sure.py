"""Which subjects are one person because an identifier or another source's key says so: what linking begins
with.

One number for two people happens: a slip of the pen, a number that a system writes where it knows none.
So an identifier is believed where the records say nothing against it, and where names or birth dates
differ the pair is left to the model, which weighs the identifier among the rest. A key that one source
told of another's person was looked up by somebody: it takes both to differ to doubt it.
"""

from __future__ import annotations

import duckdb

from features.blocking import MOST
from features.declaration import IDENTIFIERS

NAMES_AGREE = (
    "l.given IS NULL OR r.given IS NULL OR l.given_sound = r.given_sound "
    "OR list_has_any(l.full_names, r.full_names) OR jaro_winkler_similarity(l.given, r.given) >= 0.8 "
    "OR l.given = r.surname"
)
BIRTHS_AGREE = "l.born IS NULL OR r.born IS NULL OR levenshtein(l.born, r.born) <= 2"

PAIR = ("pair", "keyed", "key")
KEYED = """
    CREATE OR REPLACE TEMP TABLE keyed AS
    WITH told AS (SELECT subject, unnest(paired) AS key FROM identity_records),
    held AS (
        FROM told
        UNION
        SELECT subject, source || '|' || subject_key FROM identity_records
        WHERE source || '|' || subject_key IN (SELECT key FROM told)
    )
    SELECT h.key, r.* FROM held h JOIN identity_records r USING (subject)
"""
"""identity_records by each key of a source that somebody names: whose it is, and who says it is theirs."""


def make_sure(con: duckdb.DuckDBPyConnection, *, most: int = MOST) -> None:
    """Make temporary table sure(l, r, kind) from `identity_records`: who shares a believed identifier, or is
    known by one key of some source (kind 'pair').

    l < r number subjects. An identifier or a key that more than `most` subjects hold is nobody's.
    """
    con.execute(KEYED)
    found = " UNION ALL ".join(
        f"""
        SELECT l.subject AS l, r.subject AS r, '{kind}' AS kind
        FROM {held} l JOIN {held} r USING ({name})
        SEMI JOIN (SELECT {name} FROM {held} GROUP BY {name} HAVING count(*) <= {int(most)}) o
            USING ({name})
        WHERE l.subject < r.subject AND (({NAMES_AGREE}) {both} ({BIRTHS_AGREE}))
        """
        for kind, held, name, both in [
            *((name, "identity_records", name, "AND") for name in IDENTIFIERS),
            (*PAIR, "OR"),
        ]
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE sure AS {found} ORDER BY ALL")
