"""The training log: what a run holds, that nothing of a person is in it, and that whatever goes wrong half
way leaves the register as it was."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import UserMistake
from features.workspace import Workspace
from models.candidate import Candidate, content_hash, export_candidate, load_candidate, reference_of
from models.judge import Scored
from models.registry import entries
from tests.postgres import postgresql
from tests.test_candidate import TREES, draft, panel, sums
from training.log_store import check_log, experiment_of, log_uri
from training.plots import Evidence, evidence_of
from training.tracking import register

ROOT = Path(__file__).parent.parent
BLOCK = {"labelled": 700, "rows": 700, "positives": 30}
JUDGED = {"n": 900, "labelled": 700, "positives": 30, "auc": 0.71, "precision_interval": [0.1, 0.4]}
CARD = {
    "specification": "fires",
    "title": "trees",
    "last_delivery": 3,
    "link_run": 2,
    "catalogue": "c4f",
    "tables": {"events": 7, "links": 4, "areas": None},
    "fit": {"slope": 0.83, "rounds": 30},
    "dates": {"train": ["2024-01-01"], "calibrate": ["2024-06-01"], "test": ["2024-12-01", "2025-01-01"]},
    "fitted_on": BLOCK,
    "calibrated_on": BLOCK,
    "test": {**JUDGED, "lift": None},
    "on_folds": [{"auc": 0.6}, {"auc": None}, {"auc": 0.65}],
}


def made_in(root: Path, *, settings: str = "", card: Mapping[str, Any] = CARD) -> tuple[Any, dict[str, Any]]:
    """A workspace with two small candidates exported into it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "settings.yaml").write_text(settings)
    workspace, found = Workspace(root), {}
    for scorer in (TREES, sums()):
        each = replace(draft(scorer), card={**card, "kind": draft(scorer).kind})
        found[each.kind] = export_candidate(workspace, each, reference_of(each, panel(300).X))
    return workspace, found


def evidence(candidate: Candidate, *, calendar: str = "<svg/>") -> Evidence:
    rng = np.random.default_rng(3)
    y = np.where(rng.random(200) < 0.2, np.nan, (rng.random(200) < 0.3).astype(float))
    ids = np.array([f"P{i:011x}" for i in range(200)])
    scored = Scored(pd.Timestamp("2026-01-05").date(), ids, rng.normal(size=200), y, np.arange(200))
    return evidence_of(candidate, [scored], calendar=calendar)


def client_of(workspace: Workspace) -> Any:
    import mlflow

    return mlflow.MlflowClient(log_uri(workspace), log_uri(workspace))


def standing(workspace: Workspace) -> dict[int, str]:
    """version → hash, of what is registered."""
    found = client_of(workspace).search_model_versions("name = 'fires'")
    return {int(version.version): version.tags["sha256"] for version in found}


# --- what a run holds --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty_log(county: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A training log without anything of ours: laying a new one out takes longer than all that is written
    to it here."""
    copied = tmp_path_factory.mktemp("log") / "mlflow.db"
    copied.write_bytes((county.root / "mlflow.db").read_bytes())
    with sqlite3.connect(copied) as con:
        con.execute("VACUUM")
    return copied.read_bytes()


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, empty_log: bytes) -> tuple[Workspace, dict[str, Any]]:
    workspace, found = made_in(tmp_path_factory.mktemp("logged") / "w")
    (workspace.root / "mlflow.db").write_bytes(empty_log)
    drawn = {kind: evidence(candidate) for kind, candidate in found.items()}
    assert register(workspace, found, evidence=drawn) == {"lightgbm": 1, "logistic": 2}
    return workspace, found


def run_of(workspace: Workspace, version: int) -> Any:
    client = client_of(workspace)
    return client.get_run(client.get_model_version("fires", str(version)).run_id)


def test_a_run_says_from_what_a_candidate_was_made_and_how_it_did(logged: Any) -> None:
    workspace, found = logged
    run = run_of(workspace, 1)
    assert run.info.status == "FINISHED" and run.info.run_name == "lightgbm"
    params = run.data.params
    assert params["table.events"] == "7" and "table.areas" not in params
    assert params["sha256"] == found["lightgbm"].sha256 and params["fit.rounds"] == "30"
    assert params["dates.test"] == "2024-12-01, 2025-01-01"
    metrics = run.data.metrics
    assert metrics["test/auc"] == 0.71 and "test/lift" not in metrics
    assert (metrics["test/precision_interval_low"], metrics["test/precision_interval_high"]) == (0.1, 0.4)
    folds = client_of(workspace).get_metric_history(run.info.run_id, "folds/auc")
    assert {(m.step, m.value) for m in folds} == {(1, 0.6), (3, 0.65)}


def test_its_datasets_name_tables_and_versions_and_hold_no_rows(logged: Any) -> None:
    inputs = run_of(logged[0], 1).inputs.dataset_inputs
    assert {each.tags[0].value for each in inputs} == {"train", "calibrate", "test"}
    for each in inputs:
        source = json.loads(each.dataset.source)
        assert source["tables"] == CARD["tables"] and source["link_run"] == 2
        assert json.loads(each.dataset.profile) == {"rows": 700, "positives": 30}
        assert each.dataset.schema is None


def test_its_pictures_and_its_environment_are_logged(logged: Any) -> None:
    workspace, _ = logged
    folder = workspace.root / "mlartifacts" / run_of(workspace, 1).info.run_id / "artifacts"
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["packages"]["lightgbm"] and environment["python"].startswith("3.")
    assert {path.name for path in (folder / "plots").iterdir()} == {
        *("precision_recall.png", "reliability.png", "contributions.png", "calendar.svg")
    }
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (folder / "plots").glob("*.png"))


def test_nobodys_account_or_machine_is_in_it(logged: Any) -> None:
    assert not [key for key in run_of(logged[0], 1).data.tags if key.startswith("mlflow.source")]
    with sqlite3.connect(logged[0].root / "mlflow.db") as con:
        for table, column in (("tags", "key"), ("logged_model_tags", "tag_key")):
            keys = {key for (key,) in con.execute(f"SELECT DISTINCT {column} FROM {table}")}
            assert not {"mlflow.user", "mlflow.source.name"} & keys


def test_a_model_takes_columns_by_name_and_refuses_a_frame_without_them(logged: Any) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    workspace, found = logged
    mlflow.set_tracking_uri(log_uri(workspace))
    model = mlflow.pyfunc.load_model("models:/fires/1")
    people = panel(40, seed=9)
    frame = pd.DataFrame(people.X.astype(float), columns=list(people.names))
    expected = found["lightgbm"].log_odds(people)
    for given in (frame, frame[list(frame.columns[::-1])]):
        told = model.predict(given)
        np.testing.assert_allclose(np.log(told / (1 - told)), expected, rtol=1e-9)
    with pytest.raises(MlflowException, match=r"missing.*inputs"):
        model.predict(frame.drop(columns=[found["lightgbm"].names[3]]))


def test_a_second_run_adds_nothing(logged: Any) -> None:
    workspace, found = logged
    before = {path: path.stat().st_mtime_ns for path in files(workspace.root / "mlartifacts")}
    runs = len(runs_of(workspace))
    assert register(workspace, found) == {"lightgbm": 1, "logistic": 2}
    assert {path: path.stat().st_mtime_ns for path in files(workspace.root / "mlartifacts")} == before
    assert len(runs_of(workspace)) == runs and len(standing(workspace)) == 2


def runs_of(workspace: Workspace) -> list[Any]:
    client = client_of(workspace)
    return list(client.search_runs([experiment_of(client, workspace, "fires")]))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_rows_of_features_stay_in_the_workspace(logged: Any) -> None:
    workspace, found = logged
    assert not list((workspace.root / "mlartifacts").rglob("*.parquet"))
    folder = next((workspace.root / "mlartifacts").rglob(found["logistic"].sha256))
    assert load_candidate(folder).scorer == found["logistic"].scorer
    (folder / "reference.parquet.sha256").write_text("0" * 64)
    assert content_hash(folder) != found["logistic"].sha256


# --- whatever goes wrong -----------------------------------------------------------------------------------


class Killed(BaseException):
    """From here on nothing of this process reaches the log."""


@contextmanager
def stopping(client: type, at: int, what: Callable[[], BaseException]) -> Iterator[list[str]]:
    """From the at-th call of the log on that changes something, every one fails; the calls made."""
    made: list[str] = []
    changing = (
        *("create_run", "create_logged_model", "log_outputs", "log_model_artifacts", "log_artifacts"),
        *("finalize_logged_model", "log_inputs", "log_batch", "set_terminated"),
        *("create_registered_model", "create_model_version"),
    )

    def counted(name: str, method: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) >= at:
                raise what()
            return method(*given, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in changing:
            patch.setattr(client, name, counted(name, getattr(client, name)))
        yield made


def changes_of_a_run(workspace: Workspace, found: Mapping[str, Any]) -> list[str]:
    from mlflow import MlflowClient

    with stopping(MlflowClient, 10_000, Killed) as made:
        register(workspace, found)
    return made


def fresh(root: Path, empty_log: bytes) -> tuple[Workspace, dict[str, Any]]:
    workspace, found = made_in(root)
    (root / "mlflow.db").write_bytes(empty_log)
    return workspace, {"logistic": found["logistic"]}


def test_killed_at_any_point_the_register_is_as_it_was_and_the_next_run_finishes(
    tmp_path: Path, empty_log: bytes
) -> None:
    from mlflow import MlflowClient

    calls = changes_of_a_run(*fresh(tmp_path / "whole", empty_log))
    assert calls[-1] == "create_model_version" and calls.count("create_model_version") == 1
    workspace, found = fresh(tmp_path / "killed", empty_log)
    for at in range(1, len(calls) + 1):
        with stopping(MlflowClient, at, Killed) as made, pytest.raises(Killed):
            register(workspace, found)
        if not made:  # whole already: only the version was missing
            break
        assert standing(workspace) == {}
    assert register(workspace, found) == {"logistic": 1}
    statuses = [run.info.status for run in runs_of(workspace)]
    assert statuses.count("FINISHED") == 1 and "RUNNING" not in statuses
    assert statuses.count("KILLED") > 5


def test_a_full_disk_is_a_sentence_and_what_was_begun_is_marked(tmp_path: Path, empty_log: bytes) -> None:
    from mlflow import MlflowClient

    workspace, found = fresh(tmp_path / "full", empty_log)
    with pytest.MonkeyPatch.context() as patch:

        def full(*given: Any, **named: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(MlflowClient, "log_artifacts", full)
        with pytest.raises(UserMistake, match="The disk is full"):
            register(workspace, found)
    assert [run.info.status for run in runs_of(workspace)] == ["FAILED"] and standing(workspace) == {}
    assert register(workspace, found) == {"logistic": 1}


def test_a_full_database_is_a_full_disk(tmp_path: Path, empty_log: bytes) -> None:
    """SQLite may not grow beyond its pages: what it says is what it says of a full disk."""
    import sqlalchemy as sa

    workspace, found = fresh(tmp_path / "full", empty_log)
    more = {"logistic": replace(found["logistic"], card={**CARD, "on_folds": [{"auc": 0.6}] * 400})}

    def no_more_pages(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(sa.Engine, "connect", no_more_pages)
    try:
        with pytest.raises(UserMistake, match="The disk is full"):
            register(workspace, more)
    finally:
        sa.event.remove(sa.Engine, "connect", no_more_pages)


def test_an_error_of_our_own_is_not_told_as_another(tmp_path: Path, empty_log: bytes) -> None:
    workspace, found = fresh(tmp_path / "ours", empty_log)
    card = {name: value for name, value in found["logistic"].card.items() if name != "link_run"}
    with pytest.raises(KeyError, match="link_run"):
        register(workspace, {"logistic": replace(found["logistic"], card=card)})
    assert standing(workspace) == {}


def unused_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://127.0.0.1:{port}", "cannot be used"),
        ("http://no.such.host.invalid", "cannot be used"),
        ("postgresql+pg8000://a:secret@127.0.0.1:{port}/mlflow", "cannot be used"),
        ("postgresql+nothing://a:secret@127.0.0.1:{port}/mlflow", "cannot be used"),
        ("sqlite:////proc/nothing/mlflow.db", "cannot be used"),
        ("file:///tmp/mlruns", "names nothing"),
        ("mlruns", "names nothing"),
        ("$NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_log_that_is_not_there_is_told_at_once_and_without_its_password(
    uri: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "settings.yaml").write_text(f"mlflow_uri: '{uri.format(port=unused_port())}'")
    began = time.perf_counter()
    with pytest.raises(UserMistake, match=said) as told:
        register(Workspace(tmp_path), {})
    assert time.perf_counter() - began < 10
    assert "secret" not in str(told.value)


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.log_store.PATIENCE", 0.2)
    with socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        for scheme in ("http", "postgresql+pg8000"):
            uri = f"{scheme}://anybody@127.0.0.1:{deaf.getsockname()[1]}"
            (tmp_path / "settings.yaml").write_text(f"mlflow_uri: '{uri}'")
            with pytest.raises(UserMistake, match="cannot be used"):
                check_log(Workspace(tmp_path))


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("")
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be taken for one" * 9)
    with pytest.raises(UserMistake, match="cannot be used"):
        check_log(Workspace(tmp_path))


@pytest.mark.parametrize("stopped", ["_write", "pq.write_table", "content_hash", "registry.record"])
def test_an_export_is_whole_or_not_there(
    stopped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at whatever it does, what lies under a hash is what the hash says."""
    workspace, found = made_in(tmp_path / "w")
    other = replace(draft(sums(), slope=0.5), card={**CARD, "kind": "logistic"})

    def killed(*given: Any, **named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"models.candidate.{stopped}", killed)
        export_candidate(workspace, other, reference_of(other, panel(30).X))
    folders = [path for path in workspace.models.iterdir() if path.is_dir() and path.name[0] != "."]
    assert all(content_hash(folder) == folder.name for folder in folders)
    assert {e.sha256 for e in entries(workspace.models)} == {each.sha256 for each in found.values()}
    assert export_candidate(workspace, other, reference_of(other, panel(30).X)).slope == 0.5
    assert not [path for path in workspace.models.iterdir() if path.name[0] == "."]


# --- where it is kept --------------------------------------------------------------------------------------


def test_a_copied_workspace_keeps_its_artefacts_to_itself(logged: Any, tmp_path: Path) -> None:
    workspace, found = logged
    (tmp_path / "copy").mkdir()
    for name in ("mlflow.db", "settings.yaml"):
        (tmp_path / "copy" / name).write_bytes((workspace.root / name).read_bytes())
    copy = Workspace(tmp_path / "copy")
    before = files(workspace.root / "mlartifacts")
    assert register(copy, found) == {"lightgbm": 3, "logistic": 4}  # those of the copy lie with it
    assert files(workspace.root / "mlartifacts") == before
    assert len(list((copy.root / "mlartifacts").rglob("MLmodel"))) == 2
    assert register(copy, found) == {"lightgbm": 3, "logistic": 4}


def test_the_log_may_be_kept_in_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgresql() as url:
        monkeypatch.setenv("TRAINING_LOG", url.replace("postgresql+pg8000", "postgresql"))
        workspace, found = made_in(tmp_path / "w", settings="mlflow_uri: $TRAINING_LOG")
        assert register(workspace, {"logistic": found["logistic"]}) == {"logistic": 1}
        assert run_of(workspace, 1).data.metrics["test/auc"] == 0.71
        assert not (workspace.root / "mlflow.db").exists()
        assert list((workspace.root / "mlartifacts").rglob("MLmodel"))
        client_of(workspace)._tracking_client.store.engine.dispose()
