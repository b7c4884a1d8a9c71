"""Everything that reaches a person: event × link, shared event × residence, registers likewise.

Made once per snapshot, for all as-of dates together: a row is known from the latest and until the
earliest of the facts it stands on, so that one test, `asof.is_usable`, says whether it counts on a
morning. A *happening* (one record's event, however many people it names) is there at most once per
person on any morning.

A shared event (council tax, rent, police called to the address) reaches whoever lived at its place
on the day it occurred, and the people it names wherever they live, in the household channel only.
A place where it would reach more than `household_max` people is no household: on that morning it
reaches nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from features.asof import OPEN, sql_usable
from features.intervals import emptied, filled, merged_known_sql
from features.snapshot import Snapshot


@dataclass(frozen=True)
class PersonRows:
    """The rows of some signals as flat arrays, sorted by person, then time; days are day numbers.

    Person i's rows are start[i]:start[i+1], what registers hold of them held_start[i]:held_start[i+1].
    """

    person_ids: np.ndarray  # (P,) str, sorted
    signals: tuple[str, ...]
    start: np.ndarray  # (P+1,) int64
    signal: np.ndarray  # int16, index into signals
    household: np.ndarray  # bool
    happening: np.ndarray  # int64, 0..H-1 over the shared happenings; -1 where personal
    occurred: np.ndarray  # int32
    ended: np.ndarray  # int32, OPEN where not ended
    minute: np.ndarray  # int16, minute of the day; -1 where no time is known
    amount: np.ndarray  # float64, NaN where none
    known_on: np.ndarray  # int32
    known_until: np.ndarray  # int32, OPEN where standing
    sources: tuple[str, ...]
    held_start: np.ndarray  # (P+1,) int64
    held_source: np.ndarray  # int16, index into sources
    held_household: np.ndarray  # bool: held through the dwelling they live at
    held_from: np.ndarray  # int32
    held_to: np.ndarray  # int32, OPEN where still held
    held_known_on: np.ndarray  # int32
    held_known_until: np.ndarray  # int32

    @property
    def happenings(self) -> int:
        """How many shared happenings there are, H."""
        return int(self.happening.max(initial=-1)) + 1


def usable_person_rows_sql(as_of: date, household_max: int) -> str:
    """A SELECT of the rows of `person_rows` that count on the morning of `as_of`, after the size guard."""
    usable = sql_usable(as_of)
    return f"""
        SELECT * FROM person_rows WHERE {usable} AND (NOT household OR happening NOT IN (
            SELECT happening FROM person_rows WHERE household AND {usable}
            GROUP BY happening HAVING count(*) > {int(household_max)}))
    """


def ensure_person_rows(snapshot: Snapshot) -> None:
    """Make tables persons, person_rows and held in the snapshot's connection, unless they are there.

    persons:     person (0.. by id), person_id; everybody who was ever linked.
    person_rows: person, person_id, source, signal, household, event_id, happening (BIGINT),
                 occurred_on, occurred_at, has_time, ended_on, amount, place, known_on, known_until.
    held:        person, person_id, source, household, start_on, end_on, known_on, known_until.
    """
    if "person_rows" in snapshot._cache:
        return
    shared = [
        f"{source.source}.{signal}"
        for source in snapshot.workspace.sources.values()
        for signal, words in source.signals.items()
        if words.shared
    ]
    make_person_rows(snapshot.con, shared=shared)
    make_held(snapshot.con)
    snapshot._cache["person_rows"] = True


def make_person_rows(con: duckdb.DuckDBPyConnection, *, shared: Iterable[str]) -> None:
    """Make tables persons and person_rows from a snapshot's tables; `shared` names the shared signals."""
    con.register("shared_signals", pa.table({"signal": pa.array(sorted(shared), pa.string())}))
    con.execute(
        f"""
        CREATE OR REPLACE TABLE persons AS
        SELECT (row_number() OVER (ORDER BY person_id) - 1)::INTEGER AS person, person_id
        FROM (SELECT DISTINCT person_id FROM links);

        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT row_number() OVER (ORDER BY event_id) AS number,
               (hash(source, record_key, revision, signal, occurred_at) >> 1)::BIGINT AS happening,
               signal IN (FROM shared_signals) AS household, e.* EXCLUDE (known_until),
               {filled("known_until")} AS known_until
        FROM events e
        """
    )
    con.unregister("shared_signals")
    reached = f"""(
        SELECT p.person, e.happening, e.number, greatest(e.known_on, l.known_on) AS known_on,
               least(e.known_until, {filled("l.known_until")}) AS known_until
        FROM numbered e JOIN links l USING (source, subject_key) JOIN persons p USING (person_id)
        UNION ALL
        SELECT p.person, e.happening, e.number, greatest(e.known_on, r.known_on),
               least(e.known_until, {filled("r.known_until")})
        FROM numbered e JOIN residences r ON r.uprn = e.place JOIN persons p USING (person_id)
        WHERE e.household AND r.start_on <= e.occurred_on AND e.occurred_on < {filled("r.end_on")}
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TABLE person_rows AS
        SELECT m.person, p.person_id, e.source, e.signal, e.household, e.event_id, m.happening,
               e.occurred_on, e.occurred_at, e.has_time, e.ended_on, e.amount, e.place,
               m.known_on, {emptied("m.known_until")} AS known_until
        FROM ({merged_known_sql(reached, ("person", "happening"), first=("number",))}) m
        JOIN numbered e USING (number) JOIN persons p USING (person)
        ORDER BY m.person, e.occurred_at, m.number, m.known_on;
        DROP TABLE numbered
        """
    )


def make_held(con: duckdb.DuckDBPyConnection) -> None:
    """Make table held: when a register held a person, by name or through the dwelling they lived at."""
    by = ("person", "source", "household", "start_on", "end_on")
    spells = f"""(
        SELECT p.person, r.source, FALSE AS household, r.start_on, {filled("r.end_on")} AS end_on,
               greatest(r.known_on, l.known_on) AS known_on,
               least({filled("r.known_until")}, {filled("l.known_until")}) AS known_until
        FROM registers r JOIN links l USING (source, subject_key) JOIN persons p USING (person_id)
        UNION ALL
        SELECT p.person, r.source, TRUE, greatest(r.start_on, h.start_on) AS held_from,
               least({filled("r.end_on")}, {filled("h.end_on")}) AS held_to, greatest(r.known_on, h.known_on),
               least({filled("r.known_until")}, {filled("h.known_until")})
        FROM registers r JOIN residences h ON h.uprn = r.place JOIN persons p USING (person_id)
        WHERE held_from < held_to
    )"""
    con.execute(
        f"""
        CREATE OR REPLACE TABLE held AS
        SELECT person, person_id, source, household, start_on, {emptied("end_on")} AS end_on,
               known_on, {emptied("known_until")} AS known_until
        FROM ({merged_known_sql(spells, by)}) JOIN persons USING (person)
        ORDER BY person, source, household, start_on, end_on, known_on
        """
    )


def person_rows(snapshot: Snapshot, signals: tuple[str, ...]) -> PersonRows:
    """The rows of these signals for everybody, ready for the kernel; kept with the snapshot.

    Everybody who was ever linked is in `person_ids`, with or without rows.
    """
    key = ("person_rows", signals)
    if key not in snapshot._cache:
        ensure_person_rows(snapshot)
        snapshot._cache[key] = _arrays(snapshot.con, signals)
    return snapshot._cache[key]


def _day(column: str) -> str:
    return f"coalesce({column} - DATE '1970-01-01', {OPEN})::INTEGER"


def _arrays(con: duckdb.DuckDBPyConnection, signals: tuple[str, ...]) -> PersonRows:
    wanted = pa.table(
        {"signal": pa.array(signals, pa.string()), "code": np.arange(len(signals), dtype=np.int16)}
    )
    con.register("wanted", wanted)
    rows = _columns(
        con,
        f"""
        SELECT person, code, household, happening, {_day("occurred_on")} AS occurred,
               {_day("ended_on")} AS ended, {_day("known_on")} AS known_on,
               {_day("known_until")} AS known_until,
               if(has_time, hour(occurred_at) * 60 + minute(occurred_at), -1)::SMALLINT AS minute,
               coalesce(amount, 'NaN'::DOUBLE) AS amount
        FROM person_rows r JOIN wanted USING (signal)
        ORDER BY person, occurred_at, event_id, r.known_on
        """,
    )
    con.unregister("wanted")
    sources = tuple(name for (name,) in con.execute("SELECT DISTINCT source FROM held ORDER BY 1").fetchall())
    held = _columns(
        con,
        f"""
        SELECT person, (dense_rank() OVER (ORDER BY source) - 1)::SMALLINT AS source, household,
               {_day("start_on")} AS start_on, {_day("end_on")} AS end_on,
               {_day("known_on")} AS known_on, {_day("known_until")} AS known_until
        FROM held ORDER BY person, source, household, start_on, end_on, known_on
        """,
    )
    person_ids = _columns(con, "SELECT person_id FROM persons ORDER BY person")["person_id"].astype(str)
    people = len(person_ids)
    happening = np.full(len(rows["person"]), -1, dtype=np.int64)
    household = rows["household"]
    happening[household] = np.unique(rows["happening"][household], return_inverse=True)[1]
    return PersonRows(
        person_ids=person_ids,
        signals=signals,
        start=_starts(rows["person"], people),
        signal=rows["code"],
        household=household,
        happening=happening,
        occurred=rows["occurred"],
        ended=rows["ended"],
        minute=rows["minute"],
        amount=rows["amount"],
        known_on=rows["known_on"],
        known_until=rows["known_until"],
        sources=sources,
        held_start=_starts(held["person"], people),
        held_source=held["source"],
        held_household=held["household"],
        held_from=held["start_on"],
        held_to=held["end_on"],
        held_known_on=held["known_on"],
        held_known_until=held["known_until"],
    )


def _columns(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, np.ndarray]:
    table: pa.Table = con.sql(query).to_arrow_table()
    return {name: table[name].to_numpy() for name in table.column_names}


def _starts(person: np.ndarray, people: int) -> np.ndarray:
    """Where each person's rows begin, and the end: (people + 1,) int64."""
    return np.searchsorted(person, np.arange(people + 1)).astype(np.int64)
