"""The events behind a person's numbers, and what we hold nothing on.

Both come from the same rows, the same guard and the same coverage facts as the panel, so that no
reason rests on an event that the model could not see and no silence is taken for good news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features import asof
from features.catalogue import Catalogue, SourceFacts
from features.feature import EvidenceRow
from features.kernel import compile_catalogue, covered_sources
from features.reach import reach
from features.shard_plan import flags_of
from features.shards import shards_of
from features.snapshot import Snapshot
from features.wording import day_words, window_words

__all__ = ["EvidenceRow", "evidence", "not_held"]


def evidence(
    snapshot: Snapshot, catalogue: Catalogue, as_of: date, person_ids: Sequence[str]
) -> dict[str, list[EvidenceRow]]:
    """Per person the usable events of the catalogue's signals: those in its longest window and open
    spells, in order of time. Everyone asked for is a key."""
    found: dict[str, list[EvidenceRow]] = {person: [] for person in person_ids}
    today, start = asof.day_number(as_of), as_of - timedelta(days=catalogue.longest)
    flags = flags_of(snapshot.workspace, catalogue)
    with snapshot.con.cursor() as con:  # its temporary tables go with it
        con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
        con.register("used", pa.table({"signal": pa.array(catalogue.signals, pa.string())}))
        con.register("facts", _facts_table(catalogue))
        reach(
            con,
            shared=flags.shared,
            household_max=flags.household_max,
            association=flags.association,
            people="asked",
        )
        rows = con.execute(
            f"""
            WITH holding AS (
                SELECT person, source, min(start_on) AS anyhow,
                       min(start_on) FILTER (WHERE NOT household) AS personally
                FROM reached_held WHERE {asof.sql_known(as_of)} GROUP BY ALL
            )
            SELECT p.person_id, r.event_id, r.source, r.signal, r.household, r.occurred_on, r.occurred_at,
                   r.ended_on, r.amount,
                   greatest(f.covers_from, {asof.sql_date(start)}, CASE WHEN f.register
                       THEN coalesce(CASE WHEN r.household THEN h.anyhow ELSE h.personally END, r.occurred_on)
                       END) AS watched_from
            FROM reached_rows r JOIN reached_people p USING (person)
            JOIN used USING (signal) JOIN facts f USING (source)
            LEFT JOIN holding h USING (person, source)
            WHERE {asof.sql_usable(as_of, "r")}
              AND ({asof.sql_in_window(as_of, catalogue.longest, "r.occurred_on")}
                   OR {asof.sql_spell_open(as_of, start="r.occurred_on", end="r.ended_on")})
            ORDER BY p.person_id, r.occurred_at, r.event_id
            """
        ).fetchall()
    spells = {part.name for channel in catalogue.channels for part in channel.parts if part.spell}
    for person, *values in rows:
        row = EvidenceRow(*values)
        if row.signal in spells or asof.in_window(asof.day_number(row.occurred_on), today, catalogue.longest):
            found[person].append(row)
    return found


def _facts_table(catalogue: Catalogue) -> pa.Table:
    facts = catalogue.facts
    return pa.table(
        {
            "source": pa.array(catalogue.sources, pa.string()),
            "register": pa.array([fact.register for fact in facts], pa.bool_()),
            "covers_from": pa.array([fact.covers_from for fact in facts], pa.date32()),
        }
    )


def not_held(
    snapshot: Snapshot, catalogue: Catalogue, as_of: date, person_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Per person a sentence for each source whose silence says nothing, in the catalogue's order.

    A source is one of them if it does not cover the catalogue's longest window or, for a register,
    held neither the person nor, for what is shared, the household on any day of it. Raises KeyError
    for somebody who was never linked.
    """
    shards, today = shards_of(snapshot, catalogue), asof.day_number(as_of)
    program = compile_catalogue(catalogue, signals=shards.signals, sources=shards.sources)
    reached = np.zeros((len(catalogue.sources), 2), bool)
    for channel in catalogue.channels:
        for source in channel.sources:
            reached[catalogue.sources.index(source), int(channel.household)] = True
    said = [_nothing(fact, today, catalogue.longest) for fact in catalogue.facts]
    asked, found = np.array(person_ids, dtype=str), {}
    numbers = shards.numbers_of(asked)
    for number in np.unique(numbers):
        shard, people = shards.read(int(number)), asked[numbers == number]
        linked = people[np.isin(people, shard.person_ids)]
        places = np.searchsorted(shard.person_ids, linked)
        covered = covered_sources(shard.rows, program, as_of, places)
        holds = np.any(covered[:, :, :, program.longest] & reached, axis=2)
        for person, held in zip(linked.tolist(), holds, strict=True):
            found[person] = [text for text, there in zip(said, held, strict=True) if not there]
    absent = len(set(person_ids) - set(found))
    if absent:
        raise KeyError(f"{absent} of {len(asked)} people were never linked")
    return {person: found[person] for person in person_ids}


def _nothing(fact: SourceFacts, today: int, longest: int) -> str:
    if not asof.spans_window(asof.day_number(fact.covers_from), today, longest):
        return f"{fact.title}: we hold it only from {day_words(fact.covers_from)}"
    return f"{fact.title}: not on its register {window_words(longest)}"
