"""Which model may be used, as the log of approvals has it: decided by people, two of them, and never here.

A model is *champion* of its specification once two people of different names and roles have approved it, each
while every gate was met, and both with the same text of what people wrote. It stays so until another takes
its place, until it is retired, or until somebody goes back to the champion before it. Whoever has been turned
down needs two approvals anew; whoever is retired never comes back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from features.errors import GateFailed, UserMistake
from features.tables import Tables
from features.wording import counted, day_words
from features.workspace import Workspace
from models import registry
from models.approval_log import (
    APPROVE,
    PROPOSE,
    REJECT,
    RETIRE,
    ROLLBACK,
    Entry,
    Row,
    append,
    read_log,
    trusted,
)
from models.candidate import NOT_APPROVED, Candidate, load_candidate, newest_candidate
from models.gates import gates_of
from models.human import FILE, folder_of, keep, read_human
from models.verdict import advised_against

LONGEST_NAME, SHORTEST_REASON, LONGEST_REASON = 100, 20, 1000
SHORTEST_HASH = 6
CHANGED = "NOT APPROVED as it reads now: what people wrote was changed after two people approved the model"
TURNED_DOWN = {REJECT: "rejected", RETIRE: "retired", ROLLBACK: "taken back"}


@dataclass
class Standing:
    """How the models of one specification stand after the rows so far.

    before: earlier champions that somebody may go back to, the latest last. made: model → the rows that made
    it champion. approvals: model → those that count towards that. turned_down: model → the row that did it.
    """

    champion: str | None = None
    before: list[str] = field(default_factory=list)
    made: dict[str, list[Row]] = field(default_factory=dict)
    approvals: dict[str, list[Row]] = field(default_factory=dict)
    turned_down: dict[str, Row] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Let a row have its effect."""
        if row.kind == APPROVE:
            self.turned_down.pop(row.model, None)
            self.approvals.setdefault(row.model, []).append(row)
            if _two(self.approvals[row.model]):
                self.made[row.model] = [a for a in self.approvals.pop(row.model) if a.human == row.human]
                self.before = [m for m in (*self.before, self.champion) if m and m != row.model]
                self.champion = row.model
        elif row.kind in (REJECT, RETIRE):
            self._turn_down(row.model, row)
            self.before = [model for model in self.before if model != row.model]
        elif row.kind == ROLLBACK:
            if self.champion:
                self._turn_down(self.champion, row)
            self.before = self.before[: self.before.index(row.model)]
            self.champion = row.model

    def _turn_down(self, model: str, row: Row) -> None:
        self.approvals.pop(model, None)
        self.made.pop(model, None)
        self.turned_down[model] = row
        if self.champion == model:
            self.champion = None

    def is_retired(self, model: str) -> bool:
        return model in self.turned_down and self.turned_down[model].kind == RETIRE


def _two(approvals: Sequence[Row]) -> bool:
    """Whether two of them are of different people in different roles, who approved the same text."""
    return any(
        _same(one.by) != _same(other.by) and _same(one.role) != _same(other.role) and one.human == other.human
        for one in approvals
        for other in approvals
    )


def standings(rows: Iterable[Row]) -> dict[str, Standing]:
    """Specification → how its models stand."""
    found: dict[str, Standing] = {}
    for row in rows:
        found.setdefault(row.specification, Standing()).take(row)
    return found


def standing(workspace: Workspace, specification: str) -> Standing:
    """How a specification's models stand. Raises GateFailed where the log does not hold."""
    return standings(trusted(read_log(workspace))).get(specification, Standing())


def champion(workspace: Workspace, specification: str) -> str | None:
    """The sha256 of the model that two people have approved, or None. Raises as `standing`."""
    return standing(workspace, specification).champion


def candidate_in_use(workspace: Workspace, specification: str) -> Candidate:
    """The champion; where there is none the newest candidate that nobody has turned down, which is not
    approved. Raises UserMistake if there is neither, and as `standing`."""
    now = standing(workspace, specification)
    if now.champion:
        return load_candidate(workspace.models / now.champion)
    return newest_candidate(workspace, specification, without=now.turned_down)


def candidate_named(workspace: Workspace, what: str) -> Candidate:
    """The candidate that a hash names, or how it begins. Raises UserMistake where none is, or several are."""
    return load_candidate(workspace.models / _model(workspace, what)[1])


def approval_of(workspace: Workspace, candidate: Candidate, *, human: str | None = None) -> str:
    """What has to be said of a model wherever it is used: "" where two people stand by it. No full stop.

    human: the sha256 of what people wrote, where their words are shown too: they may be others than those
    that were approved.
    """
    now, model = standing(workspace, candidate.specification.name), candidate.sha256
    if model == now.champion or model in now.before:
        changed = human is not None and all(row.human != human for row in now.made.get(model, ()))
        return CHANGED if changed else ""
    if row := now.turned_down.get(model):
        return f"NOT APPROVED: this model was {TURNED_DOWN[row.kind]} on {day_of(row)}"
    if now.approvals.get(model):
        return "NOT APPROVED: this model still needs the approval of a second person in another role"
    against = advised_against(candidate.card)
    return f"{NOT_APPROVED}. {against.removesuffix('.')}" if against else NOT_APPROVED


@dataclass(frozen=True)
class Flagged:
    """How many people a model has ever put on a list, and of how many mornings."""

    people: int
    mornings: int

    @property
    def said(self) -> str:
        mornings = counted(self.mornings, "morning", "mornings")
        return f"flagged {counted(self.people, 'person', 'people')} on {mornings}"


def flagged(workspace: Workspace, model: str) -> Flagged:
    """Everybody whom the lists of a model named, those that were made again otherwise included; their rows
    stay in the tables `flags` and `flags_replaced`."""
    tables = Tables(workspace.data)
    ever = [row for name in ("flags", "flags_replaced") for row in tables.read(name).to_pylist()]
    theirs = [row for row in ever if row["model"] == model]
    return Flagged(len({row["person_id"] for row in theirs}), len({row["as_of"] for row in theirs}))


@dataclass(frozen=True)
class Decided:
    """A row that was added and what follows from it. flagged: of a model that was retired."""

    row: Row
    champion: str | None
    said: str
    flagged: Flagged | None = None

    def text(self) -> str:
        return self.said


def decide(
    workspace: Workspace, kind: str, what: str, *, by: str, role: str, because: str, at: datetime
) -> Decided:
    """Take down what somebody decides about a model.

    what: a model's sha256 or how it begins; of a rollback the specification. at: aware of its time zone.
    Raises UserMistake with everything that is wrong, and GateFailed naming each gate that an approval misses.
    """
    by, role, because = (" ".join(unicodedata.normalize("NFC", text).split()) for text in (by, role, because))
    problems = [*_person(workspace, by, role), *_reason(because)]
    if problems:
        raise UserMistake("The decision was not taken down.", problems=problems)
    before = trusted(read_log(workspace))
    specification, model = _back_to(before, what) if kind == ROLLBACK else _model(workspace, what)
    written = ""
    if kind in (APPROVE, ROLLBACK):  # what is to be used must be there, and be what was exported
        card = load_candidate(workspace.models / model).card
        if kind == APPROVE:
            written = _through_the_gates(workspace, specification, model, card)
    was = standings(before).get(specification, Standing()).champion

    def entry(rows: tuple[Row, ...]) -> Entry:
        now = standings(rows).get(specification, Standing())
        _allowed(kind, model, by, now, was=was, human=written)
        moment, listed = at.astimezone(UTC).isoformat(timespec="seconds"), _as_listed(workspace, role)
        return Entry(moment, kind, specification, model, by, listed, because, human=written)

    row = append(workspace, entry)
    now = standing(workspace, specification)
    counted_flags = flagged(workspace, model) if kind == RETIRE else None
    return Decided(row, now.champion, " ".join(_follows(row, now, counted_flags)), counted_flags)


def _person(workspace: Workspace, by: str, role: str) -> Iterator[str]:
    words = by.split()
    if len(words) < 2 or not all(any(c.isalpha() for c in word) for word in words) or not by.isprintable():
        yield "--by is a person's first name and surname"
    if len(by) > LONGEST_NAME:
        yield f"--by has at most {LONGEST_NAME} characters"
    roles = workspace.settings.approval_roles
    if _as_listed(workspace, role) not in roles:
        yield f"--role is one of approval_roles in settings.yaml: {', '.join(roles)}"


def _reason(because: str) -> Iterator[str]:
    if not SHORTEST_REASON <= len(because) <= LONGEST_REASON or not because.isprintable():
        yield f"--because says why, in {SHORTEST_REASON} to {LONGEST_REASON:,} characters"


def _as_listed(workspace: Workspace, role: str) -> str:
    """A role as the settings write it."""
    return {_same(listed): listed for listed in workspace.settings.approval_roles}.get(_same(role), role)


def _same(text: str) -> str:
    """Names and roles are the same however they are spaced and capitalised."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _model(workspace: Workspace, what: str) -> tuple[str, str]:
    """(specification, sha256) of the exported model that is meant."""
    there = registry.entries(workspace.models)
    found = [e for e in there if e.sha256.startswith(what.lower())] if len(what) >= SHORTEST_HASH else []
    if len(found) != 1:
        raise UserMistake(
            f"{what!r} names {counted(len(found), 'model', 'models')}.",
            problems=[
                f"a model is named by its hash, or its first {SHORTEST_HASH} characters or more",
                *_there_are(registry.newest_of_each(workspace.models), meant=found),
            ],
        )
    return found[0].specification, found[0].sha256


def _there_are(newest: Sequence[registry.Entry], *, meant: Sequence[registry.Entry]) -> Iterator[str]:
    if not newest:
        yield "there is none yet: make one with `earlyhelp train`"
        return
    yield "it begins like all of these:" if meant else "of each specification the newest are:"
    yield from (f"{e.sha256[:12]}  {e.specification}, {e.kind}" for e in meant or newest)


def _back_to(rows: Sequence[Row], specification: str) -> tuple[str, str]:
    now = standings(rows).get(specification, Standing())
    if not now.before:
        raise UserMistake(
            f"There is no earlier champion of {specification!r} to go back to.",
            problems=[
                "`earlyhelp approvals` shows who approved what; `earlyhelp retire MODEL` stops a model"
            ],
        )
    return specification, now.before[-1]


def _through_the_gates(workspace: Workspace, specification: str, model: str, card: dict[str, Any]) -> str:
    """The sha256 of what people wrote about a model, kept beside it from now on. Raises GateFailed naming
    every gate that is not met, and UserMistake where what they wrote cannot be read."""
    folder = folder_of(workspace, specification, model)
    human = read_human(folder / FILE, model=model)
    if unmet := [gate for gate in gates_of(card, human) if not gate.met]:
        raise GateFailed(
            "The model cannot be approved.", problems=[f"{gate.name}: {gate.said}" for gate in unmet]
        )
    keep(folder, human)
    return human.sha256


def _allowed(kind: str, model: str, by: str, now: Standing, *, was: str | None, human: str = "") -> None:
    """Raises UserMistake where a decision has no sense as things stand."""
    if kind == ROLLBACK and (now.champion != was or not now.before or now.before[-1] != model):
        raise UserMistake("Somebody else decided meanwhile.", problems=["look with `earlyhelp approvals`"])
    if now.is_retired(model) and kind != ROLLBACK:
        raise UserMistake(
            "This model is retired.", problems=["it stays so; train another with `earlyhelp train`"]
        )
    if kind == REJECT and model == now.champion:
        raise UserMistake(
            "This model is the champion.",
            problems=[
                "stop it with `earlyhelp retire`, or go back to the one before it: `earlyhelp rollback`"
            ],
        )
    if kind == APPROVE and model == now.champion and all(row.human == human for row in now.made[model]):
        raise UserMistake("This model is the champion: two people have approved it.")
    approvals = [row for row in now.approvals.get(model, ()) if row.human == human]
    if kind == APPROVE and any(_same(row.by) == _same(by) for row in approvals):
        raise UserMistake(
            "This person has approved this model before.",
            problems=["a second person, in another role, has to; one in two roles is still one"],
        )


def _follows(row: Row, now: Standing, gone: Flagged | None) -> Iterator[str]:
    """What a decision comes to, in sentences."""
    name = f"Model {row.model[:12]} of {row.specification!r}"
    if row.kind == PROPOSE:
        yield f"{name} is put forward; two people in different roles have to approve it."
    if row.kind == REJECT:
        yield f"{name} is rejected: earlier approvals of it count no longer."
    if row.kind == ROLLBACK:
        yield f"{name} is champion again."
    if gone:
        yield f"{name} is retired. It {gone.said}; who they are stays on record."
    if row.kind == APPROVE and now.champion == row.model:
        people = " and ".join(f"{each.by} ({each.role})" for each in now.made[row.model])
        yield f"{name} is the champion, approved by {people}."
    elif row.kind == APPROVE:
        yield f"{name} is approved by one role; a second person in another role has to."
        if any(other.human != row.human for other in now.approvals[row.model]):
            yield "What people wrote about it has changed since others approved it: those count no longer."
    if row.kind in (APPROVE, ROLLBACK) and now.champion == row.model:
        yield "Lists are made with it from the next one on."
        yield f"`earlyhelp papers {row.model[:12]}` writes its papers again, which then say who approved it."
    if now.champion is None and row.kind in (REJECT, RETIRE):
        yield f"{row.specification!r} has no champion: what is made says NOT APPROVED."
        if now.before:
            yield f"`earlyhelp rollback {row.specification}` goes back to {now.before[-1][:12]}."


def day_of(row: Row) -> str:
    """The day of a decision, in words."""
    return day_words(date.fromisoformat(row.at[:10]))
