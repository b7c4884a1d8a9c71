"""The log of approvals for people: every row, whether the chain holds, how each model stands, and what has to
be said of the candidates of a training run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.errors import EarlyHelpError
from features.workspace import Workspace
from models.approval_log import Row, read_log, verify_chain
from models.approvals import TURNED_DOWN, Flagged, Standing, day_of, flagged, standing, standings
from models.candidate import NOT_APPROVED
from models.human import FILE, folder_of
from models.undecided import Undecided, undecided


@dataclass(frozen=True)
class ModelStands:
    """A model somebody decided about. status: 'champion', 'earlier champion', 'waiting for …' or 'put
    forward', else how it was turned down; approved_by: who made it champion, or is the one of two to;
    of_older_words: who approved what people had written before they changed it, which counts no longer."""

    specification: str
    model: str
    status: str
    approved_by: tuple[str, ...]
    flagged: Flagged
    of_older_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approvals:
    """rows: the whole log; problems: what is wrong with its chain, and then no models; ends_in: the hash that
    the last row should have, to be kept in the minutes; undecided: candidates of the newest runs."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    ends_in: str | None
    models: tuple[ModelStands, ...]
    undecided: tuple[Undecided, ...] = ()

    def text(self) -> str:
        """Everything, as plain lines for a terminal."""
        return "\n".join(_lines(self))


def approvals(workspace: Workspace) -> Approvals:
    """What the log holds, also where it does not hold."""
    log = read_log(workspace)
    problems = tuple(verify_chain(log))
    models = () if problems else tuple(_models(workspace, log.rows))
    new = () if problems else tuple(undecided(workspace, decided={row.model for row in log.rows}))
    return Approvals(log.rows, problems, log.end[1] if log.end else None, models, new)


def _models(workspace: Workspace, rows: tuple[Row, ...]) -> Iterator[ModelStands]:
    for specification, now in standings(rows).items():
        for model in dict.fromkeys(row.model for row in rows if row.specification == specification):
            made, waiting = now.made.get(model), now.approvals.get(model, [])
            words = _words_now(workspace, waiting)
            these = made or [row for row in waiting if row.human == words]
            older = [] if made else [row for row in waiting if row.human != words]
            yield ModelStands(
                specification,
                model,
                _status(now, model, two=not these),
                _people(these),
                flagged(workspace, model),
                _people(older),
            )


def _words_now(workspace: Workspace, approvals: Sequence[Row]) -> str:
    """The hash of what people have written about a model as it reads now; where their file is gone, as it
    read when it was approved last."""
    if not approvals:
        return ""
    last = approvals[-1]
    file = folder_of(workspace, last.specification, last.model) / FILE
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else last.human


def _status(now: Standing, model: str, *, two: bool) -> str:
    """two: nobody has approved what people have written about it as it reads now."""
    if model == now.champion:
        return "champion"
    if model in now.before:
        return "earlier champion"
    if row := now.turned_down.get(model):
        return TURNED_DOWN[row.kind]
    if not now.approvals.get(model):
        return "put forward"
    return (
        "waiting for two people in different roles" if two else "waiting for a second person in another role"
    )


@dataclass(frozen=True)
class RunStands:
    """said: what the log says of a run's candidates, for every output of it. settled: the kinds that nobody
    can approve any more, as they are or were champion, or are retired."""

    said: str
    settled: tuple[str, ...] = ()


def run_stands(
    workspace: Workspace, specification: str, models: Mapping[str, str], titles: Mapping[str, str]
) -> RunStands:
    """How the candidates of a run stand now: those of one that was made before may have been decided about.

    models: kind → sha256; titles: kind → what it is called. A log that cannot be read keeps nobody from
    what a run has found: it is said instead.
    """
    try:
        now = standing(workspace, specification)
    except EarlyHelpError as error:
        return RunStands(f"NOT APPROVED, as far as can be told: {error.message}")
    told = {kind: said for kind, model in models.items() if (said := _decided(now, model))}
    each = [f"{titles.get(kind, kind)} ({models[kind][:12]}) {said}" for kind, said in told.items()]
    settled = [kind for kind in told if models[kind] in _settled(now)]
    approved = any(models[kind] in (now.champion, *now.before) for kind in told)
    said = f"{'' if approved else 'NOT APPROVED: '}{'; '.join(each)}" if each else NOT_APPROVED
    if now.champion and now.champion not in models.values():
        said += f". Lists are made with the champion, {now.champion[:12]}, which is another"
    return RunStands(said, tuple(settled))


def _decided(now: Standing, model: str) -> str:
    """What follows from what people decided about a model; empty where nobody has, or only put it forward."""
    people = " and ".join(_people(now.made.get(model) or now.approvals.get(model) or ()))
    if model == now.champion:
        return f"is the champion, approved by {people}"
    if model in now.before:
        return f"is an earlier champion, approved by {people}"
    if row := now.turned_down.get(model):
        return f"was {TURNED_DOWN[row.kind]} on {day_of(row)}"
    return f"still needs a second person in another role, after {people}" if people else ""


def _settled(now: Standing) -> set[str | None]:
    return {now.champion, *now.before, *(model for model in now.turned_down if now.is_retired(model))}


def _people(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(f"{row.by} ({row.role})" for row in rows)


def _lines(found: Approvals) -> Iterator[str]:
    if not found.rows and not found.problems:
        yield "Nobody has decided anything about a model yet."
        yield from _awaiting(found)
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
        if each.of_older_words:
            by += f"; no longer counted, as it was of older words: {' and '.join(each.of_older_words)}"
        yield f"{each.specification}  {each.model[:12]}  {each.status}{by}; {each.flagged.said}"
    yield from _awaiting(found)
    yield f"The chain holds. It ends in {found.ends_in}: keep that in the minutes."


def _awaiting(found: Approvals) -> Iterator[str]:
    if found.undecided:
        yield "\nNobody has decided about these candidates of the newest runs:"
        yield from (f"  {each.text()}" for each in found.undecided)
