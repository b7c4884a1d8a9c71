"""Runs that were made already: the same question of the same tables with the same code has one answer.

    data/runs/<first 16 of the key>.json     the models of a run, and their versions in the register

A run is the same if everything it is a function of is; one that tells what each source is worth tells all
that one without it does, of the same trees. What it found is in the cards of its models; a model that is no
longer there, or not what it was, makes the run again. A run that is found is the newest one again, as it
would be had it been made.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.code_version import code_version
from features.errors import UserMistake
from features.shard_plan import flags_of
from features.workspace import Workspace
from models import registry
from models.candidate import Candidate, list_candidates, load_candidate
from training.card import READ
from training.log_store import log_uri
from training.plan import Plan

CODE = ("features", "models", "training")
MADE_BY = ("lightgbm", "numpy", "optuna", "scikit-learn", "scipy")
"""Packages whose next version may fit something else."""
AUDITED = ("characteristics",)
"""Tables that the audit of a run reads, beside those that its figures come from."""

Made = tuple[dict[str, dict[str, Any]], dict[str, str], dict[str, int]]
"""kind → card, kind → sha256, kind → version."""


def key_of(plan: Plan, *, trials: int | None = None, ablate: bool = False) -> str:
    """A hash of all that a run is a function of. trials: of a search, where not the specification's. ablate:
    it tells what each source is worth."""
    snapshot, settings = plan.snapshot, plan.workspace.settings
    question = {
        "specification": plan.specification.model_dump(mode="json"),
        "catalogue": plan.catalogue.hash,
        "eligibility": asdict(plan.question.eligibility),
        "calendar": asdict(plan.calendar),
        "flags": flags_of(plan.workspace, plan.catalogue),
        "last_delivery": snapshot.last_delivery,
        "link_run": snapshot.link_run,
        "tables": {table: snapshot.tables.version(table) for table in (*READ, *AUDITED)},
        "asked": [trials, ablate],
        "settings": [settings.seed, settings.threads, settings.link_show, log_uri(plan.workspace)],
        "sources": {name: of.model_dump(mode="json") for name, of in plan.workspace.sources.items()},
        "code": [code_version(CODE), *(version(package) for package in MADE_BY)],
    }
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()


def recall_any(plan: Plan, *, trials: int | None = None, ablate: bool = False) -> Made | None:
    """What a run left that answers a question, see `key_of`: one that holds more does, and comes first."""
    told = (True,) if ablate else (True, False)
    keys = (key_of(plan, trials=trials, ablate=more) for more in told)
    return next(filter(None, (recall(plan.workspace, key) for key in keys)), None)


def recall(workspace: Workspace, key: str) -> Made | None:
    """What a run left, or None where it was not made or some of it is gone."""
    path = _path(workspace, key)
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    models, versions = kept["models"], kept["versions"]
    log = workspace.mlflow_uri.removeprefix("sqlite:///")
    if log != workspace.mlflow_uri and not Path(log).is_file():
        return None
    if kept["key"] != key or not all((workspace.models / sha256).is_dir() for sha256 in models.values()):
        return None
    try:
        found = {kind: load_candidate(workspace.models / sha256) for kind, sha256 in models.items()}
    except UserMistake:  # its files have been changed
        return None
    if not all(_is_newest(workspace, candidate) for candidate in found.values()):
        list_candidates(workspace, found.values())
    return {kind: candidate.card for kind, candidate in found.items()}, models, versions


def remember(workspace: Workspace, key: str, models: Mapping[str, str], versions: Mapping[str, int]) -> None:
    """Keep what a run left, whole or not at all; the last thing that a run does."""
    path = _path(workspace, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    kept = {"key": key, "models": dict(models), "versions": dict(versions)}
    unfinished.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    unfinished.replace(path)


def _is_newest(workspace: Workspace, candidate: Candidate) -> bool:
    name = candidate.specification.name
    newest = registry.newest(workspace.models, specification=name, kind=candidate.kind)
    return newest is not None and newest.sha256 == candidate.sha256


def _path(workspace: Workspace, key: str) -> Path:
    return workspace.data / "runs" / f"{key[:16]}.json"
