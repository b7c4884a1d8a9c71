"""An ingest that is killed at any moment leaves nothing half done: run again, the tables are as ever.

Real processes and SIGKILL: one process imports everything and then only forks, so that each ingest starts
at once and the moments of the kills are spread over the work and not over the imports.
"""

import json
import random
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from features.deliveries import read_ledger
from features.ingest import ingest
from features.tables import Tables
from features.workspace import Workspace, init_workspace, open_workspace
from tests.test_ingest import COUNCIL_TAX, FIRST, HEADER, everything, row

FORKED = """
import json, os, signal, sys, time
from datetime import date
from pathlib import Path
import pandas  # pyarrow does so with its first array, which would be in every child
from features.ingest import ingest
from features.workspace import open_workspace

for line in sys.stdin:
    root, folder, seconds = json.loads(line)
    begun = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            ingest(open_workspace(Path(root)), Path(folder), received=date(2024, 1, 8))
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - begun]), flush=True)
"""


def write_deliveries(folder: Path, weeks: int) -> None:
    """A full delivery a week, of which each changes, adds, withdraws and sets aside."""
    for week in range(weeks):
        day = folder / str(FIRST + timedelta(days=7 * week))
        day.mkdir(parents=True)
        rows = [row(account=f"A{i}", balance=str(i + week * (i % 2))) for i in range(week, 60 + week)]
        rows += [row(account=f"B{week}", issued="31/02/2024"), row(account="C", stage="X"), "ragged"]
        (day / "recovery_1.csv").write_text("\n".join([HEADER, *rows]) + "\n")


def new_workspace(root: Path) -> Workspace:
    init_workspace(root, sources=None)
    (root / "sources" / "council_tax.yaml").write_text(COUNCIL_TAX)
    return open_workspace(root)


def killed_and_run_again(tmp_path: Path, kills: int, *, weeks: int) -> list[int]:
    """Kill an ingest so often, each time from the start, and run it again; returns how far each had come."""
    folder, chance, come = tmp_path / "in", random.Random(1), []
    write_deliveries(folder, weeks)
    undisturbed = new_workspace(tmp_path / "undisturbed")
    command = [sys.executable, "-c", FORKED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forked:
        assert forked.stdin is not None and forked.stdout is not None

        def run(workspace: Workspace, seconds: float | None) -> tuple[int, float]:
            forked.stdin.write(json.dumps([str(workspace.root), str(folder), seconds]) + "\n")
            forked.stdin.flush()
            return tuple(json.loads(forked.stdout.readline()))

        _, takes = run(undisturbed, None)
        expected = everything(undisturbed)
        assert len(expected["deliveries"]) == weeks and len(expected["quarantine"]) == 2 * weeks
        for _ in range(kills):
            workspace = new_workspace(tmp_path / "killed")
            code, _ = run(workspace, chance.uniform(0, takes))
            come.append(len(read_ledger(Tables(workspace.data))) if code else weeks)
            ingest(workspace, folder, received=FIRST)
            assert everything(workspace) == expected
            shutil.rmtree(workspace.root)
        forked.stdin.close()
    return come


def test_5_kills(tmp_path) -> None:
    come = killed_and_run_again(tmp_path, 5, weeks=2)
    assert min(come) < 2, "none was killed at work"


@pytest.mark.nightly
def test_50_kills(tmp_path) -> None:
    come = killed_and_run_again(tmp_path, 50, weeks=6)
    print(f"\nkilled after {sorted(come)} of 6 files")
    assert len(set(come)) > 4
