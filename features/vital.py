"""Whether somebody is still here, and how old: birth, death and departure, as known on a morning.

The cohort leaves out whoever is known to have died or gone; an outcome cannot be judged for
somebody who left before it could happen. Both ask here. Age is read for eligibility and for the
parts of an outcome that concern children, never from the table of protected characteristics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from features.asof import sql_before, sql_date, sql_known, sql_usable
from features.declaration import Source
from features.rule_sql import quoted
from features.shard_views import ensure_views
from features.snapshot import Snapshot

KEPT = 3
"""Tables of usable rows kept: of an as-of date, and of the mornings it is judged on."""


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


def usable_rows(snapshot: Snapshot, as_of: date) -> str:
    """The name of a table of the person rows usable on `as_of`.

    Columns person_id, signal, household, occurred_on, ended_on. The tables of the last few dates
    asked for are kept, as many dates are judged on the same morning.
    """
    kept: list[date] = snapshot._cache.setdefault("usable_rows", [])
    if as_of in kept:
        kept.remove(as_of)
    else:
        ensure_views(snapshot)
        snapshot.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_table(as_of)} AS "
            f"SELECT person_id, signal, household, occurred_on, ended_on FROM person_rows "
            f"WHERE {sql_usable(as_of)}"
        )
    kept.append(as_of)
    for old in kept[:-KEPT]:
        snapshot.con.execute(f"DROP TABLE {_table(old)}")
    del kept[:-KEPT]
    return _table(as_of)


def _table(as_of: date) -> str:
    return f"usable_{as_of:%Y%m%d}"


def sql_in(names: Iterable[str]) -> str:
    """Names as the right side of an SQL `IN`; no name at all matches nothing."""
    return f"({', '.join(map(quoted, names)) or 'NULL'})"


def ages_sql(*, known: date, on: date, among: str | None = None) -> str:
    """SELECT person_id, age: whole years on the day `on`, from what was known on `known`.

    among: SELECT of the person_id of those who are asked about, few of a county; default, everybody.

    As `features.people` shows them: the birth date is the one that became known last among the
    person's subjects (ties by source and record), and whoever was born on 29 February has their
    birthday on 1 March (DuckDB's own `date_sub` has it a day early). A person without one is absent.
    """
    day = sql_date(on)
    asked = f"AND l.person_id IN ({among})" if among else ""
    early = f"(month({day}), day({day})) < (month(i.birth_date), day(i.birth_date))"
    return f"""
        SELECT l.person_id, year({day}) - year(i.birth_date) - ({early})::INTEGER AS age
        FROM identities i JOIN links l USING (source, subject_key)
        WHERE i.birth_date IS NOT NULL AND {sql_known(known, "i")} AND {sql_known(known, "l")} {asked}
        QUALIFY row_number() OVER
            (PARTITION BY l.person_id
             ORDER BY i.known_on DESC, i.source DESC, i.record_key DESC, i.subject_key DESC) = 1
    """


def other_age_sql(
    *, known: date, on: date, at_least_age: int | None = None, under_age: int | None = None
) -> str:
    """SELECT person_id of those known to be younger than the one on the day `on`, or not younger than the
    other, from what was known on `known`."""
    wrong = [f"age < {int(at_least_age)}"] if at_least_age is not None else []
    wrong += [f"age >= {int(under_age)}"] if under_age is not None else []
    return f"SELECT person_id FROM ({ages_sql(known=known, on=on)}) WHERE {' OR '.join(wrong) or 'false'}"


def died_sql(*, known: date, before: date) -> str:
    """SELECT DISTINCT person_id of those who, as known on `known`, had died before `before`."""
    return f"""
        SELECT DISTINCT l.person_id
        FROM identities i JOIN links l USING (source, subject_key)
        WHERE {sql_before(before, "i.died_on")} AND {sql_known(known, "i")} AND {sql_known(known, "l")}
    """


def gone_sql(rows: str, exits: Iterable[str], *, before: date) -> str:
    """SELECT DISTINCT person_id of those whose last sign before `before` is an exit.

    rows: a table of usable rows. Nothing personal may follow the exit; what belongs to a household
    goes on without the person who left it.
    """
    away = sql_in(exits)
    return f"""
        SELECT person_id FROM {rows}
        WHERE NOT household AND {sql_before(before)}
        GROUP BY person_id
        HAVING max(occurred_on) FILTER (signal IN {away})
            >= coalesce(max(occurred_on) FILTER (signal NOT IN {away}), DATE '0001-01-01')
    """
