"""Which link models a workspace keeps: what each was learned from, and which of them links."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import UserMistake, nearest
from features.link_model import choose_model, chosen_name, kept_models, read_model
from features.workspace import Workspace


@dataclass(frozen=True)
class KeptModel:
    """subjects: of how many it was learned, None where it cannot be used; problem: why not, else ''."""

    name: str
    subjects: int | None
    chosen: bool
    problem: str = ""


def models_kept(workspace: Workspace) -> list[KeptModel]:
    """The link models of a workspace, by name, usable or not."""
    chosen = chosen_name(workspace)
    return [_kept(workspace, name, chosen=name == chosen) for name in kept_models(workspace)]


def use_model(workspace: Workspace, name: str) -> None:
    """Let link runs use a kept model from now on. Raises UserMistake where there is none such."""
    kept = kept_models(workspace)
    if name not in kept:
        there = [nearest(name, kept), "`earlyhelp link models` lists them all"] if kept else []
        raise UserMistake(
            "There is no link model of that name.", problems=there or ["train one: `earlyhelp link train`"]
        )
    choose_model(workspace, name)


def models_text(kept: list[KeptModel]) -> str:
    """A line a model, for a terminal."""
    if not kept:
        return "There is no link model yet: train one with `earlyhelp link train`."
    of = (one.problem or f"of {one.subjects:,} subjects" for one in kept)
    return "\n".join(
        f"{one.name}  {said}{'; link runs use it' if one.chosen else ''}"
        for one, said in zip(kept, of, strict=True)
    )


def _kept(workspace: Workspace, name: str, *, chosen: bool) -> KeptModel:
    try:
        model = read_model(workspace.link_models / f"{name}.json")
    except UserMistake as mistake:
        return KeptModel(name, None, chosen, f"cannot be used: {mistake.message}")
    return KeptModel(name, model["subjects"], chosen)
