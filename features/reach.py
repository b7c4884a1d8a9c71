"""Everything that reaches people: event × link, shared event × residence, registers likewise.

Made for all as-of dates together, for everybody or for some people only: a row is known from the
latest and until the earliest of the facts it stands on, so that one test, `asof.is_usable`, says
whether it counts on a morning. A *happening* (one record's event, however many people it names) is
there at most once per person on any morning.

A shared event (council tax, rent, police called to the address) reaches whoever lived at its place
on the day it occurred, and the people it names wherever they live, in the household channel only.
A place where it would reach more than `household_max` people is no household: on such a morning it
reaches nobody, so its rows are not known then.

By association, where asked, a person's own event reaches whoever lived with them on that day, for
some days: never somebody it names, and nobody where more people live than make a household.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from features.association import PREFIX, Association
from features.intervals import emptied, filled, merged_known_sql, uncrowded_sql
from features.near import LIVED_THERE, Near, gather, sql_one_of
from features.rule_sql import quoted

HAPPENING = "(hash(e.source, e.record_key, e.revision, e.signal, e.occurred_at) >> 1)::BIGINT"
BOTH_KNOWN = """greatest(e.known_on, f.known_on) AS known_on,
    least(e.known_until, f.known_until) AS known_until"""


def reach(
    con: duckdb.DuckDBPyConnection,
    *,
    shared: Collection[str],
    household_max: int,
    association: Association | None = None,
    people: str | None = None,
    near: Near | None = None,
) -> None:
    """Make what reaches people out of a snapshot's tables, as temporary tables and a view.

    reached_people: person (INTEGER, 0.. by person_id), person_id: everybody ever linked, or those of
        them whom the table `people` names in its column person_id.
    reached_rows:   person, source, signal, household, event_id, happening (BIGINT), occurred_on,
        occurred_at, has_time, ended_on, amount, place, known_on, known_until (NULL = stands). A view
        that joins the events anew: what is needed of it is best taken at once.
    reached_held:   person, source, household, start_on, end_on, known_on, known_until.

    shared: names of the signals that are shared. association: own signals that also reach those whom
    a person lives with, as 'association.<source>.<signal>'. Some people's rows are just those that
    they have among everybody's; of others, what the size guard has to count is looked at.
    near: what to look at instead of what bears on them.
    """
    of_household = sql_one_of("e.signal", shared)
    if near is None:
        near = Near() if people is None else gather(con, people, shared=shared, association=association)
    asked = _number_people(con, near, people)
    _find_own(con, near, of_household)
    _find_shared(con, near, of_household, household_max)
    if association:
        _associate(con, near, association, household_max)
    _join_events(con, near, of_household, asked)
    _find_held(con, asked)


def reach_held(con: duckdb.DuckDBPyConnection, *, people: str, near: Near | None = None) -> None:
    """Make reached_people and reached_held alone, of some people, as `reach` does."""
    asked = f"WHERE person_id IN (SELECT person_id FROM {people})"
    near = near or Near(links=f"(FROM links {asked})", homes=f"(FROM residences {asked})")
    _find_held(con, _number_people(con, near, people))


def _number_people(con: duckdb.DuckDBPyConnection, near: Near, people: str | None) -> int:
    """Make reached_people, and reach_links and reach_homes, which say `person` for person_id.

    Returns how many were asked for: those are numbered first.
    """
    asked = "TRUE" if people is None else f"person_id IN (SELECT person_id FROM {people})"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reach_everyone AS
        SELECT (row_number() OVER (ORDER BY asked DESC, person_id) - 1)::INTEGER AS person, person_id, asked
        FROM (SELECT DISTINCT person_id, {asked} AS asked FROM {near.links});

        CREATE OR REPLACE TEMP TABLE reached_people AS
        SELECT person, person_id FROM reach_everyone WHERE asked;

        CREATE OR REPLACE TEMP TABLE reach_links AS
        SELECT source, subject_key, person, known_on, {filled("known_until")} AS known_until
        FROM {near.links} JOIN reach_everyone USING (person_id);

        CREATE OR REPLACE TEMP TABLE reach_homes AS
        SELECT uprn, person, start_on, {filled("end_on")} AS end_on, known_on,
               {filled("known_until")} AS known_until
        FROM {near.homes} JOIN reach_everyone USING (person_id)
        """
    )
    return int(con.execute("SELECT count(*) FROM reached_people").fetchall()[0][0])


def _find_own(con: duckdb.DuckDBPyConnection, near: Near, of_household: str) -> None:
    """Make view reach_own, event × link of what is not shared, and reach_twice, those of its rows by
    which a happening reaches a person more than once."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW reach_own AS
        FROM (
            SELECT f.person, {HAPPENING} AS happening, e.rowid AS number,
                   e.* EXCLUDE (known_on, known_until), greatest(e.known_on, f.known_on) AS known_on,
                   least({filled("e.known_until")}, f.known_until) AS known_until
            FROM {near.events} e JOIN reach_links f USING (source, subject_key)
            WHERE NOT {of_household}
        )
        WHERE known_on < known_until;

        CREATE OR REPLACE TEMP TABLE reach_twice AS
        WITH own AS MATERIALIZED (
            SELECT person, happening, number, known_on, known_until FROM reach_own
        )
        FROM own SEMI JOIN (SELECT person, happening FROM own GROUP BY ALL HAVING count(*) > 1)
            USING (person, happening)
        """
    )
    first = f"""(
        SELECT t.*, {{'event_id': event_id, 'number': number}} AS event
        FROM reach_twice t JOIN {near.events} e ON e.rowid = t.number
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reach_once AS
        SELECT person, happening, event.number AS number, FALSE AS associated, known_on, known_until
        FROM ({merged_known_sql(first, ("person", "happening"), first=("event",))})
        """
    )


def _find_shared(con: duckdb.DuckDBPyConnection, near: Near, of_household: str, household_max: int) -> None:
    """Add to reach_once what reaches people through their dwelling, or names them."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reach_shared AS
        SELECT {HAPPENING} AS happening, e.rowid AS number, event_id, source, subject_key, place,
               occurred_on, known_on, {filled("known_until")} AS known_until
        FROM {near.events} e WHERE {of_household}
        """
    )
    rows = f"""(
        SELECT person, happening, {BOTH_KNOWN}
        FROM reach_shared e JOIN reach_links f USING (source, subject_key)
        UNION ALL
        SELECT person, happening, {BOTH_KNOWN}
        FROM (SELECT DISTINCT happening, place, occurred_on, known_on, known_until FROM reach_shared) e
        JOIN reach_homes f ON f.uprn = e.place WHERE {LIVED_THERE}
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reach_all AS {merged_known_sql(rows, ("person", "happening"))};

        INSERT INTO reach_once
        SELECT person, happening, number, FALSE, known_on, known_until
        FROM ({_households_sql("reach_all", ("happening",), household_max)})
        JOIN (SELECT happening, arg_min(number, event_id) AS number FROM reach_shared GROUP BY happening)
            USING (happening);

        DROP TABLE reach_all;
        DROP TABLE reach_shared
        """
    )


def _households_sql(rows: str, by: tuple[str, ...], household_max: int) -> str:
    """The rows of a table, but not known while more than `household_max` of equal `by` are known."""
    columns = ", ".join(by)
    return f"""
        WITH crowd AS MATERIALIZED (
            FROM {rows} SEMI JOIN (
                SELECT {columns} FROM {rows} GROUP BY ALL HAVING count(*) > {int(household_max)}
            ) USING ({columns})
        )
        FROM {rows} ANTI JOIN crowd USING ({columns})
        UNION ALL
        SELECT e.* REPLACE ({BOTH_KNOWN})
        FROM crowd e JOIN ({uncrowded_sql("crowd", by, household_max)}) f USING ({columns})
        WHERE e.known_on < f.known_until AND f.known_on < e.known_until
    """


def _associate(
    con: duckdb.DuckDBPyConnection, near: Near, association: Association, household_max: int
) -> None:
    """Add to reach_once what reaches people because it happened to somebody they lived with."""
    own = f"""(
        SELECT person, happening, occurred_on, known_on, known_until
        FROM reach_own WHERE {sql_one_of("signal", association.signals)}
    )"""
    living = f"""(
        SELECT home, occurred_on, f.person, f.known_on, f.known_until
        FROM (
            SELECT row_number() OVER () AS home, * FROM (
                SELECT DISTINCT f.uprn, e.occurred_on FROM reach_theirs e JOIN reach_homes f USING (person)
                WHERE {LIVED_THERE})
        ) e JOIN reach_homes f USING (uprn) WHERE {LIVED_THERE}
    )"""
    met = f"""(
        SELECT g.person, e.happening, greatest(e.known_on, f.known_on, g.known_on) AS known_on,
               least(e.known_until, f.known_until, g.known_until, mine.known_on,
                     e.occurred_on + {int(association.within_days)}) AS known_until
        FROM reach_theirs e
        JOIN reach_together f USING (person, occurred_on)
        JOIN reach_together g USING (home)
        LEFT JOIN (SELECT person, happening, min(known_on) AS known_on FROM reach_theirs GROUP BY ALL) mine
            ON mine.person = g.person AND mine.happening = e.happening
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reach_theirs AS
        {merged_known_sql(own, ("person", "happening", "occurred_on"))};

        CREATE OR REPLACE TEMP TABLE reach_living AS
        {merged_known_sql(living, ("home", "occurred_on", "person"))};

        CREATE OR REPLACE TEMP TABLE reach_together AS
        {_households_sql("reach_living", ("home",), household_max)};

        INSERT INTO reach_once
        SELECT person, happening, number, TRUE, known_on, known_until
        FROM ({merged_known_sql(met, ("person", "happening"))}) JOIN (
            SELECT {HAPPENING} AS happening, arg_min(e.rowid, e.event_id) AS number FROM {near.events} e
            WHERE {sql_one_of("e.signal", association.signals)} GROUP BY happening
        ) USING (happening);

        DROP TABLE reach_theirs;
        DROP TABLE reach_living;
        DROP TABLE reach_together
        """
    )


def _join_events(con: duckdb.DuckDBPyConnection, near: Near, of_household: str, asked: int) -> None:
    """Make view reached_rows."""
    told = "occurred_on, occurred_at, has_time, ended_on, amount, place"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW reached_rows AS
        SELECT person, source, signal, FALSE AS household, event_id, happening, {told},
               known_on, {emptied("known_until")} AS known_until
        FROM reach_own ANTI JOIN reach_twice USING (person, number) WHERE person < {asked}
        UNION ALL
        SELECT o.person, e.source, if(o.associated, {quoted(PREFIX)} || e.signal, e.signal) AS signal,
               {of_household} AS household, e.event_id, o.happening, {told},
               o.known_on, {emptied("o.known_until")} AS known_until
        FROM reach_once o JOIN {near.events} e ON e.rowid = o.number WHERE o.person < {asked}
        """
    )


def _find_held(con: duckdb.DuckDBPyConnection, asked: int) -> None:
    """Make reached_held: when a register held a person, by name or through the dwelling they lived at."""
    spells = f"""(
        SELECT f.person, r.source, FALSE AS household, r.start_on, {filled("r.end_on")} AS end_on,
               greatest(r.known_on, f.known_on) AS known_on,
               least({filled("r.known_until")}, f.known_until) AS known_until
        FROM registers r JOIN reach_links f USING (source, subject_key) WHERE f.person < {asked}
        UNION ALL
        SELECT f.person, r.source, TRUE, greatest(r.start_on, f.start_on) AS held_from,
               least({filled("r.end_on")}, f.end_on) AS held_to, greatest(r.known_on, f.known_on),
               least({filled("r.known_until")}, f.known_until)
        FROM registers r JOIN reach_homes f ON f.uprn = r.place
        WHERE f.person < {asked} AND held_from < held_to
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reached_held AS
        SELECT person, source, household, start_on, {emptied("end_on")} AS end_on,
               known_on, {emptied("known_until")} AS known_until
        FROM ({merged_known_sql(spells, ("person", "source", "household", "start_on", "end_on"))})
        """
    )
