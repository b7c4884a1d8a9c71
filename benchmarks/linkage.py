"""What linking costs as a county grows, stage by stage, and what that comes to for a million subjects.

    python -m benchmarks.linkage measure --subjects 50000 100000 200000    add them to linkage.json
    python -m benchmarks.linkage                                           print the table of linkage.json

A county of so many subjects is simulated and taken in; then a model is trained and everybody is linked,
each in a process of its own, as the commands are. A week later everybody is linked again. A power is
fitted through the sizes of each stage: what a million would take is that power drawn on, not measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.county import extracts_of
from benchmarks.measure import Clock, forget_peak, peak_memory
from benchmarks.scale import _table
from benchmarks.table import machine
from benchmarks.workload import cache_folder

MEASURED = Path(__file__).parent / "linkage.json"
SUBJECTS_A_PERSON = 4.3
"""In the simulated county."""

TARGET, SECONDS, GIGABYTES, MOVED = 200_000, 60, 4.0, 0.001
"""So many subjects are to be linked in so long and so much memory, and so few of the unchanged to move."""

MILLION = 1_000_000
TRAIN, LINK, AGAIN = "train", "link", "link, a week later"

STAGES = {
    "features.link": {
        "open_snapshot": "read what is held",
        "number_subjects": "subjects and their exact keys",
        "make_address_facts": "subjects and their exact keys",
        "make_holdings": "subjects and their exact keys",
        "keep_within": "links by day, and ids",
        "hold_in_pairs": "links by day, and ids",
        "make_timelines": "links by day, and ids",
        "carry_over": "links by day, and ids",
        "make_residences": "residences",
        "_find_changes": "what changed, and writing it",
        "_append_changes": "what changed, and writing it",
    },
    "features.probable_people": {
        "make_stated": "who each subject is said to be",
        "make_identity_records": "who each subject is said to be",
        "make_comparable": "whom to compare",
        "make_pairs": "how alike the pairs are",
        "make_sure": "what speaks for and against",
        "make_apart": "what speaks for and against",
        "find_people": "people that can be trusted",
        "strengths": "people that can be trusted",
        "make_pair_days": "since when",
    },
}
"""Module → its functions → the stage that they are part of."""


@dataclass(frozen=True)
class Cost:
    """One stage, "" for the whole: seconds on the clock, CPU seconds, peak GB of the process."""

    step: str
    stage: str
    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class County:
    """What one size came to. unchanged: people of whom the week brought no record; moved: those of them who
    got another id. changes: how many of each kind the log of people tells of the week."""

    people: int
    subjects: int
    persons: int
    unchanged: int
    moved: int
    costs: tuple[Cost, ...]
    changes: dict[str, int] = field(default_factory=dict)


def measure(subjects: int, *, keep: Path | None = None) -> County:
    """Train, link, and link again a week later, on a simulated county of about so many subjects.

    keep: a folder for the workspace, to look into it afterwards.
    """
    from features.ingest import ingest
    from features.workspace import Workspace, init_workspace
    from models.spec import TEMPLATES

    extracts = extracts_of(round(subjects / SUBJECTS_A_PERSON))
    county = json.loads((extracts / "county.json").read_text(encoding="utf-8"))
    *earlier, last = county["delivery_days"]
    before = date.fromisoformat(last) - timedelta(days=7)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        root = (keep or Path(folder)) / f"workspace_{subjects}"
        init_workspace(root, sources=extracts / "sources", specs=TEMPLATES)
        workspace = Workspace(root)
        past = date.fromisoformat(county["history_received_on"])
        ingest(workspace, extracts / "history", received=past, history=True)
        for day in earlier:
            shutil.copytree(extracts / "deliveries" / day, workspace.inbox / day)
        ingest(workspace, workspace.inbox, received=before, before=before)
        costs = [*_apart("train", root, TRAIN), *_apart("link", root, LINK)]
        shutil.copytree(extracts / "deliveries" / last, workspace.inbox / last)
        ingest(workspace, workspace.inbox, received=date.fromisoformat(last))
        costs += _apart("link", root, AGAIN)
        found, persons, unchanged, moved = moved_of(workspace)
        changes = changes_of(workspace)
    return County(county["people"], found, persons, unchanged, moved, tuple(costs), changes)


def moved_of(workspace) -> tuple[int, int, int, int]:  # type: ignore[no-untyped-def]
    """Of the last two link runs: subjects, people, unchanged people, those of them with another id.

    Unchanged: no identity or address of their subjects became known or was withdrawn since the run before.
    A person has another id where any of their subjects has.
    """
    from features.snapshot import open_snapshot

    after = open_snapshot(workspace)
    runs = {run["link_run"]: run["last_delivery"] for run in after.tables.read("link_runs").to_pylist()}
    before = open_snapshot(workspace, last_delivery=runs[after.link_run - 1], link_run=after.link_run - 1)
    con = after.con
    con.register("links_before", before.con.sql("FROM links WHERE known_until IS NULL").to_arrow_table())
    told = " UNION ALL ".join(
        f"SELECT source, subject_key FROM {table} WHERE delivery_id > {before.last_delivery} "
        f"OR known_until >= DATE '{before.morning_after}'"
        for table in ("identities", "addresses")
    )
    found = con.execute(
        f"""
        WITH now AS (FROM links WHERE known_until IS NULL), told AS ({told}), people AS (
            SELECT b.person_id, bool_or(t.source IS NOT NULL) AS told,
                   bool_or(n.person_id IS DISTINCT FROM b.person_id) AS moved
            FROM links_before b LEFT JOIN now n USING (source, subject_key)
            LEFT JOIN (SELECT DISTINCT * FROM told) t USING (source, subject_key) GROUP BY b.person_id
        )
        SELECT (SELECT count(*) FROM now), (SELECT count(DISTINCT person_id) FROM now),
               count(*) FILTER (NOT told), count(*) FILTER (NOT told AND moved) FROM people
        """
    ).fetchall()[0]
    return tuple(found)


def changes_of(workspace) -> dict[str, int]:  # type: ignore[no-untyped-def]
    """Kind of change → people, in the log of the last link run."""
    from features.snapshot import open_snapshot

    now = open_snapshot(workspace)
    log = now.tables.read("person_log").to_pylist()
    return dict(Counter(row["change"] for row in log if row["link_run"] == now.link_run))


def _apart(what: str, root: Path, step: str) -> Iterator[Cost]:
    """The costs of one step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.linkage", what, "--workspace", str(root)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield Cost(step=step, **json.loads(line))


def run(what: str, root: Path) -> None:
    """Train or link a workspace and print what its stages cost, one line of JSON for each."""
    from features.link import link
    from features.workspace import open_workspace
    from training.linkage import train_links

    clocks: dict[str, Clock] = {}
    peaks: dict[str, float] = {}

    def clocked(stage, work):  # type: ignore[no-untyped-def]
        def work_of(*given, **named):  # type: ignore[no-untyped-def]
            forget_peak()
            with clocks.setdefault(stage, Clock()):
                found = work(*given, **named)
                if work.__name__ == "open_snapshot":
                    _ = found.con  # is read when it is first asked for
            peaks[stage] = max(peaks.get(stage, 0.0), peak_memory() / 1e9)
            return found

        return work_of

    whole = Clock()
    with ExitStack() as patched:
        for module, functions in STAGES.items():
            __import__(module)
            for name, stage in functions.items():
                work = getattr(sys.modules[module], name)
                patched.enter_context(patch(f"{module}.{name}", clocked(stage, work)))
        with whole:
            (train_links if what == "train" else link)(open_workspace(root))
    peak = max([peak_memory() / 1e9, *peaks.values()])
    costs = [(stage, clock, peaks[stage]) for stage, clock in clocks.items()] if what == "link" else []
    for stage, clock, high in [*costs, ("", whole, peak)]:
        figures = {"seconds": clock.wall, "cpu": clock.cpu, "peak": high}
        print(json.dumps({"stage": stage} | {name: round(value, 3) for name, value in figures.items()}))


def power(sizes: Sequence[int], figures: Sequence[float], at: int) -> tuple[float, float]:
    """(exponent, figure at a size) of the power of the size that fits best."""
    slope, fixed = np.polyfit(np.log(sizes), np.log(np.maximum(figures, 1e-3)), 1)
    return float(slope), float(np.exp(fixed + slope * np.log(at)))


def report(counties: Sequence[County]) -> Iterator[str]:
    """The table and the verdicts, from at least two sizes."""
    counties = sorted(counties, key=lambda county: county.subjects)
    sizes = [county.subjects for county in counties]
    yield "Linking, seconds on the clock / CPU seconds / peak GB, and a million by the power that fits.\n"
    rows = []
    steps = {(cost.step, cost.stage) for cost in counties[-1].costs if cost.step == LINK or not cost.stage}
    order = [(cost.step, cost.stage) for cost in counties[-1].costs]
    for step, stage in sorted(steps, key=order.index):
        costs = [next(c for c in county.costs if (c.step, c.stage) == (step, stage)) for county in counties]
        grows, cpu = power(sizes, [cost.cpu for cost in costs], MILLION)
        peak = power(sizes, [cost.peak for cost in costs], MILLION)[1]
        measured = [f"{cost.seconds:.1f} / {cost.cpu:.1f} / {cost.peak:.2f}" for cost in costs]
        rows.append(
            (f"{step}: {stage or 'all of it'}", *measured, f"{grows:.2f}", f"{cpu:,.0f} / {peak:.1f}")
        )
    yield from _table(
        ("stage", *(f"{size:,}" for size in sizes), "power of CPU", f"{MILLION:,}: CPU s / GB"), rows
    )
    yield ""
    for county in counties:
        share = county.moved / max(county.unchanged, 1)
        yield (
            f"{county.subjects:,} subjects are {county.persons:,} people; a week later {county.moved:,} of "
            f"{county.unchanged:,} unchanged people have another id ({share:.3%}; must be under {MOVED:.1%}: "
            f"{_verdict(share < MOVED)})."
            + "".join(f" {kind}: {people:,}." for kind, people in sorted(county.changes.items()))
        )
    large = counties[-1]
    if large.subjects < 0.97 * TARGET:
        yield f"{TARGET:,} subjects were not measured."
        return
    cost = next(cost for cost in large.costs if (cost.step, cost.stage) == (LINK, ""))
    yield (
        f"{large.subjects:,} subjects: {cost.seconds:.1f} s (must be under {SECONDS}: "
        f"{_verdict(cost.seconds < SECONDS)}; {cost.cpu:.1f} CPU s) and {cost.peak:.2f} GB (under "
        f"{GIGABYTES:g}: {_verdict(cost.peak < GIGABYTES)}). A million was not measured."
    )


def _verdict(reached: bool) -> str:
    return "reached" if reached else "NOT reached"


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.linkage", description=__doc__)
    given.add_argument("what", nargs="?", choices=("measure", "print", "train", "link"), default="print")
    given.add_argument("--subjects", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    given.add_argument("--keep", type=Path, help="for measure: a folder in which the workspaces stay")
    given.add_argument("--workspace", type=Path, help="for train and link, which measure starts itself")
    asked = given.parse_args()
    if asked.what in ("train", "link"):
        run(asked.what, asked.workspace)
        return
    if asked.what == "measure":
        for subjects in asked.subjects:
            county = asdict(measure(subjects, keep=asked.keep))
            kept = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else []
            kept = [other for other in kept if other["people"] != county["people"]]
            MEASURED.write_text(json.dumps([*kept, county], indent=1) + "\n", encoding="utf-8")
    kept = json.loads(MEASURED.read_text(encoding="utf-8"))
    counties = [County(**{**one, "costs": tuple(Cost(**cost) for cost in one["costs"])}) for one in kept]
    print("\n".join([*report(counties), machine()]))


if __name__ == "__main__":
    main()
