"""What a training run costs as a county grows, stage by stage, and what that comes to for 500,000 people.

    python -m benchmarks.training measure --people 20000 200000    add them to training.json
    python -m benchmarks.training                                  print the table of training.json

A county of so many people is simulated, taken in and linked by a trained link model, once, and kept beside
the other data of the benchmarks. A run trains a copy of it in a process of its own, on which nothing has
looked before: its shards and panels are made too. Every county is trained on 24 monthly dates, and those of
up to 20,000 people by the specification as it is shipped. Between counties trained on the same dates a power
is fitted; what 500,000 people would take is that power drawn on, not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from benchmarks.county import extracts_of
from benchmarks.linkage import power
from benchmarks.measure import Clock, forget_peak, peak_memory
from benchmarks.table import machine, table
from benchmarks.workload import cache_folder

MEASURED = Path(__file__).parent / "training.json"

SHIPPED, MONTHLY = "escalation", "escalation_monthly"
EVERY, DATES = 30, 24
"""Days between the dates of `MONTHLY`, and how many of them are trained, calibrated and tested on."""

SMALL = 20_000
TARGETS = ((SMALL, SHIPPED, 90, None), (200_000, MONTHLY, 20 * 60, 8.0))
"""People, specification, and in how many seconds and GB they are to be trained."""
HALF_MILLION = 500_000

SETTINGS = "memory: 4GB  # half of 8 GB, as the default is on a machine that has no more\n"

PANELS, ASKED, CHOOSING = "panels stored", "who was asked and what followed", "choosing settings"
FOLDS, FITTING = "trying every candidate on folds", "fitting"
JUDGING, FAIR = "calibrating and judging", "fairness audit"
EXPORTING, REGISTER, REST = "cards and exporting", "MLflow register", "the rest"
STAGES = {
    "lay_plan": "what is held, and the dates",
    "store_panels": PANELS,
    "ask": ASKED,
    "_choose": CHOOSING,
    "_try_on_folds": FOLDS,
    "fit_all": FITTING,
    "margins_of": JUDGING,
    "fit_platt": JUDGING,
    "score_lists": JUDGING,
    "with_last_lists": JUDGING,
    "judge_all": JUDGING,
    "fair": FAIR,
    "draw": EXPORTING,
    "common": EXPORTING,
    "composition": EXPORTING,
    "card": EXPORTING,
    "reference_of": EXPORTING,
    "export_candidate": EXPORTING,
    "check_log": REGISTER,
    "evidence_of": REGISTER,
    "register": REGISTER,
}
"""Functions that `training.run` calls → the stage they are part of; what one calls is within it."""


@dataclass(frozen=True)
class Cost:
    """One stage, "" for the whole: seconds on the clock, CPU seconds, peak GB of the process."""

    stage: str
    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Run:
    """One training. people: as asked of the simulation. dates: which → how many; "all" of them are asked
    about, on the folds and the mornings before test dates too. rows, positives: fitted on at the end."""

    people: int
    specification: str
    dates: dict[str, int]
    features: int
    rows: int
    positives: int
    costs: tuple[Cost, ...]

    def cost(self, stage: str = "") -> Cost:
        """Of one stage, by default of all; zero where it was not come to."""
        return next((cost for cost in self.costs if cost.stage == stage), Cost(stage, 0.0, 0.0, 0.0))


@dataclass
class Watch:
    """Clocks and peaks of stages. A stage within another is part of that one."""

    clocks: dict[str, Clock] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    within: bool = False

    def __call__(self, stage: str, work: Any) -> Any:
        """The same work, watched as part of a stage."""

        def watched(*given: Any, **named: Any) -> Any:
            if self.within:
                return work(*given, **named)
            with self._of(stage):
                return work(*given, **named)

        return watched

    @contextmanager
    def _of(self, stage: str) -> Iterator[None]:
        self.look(REST)
        self.within = True
        try:
            with self.clocks.setdefault(stage, Clock()):
                yield
        finally:
            self.within = False
            self.look(stage)

    def look(self, stage: str) -> None:
        """What was held at most since the last look was held by this stage."""
        self.peaks[stage] = max(self.peaks.get(stage, 0.0), peak_memory() / 1e9)
        forget_peak()

    def costs(self, whole: Clock) -> list[Cost]:
        """The stages as they came, what lies between them, and the whole."""
        self.clocks[REST] = Clock(
            whole.wall - sum(clock.wall for clock in self.clocks.values()),
            whole.cpu - sum(clock.cpu for clock in self.clocks.values()),
        )
        found = [(stage, clock, self.peaks[stage]) for stage, clock in self.clocks.items()]
        found.append(("", whole, max(self.peaks.values())))
        return [Cost(stage, *(round(n, 3) for n in (c.wall, c.cpu, peak))) for stage, c, peak in found]


def monthly(shipped: str) -> str:
    """The YAML of `MONTHLY`: the shipped specification on `DATES` dates, `EVERY` days apart."""
    given = yaml.safe_load(shipped)
    calendar = given["calendar"]
    train = DATES - calendar["calibration_dates"] - calendar["test_dates"]
    given["name"] = MONTHLY
    given["calendar"] = calendar | {"every_days": EVERY, "history_days": EVERY * (train - 1)}
    return yaml.safe_dump(given, sort_keys=False)


def linked(people: int) -> Path:
    """The workspace of a simulated county, all taken in and linked by a trained link model; made once."""
    from features.ingest import ingest
    from features.link import link
    from features.workspace import Workspace, init_workspace
    from models.spec import TEMPLATES
    from training.linkage import train_links

    folder = cache_folder() / f"linked_{people}"
    if folder.exists():
        return folder
    extracts = extracts_of(people)
    county = json.loads((extracts / "county.json").read_text(encoding="utf-8"))
    root = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(root, ignore_errors=True)
    init_workspace(root, sources=extracts / "sources", specs=TEMPLATES)
    workspace, last = Workspace(root), date.fromisoformat(county["delivery_days"][-1])
    received = date.fromisoformat(county["history_received_on"])
    ingest(workspace, extracts / "history", received=received, history=True)
    shutil.copytree(extracts / "deliveries", workspace.inbox, dirs_exist_ok=True)
    ingest(workspace, workspace.inbox, received=last)
    train_links(workspace, use=True)
    link(workspace)
    root.rename(folder)
    return folder


def measure(people: int, specification: str) -> Run:
    """Train a copy of a county, with the specifications of today."""
    from models.spec import TEMPLATES

    source = linked(people)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        root = Path(folder) / "workspace"
        shutil.copytree(source, root, copy_function=_copied)
        (root / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
        shutil.copytree(TEMPLATES, root / "specs", dirs_exist_ok=True)
        shipped = (TEMPLATES / f"{SHIPPED}.yaml").read_text(encoding="utf-8")
        (root / "specs" / f"{MONTHLY}.yaml").write_text(monthly(shipped), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.training", "train", "--workspace", str(root)]
        command += ["--specification", specification]
        as_ours = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}  # as `earlyhelp train` has it
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=as_ours)
    found = json.loads(done.stdout.splitlines()[-1])
    return run_of({"people": people, "specification": specification, **found})


def _copied(source: str, target: str) -> None:
    """A table's files are written once and never changed: another name for them is a copy."""
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def train(root: Path, specification: str) -> dict[str, Any]:
    """Train a workspace: the fields of a `Run` beside people and specification, for JSON."""
    import training.run
    from features.kernel import compile_ahead
    from features.workspace import open_workspace

    compile_ahead()
    watch, whole = Watch(), Clock()
    with ExitStack() as patched:
        for name, stage in STAGES.items():
            work = getattr(training.run, name)
            patched.enter_context(patch(f"training.run.{name}", watch(stage, work)))
        forget_peak()
        with whole:
            report = training.run.train(open_workspace(root), specification)
    watch.look(REST)
    card, calendar = next(iter(report.cards.values())), report.calendar
    return {
        "dates": {
            "train": len(calendar.train),
            "calibrate": len(calendar.calibrate),
            "test": len(calendar.test),
            "folds": len(calendar.folds),
            "all": len(calendar.days),
        },
        "features": len(features_of(root, specification)),
        "rows": card["fitted_on"]["rows"],
        "positives": card["fitted_on"]["positives"],
        "costs": [asdict(cost) for cost in watch.costs(whole)],
    }


def features_of(root: Path, specification: str) -> tuple[str, ...]:
    """The columns of a specification's panel."""
    from features.workspace import open_workspace
    from models.spec import catalogue_of, read_spec

    workspace = open_workspace(root)
    return catalogue_of(workspace, read_spec(workspace, specification)).names


def run_of(kept: Mapping[str, Any]) -> Run:
    """A run as JSON keeps it."""
    return Run(**{**kept, "costs": tuple(Cost(**cost) for cost in kept["costs"])})


def report(runs: Sequence[Run]) -> Iterator[str]:
    """The tables and the verdicts."""
    for specification in (SHIPPED, MONTHLY):
        some = sorted((r for r in runs if r.specification == specification), key=lambda r: r.people)
        if some:
            draw = specification == MONTHLY and len(some) > 1
            yield from _of_specification(specification, some, draw=draw)
    for people, specification, seconds, gigabytes in TARGETS:
        run = next((r for r in runs if (r.people, r.specification) == (people, specification)), None)
        if run is None:
            yield f"{people:,} people by {specification} were not measured."
            continue
        cost, panels = run.cost(), run.cost(PANELS)
        reached = cost.seconds < seconds and (gigabytes is None or cost.peak < gigabytes)
        most = f"under {seconds} s" + (f" and {gigabytes:g} GB" if gigabytes else "")
        verdict = "reached" if reached else "NOT reached"
        yield (
            f"{people:,} people by {specification}: {cost.seconds:.1f} s, {panels.seconds:.1f} of them for "
            f"the panels, and {cost.peak:.2f} GB (must be {most}: {verdict})."
        )
    yield from _half_a_million([run for run in runs if run.specification == MONTHLY])


def _half_a_million(runs: Sequence[Run]) -> Iterator[str]:
    """By the power, which takes what is fixed to shrink on, and in proportion, which takes it to grow."""
    if len(runs) < 2:
        yield f"{HALF_MILLION:,} people were not measured, and there are too few sizes to draw on."
        return
    sizes, large = [run.people for run in runs], max(runs, key=lambda run: run.people)
    seconds, peak = (
        power(sizes, [getattr(run.cost(), figure) for run in runs], HALF_MILLION)[1]
        for figure in ("seconds", "peak")
    )
    more, most = HALF_MILLION / large.people, large.cost()
    yield (
        f"{HALF_MILLION:,} people by {MONTHLY} were not measured: {seconds:,.0f} s and {peak:.1f} GB by the "
        f"power, {most.seconds * more:,.0f} s and {most.peak * more:.1f} GB in proportion."
    )


def _of_specification(specification: str, runs: Sequence[Run], *, draw: bool) -> Iterator[str]:
    dates = runs[-1].dates
    own = sum(dates[block] for block in ("train", "calibrate", "test"))
    yield (
        f"{specification}: {own} dates ({dates['train']} to train on, {dates['calibrate']} to calibrate, "
        f"{dates['test']} to test), and {dates['all']} asked about in all, with {dates['folds']} folds and "
        f"the mornings a week before test dates. {runs[-1].features:,} features. Seconds / CPU s / peak GB.\n"
    )
    heads = ["stage", *(f"{run.people:,} people" for run in runs)]
    heads += ["power of CPU", f"{HALF_MILLION:,}: s / CPU s / GB"] if draw else []
    rows = []
    sizes = [run.people for run in runs]
    for stage in [cost.stage for cost in runs[-1].costs]:
        costs = [run.cost(stage) for run in runs]
        row = [stage or "all of it", *(f"{c.seconds:.1f} / {c.cpu:.1f} / {c.peak:.2f}" for c in costs)]
        if draw:
            (_, wall), (grows, cpu), (_, peak) = (
                power(sizes, [getattr(cost, figure) for cost in costs], HALF_MILLION)
                for figure in ("seconds", "cpu", "peak")
            )
            row += [f"{grows:.2f}", f"{wall:,.0f} / {cpu:,.0f} / {peak:.1f}"]
        rows.append(tuple(row))
    yield from table(tuple(heads), rows)
    for run in runs:
        yield f"{run.people:,} people: fitted on {run.rows:,} rows, {run.positives:,} with the outcome."
    yield ""


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    given.add_argument("what", nargs="?", choices=("measure", "print", "train"), default="print")
    given.add_argument("--people", type=int, nargs="+", default=[SMALL, 200_000])
    given.add_argument("--workspace", type=Path, help="for train, which measure starts itself")
    given.add_argument("--specification", choices=(SHIPPED, MONTHLY), help="default: all that are due")
    given.add_argument("--out", type=Path, default=MEASURED, help="the file that runs are added to")
    asked = given.parse_args()
    if asked.what == "train":
        print(json.dumps(train(asked.workspace, asked.specification or SHIPPED)))
        return
    kept = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.exists() else []
    if asked.what == "measure":
        due = [
            (n, name) for n in asked.people for name in (SHIPPED, MONTHLY) if name == MONTHLY or n <= SMALL
        ]
        for people, name in due:
            if asked.specification in (None, name):
                run = asdict(measure(people, name))
                kept = [r for r in kept if (r["people"], r["specification"]) != (people, name)] + [run]
                asked.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print("\n".join([*report([run_of(run) for run in kept]), machine()]))


if __name__ == "__main__":
    main()
