"""Panels of many dates that nobody holds: from the shards to Parquet, and from there into LightGBM's bins.

A shard is read once for all dates. A part of a panel is one shard's people on one date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.catalogue import in_order
from benchmarks.columns import THREADS
from benchmarks.measure import Answer, Clock
from benchmarks.ours import program, room_for
from benchmarks.reference import NAMES
from benchmarks.stored import emptied, shards_in, store_of
from benchmarks.workload import scratch_folder
from features.kernel import compute
from features.panel import Panel
from features.panel_files import PanelFiles
from features.shard_files import read_shard
from features.threads import in_order as one_after_another

BINS = {"objective": "binary", "max_bin": 255, "bin_construct_sample_cnt": 50_000, "num_threads": THREADS}


def to_parquet(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """A Parquet file a date and shard."""
    store = store_of(folder, max(dates))
    numbers, files = shards_in(store), _files(emptied(_panels(folder)), dates)

    def write(number: int) -> None:
        shard = read_shard(store, number)
        out = room_for(len(shard.person_ids))
        for as_of in dates:
            people, values = compute(shard.rows, program(), as_of, out=out)
            panel = Panel(as_of, shard.person_ids[people], in_order(values), NAMES, "", 0, 0)
            files[as_of].write(number, len(numbers), panel.arrow())

    with clock:
        for _ in one_after_another(write, numbers, threads=THREADS):
            pass
    yield from _read_back(files)


def binned(folder: Path, dates: Sequence[date], clock: Clock) -> Iterator[Answer]:
    """From those files into LightGBM's Dataset, which is kept until all of it is there."""
    from training.binned import dataset

    files = _files(_panels(folder), dates)
    parts = [(as_of, path) for as_of in dates for path in sorted(files[as_of].folder.iterdir())]
    rows = sum(pq.read_metadata(path).num_rows for _, path in parts)

    class Blocks:
        def __iter__(self) -> Iterator[np.ndarray]:
            """The parts' numbers, read anew each time."""
            return one_after_another(self.read, parts, threads=THREADS)

        def read(self, part: tuple[date, Path]) -> np.ndarray:
            as_of, path = part
            return files[as_of].read(int(path.stem), NAMES)[1]

    with clock:
        made = dataset(Blocks(), NAMES, {**BINS, "verbosity": -1}, labels=np.zeros(rows))
    assert made.num_data() == rows
    del made
    yield from _read_back(files)


def _panels(folder: Path) -> Path:
    return scratch_folder() / f"{folder.name}-panels"


def _files(panels: Path, dates: Sequence[date]) -> dict[date, PanelFiles]:
    return {as_of: PanelFiles(panels / f"{as_of}", {}) for as_of in dates}


def _read_back(files: dict[date, PanelFiles]) -> Iterator[Answer]:
    """What lies in the files, as another tool reads them."""
    for as_of, parts in files.items():
        for path in sorted(parts.folder.iterdir()):
            table = pq.read_table(path)

            def values(at: np.ndarray, table=table) -> np.ndarray:  # type: ignore[no-untyped-def]
                return np.array([table[name].take(at).to_numpy() for name in NAMES]).T

            yield Answer(as_of, table["person_id"].to_numpy().astype(np.int64), values)
