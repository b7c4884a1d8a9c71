"""Numbers that a system writes where it knows none: 9999999999 for whoever has no NHS number.

Such a number names nobody, and believed it makes one person of strangers. It is known by its holders: one
person is told with a few birth dates and a few surnames, by slips of the pen, a marriage; nobody with many of
both. What few share by mistake is left to the rules for one number that two people have (`features.sure`).
"""

from __future__ import annotations

import duckdb

from features.declaration import IDENTIFIERS

TOLD_OF_ONE = 4
"""Birth dates, and surnames by their sound, that are told of one person at the most."""


def drop_placeholders(con: duckdb.DuckDBPyConnection) -> None:
    """Empty, in `identity_records`, every identifier that more people hold than one person could be.

    Makes temporary table placeholders(source, what, subjects, known): of how many subjects of a source one
    was emptied, and how many had any of that kind.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE placeholders (source TEXT, what TEXT, subjects INT, known INT)")
    for name in IDENTIFIERS:
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE nobodys AS
            SELECT {name} AS value FROM identity_records WHERE {name} IS NOT NULL GROUP BY {name}
            HAVING count(DISTINCT born) FILTER (born_firm) > {TOLD_OF_ONE}
               AND count(DISTINCT surname_sound) > {TOLD_OF_ONE};

            INSERT INTO placeholders
            SELECT source, '{name}', count(*) FILTER ({name} IN (FROM nobodys)), count(*)
            FROM identity_records WHERE {name} IS NOT NULL GROUP BY source
            HAVING count(*) FILTER ({name} IN (FROM nobodys)) > 0;

            UPDATE identity_records SET {name} = NULL WHERE {name} IN (FROM nobodys)
            """
        )
