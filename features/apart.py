"""Who is not the same person however alike the records are: twins, and namesakes of two generations.

A model that multiplies the evidence finds that one surname, birth date and address are proof enough; of
twins they are no proof at all. The same holds of a father and a son of one name at one address.
"""

from __future__ import annotations

import duckdb

from features.blocking import MOST
from features.declaration import IDENTIFIERS

UNLIKE_NAMES = 0.8
"""Jaro-Winkler likeness of two forenames under which one is no way of writing the other; two that begin
alike may be a short form that nobody listed, unless one agency knows both."""

GENERATION = 12
"""Years between two births that no slip of the pen explains."""

_SAME_IDENTIFIER = " OR ".join(f"coalesce(l.{name} = r.{name}, FALSE)" for name in IDENTIFIERS)

_SHORT_FOR = (
    "len(list_filter(flatten([[jaro_winkler_similarity(one, other) FOR one IN l.full_names] "
    "FOR other IN r.full_names]), lambda likeness: likeness >= 0.93)) > 0"
)
_OTHER_FORENAMES = (
    f"NOT list_has_any(l.given_names, r.given_names) AND NOT ({_SHORT_FOR}) "
    "AND NOT starts_with(l.given, r.given) AND NOT starts_with(r.given, l.given) "
    f"AND l.given_sound <> r.given_sound AND jaro_winkler_similarity(l.given, r.given) < {UNLIKE_NAMES} "
    "AND l.given IS DISTINCT FROM r.surname AND l.surname IS DISTINCT FROM r.given "
    "AND (l.given[1] <> r.given[1] OR l.source = r.source)"
)

APART = {
    "twins": (
        "FROM identity_records WHERE len(given) > 1 AND born_firm AND surname_sound IS NOT NULL",
        "born, surname_sound",
        _OTHER_FORENAMES,
    ),
    "two generations": (
        "SELECT *, unnest(postcodes) AS home FROM identity_records "
        "WHERE born_firm AND surname_sound IS NOT NULL AND given_initial IS NOT NULL",
        "home, surname_sound, given_initial",
        "levenshtein(l.born, r.born) > 2 "
        f"AND abs(TRY_CAST(l.born[1:4] AS INTEGER) - TRY_CAST(r.born[1:4] AS INTEGER)) >= {GENERATION}",
    ),
}
"""Why → of whom it can be said, what both share, what must hold of the two."""


def make_apart(con: duckdb.DuckDBPyConnection, *, most: int = MOST) -> None:
    """Make temporary table apart(l, r, why) from `identity_records`: subjects that must not be joined.

    l < r number subjects. Two that share an identifier are never in it, nor whom more than `most` share
    all that would be looked at.
    """
    found = []
    for why, (who, same, differ) in APART.items():
        several = f"(FROM ({who}) QUALIFY count(*) OVER (PARTITION BY {same}) <= {int(most)})"
        found.append(
            f"SELECT DISTINCT l.subject AS l, r.subject AS r, '{why}' AS why "
            f"FROM {several} l JOIN {several} r USING ({same}) "
            f"WHERE l.subject < r.subject AND NOT ({_SAME_IDENTIFIER}) AND {differ}"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE apart AS {' UNION ALL '.join(found)} ORDER BY ALL")
