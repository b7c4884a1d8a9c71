"""A store made from that of an older state: only those whom the deliveries and links since then touch.

`find_affected` says whose rows may differ, rather too many than too few; `splice` puts their rows, made
again, in the place of those they had. What is left is what a store made from nothing would hold, hash
for hash, which the tests hold it to.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import numpy as np

from features.intervals import filled
from features.marks import REFUGE
from features.reach import HAPPENING
from features.rows import HELD_TYPES, Rows
from features.rule_sql import quoted
from features.shard_files import EVENT_TYPES, Shard
from features.shard_plan import Plan
from features.snapshot import Snapshot


def find_affected(snapshot: Snapshot, con: duckdb.DuckDBPyConnection, older: Plan) -> None:
    """Make temporary table affected(person_id): whose rows may not be those of the older state.

    con: a connection of its own to the snapshot's tables; other temporary tables stay in it. Records are
    looked up by their key alone, which finds a few too many and is much faster than two columns.

    - linked, by any run, to a subject of a record with a revision since; or living, by any run, at its
      place on its day if it is a shared event, in its time if it is a register's row;
    - linked to a subject that was relinked since, before or after; of another residence since, or whose
      address must be kept secret by a mark revised since (which cuts their residences);
    - where any of them has shared events that ever reach more than a household: all whom those reach,
      as the size guard may now say otherwise of them;
    - where events reach others by association: all who ever lived where one of these did.
    """
    for name in ("deliveries", "events", "registers", "marks", "link_runs", "links", "residences"):
        snapshot.tables.view(con, name)
    committed = f"SELECT delivery_id FROM all_deliveries WHERE delivery_id <= {snapshot.last_delivery}"
    runs = f"SELECT link_run FROM all_link_runs WHERE link_run <= {snapshot.link_run}"
    new_rows = f"delivery_id > {older.last_delivery} AND delivery_id IN ({committed})"
    new_runs = f"link_run > {older.link_run}"
    shared_only = f"signal IN ({', '.join(map(quoted, older.flags.shared)) or 'NULL'})"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE links_ever AS
        SELECT source, subject_key, person_id, bool_or({new_runs}) AS since
        FROM all_links WHERE link_run IN ({runs}) AND person_id IS NOT NULL GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE residences_ever AS
        SELECT person_id, uprn, start_on, {filled("end_on")} AS end_on, bool_or({new_runs}) AS since
        FROM all_residences WHERE link_run IN ({runs}) GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE changed_events AS
        FROM events WHERE record_key IN (SELECT record_key FROM all_events WHERE {new_rows});

        CREATE OR REPLACE TEMP TABLE changed_registers AS
        FROM registers WHERE record_key IN (SELECT record_key FROM all_registers WHERE {new_rows});

        CREATE OR REPLACE TEMP TABLE affected AS
        SELECT person_id FROM links_ever SEMI JOIN changed_events USING (source, subject_key)
        UNION SELECT person_id FROM links_ever SEMI JOIN changed_registers USING (source, subject_key)
        UNION SELECT person_id FROM residences_ever r JOIN changed_events e ON r.uprn = e.place
            WHERE {shared_only} AND start_on <= occurred_on AND occurred_on < end_on
        UNION SELECT person_id FROM residences_ever r JOIN changed_registers g ON r.uprn = g.place
            WHERE r.start_on < {filled("g.end_on")} AND g.start_on < r.end_on
        UNION SELECT person_id FROM residences_ever WHERE since
        UNION SELECT person_id FROM links_ever SEMI JOIN (
            FROM marks WHERE mark = {quoted(REFUGE)}
            AND record_key IN (SELECT record_key FROM all_marks WHERE {new_rows})) USING (source, subject_key)
        UNION SELECT person_id FROM links_ever
            SEMI JOIN (FROM links_ever WHERE since) USING (source, subject_key);
        """
    )
    if older.flags.association:
        con.execute(
            """
            INSERT INTO affected SELECT person_id FROM residences_ever WHERE uprn IN
                (SELECT uprn FROM residences_ever SEMI JOIN affected USING (person_id))
            """
        )
    _add_crowds(con, shared_only, older.flags.household_max)


def _add_crowds(con: duckdb.DuckDBPyConnection, shared_only: str, household_max: int) -> None:
    """Add to `affected` all whom a shared event reaches that ever reaches one of them and a crowd."""
    lived = "r.uprn = e.place AND r.start_on <= e.occurred_on AND e.occurred_on < r.end_on"
    con.execute(
        f"""
        INSERT INTO affected
        WITH theirs AS (
            SELECT record_key FROM events WHERE {shared_only} AND subject_key IN
                (SELECT subject_key FROM links_ever SEMI JOIN affected USING (person_id))
            UNION
            SELECT record_key
            FROM events e JOIN (FROM residences_ever SEMI JOIN affected USING (person_id)) r ON {lived}
            WHERE {shared_only}
        ), asked AS MATERIALIZED (
            SELECT {HAPPENING} AS happening, source, subject_key, place, occurred_on
            FROM events e WHERE {shared_only} AND record_key IN (FROM theirs)
        ), reached AS (
            SELECT happening, person_id FROM asked JOIN links_ever USING (source, subject_key)
            UNION
            SELECT happening, person_id FROM asked e JOIN residences_ever r ON {lived}
        )
        SELECT DISTINCT person_id FROM reached
        QUALIFY count(*) OVER (PARTITION BY happening) > {int(household_max)};

        CREATE OR REPLACE TEMP TABLE affected AS SELECT DISTINCT person_id FROM affected
        """
    )


def splice(old: Shard, again: np.ndarray, made: Shard) -> Shard:
    """A shard with some people's rows replaced.

    again: ids of those whose old rows go. made: the rows of those of them that are still somebody.
    """
    stay = ~np.isin(old.person_ids, again)
    person_ids = np.concatenate([old.person_ids[stay], made.person_ids])
    order = np.argsort(person_ids)

    def rows_of(start: str, names: Iterable[str]) -> dict[str, np.ndarray]:
        """The fields that belong to one of the two starts."""
        was, new = getattr(old.rows, start), getattr(made.rows, start)
        counts = np.concatenate([np.diff(was)[stay], np.diff(new)])[order]
        first = np.concatenate([was[:-1][stay], new[:-1] + was[-1]])[order]
        begins = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        at = np.repeat(first - begins[:-1], counts) + np.arange(begins[-1])
        both = {name: np.concatenate([getattr(old.rows, name), getattr(made.rows, name)]) for name in names}
        return {start: begins, **{name: array[at] for name, array in both.items()}}

    return Shard(
        person_ids[order], Rows(**rows_of("start", EVENT_TYPES), **rows_of("held_start", HELD_TYPES))
    )
