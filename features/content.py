"""What the rows of a delivery say, as dated content: one staging table for each of the dated tables.

A staging table `new_<table>` holds the payload of `features.tables` with more columns: `record_key`,
`row_number`, `position` (within the record) and the span of days `from_on`, `until_on` in which a live
delivery would have shown it so. In a live delivery everything is from the day it was received.
In a first load of history a thing that has ended was first seen open: it gives two rows, open until
the day its end became known, ended from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import duckdb

from features.declaration import HINTS, IDENTIFIERS, Extract, SubjectRule
from features.known import Arrival
from features.rule_sql import Cells, quoted
from features.tables import PAYLOAD

ENDS = {
    "events": "ended_on",
    "identities": "died_on",
    "addresses": "end_on",
    "registers": "end_on",
    "marks": "end_on",
    "relations": "end_on",
}
"""The column of a dated table that is learned later than the rest of its row."""

SQL_TYPES = {
    "string": "VARCHAR",
    "timestamp[us]": "TIMESTAMP",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "double": "DOUBLE",
    "int32": "INTEGER",
}

DERIVED = ("event_id",)
"""Payload columns that are made when a revision is numbered, and say nothing of its content."""


def payload(table: str) -> list[str]:
    """The columns that make up the content of a dated table."""
    return [field.name for field in PAYLOAD[table] if field.name not in DERIVED]


def stage(con: duckdb.DuckDBPyConnection, extract: Extract, arrival: Arrival, tables: Iterable[str]) -> None:
    """Make a `new_<table>` of each table named.

    Expects `good` of `features.transform` and, for addresses, `standing_addresses`.
    """
    for table in tables:
        _stage_table(con, table, list(SELECTS[table](extract, arrival)), split=arrival.history)


def said_by(extract: Extract) -> set[str]:
    """The dated tables that an extract says something for."""
    parts = {
        "events": extract.events,
        "identities": [s.identity for s in extract.subjects if s.identity],
        "addresses": [s.address for s in extract.subjects if s.address],
        "registers": [s.register_ for s in extract.subjects if s.register_],
        "marks": [s.marks for s in extract.subjects if s.marks],
        "paired_keys": [s.also for s in extract.subjects if s.also],
        "relations": extract.relations,
        "areas": extract.area,
        "characteristics": [s.characteristics for s in extract.subjects if s.characteristics],
    }
    return {table for table, part in parts.items() if part}


def _stage_table(con: duckdb.DuckDBPyConnection, table: str, selects: list[str], *, split: bool) -> None:
    """Union the SELECTs of a table (record_key, from_on, end_known_on, payload); split what has ended."""
    end, columns = ENDS.get(table), payload(table)
    types = {field.name: SQL_TYPES[str(field.type)] for field in PAYLOAD[table]}
    empty = ", ".join(f"CAST(NULL AS {types[column]}) AS {column}" for column in columns)
    if not split or end is None:
        what = f"position, from_on, CAST(NULL AS DATE) AS until_on, {', '.join(columns)}"
        versions = ""
    else:
        # `was` is the version seen while it was open, the other how it ended or still stands
        while_open = {end: "NULL", "amount": "amount_open"}
        told = [f"CASE WHEN was THEN {while_open.get(c, c)} ELSE {c} END AS {c}" for c in columns]
        what = f"""position, CASE WHEN was THEN from_on ELSE greatest(from_on, end_known_on) END AS from_on,
            CASE WHEN was THEN end_known_on END AS until_on, {", ".join(told)}"""
        versions = "JOIN (VALUES (true), (false)) v(was) ON NOT was OR end_known_on > from_on"
    found = [
        f"SELECT row_number, record_key, {what} "
        f"FROM (SELECT *, {position} AS position FROM ({select})) {versions}"
        for position, select in enumerate(selects)
    ]
    nothing = f"""SELECT CAST(0 AS BIGINT) AS row_number, CAST(NULL AS VARCHAR) AS record_key, 0 AS position,
        CAST(NULL AS DATE) AS from_on, CAST(NULL AS DATE) AS until_on, {empty} WHERE false"""
    con.execute(f"CREATE OR REPLACE TABLE new_{table} AS {' UNION ALL '.join([nothing, *found])}")


def _events(extract: Extract, arrival: Arrival) -> Iterator[str]:
    """One SELECT a rule and subject; one more for what is known only by its place."""
    cells, source = Cells(extract), arrival.source
    recorded = cells.day(extract.recorded) if extract.recorded else None
    for rule in extract.events:
        signal = quoted(f"{source.source}.{rule.signal}")
        ended_recorded = cells.day(rule.ended_recorded) if rule.ended_recorded else None
        ended = cells.ended_on(rule) if cells.end_comes_later(rule) else "CAST(NULL AS DATE)"
        what = f"""
            {signal} AS signal, {cells.occurred_at(rule)} AS occurred_at, {cells.has_time(rule)} AS has_time,
            {cells.ended_on(rule)} AS ended_on, {cells.amount(rule)} AS amount,
            {cells.amount(rule, while_open=True)} AS amount_open,
            CAST({cells.optional(rule.place)} AS VARCHAR) AS place,
            {arrival.of_event(happened=cells.told_by(rule), recorded=recorded)} AS from_on,
            {arrival.of_end(ended=ended, recorded=ended_recorded)} AS end_known_on
            FROM good WHERE {cells.condition(rule.when)} AND {cells.happens(rule)}"""
        keys = [f"s{i}" for i, s in enumerate(extract.subjects) if rule.of is None or s.name in rule.of]
        for i, key in enumerate(keys):
            once = "".join(f" AND {key} IS DISTINCT FROM {earlier}" for earlier in keys[:i])
            yield f"SELECT row_number, record_key, {key} AS subject_key, {what} AND {key} IS NOT NULL{once}"
        if source.signals[rule.signal].shared:
            nobody = "".join(f" AND {key} IS NULL" for key in keys)
            place = f"{cells.optional(rule.place)} IS NOT NULL"
            key = "CAST(NULL AS VARCHAR)"
            yield f"SELECT row_number, record_key, {key} AS subject_key, {what} AND {place}{nobody}"


def _about(extract: Extract) -> Iterator[tuple[str, SubjectRule]]:
    """Each subject rule with its key; the same key twice on a row is one subject."""
    for i, subject in enumerate(extract.subjects):
        yield f"s{i}", subject


def _undated(extract: Extract, arrival: Arrival) -> str:
    """The day on which a row that says who somebody is became known."""
    cells = Cells(extract)
    days = [cells.happened(rule) for rule in extract.events]
    for subject in extract.subjects:
        days += [
            cells.day(block.start)
            for block in (subject.register_, subject.address)
            if block is not None and block.start
        ]
    return arrival.of_undated(
        first_day=f"least({', '.join(days)})" if days else "CAST(NULL AS DATE)",
        recorded=cells.day(extract.recorded) if extract.recorded else None,
    )


def _identities(extract: Extract, arrival: Arrival) -> Iterator[str]:
    cells = Cells(extract)
    for key, subject in _about(extract):
        if subject.identity is None:
            continue
        given = subject.identity.columns()
        texts = ", ".join(
            f"CAST({cells.optional(given.get(field))} AS VARCHAR) AS {field}"
            for field in ("forenames", "surname", *IDENTIFIERS, *HINTS)
        )
        died = cells.day(given.get("died_on"))
        some = " OR ".join(f"{cells[column]} IS NOT NULL" for column in given.values())
        yield f"""
            SELECT row_number, record_key, {key} AS subject_key, {texts},
                   {cells.day(given.get("birth_date"))} AS birth_date, {died} AS died_on,
                   {_undated(extract, arrival)} AS from_on,
                   {arrival.of_end(ended=died)} AS end_known_on
            FROM good WHERE {key} IS NOT NULL AND ({some})"""


def _addresses(extract: Extract, arrival: Arrival) -> Iterator[str]:
    """An address without a start keeps the one it stands with; a new one starts when it was recorded.

    One without a UPRN is an address too: whoever moves to a place we cannot name has left the last one.
    """
    cells = Cells(extract)
    recorded = cells.day(extract.recorded) if extract.recorded else None
    for key, subject in _about(extract):
        where = subject.address
        if where is None:
            continue
        uprn, postcode, area = (
            f"CAST({cells.optional(column)} AS VARCHAR)"
            for column in (where.uprn, where.postcode, where.area)
        )
        dwelling = f"coalesce({uprn}, {postcode})"
        started = cells.day(where.start)
        known = arrival.of_undated(first_day=started, recorded=recorded, at_the_latest=arrival.day)
        since = ", ".join([started, "stood.start_on", *([recorded] if recorded else []), arrival.day])
        ended = cells.day(where.end)
        yield f"""
            SELECT row_number, g.record_key, {key} AS subject_key, {uprn} AS uprn,
                   {postcode} AS postcode, {area} AS area, coalesce({since}) AS start_on,
                   {ended} AS end_on, {known} AS from_on,
                   {arrival.of_end(ended=ended)} AS end_known_on
            FROM good g LEFT JOIN (
                SELECT record_key, subject_key AS stood_key, coalesce(uprn, postcode) AS stood_at,
                       min(start_on) AS start_on
                FROM standing_addresses WHERE NOT withdrawn GROUP BY ALL
            ) stood ON stood.record_key = g.record_key AND stood_key = {key} AND stood_at = {dwelling}
            WHERE {key} IS NOT NULL AND {dwelling} IS NOT NULL"""


def _registers(extract: Extract, arrival: Arrival) -> Iterator[str]:
    cells = Cells(extract)
    for key, subject in _about(extract):
        held = subject.register_
        if held is None:
            continue
        started, ended = cells.day(held.start), cells.day(held.end)
        recorded = cells.day(extract.recorded) if extract.recorded else None
        yield f"""
            SELECT row_number, record_key, {key} AS subject_key,
                   CAST({cells.optional(held.place)} AS VARCHAR) AS place,
                   {started} AS start_on, {ended} AS end_on,
                   {arrival.of_undated(first_day=started, recorded=recorded)} AS from_on,
                   {arrival.of_end(ended=ended)} AS end_known_on
            FROM good WHERE {started} IS NOT NULL
                 AND ({key} IS NOT NULL OR {cells.optional(held.place)} IS NOT NULL)"""


def _marks(extract: Extract, arrival: Arrival) -> Iterator[str]:
    """A mark holds from the day it says; where it says none, from the day it became known."""
    cells = Cells(extract)
    recorded = cells.day(extract.recorded) if extract.recorded else None
    for key, subject in _about(extract):
        for rule in subject.marks:
            started, ended = cells.day(rule.start), cells.day(rule.end)
            yield f"""
                SELECT row_number, record_key, {key} AS subject_key, {quoted(rule.mark)} AS mark,
                       {started} AS start_on, {ended} AS end_on,
                       {arrival.of_undated(first_day=started, recorded=recorded)} AS from_on,
                       {arrival.of_end(ended=ended)} AS end_known_on
                FROM good WHERE {key} IS NOT NULL AND {cells.condition(rule.when)}"""


def _paired_keys(extract: Extract, arrival: Arrival) -> Iterator[str]:
    cells = Cells(extract)
    for key, subject in _about(extract):
        for source, columns in subject.also.items():
            theirs = " || '|' || ".join(cells[column] for column in columns)
            yield f"""
                SELECT row_number, record_key, {key} AS subject_key, {quoted(source)} AS other_source,
                       {theirs} AS other_key, {_undated(extract, arrival)} AS from_on
                FROM good WHERE {key} IS NOT NULL AND {theirs} IS NOT NULL"""


def _relations(extract: Extract, arrival: Arrival) -> Iterator[str]:
    cells = Cells(extract)
    recorded = cells.day(extract.recorded) if extract.recorded else None
    keys = {subject.name: key for key, subject in _about(extract)}
    for rule in extract.relations:
        one, other = keys[rule.of], keys[rule.to] if rule.to else "CAST(NULL AS VARCHAR)"
        family = f"CAST({cells.optional(rule.family)} AS VARCHAR)"
        started, ended = cells.day(rule.start), cells.day(rule.end)
        two = f"{one} <> {other}" if rule.to else f"{one} IS NOT NULL AND {family} IS NOT NULL"
        yield f"""
            SELECT row_number, record_key, {one} AS subject_key,
                   {quoted(rule.relation or "family")} AS relation, {other} AS other_key,
                   {family} AS family, {started} AS start_on, {ended} AS end_on,
                   {arrival.of_undated(first_day=started, recorded=recorded)} AS from_on,
                   {arrival.of_end(ended=ended)} AS end_known_on
            FROM good WHERE {two}"""


def _areas(extract: Extract, arrival: Arrival) -> Iterator[str]:
    if extract.area is not None:
        cells = Cells(extract)
        code, fifth = cells[extract.area.code], cells[extract.area.deprivation_fifth]
        yield f"""
            SELECT row_number, record_key, CAST({code} AS VARCHAR) AS area,
                   CAST({fifth} AS INTEGER) AS deprivation_fifth, {_undated(extract, arrival)} AS from_on
            FROM good WHERE {code} IS NOT NULL AND {fifth} IS NOT NULL"""


def _characteristics(extract: Extract, arrival: Arrival) -> Iterator[str]:
    cells = Cells(extract)
    for key, subject in _about(extract):
        for name, column in subject.characteristics.items():
            yield f"""
                SELECT row_number, record_key, {key} AS subject_key, {quoted(name)} AS characteristic,
                       CAST({cells[column]} AS VARCHAR) AS value, {_undated(extract, arrival)} AS from_on
                FROM good WHERE {key} IS NOT NULL AND {cells[column]} IS NOT NULL"""


SELECTS: dict[str, Callable[[Extract, Arrival], Iterator[str]]] = {
    "events": _events,
    "identities": _identities,
    "addresses": _addresses,
    "registers": _registers,
    "marks": _marks,
    "paired_keys": _paired_keys,
    "relations": _relations,
    "areas": _areas,
    "characteristics": _characteristics,
}
"""For each dated table, the SELECTs that make its content from the rows of an extract."""
