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

from pathlib import Path

import bentoml
from bentoml.exceptions import InvalidArgument, NotFound
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from features.errors import EarlyHelpError
from features.workspace import Workspace, open_workspace
from models.approvals import approval_of
from serving.access import Access
from serving.asked import Answer, Ask, Refused, Scored
from serving.pages import pages
from serving.quiet_logs import keep_values_out_of_logs
from serving.score import Desk
from serving.weekly_list import kept_dates

SCORED = Counter("earlyhelp_scored_total", "People scored on request", ["model"])


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
