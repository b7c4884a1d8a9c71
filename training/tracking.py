"""The training log: every candidate a run in MLflow, and a version in its register.

MLflow keeps figures, parameters, pictures and the exported folder without its reference: nothing that is
about a person, no row, and nobody's account. Serving never needs it. A run that was killed leaves no
version behind: versions come last, once every run is whole; what stands already is not logged again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.progress import Tell, quiet
from features.workspace import Workspace
from models.candidate import REFERENCE, Candidate, stand_in
from training.log_store import experiment_of, open_log, told
from training.plots import Evidence, pictures

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
"""What a registered model predicts with, beside Early Help itself."""
PACKAGES = (*REQUIREMENTS, "mlflow", "optuna", "scikit-learn", "scipy", "splink")
"""Whose versions a run names, since its figures may depend on them."""
BLOCKS = {"fitted_on": "train", "calibrated_on": "calibrate", "test": "test"}
"""Part of the card with the counts of a block of dates → the block."""


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
    with told():
        client = open_log(workspace, tell=tell)
        specifications = {candidate.specification.name for candidate in candidates.values()}
        experiments = {name: experiment_of(client, workspace, name) for name in sorted(specifications)}
        for experiment in experiments.values():
            _close_unfinished(client, experiment)
        runs = {}
        for kind, candidate in candidates.items():
            experiment = experiments[candidate.specification.name]
            tell(f"logging {kind}")
            runs[kind] = _logged_before(client, experiment, candidate) or _log(
                client, experiment, candidate, (evidence or {}).get(kind)
            )
        tell("registering")
        return {kind: _version(client, candidate, runs[kind]) for kind, candidate in candidates.items()}


def _close_unfinished(client: Any, experiment: str) -> None:
    """Mark what a killed training run left."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        client.set_terminated(run.info.run_id, "KILLED")


def _logged_before(client: Any, experiment: str, candidate: Candidate) -> _Run | None:
    """The run of a candidate that is whole already, or None."""
    whole = f"tags.sha256 = '{candidate.sha256}' and attributes.status = 'FINISHED'"
    for run in client.search_runs([experiment], whole, max_results=1):
        return _Run(run.info.run_id, run.outputs.model_outputs[0].model_id)
    return None


def _log(client: Any, experiment: str, candidate: Candidate, evidence: Evidence | None) -> _Run:
    """One run: what it was made from, its figures, its pictures and the model."""
    from mlflow.entities import LoggedModelStatus

    tags = _tags(candidate)
    run = client.create_run(experiment, run_name=candidate.kind, tags=tags)
    run_id, model = run.info.run_id, None
    try:
        model = client.create_logged_model(experiment, name="model", source_run_id=run_id, tags=tags)
        _save_model(candidate, run_id=run_id, model_id=model.model_id)
        with TemporaryDirectory() as folder:
            _write_files(Path(folder), candidate, evidence)
            client.log_artifacts(run_id, folder)
        client.log_inputs(run_id, datasets=_datasets(candidate.card))
        client.log_batch(
            run_id,
            metrics=_metrics(candidate.card, at=run.info.start_time),
            params=_parameters(candidate),
        )
        client.set_terminated(run_id, "FINISHED")
    except Exception:
        _fail(client, run_id, model, LoggedModelStatus.FAILED)
        raise
    return _Run(run_id, model.model_id)


def _save_model(candidate: Candidate, *, run_id: str, model_id: str) -> None:
    import mlflow
    from mlflow.models import Model

    with _without_rows(candidate) as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*An input example was not provided", category=UserWarning)
        Model.log(
            None,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            model_id=model_id,
            python_model=str(MODEL_CODE),
            artifacts={"candidate": str(folder)},
            signature=_signature(candidate),
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
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
        tags={**_tags(candidate), "status": "candidate, not approved"},
        model_id=run.model_id,
    )
    return int(made.version)


# ── What is logged ──────────────────────────────────────────────────────────────────────────────


def _tags(candidate: Candidate) -> dict[str, str]:
    return {
        "kind": candidate.kind,
        "sha256": candidate.sha256,
        "catalogue": candidate.card["catalogue"],
    }


def _parameters(candidate: Candidate) -> list[Any]:
    from mlflow.entities import Param

    card = candidate.card
    found = {
        **_tags(candidate),
        "features": len(candidate.names),
        "last_delivery": card["last_delivery"],
        "link_run": card["link_run"],
        "python": platform.python_version(),
        **{f"table.{name}": at for name, at in card["tables"].items() if at is not None},
        **{f"fit.{name}": value for name, value in card["fit"].items()},
        **{f"dates.{name}": ", ".join(card["dates"][name]) for name in ("train", "calibrate", "test")},
    }
    return [Param(name, str(value)) for name, value in found.items()]


def _metrics(card: Mapping[str, Any], *, at: int) -> list[Any]:
    """The figures on the test dates, and on every fold, its number as the step.

    at: when, milliseconds. What could not be estimated is left out; of a pair, such as an interval, both.
    """
    from mlflow.entities import Metric

    tried = [("test", 0, card["test"])]
    tried += [("folds", fold, figures) for fold, figures in enumerate(card.get("on_folds", ()), 1)]
    return [
        Metric(f"{of}/{name}", value, at, step)
        for of, step, figures in tried
        for name, value in _numbers(figures).items()
    ]


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for name, value in figures.items():
        if isinstance(value, int | float):
            found[name] = float(value)
        elif isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
            found |= {f"{name}_low": float(value[0]), f"{name}_high": float(value[1])}
    return found


def _datasets(card: Mapping[str, Any]) -> list[Any]:
    """For each block of dates, the tables and their versions, and how many rows of it were read: no rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    found = []
    for part, block in BLOCKS.items():
        counts = card[part]
        source = {
            "tables": card["tables"],
            "last_delivery": card["last_delivery"],
            "link_run": card["link_run"],
            "catalogue": card["catalogue"],
            "dates": card["dates"][block],
        }
        text = json.dumps(source, sort_keys=True)
        profile = {"rows": counts.get("rows", counts.get("labelled")), "positives": counts["positives"]}
        found.append(
            DatasetInput(
                Dataset(
                    name=f"{card['specification']}, {block}",
                    digest=hashlib.sha256(text.encode()).hexdigest()[:12],
                    source_type="delta_tables",
                    source=text,
                    profile=json.dumps(profile),
                ),
                tags=[InputTag("mlflow.data.context", block)],
            )
        )
    return found


def _write_files(folder: Path, candidate: Candidate, evidence: Evidence | None) -> None:
    """The environment and the pictures, as files to be logged."""
    packages = {package: version(package) for package in sorted(PACKAGES)}
    environment = {"python": platform.python_version(), "packages": packages}
    (folder / "environment.json").write_text(json.dumps(environment, indent=1) + "\n", encoding="utf-8")
    if evidence is not None:
        (folder / "plots").mkdir()
        drawn = pictures(evidence, title=candidate.card.get("title", candidate.kind), names=candidate.names)
        for name, contents in drawn.items():
            (folder / "plots" / name).write_bytes(contents)


def _signature(candidate: Candidate) -> Any:
    """Its columns by name; a frame in another order is put into it, and one that lacks any is refused."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    columns = Schema([ColSpec("double", name) for name in candidate.names])
    return ModelSignature(inputs=columns, outputs=Schema([ColSpec("double", "chance")]))


@contextmanager
def _without_rows(candidate: Candidate) -> Iterator[Path]:
    """The exported folder, with its reference's hash in the place of the reference: rows of features stay
    in the workspace."""
    if candidate.folder is None:
        raise ValueError("only an exported candidate can be registered")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / candidate.sha256
        shutil.copytree(candidate.folder, folder, ignore=shutil.ignore_patterns(REFERENCE))
        stand_in(folder, candidate.folder / REFERENCE)
        yield folder
