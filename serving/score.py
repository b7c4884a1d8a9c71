"""A chance and its reasons for people who are asked about: what the list shows, for anybody.

Scoring goes through the functions that make the list. Of a morning with a kept list it reads what
that list read, with the model that made it, so that a person on it gets the same score and the same
reasons to the last bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock

from features.panel import Panel, read_panel
from features.snapshot import Snapshot
from features.workspace import Workspace
from models.candidate import Candidate
from models.reasons import Explanation, explain
from serving.flags import Accepted
from serving.freshness import feeds
from serving.weekly_list import accepted_in, link_show_in, named, read_for
from serving.withheld import withheld

MORNINGS_KEPT = 3


@dataclass(frozen=True)
class Morning:
    """What is needed to score anybody on a date: the panel, who is eligible, which feeds were stale, and how
    sure it must be whose a record is for it to be told of."""

    snapshot: Snapshot
    panel: Panel
    eligible: frozenset[str]
    stale: tuple[Accepted, ...]
    link_show: float


@dataclass(frozen=True)
class Scores:
    """explanations: those who have records, in the order asked for, and whether each may be on a list;
    silent: those with nothing recorded as far back as the model looks, who get no score; refused: those of
    whom nothing is told, and why."""

    as_of: date
    candidate: Candidate
    explanations: tuple[tuple[Explanation, bool], ...]
    silent: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()


def stand(
    snapshot: Snapshot,
    candidate: Candidate,
    as_of: date,
    *,
    accepted: tuple[Accepted, ...] | None = None,
    link_show: float | None = None,
) -> Morning:
    """Stand on the morning of `as_of`; accepted, link_show: as its list says, None where there is no list of
    it: its feeds are judged now, by the workspace's settings."""
    if accepted is None:
        judged = feeds(snapshot, candidate.catalogue, as_of)
        accepted = tuple(Accepted(feed.source, feed.title, feed.wrong) for feed in judged if feed.wrong)
    cohort = candidate.cohort(snapshot, as_of)
    panel = read_panel(snapshot, candidate.catalogue, as_of)
    show = snapshot.workspace.settings.link_show if link_show is None else link_show
    return Morning(snapshot, panel, frozenset(cohort.person_ids.tolist()), accepted, show)


def score(morning: Morning, candidate: Candidate, people: Sequence[str]) -> Scores:
    """The chance and reasons of people, each once."""
    asked = list(dict.fromkeys(people))
    refused = withheld(morning.snapshot, morning.panel.as_of, asked)
    asked = [person for person in asked if person not in refused]
    recorded = set(morning.panel.person_ids.tolist())
    scored = [person for person in asked if person in recorded]
    stale = {feed.source for feed in morning.stale}
    explained = explain(
        candidate, morning.snapshot, morning.panel, scored, stale=stale, link_show=morning.link_show
    )
    return Scores(
        as_of=morning.panel.as_of,
        candidate=candidate,
        explanations=tuple((told, told.person_id in morning.eligible) for told in explained),
        silent=tuple(person for person in asked if person not in recorded),
        refused=tuple(refused.items()),
    )


class Desk:
    """Answers for a workspace, keeping the last few mornings at hand.

    One question at a time: a snapshot's connection is not for two threads.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._mornings: OrderedDict[Hashable, tuple[Morning, Candidate]] = OrderedDict()
        self._lock = Lock()

    def score(self, people: Sequence[str], as_of: date) -> Scores:
        """The chance and reasons of people on a morning. Raises UserMistake without any delivery."""
        with self._lock:
            morning, candidate = self._morning(as_of)
            return score(morning, candidate, people)

    def _morning(self, as_of: date) -> tuple[Morning, Candidate]:
        read = read_for(self.workspace, as_of)
        accepted, show = accepted_in(read), link_show_in(self.workspace, read)
        key = (as_of, read["last_delivery"], read["link_run"], read["model"], accepted, show)
        if key not in self._mornings:
            snapshot, candidate = named(self.workspace, read)
            morning = stand(snapshot, candidate, as_of, accepted=accepted, link_show=show)
            self._mornings[key] = morning, candidate
        self._mornings.move_to_end(key)
        while len(self._mornings) > MORNINGS_KEPT:
            self._mornings.popitem(last=False)
        return self._mornings[key]
