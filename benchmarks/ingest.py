"""What taking in extracts costs: police logs, council tax and social care, one row in a hundred bad.

    python -m benchmarks.ingest --rows 10000000

The rows are generated once, from the declarations that the package ships, into $BENCH_DATA or the user's
cache. They are taken in twice, each time into an empty workspace: as a delivery of one day, and as a first
load of past years, in which what has ended is first seen open. All checks are on; the quarantine must
hold the bad rows and nothing else. Peak memory is the operating system's word, of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchmarks.measure import Clock, peak_memory
from benchmarks.table import machine, table
from benchmarks.workload import cache_folder
from features.declaration import Column, Extract
from features.ingest import ingest
from features.progress import quiet
from features.workspace import Workspace, init_workspace, open_workspace

SHARES = {
    ("police", "logs"): 0.4,
    ("council_tax", "recovery"): 0.25,
    ("council_tax", "accounts"): 0.1,
    ("social_care", "contacts"): 0.15,
    ("social_care", "cin_episodes"): 0.1,
}
"""How the rows are divided."""

BAD_EVERY = 100
RECEIVED = date(2026, 1, 5)
FIRST, LAST = np.datetime64("2019-07-01"), np.datetime64("2025-11-30")
MEMORY = "2400MB"
"""What DuckDB may take; the rest of the process comes on top."""

BLOCK = 500_000
BAD_DATE = "31/02/2024 or so"


def extracts_of(rows: int) -> Path:
    """A folder with one file an extract, made once."""
    folder = cache_folder() / f"extracts_{rows}"
    if not folder.exists():
        started = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(started, ignore_errors=True)
        started.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as root:
            init_workspace(Path(root))
            sources = open_workspace(Path(root)).sources
        for (source, name), share in SHARES.items():
            extract = sources[source].extracts[name]
            _write(started / extract.files.replace("*", "all"), extract, round(rows * share))
        started.rename(folder)
    return folder


def _write(path: Path, extract: Extract, rows: int) -> None:
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            block = _block(rng, extract, start, min(BLOCK, rows - start))
            options = pyarrow.csv.WriteOptions(include_header=start == 0, quoting_style="needed")
            pyarrow.csv.write_csv(block, file, options)


def _block(rng: np.random.Generator, extract: Extract, start: int, n: int) -> pa.Table:
    """Rows as an agency would write them: each key once, each person some twenty times."""
    happened = FIRST + rng.integers(0, int((LAST - FIRST).astype(int)), n)
    begins = [s.register_.start for s in extract.subjects if s.register_] or [extract.events[0].occurred]
    people = {c for subject in extract.subjects for c in subject.key}
    found: dict[str, pa.Array] = {}
    for name, column in extract.columns.items():
        if name == extract.record_key[0]:
            found[name] = _numbers(np.arange(start, start + n), column)
        elif name in extract.record_key:
            found[name] = pa.array(["1"]).take(pa.array(np.zeros(n, np.int8)))
        elif name in people:
            found[name] = _numbers(rng.integers(0, max(n // 20, 1), n), column)
        elif column.type == "date":
            found[name] = _dates(rng, extract, name, column, happened, settled=name in begins)
        elif column.type == "time":
            minutes = rng.integers(0, 24 * 60, n).astype("datetime64[m]")
            found[name] = pc.strftime(pa.array(minutes.astype("datetime64[s]")), format=column.format)
        elif column.codes:
            found[name] = pa.array(list(column.codes)).take(pa.array(rng.integers(0, len(column.codes), n)))
        elif column.type in ("number", "integer"):
            found[name] = pc.cast(pa.array(rng.integers(0, 200_000, n) / 100), pa.string())
        else:
            found[name] = _texts(rng, name, column, n)
    return pa.table(found)


def _dates(
    rng: np.random.Generator,
    extract: Extract,
    name: str,
    column: Column,
    happened: np.ndarray,
    *,
    settled: bool,
) -> pa.Array:
    n, days = len(happened), happened
    if column.not_before is not None and column.not_before.year < 1950 and not settled:
        days = np.datetime64("1950-01-01") + rng.integers(0, 25_000, n)  # a birth
    elif name == extract.recorded:
        days = happened + rng.integers(0, 20, n)
    elif not settled:
        days = happened + rng.integers(20, 35, n)
    texts = pc.strftime(pa.array(days.astype("datetime64[s]")), format=column.format)
    if settled:
        bad = pa.array(np.arange(n) % BAD_EVERY == BAD_EVERY // 2)
        return pc.if_else(bad, BAD_DATE, texts)
    if name == extract.recorded:
        return texts
    return pc.if_else(pa.array(rng.random(n) < 0.3), texts, "")


def _texts(rng: np.random.Generator, name: str, column: Column, n: int) -> pa.Array:
    if column.pattern and "|" in column.pattern:
        words = column.pattern.split("|")
    elif column.pattern:
        return _numbers(rng.integers(1, 9 if column.pattern.endswith("]") else 10**6, n), column)
    else:
        words = [f"{name[:6].title()}{i}" for i in range(500)]
    return pa.array(words).take(pa.array(rng.integers(0, len(words), n)))


def _numbers(values: np.ndarray, column: Column) -> pa.Array:
    """Numbers in the form of a column's pattern: its letters, then as many digits as it asks for."""
    found = re.match(r"([A-Z]*)\[[^]]*\](?:\{(?:1,)?(\d+)\})?", column.pattern or "")
    letters, width = (found[1], int(found[2] or 1)) if found else ("", 1)
    digits = pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width=min(width, 12), padding="0")
    return pc.binary_join_element_wise(letters, digits, "") if letters else digits


def _take_in(folder: Path, root: Path, *, history: bool) -> dict[str, float]:
    """Take a folder in, and say what it cost; in the process that is asked for it alone."""
    init_workspace(root)
    (root / "settings.yaml").write_text(f"memory: {MEMORY}\n")
    workspace, clock = Workspace(root), Clock()
    with clock:
        reports = ingest(workspace, folder, received=RECEIVED, history=history, tell=quiet)
    rows, aside = (sum(getattr(r, name) for r in reports) for name in ("rows", "quarantined"))
    reasons = [item for report in reports for item in report.quarantined_by_reason.items()]
    bad = sum(count for reason, count in reasons if "is not a date" in reason)
    if bad != aside or not 0.8 < aside * BAD_EVERY / rows <= 1:  # some bad rows are ignored by a rule
        raise RuntimeError(f"{aside} of {rows} rows in quarantine, {bad} of them for a date: {reasons}")
    return {
        "rows": rows,
        "events": sum(r.events for r in reports),
        "wall": clock.wall,
        "cpu": clock.cpu,
        "peak": peak_memory(),
    }


def main(arguments: list[str] | None = None) -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    given.add_argument("--rows", type=int, default=10_000_000)
    given.add_argument("--only", choices=("live", "history"), help=argparse.SUPPRESS)
    asked = given.parse_args(arguments)
    folder = extracts_of(asked.rows)
    if asked.only:
        with tempfile.TemporaryDirectory(dir=cache_folder()) as root:
            print(json.dumps(_take_in(folder, Path(root), history=asked.only == "history")))
        return
    size = sum(path.stat().st_size for path in folder.iterdir())
    bad = f"{1 / BAD_EVERY:.0%} of them bad"
    print(f"{asked.rows:,} rows in {len(SHARES)} files of {size / 1e6:,.0f} MB, {bad}.\n")
    rows = []
    for only, said in (("live", "one day's delivery"), ("history", "a first load of past years")):
        command = [sys.executable, "-m", "benchmarks.ingest", "--rows", str(asked.rows), "--only", only]
        cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        speed = cost["rows"] / cost["wall"]
        figures = f"{cost['wall']:.1f}", f"{cost['cpu']:.1f}", f"{speed:,.0f}", f"{cost['peak'] / 1e6:,.0f}"
        rows.append((said, f"{cost['events']:,.0f}", *figures))
    print("\n".join(table(("taken in as", "events", "seconds", "CPU s", "rows/s", "peak MB"), rows)))
    print(machine())


if __name__ == "__main__":
    main()
