"""Whether somebody is still here, and how old: birth, death and departure, as known on a morning.

The cohort leaves out whoever is known to have died or gone; an outcome cannot be judged for
somebody who left before it could happen. Both ask here. Age is read for eligibility and for the
parts of an outcome that concern children, never from the table of protected characteristics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from features.asof import sql_before, sql_date, sql_known
from features.declaration import Source
from features.kept import kept
from features.snapshot import Snapshot
from features.usable import rows_of_those_with, sql_in


def exit_signals(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """The signals that say a person died or moved away, in order of name."""
    return tuple(
        sorted(
            f"{source.source}.{signal}"
            for source in sources.values()
            for signal, words in source.signals.items()
            if words.exit
        )
    )


def ages_sql(snapshot: Snapshot, *, known: date, on: date, among: str | None = None) -> str:
    """SELECT person_id, age: whole years on the day `on`, from what was known on `known`.

    among: SELECT of the person_id of those who are asked about, few of a county; default, everybody.

    As `features.people` shows them: the birth date is the one that became known last among the
    person's subjects (ties by source and record), and whoever was born on 29 February has their
    birthday on 1 March (DuckDB's own `date_sub` has it a day early). A person without one is absent.
    """
    day = sql_date(on)
    asked = f"AND person_id IN ({among})" if among else ""
    early = f"(month({day}), day({day})) < (month(birth_date), day(birth_date))"
    return f"""
        SELECT person_id, year({day}) - year(birth_date) - ({early})::INTEGER AS age
        FROM {_told(snapshot, "birth_date")}
        WHERE {sql_known(known)} {asked}
        QUALIFY row_number() OVER
            (PARTITION BY person_id
             ORDER BY told_on DESC, source DESC, record_key DESC, subject_key DESC) = 1
    """


def other_age_sql(
    snapshot: Snapshot,
    *,
    known: date,
    on: date,
    at_least_age: int | None = None,
    under_age: int | None = None,
) -> str:
    """SELECT person_id of those known to be younger than the one on the day `on`, or not younger than the
    other, from what was known on `known`."""
    wrong = [f"age < {int(at_least_age)}"] if at_least_age is not None else []
    wrong += [f"age >= {int(under_age)}"] if under_age is not None else []
    ages = ages_sql(snapshot, known=known, on=on)
    return f"SELECT person_id FROM ({ages}) WHERE {' OR '.join(wrong) or 'false'}"


def died_sql(snapshot: Snapshot, *, known: date, before: date) -> str:
    """SELECT DISTINCT person_id of those who, as known on `known`, had died before `before`."""
    return f"""
        SELECT DISTINCT person_id FROM {_told(snapshot, "died_on")}
        WHERE {sql_before(before, "died_on")} AND {sql_known(known)}
    """


def _told(snapshot: Snapshot, day: str) -> str:
    """The name of a table of everybody of whom a source told a day: person_id, the day, who told it and when
    (told_on), and known_on and known_until of both that and the link by which it is theirs."""
    return kept(
        snapshot,
        f"""
        SELECT l.person_id, i.{day}, i.source, i.record_key, i.subject_key, i.known_on AS told_on,
               greatest(i.known_on, l.known_on) AS known_on,
               least(i.known_until, l.known_until) AS known_until
        FROM identities i JOIN links l USING (source, subject_key)
        WHERE i.{day} IS NOT NULL
        """,
    )


def gone_sql(snapshot: Snapshot, exits: Iterable[str], *, known: date, before: date) -> str:
    """SELECT DISTINCT person_id of those whose last sign before `before` is an exit, as known on `known`.

    Nothing personal may follow the exit; what belongs to a household goes on without the person who left it.
    """
    gone = tuple(exits)
    rows, away = rows_of_those_with(snapshot, gone, as_of=known), sql_in(gone)
    return f"""
        SELECT person_id FROM {rows}
        WHERE {sql_before(before)}
        GROUP BY person_id
        HAVING max(occurred_on) FILTER (signal IN {away})
            >= coalesce(max(occurred_on) FILTER (signal NOT IN {away}), DATE '0001-01-01')
    """
