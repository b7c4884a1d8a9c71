"""The shards as tables that SQL can ask: who had what, and when a register held whom.

Views over the shards' own files, so that the cohort and the outcomes see the rows that the panel sees,
nothing is joined twice, and a second process starts from disk. What reaches people by association is
not in them, it is nobody's own, nor are the rows by which a happening of several systems counts once:
each of its events is there.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from features import association, happenings
from features.asof import OPEN
from features.rule_sql import quoted
from features.shard_files import shard_folder
from features.shard_store import Shards
from features.shards import shards_of
from features.snapshot import Snapshot

MADE = (association.PREFIX, happenings.ONCE)
"""What stands before the names of signals that no agency sends."""


def ensure_views(snapshot: Snapshot) -> None:
    """Make views person_rows and held in the snapshot's connection, unless they are there.

    person_rows: person_id, signal, household, occurred_on, minute, ended_on, known_on, known_until.
    held:        person_id, source, household, start_on, end_on, known_on, known_until.

    minute is that of the day, -1 where the event has no time; ended_on, end_on and known_until are NULL
    where there is no end. Size guard and links are in the rows: on a morning those count that are usable.
    """
    if "views" in snapshot._cache:
        return
    shards = shards_of(snapshot)
    con, shared = snapshot.con, set(shards.plan.flags.shared)
    own = {name: code for code, name in enumerate(shards.signals) if not name.startswith(MADE)}
    con.register(
        "signal_names",
        pa.table(
            {
                "code": pa.array(list(own.values()), pa.uint16()),
                "name": pa.array(list(own), pa.string()),
                "household": pa.array([name in shared for name in own], pa.bool_()),
            }
        ),
    )
    con.register(
        "source_names",
        pa.table(
            {
                "code": pa.array(range(len(shards.sources)), pa.int16()),
                "name": pa.array(shards.sources, pa.string()),
            }
        ),
    )
    con.execute(
        f"""
        CREATE OR REPLACE VIEW person_rows AS
        SELECT person_id, name AS signal, household, {_date("occurred")} AS occurred_on,
               minute, {_date("ended")} AS ended_on, {_date("known_on")} AS known_on,
               {_date("known_until")} AS known_until
        FROM {_files(shards, "rows")} r JOIN signal_names s ON s.code = r.signal;

        CREATE OR REPLACE VIEW held AS
        SELECT person_id, name AS source, held_household AS household, {_date("held_from")} AS start_on,
               {_date("held_to")} AS end_on, {_date("held_known_on")} AS known_on,
               {_date("held_known_until")} AS known_until
        FROM {_files(shards, "held")} h JOIN source_names s ON s.code = h.held_source
        """
    )
    snapshot._cache["views"] = shards  # kept open as long as they are read


def _files(shards: Shards, name: str) -> str:
    paths: list[Path] = [shard_folder(shards.folder, at) / f"{name}.parquet" for at in range(len(shards))]
    return f"read_parquet([{', '.join(quoted(str(path)) for path in paths)}], hive_partitioning = false)"


def _date(day: str) -> str:
    return f"DATE '1970-01-01' + nullif({day}, {OPEN})"
