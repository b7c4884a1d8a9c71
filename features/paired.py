"""Whom sources name by each other's keys: the surest sign that two subjects are one person.

An agency that works with another often writes down the other's reference (a case system the social-care
number, social care the desk's number of a missing child). It is kept dated, as all else is, and believed
as an identifier is: where names and birth dates both say otherwise, the reference is a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb

from features.asof import sql_known
from features.near import sql_one_of


def state_paired(con: duckdb.DuckDBPyConnection, as_of: date, *, already_persons: Collection[str]) -> None:
    """Say in `stated` by which keys of other sources its subjects are known on the morning of as_of.

    Whoever names somebody is in `stated` from then on, and so is who is named, if anything is held of
    them, though their own agency says nothing of who they are. Sources in already_persons are left out.
    """
    who = "source, subject_key"
    kept = " AND ".join(f"NOT {sql_one_of(name, already_persons)}" for name in ("source", "other_source"))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pairs_told AS
        SELECT {who}, list(DISTINCT other_source || '|' || other_key) AS paired,
               list(DISTINCT {{source: other_source, subject_key: other_key}}) AS others
        FROM paired_keys WHERE {sql_known(as_of)} AND {kept} GROUP BY {who};

        INSERT INTO stated BY NAME
        SELECT DISTINCT {who} FROM (
            SELECT {who} FROM pairs_told
            UNION ALL
            SELECT {who} FROM (SELECT unnest(others, recursive := true) FROM pairs_told)
            SEMI JOIN (SELECT {who} FROM events WHERE {sql_known(as_of)}) USING ({who})
        ) ANTI JOIN stated USING ({who});

        UPDATE stated SET paired = list_sort(p.paired) FROM pairs_told p
        WHERE p.source = stated.source AND p.subject_key = stated.subject_key;
        DROP TABLE pairs_told
        """
    )
