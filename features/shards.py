"""Everybody's rows, sorted, in shards of people on disk: what every panel of a state is made from.

A store of shards is opened if it is there, made from that of an older state if there is one (see
`shard_update`), and from the tables otherwise (`shard_build`). Each shard is put in its place whole: a
run that was killed leaves finished shards, which the next one keeps, and leavings, which it clears.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from features.catalogue import Catalogue
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

ROWS_A_SHARD = 1_000_000
"""At most so many, where hashes deal evenly; shards grow to twice that before all are made anew."""

DEALT = f"{UNFINISHED}dealt"


def shards_of(snapshot: Snapshot, catalogue: Catalogue | None = None) -> Shards:
    """The shards of a snapshot, as a catalogue asks for them (None: as the workspace declares).

    Opened, made from an older state's, or made; kept with the snapshot. Raises UserMistake if there
    are more signals than have codes.
    """
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


@dataclass(frozen=True)
class _Base:
    """The store that a new one is made from. again: shard → ids of the people to be made again."""

    shards: Shards
    again: dict[int, np.ndarray] = field(default_factory=dict)


def _make(snapshot: Snapshot, flags: Flags, store: Path) -> None:
    """Make those shards of a store that are not there yet."""
    threads, plan = snapshot.workspace.settings.threads, begun(store)
    with snapshot.con.cursor() as con:  # its temporary tables go with it
        signals, sources = codes_of(con, flags)
        base = _base(snapshot, con, store, signals, sources, plan)
        reach(
            con,
            shared=flags.shared,
            household_max=flags.household_max,
            association=flags.association,
            people="affected" if base else None,
        )
        if plan is None:
            state = {"last_delivery": snapshot.last_delivery, "link_run": snapshot.link_run}
            plan = Plan(
                **state,
                flags=flags,
                signals=signals,
                sources=sources,
                rows=count_rows(snapshot, con, **state),
                shards=len(base.shards) if base else _enough(con),
            )
        begin(store, plan)
        deal(con, plan, store / DEALT)
    missing = [number for number in range(plan.shards) if find_entry(store, number) is None]
    with ThreadPoolExecutor(threads) as pool:
        each = max(1, threads // len(missing)) if missing else 1
        list(pool.map(lambda number: _make_shard(store, number, plan, base, threads=each), missing))
    shutil.rmtree(store / DEALT)


def _base(
    snapshot: Snapshot,
    con: duckdb.DuckDBPyConnection,
    store: Path,
    signals: tuple[str, ...],
    sources: tuple[str, ...],
    plan: Plan | None,
) -> _Base | None:
    """The store of an older state, if its codes are the same, its shards have not grown too large and
    nothing has been erased since; table affected is then in the connection."""
    older = nearest_older(store.parent, store.name)
    if older is None:
        return None
    was = older.plan
    if (
        (was.signals, was.sources) != (signals, sources)
        or (plan and plan.shards != was.shards)
        or max(entry.rows for entry in older.entries) > 2 * ROWS_A_SHARD
        or was.rows != count_rows(snapshot, con, last_delivery=was.last_delivery, link_run=was.link_run)
    ):
        return None
    find_affected(snapshot, con, was)
    found = con.execute(
        f"SELECT {SHARD_SQL.format(last=len(older) - 1)} AS shard, person_id FROM affected"
    ).fetchnumpy()
    shard, person_ids = found["shard"], found["person_id"].astype(str)
    return _Base(older, {int(number): person_ids[shard == number] for number in np.unique(shard)})


def _enough(con: duckdb.DuckDBPyConnection) -> int:
    """How many shards the rows fill: a power of two."""
    rows = int(con.execute("SELECT count(*) FROM reached_rows").fetchall()[0][0])
    return 1 << max(0, (rows - 1) // ROWS_A_SHARD).bit_length()


def _make_shard(store: Path, number: int, plan: Plan, base: _Base | None, *, threads: int) -> None:
    if base and number not in base.again:
        reuse_shard(store, number, base.shards.folder)
        return
    shard = dealt_shard(store / DEALT, number, threads=threads)
    if base:
        shard = splice(base.shards.read(number), base.again[number], shard)
    found = content_hash(shard)
    if base and found == base.shards.entries[number].hash:
        reuse_shard(store, number, base.shards.folder)
    else:
        write_shard(store, number, shard, hash=found, about={"plan": plan.to_json()})
