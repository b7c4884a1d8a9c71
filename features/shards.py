"""Everybody's rows, sorted, in shards of people on disk: what every panel of a state is made from.

A store of shards is opened if it is there, made from that of an older state if there is one (see
`shard_update`), and from the tables otherwise (`shard_build`). Each shard is put in its place whole: a
run that was killed leaves finished shards, which the next one keeps, and leavings, which it clears.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from features.catalogue import Catalogue
from features.errors import UserMistake
from features.reach import reach
from features.shard_build import deal, dealt_shard
from features.shard_files import (
    SHARD_SQL,
    UNFINISHED,
    Shard,
    content_hash,
    find_entry,
    reuse_shard,
    write_shard,
)
from features.shard_plan import Flags, Plan, codes_of, count_rows, flags_of, state_name
from features.shard_store import (
    Shards,
    begin,
    begun,
    forget_old,
    nearest_older,
    only_maker,
    open_shards,
    reopened,
)
from features.shard_update import find_affected, splice
from features.snapshot import Snapshot

__all__ = ["Shard", "Shards", "shards_of"]

EVENTS_A_SHARD = 1_000_000
"""At most so many on average, and so about as many rows; they grow to twice that before people are
dealt out anew."""

DEALT = f"{UNFINISHED}dealt"


def shards_of(snapshot: Snapshot, catalogue: Catalogue | None = None) -> Shards:
    """The shards of a snapshot, as a catalogue asks for them (None: as the workspace declares).

    Opened, made from an older state's, or made; kept with the snapshot. Raises UserMistake if there
    are more signals than have codes, or if no link run was made.
    """
    if not snapshot.link_run:
        raise UserMistake("Nothing is linked yet.", problems=["`earlyhelp link` says whose the records are"])
    flags = flags_of(snapshot.workspace, catalogue)
    key = ("shards", flags.hash)
    if key not in snapshot._cache:
        store = snapshot.workspace.data / "shards" / state_name(snapshot, flags)
        snapshot._cache[key] = open_shards(store) or _made(snapshot, flags, store)
    return snapshot._cache[key]


def _made(snapshot: Snapshot, flags: Flags, store: Path) -> Shards:
    home = store.parent
    with only_maker(home):
        made = open_shards(store)  # another run may have made it while we waited
        if made is None:
            _make(snapshot, flags, store)
            made = reopened(store)
            forget_old(home)
    return made


def _make(snapshot: Snapshot, flags: Flags, store: Path) -> None:
    """Make those shards of a store that are not there yet."""
    threads, unfinished = snapshot.workspace.settings.threads, begun(store)
    with snapshot.con.cursor() as con:  # its temporary tables go with it
        plan = unfinished or _plan(snapshot, con, flags)
        older, base = nearest_older(store.parent, store.name), None
        if older and _can_be_made_from(older.plan, plan, snapshot, con, choose=unfinished is None):
            plan = replace(plan, shards=len(older))
            base = _Base(older, _affected(snapshot, con, older))
        reach(
            con,
            shared=flags.shared,
            household_max=flags.household_max,
            association=flags.association,
            people="affected" if base else None,
        )
        begin(store, plan)
        deal(con, plan, store / DEALT)
    missing = [number for number in range(plan.shards) if find_entry(store, number) is None]
    with ThreadPoolExecutor(threads) as pool:
        each = max(1, threads // len(missing)) if missing else 1
        list(pool.map(lambda number: _make_shard(store, number, plan, base, threads=each), missing))
    shutil.rmtree(store / DEALT)


def _plan(snapshot: Snapshot, con: duckdb.DuckDBPyConnection, flags: Flags) -> Plan:
    signals, sources = codes_of(con, flags)
    events = int(con.execute("SELECT count(*) FROM events").fetchall()[0][0])
    state = {"last_delivery": snapshot.last_delivery, "link_run": snapshot.link_run}
    return Plan(
        **state,
        flags=flags,
        signals=signals,
        sources=sources,
        rows=count_rows(snapshot, con, **state),
        shards=_enough(events),
    )


def _enough(events: int) -> int:
    """How many shards so many events fill: a power of two."""
    return 1 << max(0, (events - 1) // EVENTS_A_SHARD).bit_length()


def _can_be_made_from(
    older: Plan, plan: Plan, snapshot: Snapshot, con: duckdb.DuckDBPyConnection, *, choose: bool
) -> bool:
    """Whether an older store's codes are the same, its shards not too few and nothing erased since.

    choose: there are no shards yet, and so it is still open how many there shall be.
    """
    as_many = 2 * older.shards >= plan.shards if choose else older.shards == plan.shards
    if not as_many or (older.signals, older.sources) != (plan.signals, plan.sources):
        return False
    rows = count_rows(snapshot, con, last_delivery=older.last_delivery, link_run=older.link_run)
    return rows == older.rows


@dataclass(frozen=True)
class _Base:
    """The store that a new one is made from. again: shard → ids of the people to be made again."""

    shards: Shards
    again: dict[int, np.ndarray]


def _affected(snapshot: Snapshot, con: duckdb.DuckDBPyConnection, older: Shards) -> dict[int, np.ndarray]:
    """Shard → ids of those whose rows may have changed; they are then in table affected."""
    find_affected(snapshot, con, older.plan)
    shard = SHARD_SQL.format(shards=len(older))
    found = con.execute(f"SELECT {shard} AS shard, person_id FROM affected").fetchnumpy()
    numbers, person_ids = found["shard"], found["person_id"].astype(str)
    return {int(number): person_ids[numbers == number] for number in np.unique(numbers)}


def _make_shard(store: Path, number: int, plan: Plan, base: _Base | None, *, threads: int) -> None:
    if base and number not in base.again:
        reuse_shard(store, number, base.shards.folder)
        return
    shard = dealt_shard(store / DEALT, number, plan, threads=threads)
    if base:
        shard = splice(base.shards.read(number), base.again[number], shard)
    found = content_hash(shard)
    if base and found == base.shards.entries[number].hash:
        reuse_shard(store, number, base.shards.folder)
    else:
        write_shard(store, number, shard, hash=found, about={"plan": plan.to_json()})
