"""What the papers about a model are made of: its card, what people wrote, and what the workspace declares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.catalogue import Catalogue
from features.declaration import Source
from features.workspace import Workspace
from models import registry
from models.approvals import approval_of, day_of, standing
from models.candidate import NOT_APPROVED, Candidate
from models.human import ASKED, NOTHING, Human
from models.paper import WAITING, WRITTEN, Field, Paper, Section
from models.rows_in_use import rows_in_use
from models.spec import Specification


@dataclass(frozen=True)
class Told:
    """A model as its papers tell of it. declared: source → its declaration in the workspace, and rows: source
    → how many rows of it are in use, a true count, both only for those the workspace still has. approval:
    empty where two people stand by the model and by what was written of it; then `approved` says who they
    are. run: the cards of all candidates made from the same, this one's among them."""

    card: Mapping[str, Any]
    sha256: str
    specification: Specification
    catalogue: Catalogue
    human: Human = NOTHING
    council: str = ""
    approval: str = NOT_APPROVED
    approved: str = ""
    declared: Mapping[str, Source] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    run: tuple[Mapping[str, Any], ...] = ()

    @property
    def test(self) -> Mapping[str, Any]:
        return self.card.get("test") or {}

    @property
    def title(self) -> str:
        return str(self.card.get("title", self.kind))

    @property
    def kind(self) -> str:
        return str(self.card.get("kind", "a model"))

    @property
    def capacity(self) -> int:
        return self.specification.capacity

    @property
    def horizon(self) -> int:
        return self.specification.outcome.horizon_days

    def title_of(self, kind: str) -> str:
        """What a kind that was judged in the same run is called."""
        titles = self.card.get("titles") or {b.name: b.title for b in self.specification.baselines}
        return self.title if kind == self.kind else str(titles.get(kind, kind.replace("_", " ")))

    def paper(self, kind: str, title: str, *, about: str, sections: Sequence[Section]) -> Paper:
        """A paper about this model, with what must be seen first."""
        notices = [self.approval] if self.approval else []
        notes = [self.approved] if self.approved and not self.approval else []
        if any("SAMPLE" in said for said in self.human.answers.values()):
            notices.append(
                "SAMPLE: what people write is written here by simulated people, of a simulated county."
            )
        verdict = self.card.get("verdict") or {"said": "", "kind": None}
        if verdict["said"].removesuffix(".") not in self.approval:
            (notes if verdict["kind"] else notices).append(str(verdict["said"]))
        return Paper(
            kind, title, self.council, self.sha256, about, tuple(notices), tuple(sections), tuple(notes)
        )

    def asked(self, name: str, label: str = "") -> Field:
        """What a person wrote, or the question they have still to answer. label: by default the question."""
        question = ASKED[name]
        if answer := self.human.answers.get(name):
            return Field(label or question.asks, paragraphs(answer), by=WRITTEN, name=name)
        return Field(label or question.asks, (question.asks,) if label else (), by=WAITING, name=name)


def told_of(workspace: Workspace, candidate: Candidate, human: Human = NOTHING) -> Told:
    """Everything that papers tell of an exported candidate, as things stand in its workspace."""
    used = candidate.catalogue.sources
    rows = rows_in_use(workspace, last_delivery=candidate.card.get("last_delivery", -1))
    return Told(
        card=candidate.card,
        sha256=candidate.sha256,
        specification=candidate.specification,
        catalogue=candidate.catalogue,
        human=human,
        council=workspace.settings.council,
        approval=approval_of(workspace, candidate, human=human.sha256),
        approved=approved_by(workspace, candidate, human=human.sha256),
        declared={name: source for name, source in workspace.sources.items() if name in used},
        rows={name: n for name, n in rows.items() if name in used},
        run=tuple(cards_of_run(workspace, candidate)),
    )


def approved_by(workspace: Workspace, candidate: Candidate, *, human: str) -> str:
    """Who approved a model that may be used, as the log of approvals has them, a line each; empty where
    nobody did, or nobody this text. human: the sha256 of what people wrote."""
    now = standing(workspace, candidate.specification.name)
    rows = [row for row in now.made.get(candidate.sha256, ()) if row.human == human]
    if not rows:
        return ""
    used = "it is the model in use" if now.champion == candidate.sha256 else "another is in use since"
    each = (
        f"{row.by}, {row.role}, on {day_of(row)}: row {row.number} of the log of approvals, hash {row.hash}"
        for row in rows
    )
    return "\n".join([f"APPROVED; {used}. By:", *each, f"What people wrote, as they approved it: {human}"])


def cards_of_run(workspace: Workspace, candidate: Candidate) -> list[Mapping[str, Any]]:
    """The card of a candidate, and of the newest of every other kind made from what it was made from: the
    same words of the specification, figures, dates and deliveries. What is no longer there is left out."""
    made_from = _made_from(workspace.models / candidate.sha256, candidate.card)
    cards = {}
    for entry in registry.entries(workspace.models):
        path = workspace.models / entry.sha256 / "card.json"
        if entry.kind == candidate.kind or not path.is_file():
            continue
        card = json.loads(path.read_text(encoding="utf-8"))
        if _made_from(path.parent, card) == made_from:
            cards[entry.kind] = card
    return [candidate.card, *cards.values()]


def _made_from(folder: Path, card: Mapping[str, Any]) -> tuple[Any, ...]:
    specification = folder / "specification.yaml"
    words = specification.read_bytes() if specification.is_file() else b""
    return (words, *(card.get(key) for key in ("last_delivery", "link_run", "catalogue", "dates")))


def paragraphs(text: str) -> tuple[str, ...]:
    """A text, parted where a line is empty."""
    return tuple(part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip())
