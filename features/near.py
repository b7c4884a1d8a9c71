"""What bears on some people's rows: the little of a snapshot that has to be read to make them.

Rather too much than too little: their events and those at their homes, in whole records, and the
links and homes of everybody else whom these may reach, as the size guard counts them. One column is
looked up at a time, though two would find less, as the columns are long and that is much faster.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import duckdb

from features.association import Association
from features.intervals import filled
from features.rule_sql import quoted

LIVED_THERE = "f.start_on <= e.occurred_on AND e.occurred_on < f.end_on"
"""Home f (end_on filled) is where somebody lived on the day of event e."""


class Near(NamedTuple):
    """Names of tables: a snapshot's own, or those of `gather`."""

    events: str = "events"
    links: str = "links"
    homes: str = "residences"


def sql_one_of(column: str, names: Collection[str]) -> str:
    """The column holds one of these names; false of none."""
    return f"({column} IN ({', '.join(map(quoted, sorted(names)))}))" if names else "FALSE"


def gather(
    con: duckdb.DuckDBPyConnection,
    people: str,
    *,
    shared: Collection[str],
    association: Association | None,
) -> Near:
    """Make temporary tables near_events, near_links and near_homes, of the same columns as the
    snapshot's; people: a table with a column person_id."""
    asked, of_household = f"person_id IN (SELECT person_id FROM {people})", sql_one_of("e.signal", shared)
    records = f"""
        SELECT record_key FROM events
        WHERE subject_key IN (SELECT subject_key FROM links WHERE {asked})
        UNION
        SELECT e.record_key FROM events e JOIN near_places f ON f.uprn = e.place
        WHERE {of_household} AND {LIVED_THERE}
    """
    if association:
        records += f"""
            UNION
            SELECT record_key FROM events e
            WHERE {sql_one_of("e.signal", association.signals)} AND subject_key IN (
                SELECT subject_key FROM links WHERE person_id IN (
                    SELECT person_id FROM residences WHERE uprn IN (SELECT uprn FROM near_places)))
        """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_places AS
        SELECT uprn, start_on, {filled("end_on")} AS end_on FROM residences WHERE {asked};

        CREATE OR REPLACE TEMP TABLE near_events AS
        FROM events WHERE record_key IN ({records});

        CREATE OR REPLACE TEMP TABLE near_homes AS FROM residences WHERE uprn IN (
            SELECT place FROM near_events e WHERE {of_household} UNION SELECT uprn FROM near_places);

        CREATE OR REPLACE TEMP TABLE near_links AS FROM links
        WHERE {asked} OR person_id IN (SELECT person_id FROM near_homes)
           OR subject_key IN (SELECT subject_key FROM near_events)
        """
    )
    return Near("near_events", "near_links", "near_homes")
