"""The parts of a panel on disk: Parquet files that any tool can read, one per shard.

    data/panels/<12 digits of the catalogue's hash>/<state>/<as_of>/<shard>.parquet

Columns person_id and the features, in the catalogue's order. Each file says in its metadata of which
catalogue (its full hash), state, date and shard it is, and one that says otherwise is not taken. It is
written under another name first, and so there whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import Catalogue
from features.shard_plan import flags_of, state_name
from features.snapshot import Snapshot

ROWS_AT_ONCE = 128
"""Values go from columns to rows in pieces that stay in the processor's cache."""


@dataclass(frozen=True)
class PanelFiles:
    """Where the parts of one panel lie, and what their metadata must say."""

    folder: Path
    about: dict[str, str]

    def path(self, number: int) -> Path:
        return self.folder / f"{number:04d}.parquet"

    def count(self) -> int | None:
        """How many parts there are; None unless all of them are there."""
        first = self._metadata(0)
        shards = int(first.get("shards", 0)) if first else 0
        whole = shards and all(self.is_there(number, shards) for number in range(shards))
        return shards if whole else None

    def people(self, number: int) -> int:
        """How many people a part has. Raises FileNotFoundError if it is not there."""
        return _footer(self.path(number)).rows

    def is_there(self, number: int, shards: int) -> bool:
        """Whether the part of a shard is there, of just so many shards."""
        found, wanted = self._metadata(number), self._stamp(number, shards)
        return found is not None and wanted.items() <= found.items()

    def write(self, number: int, shards: int, table: pa.Table) -> None:
        """Store the part of a shard."""
        self.put(number, self.parquet(number, shards, table))

    def parquet(self, number: int, shards: int, table: pa.Table) -> pa.Buffer:
        """The file of a part, wherever it is made."""
        sink = pa.BufferOutputStream()
        stamped = table.replace_schema_metadata(self._stamp(number, shards))
        pq.write_table(stamped, sink, compression="lz4", use_dictionary=False, write_statistics=False)
        return sink.getvalue()

    def put(self, number: int, file: pa.Buffer) -> None:
        """Put the file of a part in its place, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=self.folder, prefix=".unfinished-")
        try:
            with os.fdopen(handle, "wb") as target:
                target.write(file)
                os.fsync(target.fileno())
            Path(unfinished).chmod(self.folder.stat().st_mode & 0o666)
            Path(unfinished).replace(self.path(number))
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise

    def read(
        self, number: int, names: Sequence[str], rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """person_ids (n,) str and X (n, len(names)) float32 of a part. rows: (n,) the positions of those that
        are wanted; all by default."""
        if rows is not None and not len(rows):
            return np.empty(0, dtype=str), np.empty((0, len(names)), np.float32)
        # A file opened by itself is read in a quarter less time than through pq.read_table, which takes it
        # for a dataset.
        with pq.ParquetFile(self.path(number)) as file:
            table = file.read(columns=["person_id", *names], use_threads=False)
        person_ids = table["person_id"] if rows is None else table["person_id"].take(pa.array(rows))
        columns = np.empty((len(names), len(person_ids)), np.float32)
        for at, name in enumerate(names):
            values = table[name].to_numpy()
            columns[at] = values if rows is None else values[rows]
        X = np.empty((len(person_ids), len(names)), np.float32)
        for low in range(0, len(person_ids), ROWS_AT_ONCE):
            X[low : low + ROWS_AT_ONCE] = columns[:, low : low + ROWS_AT_ONCE].T
        return np.array(person_ids.to_pylist(), dtype=str), X

    def _stamp(self, number: int, shards: int) -> dict[str, str]:
        return {**self.about, "shard": str(number), "shards": str(shards)}

    def _metadata(self, number: int) -> dict[str, str] | None:
        try:
            return _footer(self.path(number)).about
        except (FileNotFoundError, pa.ArrowInvalid):
            return None


@dataclass(frozen=True)
class _Footer:
    about: dict[str, str]
    rows: int


def _footer(path: Path) -> _Footer:
    """What the end of a file says, which with a thousand columns takes longer to read than a few of them."""
    there = path.stat()
    return _read_footer(path, (there.st_ino, there.st_mtime_ns, there.st_size))


@lru_cache(maxsize=100_000)
def _read_footer(path: Path, written: tuple[int, int, int]) -> _Footer:
    found = pq.read_metadata(path)
    said = {key: value for key, value in (found.metadata or {}).items() if key != b"ARROW:schema"}
    about = {key.decode(): value.decode() for key, value in said.items()}
    return _Footer(about, found.num_rows)


def panel_files(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> PanelFiles:
    """The files of the panel of a date."""
    known = snapshot._cache.setdefault("states", {})
    if catalogue.hash not in known:
        known[catalogue.hash] = state_name(snapshot, flags_of(snapshot.workspace, catalogue))
    state = known[catalogue.hash]
    folder = snapshot.workspace.data / "panels" / catalogue.hash[:12] / state / as_of.isoformat()
    about = {
        "catalogue": catalogue.hash,
        "as_of": as_of.isoformat(),
        "state": state,
        "last_delivery": str(snapshot.last_delivery),
        "link_run": str(snapshot.link_run),
    }
    return PanelFiles(folder, about)
