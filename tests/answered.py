"""What a model's card and file must hold before it can be approved, made up: an audit, and every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.workspace import Workspace
from models.audit import audit_lists
from models.candidate import Candidate
from models.human import ASKED, FILE, Human, Signature, folder_of, questions_text
from models.pooled import Listing

Counts = Mapping[str, tuple[int, int, int, int]]
"""Group → people found, with the outcome and not listed, listed in vain, and neither."""

ALIKE: Counts = {"f": (60, 40, 40, 860), "m": (30, 20, 20, 430)}
ONE_MISSED: Counts = {"f": (60, 40, 40, 860), "m": (10, 50, 40, 420)}
ONE_TOO_SMALL: Counts = {**ALIKE, "unknown": (10, 14, 10, 300)}


def listed(counts: Counts, *, chance: float | None = None) -> Listing:
    """A list of made-up people of one characteristic, `sex`."""
    rows = [
        (group, selected, positive)
        for group, many in counts.items()
        for (selected, positive), n in zip(
            ((True, True), (False, True), (True, False), (False, False)), many, strict=True
        )
        for _ in range(n)
    ]
    return Listing(
        person=np.arange(len(rows)),
        selected=np.array([selected for _, selected, _ in rows], bool),
        positive=np.array([positive for *_, positive in rows], bool),
        groups={"sex": np.array([group for group, *_ in rows], object)},
        chance=None if chance is None else np.full(len(rows), chance),
    )


def audited(counts: Counts = ALIKE) -> dict[str, Any]:
    """An audit as a card has it, with a limit of 5 points."""
    return audit_lists([listed(counts, chance=0.09)], limit=0.05).to_json()


def filled(**changed: str) -> Human:
    """Every question answered, but for what is given."""
    given = {**dict.fromkeys(ASKED, "we thought about it together"), **changed}
    return Human({name: said for name, said in given.items() if said}, {}, sha256="f" * 64)


def answer(workspace: Workspace, candidate: Candidate, *, sign: bool = True, **changed: str) -> Human:
    """Write the file with every answer, and sign for whatever group has too few people."""
    human, card = filled(**changed), candidate.card
    groups = [f"{a['characteristic']}: {a['group']}" for a in card["audit"]["gate"]] if sign else []
    signed = {group: Signature("Anna Bright", "we looked at them one by one") for group in groups}
    folder = folder_of(workspace, candidate.specification.name, candidate.sha256)
    folder.mkdir(parents=True, exist_ok=True)
    text = questions_text(card, model=candidate.sha256, human=Human(human.answers, signed))
    (folder / FILE).write_text(text, encoding="utf-8")
    return human
