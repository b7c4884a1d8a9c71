"""The training log with real processes, and the same model twice from nothing: long, at night."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

import earlyhelp
from features.errors import UserMistake
from features.workspace import Workspace
from models.candidate import load_candidate
from models.registry import entries
from tests.small_candidates import client_of, made_in, run_of, standing, unused_port
from tests.test_candidate import panel
from training.log_store import log_uri
from training.tracking import register

pytestmark = pytest.mark.nightly
ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
AROUND = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}


@contextmanager
def running(*command: str, at: str, folder: Path, **around: str) -> Iterator[None]:
    """A process that is gone afterwards, once it answers."""
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=folder,
            env=AROUND | around,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            for _ in range(180):
                assert process.poll() is None, (folder / "said.txt").read_text()
                try:
                    urlopen(at, timeout=2).close()
                    break
                except OSError:
                    time.sleep(1)
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)


def test_a_server_keeps_the_log_and_its_artefacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, kept = unused_port(), tmp_path / "server"
    kept.mkdir()
    serve = f"server --backend-store-uri sqlite:///{kept}/log.db --artifacts-destination {kept}/artefacts"
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("TRAINING_LOG", address)
    workspace, found = made_in(tmp_path / "w", settings="mlflow_uri: $TRAINING_LOG")
    with pytest.raises(UserMistake, match="cannot be used"):
        register(workspace, found)
    command = f"mlflow {serve} --host 127.0.0.1 --port {port} --workers 1"
    with running(*command.split(), at=f"{address}/health", folder=tmp_path):
        assert register(workspace, found) == {"lightgbm": 1, "logistic": 2}
        assert register(workspace, found) == {"lightgbm": 1, "logistic": 2}
        assert run_of(workspace, 2).data.metrics["test/auc"] == 0.71
        assert standing(workspace) == {1: found["lightgbm"].sha256, 2: found["logistic"].sha256}
        import mlflow

        mlflow.set_tracking_uri(log_uri(workspace))
        model = mlflow.pyfunc.load_model("models:/fires/2")
        assert model.metadata.signature.inputs.input_names() == list(found["logistic"].names)
    assert list((kept / "artefacts").rglob("MLmodel"))
    assert not (workspace.root / "mlartifacts").exists()


def test_mlflow_serves_a_registered_model(tmp_path: Path) -> None:
    workspace, found = made_in(tmp_path / "w")
    assert register(workspace, found)["lightgbm"] == 1
    port, people = unused_port(), panel(20, seed=4)
    given: dict[str, Any] = {
        "columns": list(people.names),
        "data": [[None if np.isnan(value) else float(value) for value in row] for row in people.X],
    }
    command = f"mlflow models serve -m models:/fires/1 --env-manager local --host 127.0.0.1 --port {port}"
    at = f"http://127.0.0.1:{port}"
    with running(*command.split(), at=f"{at}/ping", folder=tmp_path, MLFLOW_TRACKING_URI=log_uri(workspace)):
        told = asked(f"{at}/invocations", given)
        expected = found["lightgbm"].log_odds(people)
        np.testing.assert_allclose(np.log(told / (1 - told)), expected, rtol=1e-6)
        lacking = given | {"columns": given["columns"][1:], "data": [row[1:] for row in given["data"]]}
        with pytest.raises(OSError, match="400"):
            asked(f"{at}/invocations", lacking)


def asked(at: str, frame: dict[str, Any]) -> np.ndarray:
    body = json.dumps({"dataframe_split": frame}).encode()
    with urlopen(Request(at, body, {"Content-Type": "application/json"}), timeout=60) as answer:
        return np.array(json.loads(answer.read())["predictions"], float)


# --- the same again, from nothing --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Workspace]:
    """Two workspaces made of the same small county, from its extracts to its list."""
    from simulation.county import simulate

    folder = tmp_path_factory.mktemp("twice")
    simulate(people=1_000, years=7, seed=5, out=folder / "extracts")
    for name in ("one", "a second one"):
        earlyhelp.do_main_job(folder / name, folder / "extracts", tell=lambda sentence: None)
    return [Workspace(folder / name) for name in ("one", "a second one")]


def test_two_fresh_workspaces_give_the_same_models_byte_by_byte(twice: list[Workspace]) -> None:
    one, other = ({(e.kind, e.sha256) for e in entries(workspace.models)} for workspace in twice)
    assert one == other and len(one) > 3
    for _, sha256 in one:
        for path in (twice[0].models / sha256).iterdir():
            assert path.read_bytes() == (twice[1].models / sha256 / path.name).read_bytes()


def test_they_log_the_same_figures_and_make_the_same_lists(twice: list[Workspace]) -> None:
    logged = []
    for workspace in twice:
        client = client_of(workspace)
        runs = [client.get_run(v.run_id) for v in client.search_model_versions("name = 'escalation'")]
        logged.append({run.info.run_name: (run.data.params, run.data.metrics) for run in runs})
    assert logged[0] == logged[1] and len(logged[0]) > 3
    lists = [
        {path.parent.name: json.loads(path.read_text()) for path in workspace.root.glob("lists/*/*.json")}
        for workspace in twice
    ]
    assert lists[0] == lists[1] and lists[0]
    for workspace in twice:
        assert {load_candidate(workspace.models / e.sha256).kind for e in entries(workspace.models)}


def test_mlflow_run_retrains(twice: list[Workspace], tmp_path: Path) -> None:
    """A week was taken in since the models were made: there are new ones."""
    workspace = twice[0]
    before = client_of(workspace).search_model_versions("name = 'escalation'")
    command = f"mlflow run {ROOT} --env-manager local -P model=escalation -P"
    ended = subprocess.run(
        [str(BIN / "mlflow"), *command.split()[1:], f"workspace={workspace.root}"],
        cwd=tmp_path,
        env=AROUND | {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/outer.db"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(client_of(workspace).search_model_versions("name = 'escalation'")) == 2 * len(before)
