"""Where a workspace's link models lie, and which of them links.

A link model (trained by `features.compare`) is a file named after its own content, so that what a link
run says of it stays true. `chosen` beside them holds the name of the one that link runs use; a workspace
that has chosen none is linked by exact keys alone.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.errors import UserMistake
from features.likeness import VERSION
from features.workspace import Workspace

Model = dict[str, Any]

NAME_LENGTH = 12


def keep_model(workspace: Workspace, model: Model) -> str:
    """Write a model into the workspace; returns its name. One model always has the same name and bytes."""
    text = _as_text(model)
    name = _name_of(text)
    path = workspace.link_models / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def choose_model(workspace: Workspace, name: str) -> None:
    """Let link runs use a model from now on. Raises UserMistake where there is none of that name."""
    read_model(workspace.link_models / f"{name}.json")
    chosen = workspace.link_models / "chosen"
    beside = chosen.with_suffix(".new")
    beside.write_text(name + "\n", encoding="utf-8")
    beside.replace(chosen)


def chosen_model(workspace: Workspace) -> tuple[str, Model] | None:
    """The name and the model that link runs use, if one was chosen.

    Raises UserMistake if it cannot be used.
    """
    name = chosen_name(workspace)
    return None if name is None else (name, read_model(workspace.link_models / f"{name}.json"))


def chosen_name(workspace: Workspace) -> str | None:
    """The name of the model that link runs use, whether or not it still can be used."""
    chosen = workspace.link_models / "chosen"
    return chosen.read_text(encoding="utf-8").strip() if chosen.is_file() else None


def kept_models(workspace: Workspace) -> list[str]:
    """The names of the models in the workspace, in alphabetical order."""
    return sorted(path.stem for path in workspace.link_models.glob("*.json"))


def read_model(path: Path) -> Model:
    """Read a model. Raises UserMistake where it is none, or one of another version."""
    try:
        text = path.read_text(encoding="utf-8")
        model = json.loads(text)
        given, _ = (model["version"], model["splink"]), model["settings"]["comparisons"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserMistake(
            f"{path.name} is no link model.", problems=["train one: `earlyhelp link train`"]
        ) from error
    if _name_of(text) != path.stem:
        raise UserMistake(
            f"The link model {path.name} is not what it was when it was trained.",
            problems=["its name is the beginning of its content's sha256: train one, `earlyhelp link train`"],
        )
    if given != (VERSION, version("splink")):
        raise UserMistake(
            f"The link model {path.name} was made for another version.",
            problems=[
                f"it is of version {given[0]} with Splink {given[1]}",
                f"this is version {VERSION} with Splink {version('splink')}: train it again, with "
                "`earlyhelp link train`",
            ],
        )
    return model


def _name_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_LENGTH]


def _as_text(model: Model) -> str:
    return json.dumps(model, indent=1, sort_keys=True) + "\n"
