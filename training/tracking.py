"""The training log: every candidate a run in MLflow, and a version in its register.

MLflow keeps figures, parameters and the exported folder, none of which is about a person; serving
never needs it. Its store is SQLite in the workspace unless the settings name another. A registered
model predicts where Early Help is installed; its requirements name the other packages.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.progress import Tell, quiet
from features.workspace import Workspace
from models.candidate import Candidate

MODEL_CODE = Path(__file__).parent / "logged_model.py"
REQUIREMENTS = (
    "lightgbm",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "duckdb",
    "deltalake",
    "numba",
)


def register(
    workspace: Workspace, candidates: Mapping[str, Candidate], *, tell: Tell = quiet
) -> dict[str, int]:
    """Log each candidate with its figures and register it; returns kind → version.

    The registered model is named after the specification; a version's tags name its kind, hash and
    catalogue, and say that it is a candidate.
    """
    client, versions = open_log(workspace, tell=tell), {}
    for kind, candidate in candidates.items():
        tell(f"registering {kind}")
        versions[kind] = _register(client, workspace, candidate)
    return versions


def open_log(workspace: Workspace, *, tell: Tell = quiet) -> Any:
    """MLflow's client of the workspace's training log, its telemetry off."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    tell("opening the training log")
    import mlflow

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(workspace.mlflow_uri)
    return mlflow.MlflowClient()


def _register(client: Any, workspace: Workspace, candidate: Candidate) -> int:
    """One run and one version; returns the version's number."""
    import mlflow

    name = candidate.specification.name
    experiment = experiment_of(client, workspace, name)
    with (
        mlflow.start_run(experiment_id=experiment, run_name=candidate.kind) as run,
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message=".*An input example was not provided", category=UserWarning)
        mlflow.log_params(_parameters(candidate))
        mlflow.log_metrics(_metrics(candidate))
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(MODEL_CODE),
            artifacts={"candidate": str(_folder(candidate))},
            signature=_signature(candidate),
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    tags = {
        "kind": candidate.kind,
        "sha256": candidate.sha256,
        "catalogue": candidate.catalogue.hash,
        "status": "candidate, not approved",
    }
    made = client.create_model_version(
        name, logged.model_uri, run.info.run_id, tags=tags, model_id=logged.model_id
    )
    return int(made.version)


def experiment_of(client: Any, workspace: Workspace, name: str) -> str:
    """The id of the experiment of a name, made if need be.

    Its artefacts lie in the workspace, not where we are called. MLflow never moves an experiment's
    artefacts: in a workspace that was copied or moved, another one named after the new place keeps them
    from being written to the old.
    """
    artefacts = (workspace.root / "mlartifacts").resolve()
    found = client.get_experiment_by_name(name)
    if found is not None and found.artifact_location != artefacts.as_uri():
        name = f"{name} in {workspace.root.resolve()}"
        found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    return client.create_experiment(name, artifact_location=artefacts.as_uri())


def _parameters(candidate: Candidate) -> dict[str, Any]:
    card = candidate.card
    return {
        "kind": candidate.kind,
        "sha256": candidate.sha256,
        "catalogue": candidate.catalogue.hash,
        "features": len(candidate.names),
        "last_delivery": card["last_delivery"],
        "link_run": card["link_run"],
        **{f"table.{name}": at for name, at in card["tables"].items() if at is not None},
        **{f"fit.{name}": value for name, value in card["fit"].items()},
        **{f"dates.{name}": ", ".join(card["dates"][name]) for name in ("train", "calibrate", "test")},
    }


def _metrics(candidate: Candidate) -> dict[str, float]:
    """The figures on the test dates that are numbers; what could not be estimated is left out."""
    test = candidate.card["test"]
    low, high = test["precision_interval"]
    figures = {**test, "precision_low": low, "precision_high": high}
    return {name: float(value) for name, value in figures.items() if isinstance(value, int | float)}


def _signature(candidate: Candidate) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    columns = Schema([ColSpec("float", name) for name in candidate.names])
    return ModelSignature(inputs=columns, outputs=Schema([ColSpec("double", "chance")]))


def _folder(candidate: Candidate) -> Path:
    if candidate.folder is None:
        raise ValueError("only an exported candidate can be registered")
    return candidate.folder
