"""`make bench`: the panel on generated data beside other engines, every value checked, ratios of one run.

Times wander with what else the machine does; the ratios of one run are what to read. Data is generated
once, into $BENCH_DATA or the user's cache.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import case
from benchmarks.plan import LARGE, QUICK, USUAL, carry_out
from benchmarks.table import is_void, printed, targets
from benchmarks.workload import SIZES, cache_folder, events_of


def main(arguments: list[str] | None = None) -> int:
    """0 if every value is right and no rival was slower than it was seen to be; targets may be missed."""
    given = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    given.add_argument(
        "--size", choices=("M", "L"), default="M", help="M: S and M, the default; L: L beside M"
    )
    given.add_argument("--quick", action="store_true", help="every case on next to nothing, here; no figures")
    asked = given.parse_args(arguments)
    turns = QUICK if asked.quick else {"M": USUAL, "L": LARGE}[asked.size]
    for name in ("tiny", *{task.size for each in turns for task in each.tasks}):
        events_of(SIZES[name])
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        run = case.run_here if asked.quick else case.run
        results = carry_out(turns, run=run, scratch=Path(scratch), tell=_tell)
    found = [] if asked.quick else list(targets(results))
    print("\n".join(printed(results, found)))
    return int(is_void(found) or any(result.wrong for result in results.values()))


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
