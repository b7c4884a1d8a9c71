"""The service: a chance and its reasons on request, and the weekly lists.

    POST /api/v1/score          people and a date → chance and reasons
    GET  /api/v1/flags/{week}   a kept list
    GET  /                      the newest list, to read
    GET  /livez /readyz /metrics

It holds code only. The workspace (EARLYHELP_WORKSPACE) has the models and the records. What a caller
sends is never logged: a refused value is named by its place, not repeated.
"""

from __future__ import annotations

import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")  # before the import: it reads it once

from datetime import date
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.exceptions import InvalidArgument, NotFound
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.types import Receive, Scope, Send

from features.errors import EarlyHelpError
from features.people import PERSON_ID
from features.workspace import Workspace, open_workspace
from models.approvals import approval_of
from models.reasons import Explanation
from serving.access import Access
from serving.pages import pages
from serving.quiet_logs import keep_values_out_of_logs
from serving.score import Desk
from serving.weekly_list import kept_dates

MOST_PEOPLE = 200
SCORED = Counter("earlyhelp_scored_total", "People scored on request", ["model"])

PersonId = Annotated[str, StringConstraints(pattern=f"^{PERSON_ID}$")]


class Ask(BaseModel):
    """Whom to score, and on which morning: by default, that of the newest list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    people: list[PersonId] = Field(min_length=1, max_length=MOST_PEOPLE, description="person ids")
    as_of: date | None = None


class Said(BaseModel):
    """A reason or a strength, its weight in log-odds and the events behind it."""

    model_config = ConfigDict(from_attributes=True)

    sentence: str
    theme: str
    sources: list[str]
    weight: float
    latest_on: date
    event_ids: list[str]


class Scored(BaseModel):
    """A person's chance and what it is made of. eligible: whether the list may hold this person; joined:
    from which records they were joined, and link_strength how sure that is of the least sure of them;
    doubted_share: the part of other_share that rests on what is only probably theirs."""

    person_id: str
    eligible: bool
    log_odds: float
    chance: float
    chance_words: str
    reasons: list[Said]
    strengths: list[Said]
    other_share: float
    not_held: list[str]
    link_strength: float | None
    joined: str
    doubted_share: float

    @classmethod
    def of(cls, told: Explanation, *, eligible: bool) -> Scored:
        """What the list would say of a person, and whether it may."""
        shown = {name: getattr(told, name) for name in cls.model_fields if name != "eligible"}
        return cls(eligible=eligible, **shown)


class Refused(BaseModel):
    """Somebody of whom nothing is told, and why: they object to it, or their record is restricted."""

    person_id: str
    why: str


class Answer(BaseModel):
    """scores in the order asked for; silent: people with nothing recorded that the model looks at; refused:
    people of whom nothing is told."""

    as_of: date
    model: str
    approval: str
    horizon_days: int
    scores: list[Scored]
    silent: list[str]
    refused: list[Refused]


def workspace_served() -> Workspace:
    """The workspace that the environment names. Raises UserMistake if there is none."""
    return open_workspace(Path(os.environ.get("EARLYHELP_WORKSPACE", "workspace")))


async def web(scope: Scope, receive: Receive, send: Send) -> None:
    """The mounted pages, made when first asked for, so that importing this module reads no workspace."""
    await pages(workspace_served())(scope, receive, send)


@bentoml.service(name="earlyhelp", workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
@bentoml.asgi_app(web, path="/")
class EarlyHelp:
    """Scores people of a workspace."""

    def __init__(self) -> None:
        keep_values_out_of_logs()
        self.desk = Desk(workspace_served())

    @bentoml.api(route="/api/v1/score")
    def score(self, ask: Ask, /) -> Answer:
        """The chance and the reasons of people on a morning, as the list gives them."""
        dates = kept_dates(self.desk.workspace)
        as_of = ask.as_of or (dates[-1] if dates else None)
        if as_of is None:
            raise NotFound("There is no list yet, so say which morning is meant in `as_of`.")
        try:
            scores = self.desk.score(ask.people, as_of)
            approval = approval_of(self.desk.workspace, scores.candidate)
        except EarlyHelpError as error:
            raise InvalidArgument(error.message) from None
        candidate = scores.candidate
        SCORED.labels(model=candidate.sha256[:12]).inc(len(scores.explanations))
        return Answer(
            as_of=as_of,
            model=candidate.sha256,
            approval=approval,
            horizon_days=candidate.specification.outcome.horizon_days,
            scores=[Scored.of(told, eligible=eligible) for told, eligible in scores.explanations],
            silent=list(scores.silent),
            refused=[Refused(person_id=person, why=why) for person, why in scores.refused],
        )


EarlyHelp.add_asgi_middleware(Access)  # type: ignore[attr-defined]
