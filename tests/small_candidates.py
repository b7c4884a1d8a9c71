"""Two small candidates in a workspace of their own, and what the training log holds of them."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import Any

import numpy as np
import pandas as pd

from features.workspace import Workspace
from models.candidate import Candidate, export_candidate, reference_of
from models.judge import Scored
from tests.test_candidate import TREES, draft, panel, sums
from training.log_store import experiment_of, log_uri
from training.plots import Evidence, evidence_of

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
    "on_folds": [
        {"fold": 2, "estimable": True, "auc": 0.6, "brier": 0.6},
        {"fold": 3, "auc": None},
        {"fold": 4, "auc": 0.65},
    ],
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


def empty_log_of(county: Any, folder: Path) -> bytes:
    """The county's training log, tightly packed: it holds nothing of ours, and to have MLflow lay out a new
    one takes longer than all that tests write to it."""
    copied = folder / "mlflow.db"
    copied.write_bytes((county.root / "mlflow.db").read_bytes())
    with sqlite3.connect(copied) as con:
        con.execute("VACUUM")
    return copied.read_bytes()


def run_of(workspace: Workspace, version: int) -> Any:
    client = client_of(workspace)
    return client.get_run(client.get_model_version("fires", str(version)).run_id)


def runs_of(workspace: Workspace) -> list[Any]:
    client = client_of(workspace)
    return list(client.search_runs([experiment_of(client, workspace, "fires")]))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def unused_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
