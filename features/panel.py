"""The panel: one row of numbers per person on a morning, float32 with NaN, by name.

It is made by the kernel from a snapshot's shards, for one catalogue, in *parts*: one per shard, each a
Parquet file, so that asking again reads a file, a run that was stopped goes on, and nobody needs to hold
a county at once. The parts are a cache that can be thrown away at any time. Protected characteristics
are not among a snapshot's views, so that no panel can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from features.catalogue import Catalogue
from features.errors import UserMistake, nearest
from features.kernel import Program, compile_catalogue, compute
from features.marks import Objections, objections
from features.panel_files import panel_files
from features.progress import Tell, quiet
from features.shard_files import Shard
from features.shards import Shards, shards_of
from features.snapshot import Snapshot
from features.threads import in_order

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Panel:
    """The numbers of one as-of date.

    person_ids: (n,) str, sorted. X: (n, p) float32, its columns in the order of `names`; NaN where
    silence does not mean that nothing happened.
    """

    as_of: date
    person_ids: np.ndarray
    X: np.ndarray
    names: tuple[str, ...]
    catalogue_hash: str
    last_delivery: int
    link_run: int

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.names)}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {person: at for at, person in enumerate(self.person_ids.tolist())}

    def column(self, name: str) -> np.ndarray:
        """(n,) float32: one feature by its name. Raises KeyError if the panel has none of that name."""
        return self.X[:, self._columns[name]]

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """(n, len(names)) float32 in the order asked for. Raises KeyError naming those not there."""
        missing = [name for name in names if name not in self._columns]
        if missing:
            raise KeyError(f"the panel has no column {', '.join(missing)}")
        return self.X[:, [self._columns[name] for name in names]]

    def rows_of(self, person_ids: Sequence[str] | np.ndarray) -> np.ndarray:
        """(m,) int64: where people are, in the order asked for. Raises KeyError if some are not there."""
        rows = [self._rows.get(str(person), -1) for person in person_ids]
        absent = rows.count(-1)
        if absent:
            raise KeyError(f"{absent} of {len(rows)} people have no row on {self.as_of}")
        return np.array(rows, np.int64)

    def arrow(self) -> pa.Table:
        """The panel as an Arrow table: person_id, then the features; date and catalogue as metadata."""
        columns = dict(zip(self.names, np.ascontiguousarray(self.X.T), strict=True))
        about = {"as_of": self.as_of.isoformat(), "catalogue": self.catalogue_hash}
        person_ids = pa.array(self.person_ids.tolist(), pa.string())
        return pa.table({"person_id": person_ids, **columns}, metadata=about)

    def pandas(self) -> pd.DataFrame:
        """The panel as a data frame: person_id is the index, the features are its columns."""
        index = pd.Index(self.person_ids, name="person_id")
        return pd.DataFrame(self.X, index=index, columns=list(self.names))

    def polars(self) -> polars.DataFrame:
        """The panel as a polars frame: person_id, then the features. Raises UserMistake without polars."""
        try:
            import polars
        except ImportError:
            raise UserMistake(
                "This Python has no polars.", problems=["pip install polars, or ask for form='arrow'"]
            ) from None
        return polars.DataFrame(self.arrow())


def build_panel(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> Panel:
    """The panel of everyone with a usable event of the catalogue's signals in its longest window, but for
    those who object to it on that morning; nothing of it is stored.

    Raises UserMistake naming signals of the catalogue that nothing declares and no event has.
    """
    shards, part = compiled(snapshot, catalogue)
    threads = snapshot.workspace.settings.threads
    parts = in_order(lambda number: part(shards.read(number), as_of), range(len(shards)), threads=threads)
    return _together(list(parts))


def store_panels(
    snapshot: Snapshot, catalogue: Catalogue, dates: Sequence[date], *, tell: Tell = quiet
) -> dict[date, int]:
    """Store the panels of some dates, as far as they are not there, and say how many people each has.

    Each shard is read once for all dates. Raises as `build_panel` does.
    """
    files = {as_of: panel_files(snapshot, catalogue, as_of) for as_of in dates}
    to_make = {as_of: parts for as_of, parts in files.items() if parts.count() is None}
    if to_make:
        tell("opening the shards of what has been delivered, or making them")
        shards, part = compiled(snapshot, catalogue)

        def store(number: int) -> None:
            dates = [as_of for as_of, parts in to_make.items() if not parts.is_there(number, len(shards))]
            if not dates:
                return
            shard = shards.read(number)
            for as_of in dates:
                to_make[as_of].write(number, len(shards), part(shard, as_of).arrow())

        stored = in_order(store, range(len(shards)), threads=snapshot.workspace.settings.threads)
        for number, _ in enumerate(stored, start=1):
            tell(f"panels: {number} of {len(shards)} shards")
    return {as_of: sum(map(parts.people, range(parts.count() or 0))) for as_of, parts in files.items()}


def panel_parts(
    snapshot: Snapshot,
    catalogue: Catalogue,
    as_of: date,
    *,
    columns: Sequence[str] | None = None,
    rows: Sequence[np.ndarray] | None = None,
) -> Iterator[Panel]:
    """The panel of a date in parts, one per shard, in the order of the shards, of which only a few are
    in memory at a time. What is not stored yet is stored first.

    columns: names of the features that are wanted; all by default. rows: for each part, the positions of the
    rows that are; all by default. Raises UserMistake on unknown columns, and as `build_panel` does.
    """
    names, known = catalogue.names if columns is None else tuple(columns), set(catalogue.names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserMistake(
            "Some columns are not in the panel.",
            problems=[f"{name!r}: {nearest(name, catalogue.names)}" for name in unknown],
        )
    store_panels(snapshot, catalogue, [as_of])
    files = panel_files(snapshot, catalogue, as_of)
    numbers, threads = range(files.count() or 0), snapshot.workspace.settings.threads

    def read(number: int) -> tuple[np.ndarray, np.ndarray]:
        return files.read(number, names, None if rows is None else rows[number])

    for person_ids, X in in_order(read, numbers, threads=threads):
        yield _panel(snapshot, catalogue, as_of, person_ids, X, names)


def read_panel(
    snapshot: Snapshot, catalogue: Catalogue, as_of: date, *, columns: Sequence[str] | None = None
) -> Panel:
    """All parts of a panel together; see `panel_parts`."""
    return _together(list(panel_parts(snapshot, catalogue, as_of, columns=columns)))


def compiled(snapshot: Snapshot, catalogue: Catalogue) -> tuple[Shards, Callable[[Shard, date], Panel]]:
    """The shards of a snapshot, and what makes the part of a panel from one of them and needs nothing
    else: it can be sent to another process or machine."""
    shards = shards_of(snapshot, catalogue)
    program = compile_catalogue(catalogue, signals=shards.signals, sources=shards.sources)
    threads = max(1, snapshot.workspace.settings.threads // len(shards))
    state = replace(snapshot, _cache={})  # a connection cannot be sent
    return shards, partial(
        _part,
        program=program,
        snapshot=state,
        catalogue=catalogue,
        threads=threads,
        objecting=objections(snapshot.con),
    )


def _part(
    shard: Shard,
    as_of: date,
    *,
    program: Program,
    snapshot: Snapshot,
    catalogue: Catalogue,
    threads: int,
    objecting: Objections,
) -> Panel:
    people, X = compute(shard.rows, program, as_of, threads=threads)
    person_ids = shard.person_ids[people]
    if out := objecting.on(as_of):
        stay = ~np.isin(person_ids, out)
        person_ids, X = person_ids[stay], X[stay]
    return _panel(snapshot, catalogue, as_of, person_ids, X, catalogue.names)


def _panel(
    snapshot: Snapshot,
    catalogue: Catalogue,
    as_of: date,
    person_ids: np.ndarray,
    X: np.ndarray,
    names: tuple[str, ...],
) -> Panel:
    return Panel(
        as_of=as_of,
        person_ids=person_ids,
        X=X,
        names=names,
        catalogue_hash=catalogue.hash,
        last_delivery=snapshot.last_delivery,
        link_run=snapshot.link_run,
    )


def _together(parts: list[Panel]) -> Panel:
    """One panel of the people of all parts, in order of their ids."""
    if len(parts) == 1:
        return parts[0]
    person_ids = np.concatenate([part.person_ids for part in parts])
    order = np.argsort(person_ids)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    X = np.empty((len(order), len(parts[0].names)), np.float32)
    low = 0
    for part in parts:
        X[place[low : low + len(part.X)]] = part.X
        low += len(part.X)
    return replace(parts[0], person_ids=person_ids[order], X=X)
