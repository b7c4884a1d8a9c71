"""What each stage costs as a county grows, and what that comes to for a region or the country.

    python -m benchmarks.scale measure --people 5000 20000 60000    run every stage, write scale.json
    python -m benchmarks.scale                                      print the model of scale.json

Each stage is a command in a process of its own, so that its CPU seconds and its peak memory are the
operating system's word. A line through the counties gives a fixed cost and a slope per million
people; `growth` is how the two largest compare: 1 is in proportion, 2 is with the square. The
figures of `docs/scale.md` are what this prints.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

MEASURED = Path(__file__).parent / "scale.json"
COMMAND = (sys.executable, "-c", "import earlyhelp; earlyhelp.main()")
SIZES = {"a large county": 1, "a region": 6, "England": 56}
"""Millions of people."""

ONCE = ("take in the past", "link for the first time", "make the shards, and a panel", "train")
WEEKLY = ("take in a week", "link again", "renew the shards, and the panel", "list and its reasons")


@dataclass(frozen=True)
class Cost:
    """One stage on one county: seconds on the clock, CPU seconds, peak memory and new bytes, in MB."""

    stage: str
    people: int
    seconds: float
    cpu: float
    peak: float
    disk: float


@dataclass(frozen=True)
class Slope:
    """A stage's cost: CPU seconds are fixed + per_million * millions; memory and disk in MB a million."""

    stage: str
    fixed: float
    per_million: float
    peak: float
    disk: float
    growth: float

    def cpu(self, millions: float) -> float:
        return self.fixed + self.per_million * millions


def measure(people: int) -> Iterator[Cost]:
    """Every stage on a simulated county of so many people: the past, then the last of its weeks."""
    with tempfile.TemporaryDirectory() as folder:
        extracts, root = Path(folder) / "extracts", Path(folder) / "workspace"
        _run("simulate", "--people", people, "--out", extracts)
        county = json.loads((extracts / "county.json").read_text(encoding="utf-8"))
        there, morning = county["people"], date.fromisoformat(county["delivery_days"][-1])
        before, inbox = morning - timedelta(days=7), root / "inbox"
        _run("init", "--from", extracts, "--workspace", root)

        def stage(name: str, *arguments: object) -> Cost:
            size = _bytes(root)
            seconds, cpu, peak = _run(*arguments, "--workspace", root)
            return Cost(name, there, seconds, cpu, peak, (_bytes(root) - size) / 1e6)

        past = ("--history", "--received", county["history_received_on"])
        yield stage("take in the past", "ingest", extracts / "history", *past)
        for day in county["delivery_days"][:-1]:
            shutil.copytree(extracts / "deliveries" / day, inbox / day)
        _run("ingest", inbox, "--workspace", root)
        yield stage("link for the first time", "link")
        yield stage("make the shards, and a panel", "features", "--as-of", before)
        yield stage("one more panel", "features", "--as-of", before - timedelta(days=91))
        yield stage("train", "train")
        shutil.copytree(extracts / "deliveries" / str(morning), inbox / str(morning))
        yield stage("take in a week", "ingest", inbox)
        yield stage("link again", "link")
        yield stage("renew the shards, and the panel", "features", "--as-of", morning)
        yield stage("list and its reasons", "flag", "--as-of", morning)


def _run(*arguments: object) -> tuple[float, float, float]:
    """Run a command of the front door: seconds, CPU seconds, peak MB."""
    start = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    done = subprocess.Popen([*COMMAND, *map(str, arguments)], **quiet)
    _, status, used = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    if done.returncode:
        raise RuntimeError(f"`earlyhelp {arguments[0]}` ended with exit code {done.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def _bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / "data").rglob("*") if path.is_file())


def slopes(costs: Sequence[Cost]) -> list[Slope]:
    """The line through each stage's counties, at least two of them; never below zero."""
    found = []
    for stage in dict.fromkeys(cost.stage for cost in costs):
        of = sorted((cost for cost in costs if cost.stage == stage), key=lambda cost: cost.people)
        millions = np.array([cost.people / 1e6 for cost in of])
        per_million, fixed = np.polyfit(millions, [cost.cpu for cost in of], 1)
        peak = np.polyfit(millions, [cost.peak for cost in of], 1)[0]
        disk = np.polyfit(millions, [cost.disk for cost in of], 1)[0]
        small, large = of[-2:]
        own = [max(cost.cpu - max(fixed, 0), 1e-3) for cost in (small, large)]
        growth = math.log(own[1] / own[0]) / math.log(large.people / small.people)
        kept = (max(float(figure), 0.0) for figure in (fixed, per_million, peak, disk))
        found.append(Slope(stage, *kept, growth))
    return found


def model(costs: Sequence[Cost]) -> str:
    """The measured slopes, and what they come to, as the two tables of `docs/scale.md`."""
    found = slopes(costs)
    sizes = ", ".join(f"{size:,}" for size in sorted({cost.people for cost in costs}))
    head = (
        "stage",
        "CPU s, fixed",
        "CPU s a million people",
        "growth",
        "GB of memory a million",
        "GB of disk",
    )
    measured = [
        (
            slope.stage,
            f"{slope.fixed:.1f}",
            f"{slope.per_million:,.0f}",
            f"{slope.growth:.2f}",
            f"{slope.peak / 1e3:.1f}",
            f"{slope.disk / 1e3:.2f}",
        )
        for slope in found
    ]
    drawn_on = []
    for title, stages in (("once", ONCE), ("each week", WEEKLY)):
        chosen = [slope for slope in found if slope.stage in stages]
        hours = (f"{sum(slope.cpu(n) for slope in chosen) / 3600:,.1f}" for n in SIZES.values())
        drawn_on.append((f"{title}, CPU hours", *hours))
    kept = sum(slope.disk for slope in found if slope.stage in ONCE)
    drawn_on.append(("disk, GB", *(f"{kept * n / 1e3:,.0f}" for n in SIZES.values())))
    places = (f"{name}, {n} million" for name, n in SIZES.items())
    return "\n".join(
        [
            f"Measured on counties of {sizes} people.",
            "",
            *_table(head, measured),
            "",
            *_table(("the line drawn on", *places), drawn_on),
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ("---", *["---:"] * (len(head) - 1)), *rows):
        yield f"| {' | '.join(row)} |"


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    given.add_argument("what", nargs="?", choices=("measure", "print"), default="print")
    given.add_argument("--people", type=int, nargs="+", default=[5_000, 20_000, 60_000])
    asked = given.parse_args()
    if asked.what == "measure":
        costs: list[Cost] = []
        list(measure(1_000))  # so that nothing is compiled while the clock runs
        for people in asked.people:
            for cost in measure(people):
                print(cost, file=sys.stderr, flush=True)
                costs.append(cost)
        MEASURED.write_text(json.dumps([asdict(cost) for cost in costs], indent=1) + "\n", encoding="utf-8")
    print(model([Cost(**cost) for cost in json.loads(MEASURED.read_text(encoding="utf-8"))]))


if __name__ == "__main__":
    main()
