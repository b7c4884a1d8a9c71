"""A training run that is killed, as a process, at whatever moment: the next one makes what it would have
made, and the register of MLflow never has a version of what is not whole. Long, at night."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from features.workspace import Workspace
from models.candidate import content_hash
from models.registry import entries
from tests.trained_town import trained_town

pytestmark = pytest.mark.nightly
ROOT = Path(__file__).parent.parent
KILLS = 12
VERSIONS = """
    SELECT k.value, s.value, r.status FROM model_versions v
    LEFT JOIN runs r ON r.run_uuid = v.run_id
    LEFT JOIN model_version_tags k ON k.name = v.name AND k.version = v.version AND k.key = 'kind'
    LEFT JOIN model_version_tags s ON s.name = v.name AND s.version = v.version AND s.key = 'sha256'
"""


def begin(root: Path) -> subprocess.Popen[bytes]:
    """`earlyhelp train` of a workspace, as a process of its own."""
    command = [sys.executable, ROOT / "earlyhelp.py", "--workspace", root, "train", "--model", "missing"]
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def models(root: Path) -> set[tuple[str, str]]:
    return {(entry.kind, entry.sha256) for entry in entries(Workspace(root).models)}


def registered(root: Path) -> dict[str, str]:
    """kind → hash of what is registered, of which every run is whole and every model stands; past MLflow,
    which would mend a database that it was killed over."""
    if not (root / "mlflow.db").is_file():
        return {}
    with closing(sqlite3.connect(root / "mlflow.db")) as con:
        if not con.execute("SELECT * FROM sqlite_master WHERE name = 'model_version_tags'").fetchall():
            return {}
        rows = con.execute(VERSIONS).fetchall()
    for _, sha256, status in rows:
        assert status == "FINISHED" and content_hash(root / "models" / sha256) == sha256
    found = {kind: sha256 for kind, sha256, _ in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[tuple[str, str]], float]:
    """A workspace before training, the models of a run that nothing disturbs, and its seconds."""
    folder = tmp_path_factory.mktemp("killed")
    trained_town(folder / "before", people=120)
    shutil.copytree(folder / "before", folder / "whole")
    start = time.monotonic()
    assert begin(folder / "whole").wait() == 0
    took = time.monotonic() - start
    found = models(folder / "whole")
    assert len(found) == 3 and registered(folder / "whole") == dict(found)
    return folder / "before", found, took


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_any_moment_the_next_run_makes_the_same(
    number: int, undisturbed: tuple[Path, set[tuple[str, str]], float], tmp_path: Path
) -> None:
    before, expected, took = undisturbed
    shutil.copytree(before, tmp_path / "w")
    process = begin(tmp_path / "w")
    time.sleep(took * (number + np.random.default_rng(number).random()) / KILLS)
    process.kill()
    process.wait()
    left, done = models(tmp_path / "w"), registered(tmp_path / "w")
    print(f"killed at {number + 1} of {KILLS}: {len(left)} models exported, {len(done)} registered")
    assert left <= expected and done.items() <= dict(expected).items()
    assert begin(tmp_path / "w").wait() == 0
    assert models(tmp_path / "w") == expected
    assert registered(tmp_path / "w") == dict(expected)
