"""The panel: one row of numbers per person on a morning, float32 with NaN, by name.

A panel is made from a snapshot's person rows by the kernel, for one catalogue. It is stored under
the catalogue's hash and the snapshot's name, so that asking again reads a file; the store is a cache
that can be thrown away at any time. Protected characteristics are not among a snapshot's views, so
that no panel can read them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.asof import day_number
from features.catalogue import Catalogue
from features.kernel import compile_catalogue, compute
from features.person_rows import PersonRows, person_rows
from features.rows import Rows, plain
from features.snapshot import Snapshot


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

    def frame(self) -> pd.DataFrame:
        """The panel as a data frame: person_id is the index, the features are its columns."""
        index = pd.Index(self.person_ids, name="person_id")
        return pd.DataFrame(self.X, index=index, columns=list(self.names))


def build_panel(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> Panel:
    """The panel of everyone with a usable event of the catalogue's signals in its longest window."""
    rows = person_rows(snapshot, catalogue.signals)
    guard = snapshot.workspace.settings.household_max
    program = compile_catalogue(catalogue, signals=rows.signals, sources=rows.sources)
    people, values = compute(kernel_rows(rows, as_of, guard), program, as_of)
    return Panel(
        as_of=as_of,
        person_ids=rows.person_ids[people],
        X=values,
        names=catalogue.names,
        catalogue_hash=catalogue.hash,
        last_delivery=snapshot.last_delivery,
        link_run=snapshot.link_run,
    )


def kernel_rows(rows: PersonRows, as_of: date, household_max: int) -> Rows:
    """Person rows as the kernel takes them, without what is crowded on the morning."""
    today = day_number(as_of)
    usable = (rows.occurred < today) & (rows.known_on < today) & (today <= rows.known_until)
    shared = usable & (rows.happening >= 0)
    reached = np.bincount(rows.happening[shared], minlength=rows.happenings)
    crowded = shared & (reached[rows.happening] > household_max) if rows.happenings else shared & False
    taken = {
        **{name: getattr(rows, name) for name in Rows._fields},
        "signal": rows.signal.astype(np.uint16),
        "known_until": np.where(crowded, rows.known_on, rows.known_until),
    }
    return Rows(**{name: plain(array) for name, array in taken.items()})


def panel_path(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> Path:
    """Where a panel is stored: by catalogue, snapshot, household guard and date."""
    guard = snapshot.workspace.settings.household_max
    state = f"{snapshot.last_delivery}-{snapshot.link_run}-{guard}"
    return snapshot.workspace.data / "panels" / catalogue.hash[:12] / state / f"{as_of}.parquet"


def read_panel(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> Panel:
    """The stored panel, or a new one, stored in one atomic move."""
    path = panel_path(snapshot, catalogue, as_of)
    if path.is_file():
        stored = _read(path, catalogue, snapshot, as_of)
        if stored is not None:
            return stored
    panel = build_panel(snapshot, catalogue, as_of)
    _write(path, panel)
    return panel


def _write(path: Path, panel: Panel) -> None:
    columns = np.ascontiguousarray(panel.X.T)
    table = pa.table(
        {
            "person_id": pa.array(panel.person_ids.tolist(), pa.string()),
            **{name: columns[at] for at, name in enumerate(panel.names)},
        },
        metadata={"catalogue": panel.catalogue_hash},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
    os.close(handle)
    try:
        pq.write_table(
            table, unfinished, compression="lz4", use_dictionary=["person_id"], write_statistics=False
        )
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _read(path: Path, catalogue: Catalogue, snapshot: Snapshot, as_of: date) -> Panel | None:
    """A stored panel; None if it is not one of this very catalogue (short names may clash)."""
    table = pq.read_table(path)
    if (table.schema.metadata or {}).get(b"catalogue") != catalogue.hash.encode():
        return None
    values = np.empty((table.num_rows, len(catalogue.names)), np.float32)
    for at, name in enumerate(catalogue.names):
        values[:, at] = table.column(name).to_numpy()
    return Panel(
        as_of=as_of,
        person_ids=np.array(table.column("person_id").to_pylist(), dtype=str),
        X=values,
        names=catalogue.names,
        catalogue_hash=catalogue.hash,
        last_delivery=snapshot.last_delivery,
        link_run=snapshot.link_run,
    )
