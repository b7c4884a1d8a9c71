"""The training log: what a run holds, and where it is kept."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.workspace import Workspace
from models.candidate import content_hash, load_candidate
from tests.postgres import postgresql
from tests.small_candidates import (
    CARD,
    client_of,
    empty_log_of,
    evidence,
    files,
    made_in,
    run_of,
    runs_of,
    standing,
)
from tests.test_candidate import panel
from training.log_store import log_uri
from training.tracking import register


@pytest.fixture(scope="module")
def empty_log(county: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return empty_log_of(county, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, empty_log: bytes) -> tuple[Workspace, dict[str, Any]]:
    workspace, found = made_in(tmp_path_factory.mktemp("logged") / "w")
    (workspace.root / "mlflow.db").write_bytes(empty_log)
    drawn = {kind: evidence(candidate) for kind, candidate in found.items()}
    assert register(workspace, found, evidence=drawn) == {"lightgbm": 1, "logistic": 2}
    return workspace, found


def test_a_run_says_from_what_a_candidate_was_made_and_how_it_did(logged: Any) -> None:
    workspace, found = logged
    run = run_of(workspace, 1)
    assert run.info.status == "FINISHED" and run.info.run_name == "lightgbm"
    params = run.data.params
    assert params["table.events"] == "7" and "table.areas" not in params
    assert params["sha256"] == found["lightgbm"].sha256 and params["fit.rounds"] == "30"
    assert params["dates.test"] == "2024-12-01, 2025-01-01"
    metrics = run.data.metrics
    no_figures = {"test/lift", "folds/brier", "folds/estimable", "folds/fold"}
    assert metrics["test/auc"] == 0.71 and not no_figures & set(metrics)
    assert (metrics["test/precision_interval_low"], metrics["test/precision_interval_high"]) == (0.1, 0.4)
    folds = client_of(workspace).get_metric_history(run.info.run_id, "folds/auc")
    assert {(m.step, m.value) for m in folds} == {(2, 0.6), (4, 0.65)}


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


def test_rows_of_features_stay_in_the_workspace(logged: Any) -> None:
    workspace, found = logged
    assert not list((workspace.root / "mlartifacts").rglob("*.parquet"))
    folder = next((workspace.root / "mlartifacts").rglob(found["logistic"].sha256))
    assert load_candidate(folder).scorer == found["logistic"].scorer
    (folder / "reference.parquet.sha256").write_text("0" * 64)
    assert content_hash(folder) != found["logistic"].sha256


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
