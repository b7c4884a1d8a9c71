"""The training log: every candidate a run in MLflow, and a version in its register.

MLflow keeps figures, parameters, pictures and the exported folder without its reference: nothing that is
about a person, no row, and nobody's account. Serving never needs it. A run that was killed leaves no
version behind: versions come last, once every run is whole; what stands already is not logged again.
"""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.lock import in_turn
from features.progress import Tell, quiet
from features.workspace import Workspace
from models.candidate import Candidate
from training.log_store import experiment_of, open_log, told
from training.logged import (
    datasets,
    metrics,
    parameters,
    requirements,
    signature,
    tags_of,
    without_rows,
    write_files,
)
from training.plots import Evidence

MODEL_CODE = Path(__file__).parent / "logged_model.py"


@dataclass(frozen=True)
class _Run:
    """A run that is whole, and the model in it."""

    run_id: str
    model_id: str


def register(
    workspace: Workspace,
    candidates: Mapping[str, Candidate],
    *,
    evidence: Mapping[str, Evidence] | None = None,
    tell: Tell = quiet,
) -> dict[str, int]:
    """Log each candidate with its figures and register it; returns kind → version.

    The registered model is named after the specification; a version's tags name its kind, hash and
    catalogue, and say that it is a candidate. A candidate that is registered already keeps its version.
    evidence: kind → what its pictures are drawn from. Raises UserMistake where the log cannot be used.
    """
    with told(), in_turn(workspace.models):
        client, own = open_log(workspace, tell=tell), _own(workspace)
        specifications = {candidate.specification.name for candidate in candidates.values()}
        experiments = {name: experiment_of(client, workspace, name) for name in sorted(specifications)}
        for experiment in experiments.values():
            _close_unfinished(client, experiment, own)
        runs = {}
        for kind, candidate in candidates.items():
            experiment = experiments[candidate.specification.name]
            tell(f"logging {kind}")
            runs[kind] = _logged_before(client, experiment, candidate) or _log(
                client, experiment, candidate, (evidence or {}).get(kind), own
            )
        tell("registering")
        return {kind: _version(client, candidate, runs[kind]) for kind, candidate in candidates.items()}


def _own(workspace: Workspace) -> dict[str, str]:
    """A tag that tells the runs of this workspace from others' in the same log, and nobody where it lies."""
    where = f"{platform.node()}\0{workspace.root.resolve()}"
    return {"workspace": hashlib.sha256(where.encode()).hexdigest()[:16]}


def _close_unfinished(client: Any, experiment: str, own: Mapping[str, str]) -> None:
    """Mark what a killed training run of this workspace left; those of others may still be going on."""
    ours = " and ".join(f"tags.{name} = '{value}'" for name, value in own.items())
    for run in client.search_runs([experiment], f"attributes.status = 'RUNNING' and {ours}"):
        client.set_terminated(run.info.run_id, "KILLED")


def _logged_before(client: Any, experiment: str, candidate: Candidate) -> _Run | None:
    """The run of a candidate that is whole already, or None."""
    whole = f"tags.sha256 = '{candidate.sha256}' and attributes.status = 'FINISHED'"
    for run in client.search_runs([experiment], whole, max_results=1):
        return _Run(run.info.run_id, run.outputs.model_outputs[0].model_id)
    return None


def _log(
    client: Any, experiment: str, candidate: Candidate, evidence: Evidence | None, own: Mapping[str, str]
) -> _Run:
    """One run: what it was made from, its figures, its pictures and the model."""
    from mlflow.entities import LoggedModelStatus

    tags = tags_of(candidate)
    run = client.create_run(experiment, run_name=candidate.kind, tags={**tags, **own})
    run_id, model = run.info.run_id, None
    try:
        model = client.create_logged_model(experiment, name="model", source_run_id=run_id, tags=tags)
        _save_model(candidate, run_id=run_id, model_id=model.model_id)
        with TemporaryDirectory() as folder:
            write_files(Path(folder), candidate, evidence)
            client.log_artifacts(run_id, folder)
        client.log_inputs(run_id, datasets=datasets(candidate.card))
        client.log_batch(
            run_id,
            metrics=metrics(candidate.card, at=run.info.start_time),
            params=parameters(candidate),
        )
        client.set_terminated(run_id, "FINISHED")
    except Exception:
        _fail(client, run_id, model, LoggedModelStatus.FAILED)
        raise
    return _Run(run_id, model.model_id)


def _save_model(candidate: Candidate, *, run_id: str, model_id: str) -> None:
    import mlflow
    from mlflow.models import Model

    with without_rows(candidate) as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*An input example was not provided", category=UserWarning)
        Model.log(
            None,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            model_id=model_id,
            python_model=str(MODEL_CODE),
            artifacts={"candidate": str(folder)},
            signature=signature(candidate),
            pip_requirements=requirements(),
        )


def _fail(client: Any, run_id: str, model: Any, status: Any) -> None:
    """Mark a run that went wrong, if the log still answers; otherwise the next training run does."""
    from mlflow.exceptions import MlflowException

    try:
        client.set_terminated(run_id, "FAILED")
        if model is not None:
            client.finalize_logged_model(model.model_id, status)
    except (MlflowException, OSError):
        pass


def _version(client: Any, candidate: Candidate, run: _Run) -> int:
    """The number of a run's version in the register, made if need be."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

    for made in client.search_model_versions(f"run_id = '{run.run_id}'"):
        return int(made.version)
    name = candidate.specification.name
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    made = client.create_model_version(
        name,
        f"models:/{run.model_id}",
        run.run_id,
        tags={**tags_of(candidate), "status": "candidate, not approved"},
        model_id=run.model_id,
    )
    return int(made.version)
