"""The product's own panel of a simulated county, stage by stage, as a table and a flame graph.

    python -m benchmarks.county --people 200000 --flame docs/county.svg

The stages run one after another in one process, through the doors that the commands use. The county is
simulated once, into $BENCH_DATA or the user's cache. With --flame py-spy looks at the process 50 times a
second while it runs and draws what it saw; the simulation is not in it.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import features.shards
from benchmarks.measure import Clock, forget_peak, peak_memory
from benchmarks.table import machine, table
from benchmarks.workload import cache_folder
from features.catalogue import Catalogue, derive_catalogue
from features.ingest import ingest
from features.kernel import compile_ahead
from features.link import link
from features.panel import build_panel, store_panels
from features.panel_files import PanelFiles
from features.shards import shards_of
from features.snapshot import open_snapshot
from features.workspace import Workspace, init_workspace
from models.spec import TEMPLATES
from simulation.county import simulate

YEARS, SEED, DATES = 7, 1, 24


@dataclass
class Stages:
    """The table's rows as they come about: stage, what it worked on, seconds, CPU seconds, peak."""

    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Measure the block; what it appends to the list given is said of it."""
        clock, said = Clock(), list[str]()
        forget_peak()
        with clock:
            yield said
        self.add(name, clock, said)

    def add(self, name: str, clock: Clock, said: list[str]) -> None:
        figures = f"{clock.wall:.1f}", f"{clock.cpu:.1f}", f"{peak_memory() / 1e6:,.0f}"
        self.rows.append((name, ", ".join(said), *figures))


def extracts_of(people: int) -> Path:
    """A simulated county's extracts, made once."""
    folder = cache_folder() / f"county_{people}"
    if not folder.exists():
        started = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(started, ignore_errors=True)
        simulate(people=people, years=YEARS, seed=SEED, out=started)
        started.rename(folder)
    return folder


def measure(extracts: Path, root: Path) -> list[tuple[str, str, str, str, str]]:
    """From the extracts to the panels of a morning and of two years, then the week after."""
    county = json.loads((extracts / "county.json").read_text(encoding="utf-8"))
    *earlier, last = county["delivery_days"]
    morning = date.fromisoformat(last)
    before = morning - timedelta(days=7)
    init_workspace(root, sources=extracts / "sources", specs=TEMPLATES)
    workspace, stages = Workspace(root), Stages()
    catalogue = derive_catalogue(workspace.sources)

    with stages.stage("read: six years and the weeks since") as said:
        past = ingest(
            workspace,
            extracts / "history",
            received=date.fromisoformat(county["history_received_on"]),
            history=True,
        )
        for day in earlier:
            shutil.copytree(extracts / "deliveries" / day, workspace.inbox / day)
        weeks = ingest(workspace, workspace.inbox, received=before, before=before)
        said.append(f"{sum(report.rows for report in (*past, *weeks)):,} rows")
    with stages.stage("link") as said:
        said.append(f"{link(workspace).persons:,} people")
    _make_shards(stages, workspace, catalogue)
    snapshot = open_snapshot(workspace)
    with stages.stage("kernel: a morning") as said:
        panel = build_panel(snapshot, catalogue, before)
        said.append(f"{panel.X.shape[0]:,} people x {panel.X.shape[1]} features")
    with stages.stage("write: a morning, Parquet") as said:
        files = PanelFiles(root / "data" / "whole", {})
        files.write(0, 1, panel.arrow())
        said.append(f"{files.path(0).stat().st_size / 1e6:,.0f} MB")
    del panel
    with stages.stage(f"kernel and write: {DATES} mornings") as said:
        months = [before - timedelta(days=30 * back) for back in range(DATES)]
        counts = store_panels(snapshot, catalogue, months)
        said.append(f"{sum(counts.values()):,} rows")

    shutil.copytree(extracts / "deliveries" / last, workspace.inbox / last)
    with stages.stage("the next week: read") as said:
        weeks = ingest(workspace, workspace.inbox, received=morning)
        said.append(f"{sum(report.rows for report in weeks):,} rows")
    with stages.stage("the next week: link"):
        link(workspace)
    _make_shards(stages, workspace, catalogue, "the next week: ")
    with stages.stage("the next week: kernel and write"):
        store_panels(open_snapshot(workspace), catalogue, [morning])
    return stages.rows


def _make_shards(stages: Stages, workspace: Workspace, catalogue: Catalogue, when: str = "") -> None:
    """Two rows: what reaches people, found by DuckDB, and the sorting of it into shards."""
    module, reaching, rest = features.shards, Clock(), Clock()
    names = ("reach", "deal")
    forget_peak()
    with patch.multiple(module, **{name: _clocked(getattr(module, name), reaching) for name in names}), rest:
        shards = shards_of(open_snapshot(workspace), catalogue)
    stages.add(f"{when}reach: events x links x residences", reaching, [])
    sorting = Clock(rest.wall - reaching.wall, rest.cpu - reaching.cpu)
    rows = sum(entry.rows for entry in shards.entries)
    stages.add(f"{when}sort: into shards", sorting, [f"{rows:,} rows in {len(shards)}"])


def _clocked(work, clock: Clock):  # type: ignore[no-untyped-def]
    def run(*given, **named):  # type: ignore[no-untyped-def]
        with clock:
            return work(*given, **named)

    return run


def draw(flame: Path, *, people: int) -> None:
    """Run the stages under py-spy and write its flame graph, titled with what it shows."""
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--rate", "50", "--function"]
    again = [sys.executable, "-m", "benchmarks.county", "--people", str(people)]
    subprocess.run([*spy, "--output", str(flame), "--", *again], check=True)
    drawn = flame.read_text(encoding="utf-8")
    title = f"A simulated county of {people:,} people, from its extracts to the panels of a week"
    flame.write_text(re.sub(r'(<text id="title"[^>]*>)[^<]*', rf"\g<1>{title}", drawn), encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.county", description=__doc__)
    given.add_argument("--people", type=int, default=200_000)
    given.add_argument("--flame", type=Path, help="an SVG file for the flame graph")
    asked = given.parse_args(arguments)
    extracts = extracts_of(asked.people)
    if asked.flame:
        draw(asked.flame, people=asked.people)
        return
    compile_ahead()
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        rows = measure(extracts, Path(folder) / "workspace")
    print(f"A simulated county of {asked.people:,} people, {YEARS} years.\n")
    print("\n".join(table(("stage", "of", "seconds", "CPU s", "peak MB"), rows)))
    print(machine())


if __name__ == "__main__":
    main()
