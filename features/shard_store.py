"""A store of shards on disk: opened, kept while somebody reads it, forgotten when it is old.

    data/shards/<state>/store.json       the plan: what the store is of, written first
                        shard=0000/ …    see `features.shard_files`

A store is a cache: its name says all that its content follows from, and it can be thrown away at any
time. Whoever has one open holds a lock on its plan, which the system lets go of with the process; a
store is only removed under the opposite lock, so never one that this or another run has in use. One run
at a time makes stores, under a lock of their home.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.shard_files import Entry, Shard, find_entry, read_shard, shard_number
from features.shard_plan import Plan

STATES_KEPT = 4
"""Stores that stay when another has been made: those last opened."""

PLAN = "store.json"


class InUse:
    """A lock on a plan, held until nobody has this any more; raises OSError where there is no plan."""

    def __init__(self, plan: Path) -> None:
        self._file = os.open(plan, os.O_RDONLY)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    @property
    def removed(self) -> bool:
        """Whether the plan went while we waited for the lock."""
        return os.fstat(self._file).st_nlink == 0

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)


@dataclass(frozen=True)
class Shards:
    """An open store. signals, sources: what the codes of its rows are positions in; entries: what each
    shard holds."""

    folder: Path
    plan: Plan
    entries: tuple[Entry, ...]
    in_use: InUse = field(repr=False, compare=False)

    @property
    def signals(self) -> tuple[str, ...]:
        return self.plan.signals

    @property
    def sources(self) -> tuple[str, ...]:
        return self.plan.sources

    def __len__(self) -> int:
        return len(self.entries)

    def read(self, number: int) -> Shard:
        """One shard, from its files."""
        return read_shard(self.folder, number)

    def numbers_of(self, person_ids: np.ndarray) -> np.ndarray:
        """(n,) the shard in which each of these people is, if anywhere."""
        return shard_number(person_ids.tolist(), len(self))

    def __reduce__(self) -> tuple[Callable[[Path], Shards], tuple[Path]]:
        """Sent to another process, that one opens the store for itself."""
        return reopened, (self.folder,)


def open_shards(folder: Path) -> Shards | None:
    """The store in a folder; None unless all its shards are there whole."""
    try:
        in_use = InUse(folder / PLAN)
    except FileNotFoundError:
        return None
    if in_use.removed:
        return None
    plan = Plan.from_json((folder / PLAN).read_text(encoding="utf-8"))
    entries = [find_entry(folder, number) for number in range(plan.shards)]
    found = tuple(entry for entry in entries if entry is not None)
    if len(found) < plan.shards:
        return None
    with suppress(PermissionError):  # of a workspace that one may only read
        os.utime(folder / PLAN)
    return Shards(folder, plan, found, in_use)


def reopened(folder: Path) -> Shards:
    """The store in a folder. Raises FileNotFoundError if it is not there whole."""
    found = open_shards(folder)
    if found is None:
        raise FileNotFoundError(f"the shards of {folder.name} are not there")
    return found


def nearest_older(home: Path, state: str) -> Shards | None:
    """The newest store of a state no later than this one, asked the same; None if there is none."""
    last_delivery, link_run, asked = _parts(state)
    older = []
    for folder in home.iterdir():
        if folder.is_dir() and folder.name.endswith(asked) and folder.name != state:
            delivery, run, _ = _parts(folder.name)
            if delivery <= last_delivery and run <= link_run:
                older.append((delivery, run, folder))
    return next((found for *_, folder in sorted(older, reverse=True) if (found := open_shards(folder))), None)


def _parts(state: str) -> tuple[int, int, str]:
    last_delivery, link_run, asked = state.split("-")
    return int(last_delivery), int(link_run), asked


def begun(store: Path) -> Plan | None:
    """The plan of a store that an earlier run began."""
    try:
        return Plan.from_json((store / PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def begin(store: Path, plan: Plan) -> None:
    """Make the folder of a store and write its plan; what was left unfinished in it is cleared, and all
    there is where there is no plan: shards of another plan may be left of a store half removed."""
    store.mkdir(exist_ok=True)
    for left in store.glob(".*" if (store / PLAN).exists() else "*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    if not (store / PLAN).exists():
        unfinished = store / f".{PLAN}"
        unfinished.write_text(plan.to_json(), encoding="utf-8")
        unfinished.replace(store / PLAN)


@contextmanager
def only_maker(home: Path) -> Iterator[None]:
    """Hold the home of the stores, waiting for whoever holds it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_old(home: Path) -> None:
    """Remove all stores but those last opened and those in use."""
    stores = sorted((f for f in home.iterdir() if f.is_dir()), key=_last_opened, reverse=True)
    for folder in stores[STATES_KEPT:]:
        _remove_unless_in_use(folder)


def _last_opened(store: Path) -> float:
    plan = store / PLAN
    return plan.stat().st_mtime if plan.exists() else 0.0


def _remove_unless_in_use(store: Path) -> None:
    if not (store / PLAN).exists():  # a run that ended before it had a plan
        shutil.rmtree(store)
        return
    with (store / PLAN).open(encoding="utf-8") as plan:
        try:
            fcntl.flock(plan, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        (store / PLAN).unlink()
        shutil.rmtree(store)
