"""On which days something happened, for an outcome that has to happen more than once.

What several systems recorded of one happening counts once, on the day of its first record, as in every
channel that spans agencies; and a day counts once, whatever came on it. Nobody declares that the police and
the ambulance at one door in one night are the same, and it is one crisis all the same.

What may be one happening is what the sources declared on the day a model was made, and goes with it: who is
on its list does not change because a source is declared otherwise since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from features.asof import sql_day_number
from features.channels import signals_of
from features.declaration import Source
from features.happenings import ONCE, SameHappening, happenings_of
from features.pairing import first_now
from features.snapshot import Snapshot
from features.usable import sql_in, usable_rows


def one_happening(sources: Mapping[str, Source], signals: Sequence[str]) -> tuple[SameHappening, ...]:
    """Which of some signals of an outcome may be one happening, by what the sources declare; by the same rule
    as in a channel, though no feature may be made of some of them."""
    declared = [sources[name] for name in sorted(sources)]
    pairs = happenings_of(declared, signals_of(declared, sensitive=signals))
    return tuple(pair for pair in pairs if pair.once == ONCE and set(signals).issuperset(pair.signals))


def count_days(
    snapshot: Snapshot,
    signals: Sequence[str],
    *,
    happenings: Sequence[SameHappening],
    known: date,
    within: str,
    at_least: int,
    into: str,
) -> None:
    """Make a temporary table `into` of the days of a while on which any of some signals happened.

    Its columns are person_id and occurred_on; it has all days of everybody with `at_least` of them, and
    nobody else. happenings: pairs that are one, of which those of these signals count.
    known: the morning on which all this was known. within: the while, as SQL over occurred_on.
    A happening that began before the while is not in it, though another system recorded it later.
    """
    con, rows = snapshot.con, usable_rows(snapshot, signals, as_of=known)
    pairs = [pair for pair in happenings if set(signals).issuperset(pair.signals)]
    paired = {name for pair in pairs for name in pair.signals}
    con.execute(  # counting happenings rather than records only takes days away
        f"""
        CREATE OR REPLACE TEMP TABLE often AS
        SELECT person_id FROM {rows} WHERE {within}
        GROUP BY person_id HAVING count(DISTINCT occurred_on) >= {int(at_least)}
        """
    )
    con.register("first_records", _first_records(snapshot, pairs, paired, known))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {into} AS
        FROM (
            SELECT person_id, occurred_on FROM {rows} SEMI JOIN often USING (person_id)
            WHERE signal IN {sql_in(sorted(set(signals) - paired))} AND {within}
            UNION
            FROM first_records WHERE {within}
        )
        QUALIFY count(*) OVER (PARTITION BY person_id) >= {int(at_least)}
        """
    )
    con.unregister("first_records")


def _first_records(
    snapshot: Snapshot, pairs: Sequence[SameHappening], paired: set[str], known: date
) -> pa.Table:
    """person_id and occurred_on of the first record of each happening of the people in the table `often`."""
    if not pairs:
        return pa.table({"person_id": pa.array([], pa.string()), "occurred_on": pa.array([], pa.date32())})
    told: dict[str, Any] = snapshot.con.execute(
        f"""
        SELECT dense_rank() OVER (ORDER BY person_id) - 1 AS person, person_id, signal, minute,
               {sql_day_number("occurred_on")} AS occurred
        FROM {usable_rows(snapshot, paired, as_of=known)} SEMI JOIN often USING (person_id)
        ORDER BY person, occurred, minute, signal
        """
    ).fetchnumpy()
    first = first_now(told, pairs)
    people, days = told["person_id"][first].tolist(), told["occurred"][first].astype("datetime64[D]")
    return pa.table({"person_id": pa.array(people, pa.string()), "occurred_on": pa.array(days, pa.date32())})
