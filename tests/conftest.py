"""Fixtures shared by the tests: one county of 3,000 people, taken from extracts to list once a session.

The tools' telemetry is off, and LightGBM's idle threads sleep, before anything is imported.
"""

import os
import tempfile

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# Without it a metrics page served in this process waits for ever.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp())

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

PEOPLE, YEARS, SEED = 3_000, 7, 1

# The same examples every time, so that a red run is red again; `make nightly` looks further.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("search", print_blob=True)
settings.load_profile("fixed")


class CountyScheduling(LoadScopeScheduling):
    """Files that ask for the session's county go to one worker, so that it is made once; so do those that
    link by the town's trained model, and each file that makes something for all of its tests; the rest
    anywhere, a test at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        text = text_of(file)
        if re.search(r"def \w+\([^)]*\b(county|county_copy|extracts)\b", text):
            return "county"
        if "trained()" in text:
            return "link model"
        return file if re.search(r'scope="module"|# noqa: F401 - fixture', text) else nodeid


@cache
def text_of(file: str) -> str:
    return (Path(__file__).parent.parent / file).read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> CountyScheduling:
    return CountyScheduling(config, log)


@dataclass(frozen=True)
class CountyOnDisk:
    """The session's county: its extracts, and the workspace that the main job made of them.

    Tests read it and never change it; `copy` gives one that may be changed.
    """

    extracts: Path
    root: Path
    as_of: date

    @property
    def week_before(self) -> date:
        return self.as_of - timedelta(days=7)

    @property
    def workspace(self) -> object:
        from features.workspace import open_workspace

        return open_workspace(self.root)


@pytest.fixture(scope="session")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated county's extracts: history/, deliveries/, sources/, truth/, county.json."""
    from simulation.county import simulate

    folder = tmp_path_factory.mktemp("county") / "extracts"
    simulate(people=PEOPLE, years=YEARS, seed=SEED, out=folder)
    return folder


@pytest.fixture(scope="session")
def county(extracts: Path, tmp_path_factory: pytest.TempPathFactory) -> CountyOnDisk:
    """The main job, done once: ingest, link, train, two weekly lists with their monitoring.

    Nobody approves its model, whatever its figures come to: what is not approved has to say so.
    """
    import earlyhelp

    start = time.perf_counter()
    root = tmp_path_factory.mktemp("workspace") / "county"
    write_quick_specification(root / "specs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.sample_approval.PEOPLE", ())
        as_of = earlyhelp.do_main_job(root, extracts, tell=lambda sentence: None)[0]
    print(f"\nsession county of {PEOPLE} people: {time.perf_counter() - start:.1f} s after simulation")
    return CountyOnDisk(extracts, root, as_of)


def write_quick_specification(folder: Path) -> None:
    """The shipped one with fewer trees and a setting to choose from: trying them all is a fifth of the job,
    which no test of the county asks about."""
    from models.spec import TEMPLATES

    given = yaml.safe_load((TEMPLATES / "escalation.yaml").read_text(encoding="utf-8"))
    given["lightgbm"] |= {"settings": given["lightgbm"]["settings"][:1], "rounds": [40]}
    given["calendar"]["folds"] = 2
    folder.mkdir(parents=True)
    (folder / "escalation.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")


@pytest.fixture
def county_copy(county: CountyOnDisk, tmp_path: Path) -> CountyOnDisk:
    """A copy of the session's workspace that a test may change."""
    root = tmp_path / "county"
    shutil.copytree(county.root, root)
    return CountyOnDisk(county.extracts, root, county.as_of)


@pytest.fixture
def earlyhelp_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run a command of the front door in this process: (exit code, standard output, standard error)."""
    import earlyhelp

    def run(*arguments: object) -> tuple[int, str, str]:
        code = 0
        capsys.readouterr()
        monkeypatch.setattr("earlyhelp.gc.collect", lambda: 0)  # it is for a process that ends
        try:
            earlyhelp.main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
