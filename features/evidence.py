"""The events behind a person's numbers, and what we hold nothing on.

Both come from the same rows, the same guard and the same coverage facts as the panel, so that no
reason rests on an event that the model could not see and no silence is taken for good news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from features import asof
from features.catalogue import Catalogue, SourceFacts
from features.feature import EvidenceRow
from features.near import Near, sql_one_of
from features.pairing import each_once, first_now
from features.program import compile_catalogue
from features.reach import reach, reach_held
from features.rows import HELD_TYPES, Rows
from features.shard_files import EVENT_TYPES
from features.shard_plan import Flags, flags_of
from features.silence import covered_sources
from features.snapshot import Snapshot
from features.surely_theirs import make_sure
from features.wording import day_words, window_words

__all__ = ["Behind", "EvidenceRow", "behind", "evidence", "not_held"]


class Behind(NamedTuple):
    """Events per person in order of time: what the model saw, and of that what is surely the person's.

    Where several subjects tell of one happening, an event of a sure one stands for it in `sure`.
    """

    seen: dict[str, list[EvidenceRow]]
    sure: dict[str, list[EvidenceRow]]


def evidence(
    snapshot: Snapshot, catalogue: Catalogue, as_of: date, person_ids: Sequence[str]
) -> dict[str, list[EvidenceRow]]:
    """Per person the usable events of the catalogue's signals: those in its longest window and open
    spells, in order of time. Everyone asked for is a key."""
    return behind(snapshot, catalogue, as_of, person_ids, link_show=0.0).seen


def behind(
    snapshot: Snapshot, catalogue: Catalogue, as_of: date, person_ids: Sequence[str], *, link_show: float
) -> Behind:
    """As `evidence`, and of it what hangs on no link below link_show (0: all of it)."""
    flags = flags_of(snapshot.workspace, catalogue)
    found: dict[str, list[EvidenceRow]] = {person: [] for person in person_ids}
    with snapshot.con.cursor() as con:  # its temporary tables go with it
        con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
        con.register("facts", _facts_table(catalogue))
        _reach(con, flags, people="asked")
        con.execute(f"CREATE TEMP TABLE seen AS {_usable(as_of)}")
        seen = found | _rows(con, "seen", catalogue, flags, as_of)
        if (sure := make_sure(con, GATHERED, as_of, show=link_show)) is None:
            return Behind(seen, seen)
        # By association somebody else's doubtful record may be behind a reason of whoever lives with them.
        whose = "asked" if flags.association else "(FROM asked SEMI JOIN doubted USING (person_id))"
        con.execute(f"CREATE TEMP TABLE asked_again AS FROM {whose}")
        again = [person for (person,) in con.execute("FROM asked_again").fetchall()]
        _reach(con, flags, people="asked_again", near=sure)
        same = "SEMI JOIN seen USING (person_id, signal, happening)"
        con.execute(f"CREATE TEMP TABLE surely AS FROM ({_usable(as_of)}) {same}")
        nothing: dict[str, list[EvidenceRow]] = {person: [] for person in again}
        return Behind(seen, seen | nothing | _rows(con, "surely", catalogue, flags, as_of))


GATHERED = Near("near_events", "near_links", "near_homes")
"""What `reach` leaves of some people, see `features.near.gather`."""


def _reach(con: duckdb.DuckDBPyConnection, flags: Flags, *, people: str, near: Near | None = None) -> None:
    reach(
        con,
        shared=flags.shared,
        household_max=flags.household_max,
        association=flags.association,
        people=people,
        near=near,
    )


def _usable(as_of: date) -> str:
    return f"SELECT * FROM reached_rows JOIN reached_people USING (person) WHERE {asof.sql_usable(as_of)}"


def _rows(
    con: duckdb.DuckDBPyConnection, rows: str, catalogue: Catalogue, flags: Flags, as_of: date
) -> dict[str, list[EvidenceRow]]:
    """By person the events of a table of usable rows that the catalogue looks at, in order of time."""
    start = as_of - timedelta(days=catalogue.longest)
    spells = {part.name for channel in catalogue.channels for part in channel.parts if part.spell}
    con.register(
        "used",
        pa.table(
            {
                "signal": pa.array(catalogue.signals, pa.string()),
                "spell": [name in spells for name in catalogue.signals],
            }
        ),
    )
    told = con.execute(
        f"""
        WITH holding AS (
            SELECT person, source, min(start_on) AS anyhow,
                   min(start_on) FILTER (WHERE NOT household) AS personally
            FROM reached_held WHERE {asof.sql_known(as_of)} GROUP BY ALL
        )
        SELECT r.person_id, r.event_id, r.source, r.signal, r.household, r.occurred_on, r.occurred_at,
               r.ended_on, r.amount,
               greatest(f.covers_from, {asof.sql_date(start)}, CASE WHEN f.register
                   THEN coalesce(CASE WHEN r.household THEN h.anyhow ELSE h.personally END, r.occurred_on)
                   END) AS watched_from
        FROM {rows} r JOIN used USING (signal) JOIN facts f USING (source)
        LEFT JOIN holding h USING (person, source)
        WHERE {asof.sql_in_window(as_of, catalogue.longest, "r.occurred_on")}
           OR spell AND {asof.sql_spell_open(as_of, start="r.occurred_on", end="r.ended_on")}
        ORDER BY r.person_id, r.occurred_at, r.event_id
        """
    ).fetchall()
    once = _counted_once(con, rows, flags)
    found: dict[str, list[EvidenceRow]] = defaultdict(list)
    for person, event, *values in told:
        found[person].append(EvidenceRow(*(event, *values, tuple(once.get((person, event), ())))))
    return found


def _counted_once(
    con: duckdb.DuckDBPyConnection, table: str, flags: Flags
) -> dict[tuple[str, str], list[str]]:
    """By person and event, the names under which it is the first of its happening on the morning.

    Of all the usable rows of a table, however old: one that the catalogue no longer counts may be a first.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for pairs in each_once(flags.happenings):
        names = {name for same in pairs for name in same.signals}
        rows: dict[str, Any] = con.execute(
            f"""
            SELECT person, person_id, event_id, signal, {asof.sql_day_number("occurred_on")} AS occurred,
                   if(has_time, hour(occurred_at) * 60 + minute(occurred_at), -1) AS minute
            FROM {table} WHERE {sql_one_of("signal", names)}
            ORDER BY person, occurred, minute, signal, amount NULLS FIRST, known_on,
                     ended_on NULLS LAST, known_until NULLS LAST, event_id
            """
        ).fetchnumpy()
        for at in first_now(rows, pairs):
            key = rows["person_id"][at], rows["event_id"][at]
            found.setdefault(key, []).append(pairs[0].once + rows["signal"][at])
    return found


def _facts_table(catalogue: Catalogue) -> pa.Table:
    facts = catalogue.facts
    return pa.table(
        {
            "source": pa.array(catalogue.sources, pa.string()),
            "position": range(len(facts)),
            "register": pa.array([fact.register for fact in facts], pa.bool_()),
            "covers_from": pa.array([fact.covers_from for fact in facts], pa.date32()),
        }
    )


def not_held(
    snapshot: Snapshot,
    catalogue: Catalogue,
    as_of: date,
    person_ids: Sequence[str],
    *,
    link_show: float = 0.0,
) -> dict[str, list[str]]:
    """Per person a sentence for each source whose silence says nothing, in the catalogue's order.

    A source is one of them if it does not cover the catalogue's longest window or, for a register,
    held neither the person nor, for what is shared, the household on any day of it; or only by what hangs
    on a link below link_show: the model counts such silence as good news, and nobody is to be told so.
    Raises KeyError for somebody who was never linked.
    """
    with snapshot.con.cursor() as con:
        con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
        con.register("facts", _facts_table(catalogue))
        reach_held(con, people="asked")
        holds = _holds(con, catalogue, as_of)
        theirs = "(FROM {} SEMI JOIN asked USING (person_id))"
        near = Near(links=theirs.format("links"), homes=theirs.format("residences"))
        surely = holds
        if sure := make_sure(con, near, as_of, show=link_show):
            reach_held(con, people="asked", near=sure)
            surely = holds | _holds(con, catalogue, as_of)
    today = asof.day_number(as_of)
    absent = len(set(person_ids) - set(holds))
    if absent:
        raise KeyError(f"{absent} of {len(person_ids)} people were never linked")
    return {
        person: [
            _nothing(fact, today, catalogue.longest, probably=held)
            for fact, held, is_sure in zip(catalogue.facts, holds[person], surely[person], strict=True)
            if not (held and is_sure)
        ]
        for person in person_ids
    }


def _holds(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date) -> dict[str, np.ndarray]:
    """Person → (sources,) whether reached_held has them, or their household where that is asked of."""
    people, rows = _held_rows(con)
    program = compile_catalogue(catalogue, signals=catalogue.codes, sources=catalogue.sources)
    asks = np.zeros((len(catalogue.sources), 2), bool)
    for channel in catalogue.channels:
        for source in channel.sources:
            asks[catalogue.sources.index(source), int(channel.household)] = True
    covered = covered_sources(rows, program, as_of, np.arange(len(people)))
    holds = np.any(covered[:, :, :, program.longest] & asks, axis=2)
    return dict(zip(people, holds, strict=True))


def _held_rows(con: duckdb.DuckDBPyConnection) -> tuple[list[str], Rows]:
    """Who was reached for, and what registers held of them, as rows without any event."""
    linked = [
        who for (who,) in con.execute("SELECT person_id FROM reached_people ORDER BY person").fetchall()
    ]
    days = {name: asof.sql_day_number(name) for name in ("start_on", "end_on", "known_on", "known_until")}
    held = con.execute(
        f"""
        SELECT person, position AS held_source, household AS held_household,
               {days["start_on"]} AS held_from, {days["end_on"]} AS held_to,
               {days["known_on"]} AS held_known_on, {days["known_until"]} AS held_known_until
        FROM reached_held h JOIN facts USING (source) ORDER BY person
        """
    ).fetchnumpy()
    start = np.searchsorted(held["person"], np.arange(len(linked) + 1)).astype(np.int64)
    events: dict[str, np.ndarray] = {name: np.zeros(0, kind) for name, kind in EVENT_TYPES.items()}
    registers: dict[str, np.ndarray] = {name: np.array(held[name], kind) for name, kind in HELD_TYPES.items()}
    return linked, Rows(start=np.zeros(len(linked) + 1, np.int64), **events, held_start=start, **registers)


def _nothing(fact: SourceFacts, today: int, longest: int, *, probably: bool) -> str:
    if not asof.spans_window(asof.day_number(fact.covers_from), today, longest):
        return f"{fact.title}: we hold it only from {day_words(fact.covers_from)}"
    if probably:
        return f"{fact.title}: on its register {window_words(longest)} by no record that is surely theirs"
    return f"{fact.title}: not on its register {window_words(longest)}"
