"""No list rests on a dead feed unnoticed: it is not made, or somebody said why it is, and it says so too.

So it is with the register of objections, which no model reads: of a row that could not be read nobody knows
whom it would have kept off the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from features.deliveries import read_ledger
from features.errors import GateFailed, UserMistake, nearest
from features.snapshot import Snapshot
from features.wording import day_words
from features.workspace import Workspace
from models.approvals import candidate_in_use
from serving.flags import Accepted, Feed
from serving.freshness import registers_of_objections

LEAST_REASON = 20
"""Characters of a reason: a sentence that another can weigh, not 'ok'."""


def accept_stale(sources: Sequence[str], because: str | None) -> dict[str, str]:
    """source → why the list may be made without its feed, one reason for all that are named.

    Raises UserMistake where there is no reason, or none to speak of, or nothing that it is for.
    """
    reason = " ".join((because or "").split())
    if sources and len(reason) < LEAST_REASON:
        raise UserMistake(
            "Whoever accepts a stale feed says why.",
            problems=[
                f"give a sentence of at least {LEAST_REASON} characters, which the list will print: "
                '--because "their system is down until Thursday; the team knows"'
            ],
        )
    if reason and not sources:
        raise UserMistake(
            "--because says why a stale feed is accepted, and no feed is.",
            problems=["name it: --accept-stale SOURCE"],
        )
    return dict.fromkeys(sources, reason)


def accepting(workspace: Workspace, sources: Sequence[str], because: str | None) -> dict[str, str]:
    """As `accept_stale`, for a workspace: raises UserMistake too for a name that no feed of its lists has,
    before anything is taken in."""
    accept = accept_stale(sources, because)
    if accept:
        catalogue = candidate_in_use(workspace, workspace.settings.model).catalogue
        _must_be_feeds(accept, [*catalogue.sources, *registers_of_objections(workspace)])
    return accept


def _must_be_feeds(accept: Mapping[str, str], names: Sequence[str]) -> None:
    if unknown := [name for name in accept if name not in names]:
        raise UserMistake(
            "Only feeds that the list's model reads can be accepted, and the register of objections.",
            problems=[f"{name!r}: {nearest(name, names)}" for name in unknown],
        )


def pass_gate(
    snapshot: Snapshot, feeds: Sequence[Feed], as_of: date, accept: Mapping[str, str]
) -> tuple[Accepted, ...]:
    """The stale feeds that were accepted, to be told on the list.

    Raises GateFailed naming those that were not, or where nothing had reached us by that morning, and
    UserMistake for a source to be accepted that the model does not read.
    """
    registers = registers_of_objections(snapshot.workspace)
    _must_be_feeds(accept, [*(feed.source for feed in feeds), *registers])
    if not any(feed.received_on for feed in feeds if feed.source not in registers):
        raise GateFailed(
            f"There is no list of {day_words(as_of)}: nothing that the model reads had reached us by then.",
            problems=[f"{_reach(snapshot)}; is {as_of} the morning you mean?"],
        )
    stale = [feed for feed in feeds if feed.wrong]
    if refused := [feed for feed in stale if feed.source not in accept]:
        problems = [f"{feed.title} ({feed.source}): {feed.wrong}{_ask(snapshot, feed)}" for feed in refused]
        if len(stale) == len(feeds):
            problems.append(f"that is every feed: {_reach(snapshot)}; is {as_of} the morning you mean?")
        asked = " ".join(f"--accept-stale {feed.source}" for feed in stale)
        problems.append(f'or go on, and have the list say so: {asked} --because "..."')
        raise GateFailed(
            f"The list of {day_words(as_of)} was not made, as it would miss what these feeds did not bring. "
            "No news from them is not good news.",
            problems=problems,
        )
    return tuple(Accepted(feed.source, feed.title, feed.wrong, accept[feed.source]) for feed in stale)


def _ask(snapshot: Snapshot, feed: Feed) -> str:
    declared = snapshot.workspace.sources.get(feed.source)
    return f". Ask {declared.owner} what happened, and take in what is missing" if declared else ""


def _reach(snapshot: Snapshot) -> str:
    """From when to when deliveries were received."""
    days = [d.received_on for d in read_ledger(snapshot.tables) if d.delivery_id <= snapshot.last_delivery]
    return f"what was taken in was received from {day_words(min(days))} to {day_words(max(days))}"
