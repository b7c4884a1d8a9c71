"""The pages and lists that a browser or a program reads, mounted beside the scoring endpoint.

They hand out what `flag` has kept. The review pages (decisions, timelines) will be routes here.
"""

from __future__ import annotations

from datetime import date

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from features.workspace import Workspace
from serving.weekly_list import kept_dates, no_list


def pages(workspace: Workspace) -> Starlette:
    """The application over a workspace's kept lists.

    GET /                       the newest list as a page
    GET /lists/{week}           the list of a morning as a page
    GET /api/v1/flags/{week}    the same as JSON; week is the date of the morning, such as 2026-06-29
    """

    def newest(request: Request) -> Response:
        dates = kept_dates(workspace)
        if not dates:
            return _sentence("There is no list yet; `earlyhelp flag --as-of DATE` makes one.")
        return HTMLResponse(_kept(workspace, dates[-1], "list.html"))

    def of_week(request: Request) -> Response:
        return _answer(workspace, request, "list.html", "text/html")

    def flags(request: Request) -> Response:
        return _answer(workspace, request, "list.json", "application/json")

    return Starlette(
        routes=[
            Route("/", newest),
            Route("/lists/{week}", of_week),
            Route("/api/v1/flags/{week}", flags),
        ],
        exception_handlers={404: lambda request, error: _sentence("There is no such page.")},
    )


def _answer(workspace: Workspace, request: Request, name: str, media_type: str) -> Response:
    """A kept file of the week asked for; 404 with a sentence otherwise, the asked text not repeated."""
    try:
        as_of = date.fromisoformat(request.path_params["week"])
    except ValueError:
        return _sentence("A list is asked for by the date of its morning, written like 2026-06-29.")
    if as_of not in kept_dates(workspace):
        return _sentence(no_list(workspace, as_of).message)
    return Response(_kept(workspace, as_of, name), media_type=media_type)


def _kept(workspace: Workspace, as_of: date, name: str) -> str:
    return (workspace.list_folder(as_of) / name).read_text(encoding="utf-8")


def _sentence(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=404)
