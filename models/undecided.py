"""Candidates that nobody has decided about yet: of each specification those of its newest run.

Who looks for the hash to propose or approve finds it here. What a run names is what can be approved as far
as its figures go (`models.verdict`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from features.workspace import Workspace
from models import registry


@dataclass(frozen=True)
class Undecided:
    """known_on: the day as known on which it was judged, where its card says so; named: its run's verdict
    names it."""

    specification: str
    kind: str
    model: str
    known_on: str | None
    named: bool

    def text(self) -> str:
        """A line for a terminal."""
        judged = f", judged as known on {self.known_on}" if self.known_on else ""
        named = "; what can be approved, as far as its run's figures go" if self.named else ""
        return f"{self.specification}  {self.model[:12]}  {self.kind}{judged}{named}"


def undecided(workspace: Workspace, *, decided: Collection[str]) -> Iterator[Undecided]:
    """decided: the hashes of models that the log of approvals holds anything about."""
    for entry in registry.newest_of_each(workspace.models):
        path = workspace.models / entry.sha256 / "card.json"
        if entry.sha256 in decided or not path.is_file():
            continue
        card = json.loads(path.read_text(encoding="utf-8"))
        known_on = (card.get("dates", {}).get("judged_on") or {}).get("test")
        named = (card.get("verdict") or {}).get("kind") == entry.kind
        yield Undecided(entry.specification, entry.kind, entry.sha256, known_on, named)
