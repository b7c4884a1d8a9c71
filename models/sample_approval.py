"""The approval that a demo shows: papers filled with the sample, and two people who do not exist decide.

Gates are the same as anybody's. Where one is not met nobody approves, and the demo says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.errors import GateFailed
from features.workspace import Workspace
from models.approvals import candidate_named, champion, decide, standing
from models.human import read_human
from models.papers import papers

PEOPLE = ("Ada Simulated", "Bob Simulated")
BECAUSE = "SAMPLE: a simulated person, on a simulated county, to show how an approval is made."


@dataclass(frozen=True)
class SampleApproval:
    """What came of it. papers: the folder of the model's papers; unmet: gates that stopped it, each with what
    it said."""

    model: str
    papers: Path
    approved: bool
    unmet: tuple[str, ...] = ()

    def text(self) -> str:
        """For a terminal."""
        if self.approved:
            said = f"Two simulated people approved model {self.model[:12]}: SAMPLE, as nobody here is real."
        else:
            said = f"Simulated people were to approve model {self.model[:12]}, and could not:"
        return "\n".join([said, *(f"  {gate}" for gate in self.unmet), f"Its papers are in {self.papers}"])


def approve_sample(workspace: Workspace, model: str, *, at: datetime) -> SampleApproval:
    """Write the papers of a model with the sample answers, and let two simulated people approve it."""
    candidate = candidate_named(workspace, model)
    specification, written = candidate.specification.name, papers(workspace, candidate, simulated=True)
    text = read_human(written.human, model=candidate.sha256).sha256
    try:
        for by, role in zip(PEOPLE, workspace.settings.approval_roles, strict=False):
            now = standing(workspace, specification)
            stand = {row.by for row in now.approvals.get(candidate.sha256, ()) if row.human == text}
            if now.champion != candidate.sha256 and by not in stand:  # a demo that was stopped goes on
                decide(workspace, "approve", model, by=by, role=role, because=BECAUSE, at=at)
    except GateFailed as failed:
        return SampleApproval(model, written.folder, approved=False, unmet=tuple(failed.problems))
    papers(workspace, candidate)  # again: they say who approved it
    approved = champion(workspace, specification) == candidate.sha256
    return SampleApproval(model, written.folder, approved=approved)
