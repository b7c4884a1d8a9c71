"""The workload that performance is judged on: W(N, E), six years of events of N people.

Twelve agencies record 40 kinds of event, with amounts; the busiest 9 % of people hold about 45 % of the
events, and one in ten becomes known weeks late. Rows lie in the order in which they arrived, as in an
append-only log. The same size and seed give the same numbers as long as numpy does: nothing here may be
reordered, since every draw follows from the ones before it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AGENCIES = tuple(f"agency_{at:02d}" for at in range(12))
KINDS = tuple(f"type_{at:02d}" for at in range(40))
COLUMNS = ("person_id", "source", "event_type", "occurred_at", "known_at", "amount")

SEED = 7
SCRATCH = "BENCH_SCRATCH"
PART = 5_000_000
"""Events in a Parquet file, at most."""
DAY = 86_400.0
FIRST, LAST = np.datetime64("2020-01-01", "s"), np.datetime64("2026-01-01", "s")


@dataclass(frozen=True)
class Size:
    name: str
    people: int
    events: int

    def __str__(self) -> str:
        return f"{self.name}: {self.people:,} people, {self.events:,} events"


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 500, 10_000),
        Size("S", 50_000, 1_000_000),
        Size("M", 500_000, 10_000_000),
        Size("L", 5_000_000, 100_000_000),
    )
}


def cache_folder() -> Path:
    """Where generated data is kept: $BENCH_DATA, or a folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("BENCH_DATA") or cache / "earlyhelp-bench")


def scratch_folder() -> Path:
    """What a run writes and removes again; `SCRATCH` is set by whoever starts its cases."""
    return Path(os.environ[SCRATCH])


def events_of(size: Size) -> Path:
    """The folder with the Parquet files of a size, generated once."""
    folder = cache_folder() / f"W_{size.people}_{size.events}"
    if not folder.exists():
        started = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(started, ignore_errors=True)
        generate(started, people=size.people, events=size.events)
        started.rename(folder)
    return folder


def generate(folder: Path, *, people: int, events: int, seed: int = SEED) -> None:
    """Write part000.parquet, … with the columns of `COLUMNS`."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.2, people)
    up_to_person = np.cumsum(weight)
    up_to_person /= up_to_person[-1]
    home = np.arange(len(KINDS)) % len(AGENCIES)
    up_to_kind = np.cumsum(rng.dirichlet(np.full(len(KINDS), 2.0)))
    ids = rng.permutation(people).astype(np.int64) + 1_000_000

    start = FIRST.astype(np.int64)
    span = int(LAST.astype(np.int64) - start)
    parts = max(1, -(-events // PART))
    for part in range(parts):
        n = events * (part + 1) // parts - events * part // parts
        person = np.minimum(np.searchsorted(up_to_person, rng.random(n)), people - 1)
        kind = np.searchsorted(up_to_kind, rng.random(n)).clip(0, len(KINDS) - 1)
        agency = np.where(rng.random(n) < 0.8, home[kind], rng.integers(0, len(AGENCIES), n))
        occurred = start + (rng.random(n) * span / parts + part * span / parts).astype(np.int64)
        late = rng.random(n) >= 0.9
        prompt, slow = rng.exponential(3 * DAY, n), rng.exponential(60 * DAY, n)
        known = occurred + np.where(late, slow, prompt).astype(np.int64) + 60
        amount = np.round(rng.lognormal(4, 1, n), 2)
        order = np.argsort(known, kind="stable")
        table = pa.table(
            {
                "person_id": ids[person[order]],
                "source": _coded(agency[order], AGENCIES),
                "event_type": _coded(kind[order], KINDS),
                "occurred_at": pa.array(occurred[order] * 1_000_000, pa.timestamp("us")),
                "known_at": pa.array(known[order] * 1_000_000, pa.timestamp("us")),
                "amount": amount[order],
            }
        )
        path = folder / f"part{part:03d}.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=250_000)


def _coded(codes: np.ndarray, names: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names))
