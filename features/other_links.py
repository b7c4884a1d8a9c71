"""What would have been known of people on a morning, had other links stood.

How much of a list hangs on who was taken for whom? Nobody is linked a second time for it: other links are
set in the place of those that stood, and only the people whom that touches are made again, by the same
code as everybody's rows. What they lived in is put in order again too, within what may be told.

Two sets of other links are of use: `links_of` a later day, when more was known of who is who; and
`surer_links`, without those that are only probably somebody's.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from features.asof import sql_known
from features.catalogue import Catalogue
from features.graded import graded_sql
from features.intervals import emptied, filled
from features.panel import Panel, compiled
from features.reach import reach
from features.residences import make_address_facts, make_residences
from features.shard_build import deal, dealt_shard
from features.snapshot import Snapshot

FOR_EVER = "DATE '0001-01-01' AS known_on, NULL::DATE AS known_until"


@dataclass(frozen=True)
class OtherLinks:
    """links: SELECT of source, subject_key, person_id, known_on, known_until. changed: SELECT of person_id,
    whoever has other subjects by them than by those that stood on the morning."""

    as_of: date
    links: str
    changed: str


def links_of(later: date, as_of: date) -> OtherLinks:
    """The links known on a later day, as if they had been known on the morning of as_of already.

    A subject of whom nothing had happened by then, as we knew, changes nobody.
    """
    links = f"SELECT source, subject_key, person_id, {FOR_EVER} FROM links WHERE {sql_known(later)}"
    stood = f"(FROM links WHERE {sql_known(as_of)})"
    return OtherLinks(
        as_of,
        links,
        f"""
        WITH moved AS (
            SELECT source, subject_key, stood.person_id AS before, n.person_id AS now
            FROM ({links}) n FULL JOIN {stood} stood USING (source, subject_key)
            WHERE n.person_id IS DISTINCT FROM stood.person_id
        ), heard_of AS (
            FROM moved WHERE before IS NOT NULL OR subject_key IN
                (SELECT subject_key FROM events WHERE {sql_known(as_of)})
        )
        SELECT before AS person_id FROM heard_of WHERE before IS NOT NULL
        UNION SELECT now FROM heard_of WHERE now IS NOT NULL
        """,
    )


def surer_links(as_of: date, *, least: float) -> OtherLinks:
    """The links of the morning that are at least so sure. What hangs on a weaker one is nobody's then."""
    graded = f"({graded_sql(as_of)})"
    return OtherLinks(
        as_of,
        f"SELECT source, subject_key, person_id, {FOR_EVER} FROM {graded} WHERE strength >= {float(least)}",
        f"SELECT DISTINCT person_id FROM {graded} WHERE strength < {float(least)}",
    )


def rows_with(snapshot: Snapshot, catalogue: Catalogue, other: OtherLinks) -> tuple[set[str], Panel]:
    """The ids of all whose rows may be others by other links, and the panel of those of them who have one.

    Those are whoever's links are others, and whoever lives or lived where one of these does or did, or
    where something of theirs happened.
    """
    shards, part = compiled(snapshot, catalogue)
    plan, folder = replace(shards.plan, shards=1), _scratch(snapshot)
    try:
        with snapshot.con.cursor() as con:  # its temporary tables stand before those of their names
            _set(con, other)
            touched = {person for (person,) in con.execute("SELECT person_id FROM affected").fetchall()}
            reach(
                con,
                shared=plan.flags.shared,
                household_max=plan.flags.household_max,
                association=plan.flags.association,
                people="affected",
            )
            deal(con, plan, folder / "dealt")
        return touched, part(dealt_shard(folder / "dealt", 0, plan), other.as_of)
    finally:
        shutil.rmtree(folder)


def _set(con: duckdb.DuckDBPyConnection, other: OtherLinks) -> None:
    """Make temporary tables affected(person_id), links and residences."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE changed AS {other.changed};
        CREATE OR REPLACE TEMP TABLE other_links AS {other.links};
        CREATE OR REPLACE TEMP TABLE changed_links AS FROM other_links SEMI JOIN changed USING (person_id)
        """
    )
    make_address_facts(con, addresses="(FROM addresses SEMI JOIN changed_links USING (source, subject_key))")
    make_residences(con, links="changed_links")
    # Where a home must be kept secret, what may be told of it stands in `residences`, under the ids of then.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE known_homes AS
        SELECT * REPLACE ({FOR_EVER})
        FROM new_residences WHERE {sql_known(other.as_of)};

        CREATE OR REPLACE TEMP TABLE stood_as AS
        SELECT DISTINCT stood.person_id AS before, n.person_id
        FROM (FROM links WHERE {sql_known(other.as_of)}) stood
        JOIN changed_links n USING (source, subject_key);

        CREATE OR REPLACE TEMP TABLE secret AS
        SELECT DISTINCT s.person_id FROM stood_as s
        JOIN (FROM told_residences EXCEPT FROM residences) cut ON cut.person_id = s.before;

        CREATE OR REPLACE TEMP TABLE other_homes AS
        FROM residences ANTI JOIN changed USING (person_id)
        UNION ALL BY NAME
        FROM known_homes ANTI JOIN secret USING (person_id)
        UNION ALL BY NAME
        SELECT DISTINCT n.* REPLACE (
            greatest(f.start_on, n.start_on) AS start_on,
            {emptied(f"least({filled('f.end_on')}, {filled('n.end_on')})")} AS end_on)
        FROM known_homes n SEMI JOIN secret USING (person_id)
        JOIN stood_as s USING (person_id)
        JOIN (FROM residences WHERE {sql_known(other.as_of)}) f ON f.person_id = s.before AND f.uprn = n.uprn
        WHERE greatest(f.start_on, n.start_on) < least({filled("f.end_on")}, {filled("n.end_on")});

        CREATE OR REPLACE TEMP TABLE touched AS
        SELECT uprn FROM residences SEMI JOIN changed USING (person_id)
        UNION SELECT uprn FROM other_homes SEMI JOIN changed USING (person_id)
        UNION SELECT place FROM events WHERE place IS NOT NULL
            AND subject_key IN (SELECT subject_key FROM links SEMI JOIN changed USING (person_id));

        CREATE OR REPLACE TEMP TABLE affected AS
        SELECT person_id FROM changed
        UNION SELECT person_id FROM residences SEMI JOIN touched USING (uprn)
        UNION SELECT person_id FROM other_homes SEMI JOIN touched USING (uprn);

        CREATE OR REPLACE TEMP TABLE links AS FROM other_links;
        CREATE OR REPLACE TEMP TABLE residences AS FROM other_homes
        """
    )


def _scratch(snapshot: Snapshot) -> Path:
    home = snapshot.workspace.scratch
    home.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=home))
