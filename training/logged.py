"""What a run in MLflow is told of a candidate: parameters, figures, tables read, versions, pictures, and the
exported folder without its rows."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.candidate import REFERENCE, Candidate, stand_in
from training.plots import Evidence, pictures

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
NEED_CHANCES = ("brier", "calibration_intercept", "calibration_slope")
"""Figures of chances: on folds there are none, only an order."""


def tags_of(candidate: Candidate) -> dict[str, str]:
    """By which a run, a logged model and a version are found again."""
    return {
        "kind": candidate.kind,
        "sha256": candidate.sha256,
        "catalogue": candidate.card["catalogue"],
    }


def requirements() -> list[str]:
    """The packages that a registered model predicts with, at the versions it was made with."""
    return [f"{package}=={version(package)}" for package in REQUIREMENTS]


def parameters(candidate: Candidate) -> list[Any]:
    """What it was made from: MLflow's parameters, which are text."""
    from mlflow.entities import Param

    card = candidate.card
    found = {
        **tags_of(candidate),
        "features": len(candidate.names),
        "last_delivery": card["last_delivery"],
        "link_run": card["link_run"],
        "python": platform.python_version(),
        **{f"table.{name}": at for name, at in card["tables"].items() if at is not None},
        **{f"fit.{name}": value for name, value in card["fit"].items()},
        **{f"dates.{name}": ", ".join(card["dates"][name]) for name in ("train", "calibrate", "test")},
    }
    return [Param(name, str(value)) for name, value in found.items()]


def metrics(card: Mapping[str, Any], *, at: int) -> list[Any]:
    """The figures on the test dates, and on every fold, its number as the step.

    at: when, milliseconds. What could not be estimated is left out; of a pair, such as an interval, both.
    """
    from mlflow.entities import Metric

    tried = [("test", 0, card["test"])]
    tried += [
        ("folds", of_fold["fold"], {name: value for name, value in of_fold.items() if name != "fold"})
        for of_fold in card.get("on_folds", ())
    ]
    return [
        Metric(f"{of}/{name}", value, at, step)
        for of, step, figures in tried
        for name, value in _numbers(figures).items()
        if of == "test" or name not in NEED_CHANCES
    ]


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for name, value in figures.items():
        if isinstance(value, bool):  # whether it is estimable is no figure
            continue
        if isinstance(value, int | float):
            found[name] = float(value)
        elif isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
            found |= {f"{name}_low": float(value[0]), f"{name}_high": float(value[1])}
    return found


def datasets(card: Mapping[str, Any]) -> list[Any]:
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


def write_files(folder: Path, candidate: Candidate, evidence: Evidence | None) -> None:
    """The environment and the pictures, as files to be logged."""
    packages = {package: version(package) for package in sorted(PACKAGES)}
    environment = {"python": platform.python_version(), "packages": packages}
    (folder / "environment.json").write_text(json.dumps(environment, indent=1) + "\n", encoding="utf-8")
    if evidence is not None:
        (folder / "plots").mkdir()
        drawn = pictures(evidence, title=candidate.card.get("title", candidate.kind), names=candidate.names)
        for name, contents in drawn.items():
            (folder / "plots" / name).write_bytes(contents)


def signature(candidate: Candidate) -> Any:
    """Its columns by name; a frame in another order is put into it, and one that lacks any is refused."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    columns = Schema([ColSpec("double", name) for name in candidate.names])
    return ModelSignature(inputs=columns, outputs=Schema([ColSpec("double", "chance")]))


@contextmanager
def without_rows(candidate: Candidate) -> Iterator[Path]:
    """The exported folder, with its reference's hash in the place of the reference: rows of features stay
    in the workspace."""
    if candidate.folder is None:
        raise ValueError("only an exported candidate can be registered")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / candidate.sha256
        shutil.copytree(candidate.folder, folder, ignore=shutil.ignore_patterns(REFERENCE))
        stand_in(folder, candidate.folder / REFERENCE)
        yield folder
