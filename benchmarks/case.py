"""One case in a process of its own: `python -m benchmarks.case CASE SIZE DATES FILE`.

Prints its cost as JSON and saves the values of the sampled people to FILE. `run` starts such a process.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.measure import Cost, Engine, measured
from benchmarks.reference import DATES, take_sample
from benchmarks.workload import SCRATCH, SIZES, Size, events_of

CASES = {
    "reading": "rivals.reading",
    "polars": "rivals.polars",
    "duckdb": "rivals.duckdb_filter",
    "files": "ours.from_files",
    "parts": "ours.in_parts",
    "making": "stored.making",
    "stored": "stored.stored",
    "week": "stored.week",
    "parquet": "streamed.to_parquet",
    "binned": "streamed.binned",
}
"""Only the engine of the case is imported: what another one brings along is no memory of its."""


def run(case: str, size: Size, dates: int, scratch: Path) -> tuple[Cost, np.ndarray]:
    """The cost of a case on the last so many dates, and its values of the sample; see `measured`.

    Raises CalledProcessError if it fails; what it said is then on standard error.
    """
    with tempfile.NamedTemporaryFile(suffix=".npy", dir=scratch) as file:
        command = [sys.executable, "-m", "benchmarks.case", case, size.name, str(dates), file.name]
        ended = subprocess.run(
            command, env={**os.environ, SCRATCH: str(scratch)}, stdout=subprocess.PIPE, check=True, text=True
        )
        return Cost(*json.loads(ended.stdout)), np.load(file.name)


def run_here(case: str, size: Size, dates: int, scratch: Path) -> tuple[Cost, np.ndarray]:
    """The same in this process, with nothing warmed before: for trying out, not for measuring."""
    os.environ[SCRATCH] = str(scratch)
    folder = events_of(size)
    return measured(engine_of(case), folder, DATES[-dates:], take_sample(folder).people)


def engine_of(case: str) -> Engine:
    module, name = CASES[case].split(".")
    return getattr(import_module(f"benchmarks.{module}"), name)


def main() -> None:
    case, size, dates, file = sys.argv[1:]
    engine, last = engine_of(case), DATES[-int(dates) :]
    measured(engine, events_of(SIZES["tiny"]), last, np.arange(0))  # imports, compiles, starts threads
    gc.collect()
    folder = events_of(SIZES[size])
    cost, values = measured(engine, folder, last, take_sample(folder).people)
    np.save(file, values)
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
