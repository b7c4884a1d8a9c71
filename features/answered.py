"""What becomes of answers: from which list on each counts, and whether the links that stand follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from features.answers import CANNOT_SAY, RESTS, SAME, Answer, all_answers, newest
from features.past_links import told_until
from features.snapshot import Snapshot, open_snapshot
from features.wording import day_words
from features.workspace import Workspace

FOLLOWED, NOT_FOLLOWED = "followed", "not followed"
REPLACED, RESTING, NOT_HELD = "replaced", "rests", "nothing held of one of them"

LONG_AGO = timedelta(days=31)
"""A last delivery so much older than an answer is told of with it."""


@dataclass(frozen=True)
class Kept:
    """An answer as it is told of: no subject's key, and not why, where somebody may have written of people.

    state: FOLLOWED where the two are one person, or two, as answered; REPLACED by a later answer; RESTING.
    """

    pair: str
    answer: str
    by: str
    on: date
    state: str


@dataclass(frozen=True)
class TakenDown:
    """An answer just given. counts_from: the morning of the first list that it can change; rests_until: the
    last on which nobody is asked of the pair; before: what it takes the place of, '' where nothing."""

    pair: str
    answer: str
    by: str
    on: date
    counts_from: date
    rests_until: date | None
    before: str
    last_delivery_on: date

    def text(self) -> str:
        """What was taken down, and what will come of it."""
        counts = f"from the list of the morning of {day_words(self.counts_from)} on"
        done = f"Taken down: {self.pair} is answered {self.answer!r}."
        if self.rests_until:
            done += f" The pair rests until {day_words(self.rests_until)}."
            if self.before in ("", CANNOT_SAY):
                return done
            binds = f"The answer before it, {self.before!r}, binds no more {counts}"
        else:
            binds = f"It counts {counts}"
        done += (
            f" {binds}, once `earlyhelp link` or `weekly` has run; lists of mornings before do not change."
        )
        if self.last_delivery_on + LONG_AGO < self.counts_from:
            done += (
                f" The last delivery was received on {day_words(self.last_delivery_on)}: a list of a morning "
                "soon after it is one of those."
            )
        return done


def taken_down(workspace: Workspace, given: Answer) -> TakenDown:
    """What comes of an answer that was just given."""
    snapshot = open_snapshot(workspace)
    earlier = [a for a in all_answers(workspace) if a.pair == given.pair and a.number < given.number]
    return TakenDown(
        given.pair,
        given.answer,
        given.by,
        given.known_on,
        counts_from(snapshot, given.known_on),
        given.known_on + RESTS if given.answer == CANNOT_SAY else None,
        earlier[-1].answer if earlier else "",
        snapshot.morning_after - timedelta(days=1),
    )


def counts_from(snapshot: Snapshot, known_on: date) -> date:
    """The morning of the first list that an answer of a day can change: the one after its day, or after what
    a link run has told already."""
    runs = snapshot.tables.read("link_runs").to_pylist()
    read = [run["last_delivery"] for run in runs if run["link_run"] == snapshot.link_run]
    con = snapshot.tables.connect()
    snapshot.tables.view(con, "deliveries")
    told = told_until(con, last_delivery=read[0], up_to=read[0]) if read else known_on
    return max(known_on, told) + timedelta(days=1)


def kept_answers(workspace: Workspace) -> list[Kept]:
    """Every answer ever given and what has become of it, the newest first."""
    given = all_answers(workspace)
    if not given:
        return []
    snapshot, stands = open_snapshot(workspace), set(newest(given).values())
    return [
        Kept(a.pair, a.answer, a.by, a.known_on, state(snapshot, a) if a in stands else REPLACED)
        for a in reversed(given)
    ]


def state(snapshot: Snapshot, stands: Answer) -> str:
    """What has become of the answer that stands on its pair, by the links that stand."""
    if stands.answer == CANNOT_SAY:
        return RESTING
    query = (
        "SELECT count(*), count(DISTINCT person_id) FROM links WHERE known_until IS NULL "
        "AND (source = $1 AND subject_key = $2 OR source = $3 AND subject_key = $4)"
    )
    keys = [stands.source_l, stands.key_l, stands.source_r, stands.key_r]
    held, people = snapshot.con.execute(query, keys).fetchall()[0]
    if held < 2:
        return NOT_HELD
    return FOLLOWED if (people == 1) == (stands.answer == SAME) else NOT_FOLLOWED


def answers_text(kept: list[Kept]) -> str:
    """A line an answer, for a terminal."""
    if not kept:
        return "Nobody has answered anything yet; `earlyhelp link review` lists the pairs to answer."
    lines = [f"  {a.pair}  {_said(a)}; {a.by}, {day_words(a.on)}" for a in kept]
    if any(a.state == NOT_FOLLOWED for a in kept):
        lines.append("What is not followed: `earlyhelp link` follows it, or says why not.")
    return "\n".join([f"{len(kept):,} answers, the newest first:" if kept[1:] else "One answer:", *lines])


def _said(one: Kept) -> str:
    said = f"rests until {day_words(one.on + RESTS)}" if one.state == RESTING else one.state
    return f"{one.answer}: {said}"
