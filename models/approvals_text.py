"""The log of approvals for people: every row, whether the chain holds, and how each model stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from features.workspace import Workspace
from models.approval_log import Row, read_log, verify_chain
from models.approvals import TURNED_DOWN, Flagged, Standing, flagged, standings


@dataclass(frozen=True)
class ModelStands:
    """A model somebody decided about. status: 'champion', 'earlier champion', 'waiting for …' or 'put
    forward', else how it was turned down; approved_by: who made it champion, or is the one of two to."""

    specification: str
    model: str
    status: str
    approved_by: tuple[str, ...]
    flagged: Flagged


@dataclass(frozen=True)
class Approvals:
    """rows: the whole log; problems: what is wrong with its chain, and then no models; ends_in: the hash that
    the last row should have, to be kept in the minutes."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    ends_in: str | None
    models: tuple[ModelStands, ...]

    def text(self) -> str:
        """Everything, as plain lines for a terminal."""
        return "\n".join(_lines(self))


def approvals(workspace: Workspace) -> Approvals:
    """What the log holds, also where it does not hold."""
    log = read_log(workspace)
    problems = tuple(verify_chain(log))
    models = () if problems else tuple(_models(workspace, log.rows))
    return Approvals(log.rows, problems, log.end[1] if log.end else None, models)


def _models(workspace: Workspace, rows: tuple[Row, ...]) -> Iterator[ModelStands]:
    for specification, now in standings(rows).items():
        for model in dict.fromkeys(row.model for row in rows if row.specification == specification):
            approving = now.made.get(model) or now.approvals.get(model, [])
            people = tuple(f"{row.by} ({row.role})" for row in approving)
            yield ModelStands(specification, model, _status(now, model), people, flagged(workspace, model))


def _status(now: Standing, model: str) -> str:
    if model == now.champion:
        return "champion"
    if model in now.before:
        return "earlier champion"
    if row := now.turned_down.get(model):
        return TURNED_DOWN[row.kind]
    return "waiting for a second person in another role" if now.approvals.get(model) else "put forward"


def _lines(found: Approvals) -> Iterator[str]:
    if not found.rows and not found.problems:
        yield "Nobody has decided anything about a model yet."
        return
    for row in found.rows:
        words = f" (what people wrote: {row.human[:12]})" if row.human else ""
        yield (
            f"{row.number:>3}  {row.at[:16].replace('T', ' ')}  {row.kind:<8}  {row.specification}  "
            f"{row.model[:12]}  {row.by}, {row.role}: {row.because}{words}"
        )
    yield ""
    if found.problems:
        yield "THE LOG HAS BEEN TAMPERED WITH; nothing it says can be relied on:"
        yield from (f"  {problem}" for problem in found.problems)
        return
    for each in found.models:
        by = f"; approved by {' and '.join(each.approved_by)}" if each.approved_by else ""
        yield f"{each.specification}  {each.model[:12]}  {each.status}{by}; {each.flagged.said}"
    yield f"The chain holds. It ends in {found.ends_in}: keep that in the minutes."
