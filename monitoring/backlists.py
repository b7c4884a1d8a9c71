"""Lists as they would have been on past mornings, so that what followed them can be counted today.

A list of this week is judged when its horizon is over and its outcomes have reached us, months from
now. A *back-list* is the same model asked about a morning long enough ago: who was eligible, the
scores, the list cut at capacity, each from what was known on that morning alone. It has *matured*
when `judged_on` is its date + the horizon + the reporting lag, or later; until then what followed it
is "not yet known".

One thing a back-list cannot undo: the model may have learned from labels that were judged after its
date. Such a list flatters the model, and `seen` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.asof import sql_known
from features.deliveries import read_ledger
from features.errors import UserMistake
from features.marks_now import objecting_now
from features.outcomes import labels, reporting_lag
from features.panel import read_panel
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.candidate import Candidate, newest_candidate
from models.judge import Scored, ranking

MONTHS = 6
"""How many matured back-lists are made where nobody says otherwise."""


@dataclass(frozen=True)
class BackList:
    """A past morning's list. person_ids (n,) sorted, log_odds (n,), on_list (n,) bool; known_from: the
    first day on which what followed can be judged; seen: the day, after its date, on which labels were
    judged that the model learned from, or None."""

    as_of: date
    model: str
    known_from: date
    seen: date | None
    person_ids: np.ndarray
    log_odds: np.ndarray
    on_list: np.ndarray


@dataclass(frozen=True)
class Judged:
    """A matured back-list and what followed: y (n,) with NaN = left out, same_as (n,) whole numbers,
    equal for people who turned out to be one; lost: people whom no link names any more, or who object
    by now."""

    backlist: BackList
    y: np.ndarray
    same_as: np.ndarray
    lost: int

    @property
    def scored(self) -> Scored:
        """As `models.judge` takes it."""
        b = self.backlist
        return Scored(b.as_of, b.person_ids, b.log_odds, self.y, self.same_as)


@dataclass(frozen=True)
class Made:
    """What `make_backlists` did: dates made now, dates kept as they were, and dates of nobody."""

    model: str
    made: tuple[date, ...]
    kept: tuple[date, ...]
    nobody: tuple[date, ...]


def make_backlists(
    workspace: Workspace,
    dates: Sequence[date] | None = None,
    *,
    snapshot: Snapshot | None = None,
    tell: Tell = quiet,
) -> Made:
    """Make and keep the newest candidate's lists of past mornings; those it has stay as they are.

    dates: by default the first Monday of each of the last 6 months whose outcome is known by now.
    snapshot: default, the newest state.
    Each date is one atomic commit, so that a rerun goes on where a crash stopped it. Raises
    UserMistake for a date that the last delivery does not reach.
    """
    snapshot = snapshot or open_snapshot(workspace)
    candidate = newest_candidate(workspace, workspace.settings.model)
    today = judging_day(snapshot)
    if dates is None:
        dates = mondays(today - timedelta(days=days_to_wait(snapshot, candidate)), months=MONTHS)
    if beyond := sorted(day for day in dates if day > today):
        raise UserMistake(
            "A back-list is of a past morning.",
            problems=[f"{day} is after {today}, the day after the last delivery" for day in beyond],
        )
    there = {backlist.as_of for backlist in read_backlists(snapshot, candidate)}
    made, nobody = [], []
    for day in sorted(set(dates) - there):
        tell(f"the list as it would have been on {day}")
        rows = _rows(snapshot, candidate, day)
        if not rows.num_rows:
            nobody.append(day)
            continue
        snapshot.tables.append("backlists", rows)
        made.append(day)
    return Made(candidate.sha256, tuple(made), tuple(sorted(set(dates) & there)), tuple(nobody))


def read_backlists(snapshot: Snapshot, candidate: Candidate) -> list[BackList]:
    """A candidate's back-lists by date."""
    table = snapshot.tables.view(snapshot.con, "backlists")
    rows = snapshot.con.sql(
        f"SELECT as_of, person_id, log_odds, on_list FROM {table} WHERE model = ? ORDER BY as_of, person_id",
        params=[candidate.sha256],
    ).to_arrow_table()
    days = np.array(rows.column("as_of").to_pylist())
    person_ids = np.array(rows.column("person_id").to_pylist(), dtype=str)
    log_odds, on_list = (rows.column(name).to_numpy() for name in ("log_odds", "on_list"))
    wait = days_to_wait(snapshot, candidate)
    return [
        BackList(
            as_of=day,
            model=candidate.sha256,
            known_from=day + timedelta(days=wait),
            seen=candidate.seen(day),
            person_ids=person_ids[days == day],
            log_odds=log_odds[days == day],
            on_list=on_list[days == day],
        )
        for day in dict.fromkeys(days.tolist())
    ]


def judge_backlists(
    snapshot: Snapshot, candidate: Candidate, backlists: Sequence[BackList], *, judged_on: date
) -> list[Judged]:
    """What followed those that have matured by `judged_on`, all judged on that one morning.

    People whom no link names any more (an erasure; a link undone in the past), and whoever objects by the
    newest delivery, are left out, and counted, rather than taken for people to whom nothing happened.
    """
    found = []
    for backlist in backlists:
        if backlist.known_from > judged_on:
            continue
        followed = labels(
            snapshot,
            candidate.outcome,
            as_of=backlist.as_of,
            judged_on=judged_on,
            person_ids=backlist.person_ids,
            eligibility=candidate.eligibility,
        )
        query = f"SELECT DISTINCT person_id FROM links WHERE {sql_known(backlist.as_of)}"
        linked = [person for (person,) in snapshot.con.execute(query).fetchall()]
        objecting = objecting_now(snapshot, backlist.as_of, backlist.person_ids)
        lost = ~np.isin(backlist.person_ids, linked) | objecting
        found.append(Judged(backlist, np.where(lost, np.nan, followed.y), followed.same_as, int(lost.sum())))
    return found


def judging_day(snapshot: Snapshot, as_of: date | None = None) -> date:
    """The morning on which everything a snapshot read is known: the day after its last delivery, or
    `as_of` if that is earlier."""
    received = [
        d.received_on for d in read_ledger(snapshot.tables) if d.delivery_id <= snapshot.last_delivery
    ]
    after = max(received) + timedelta(days=1)
    return after if as_of is None else min(after, as_of)


def days_to_wait(snapshot: Snapshot, candidate: Candidate) -> int:
    """Days from a list to knowing what followed it: the horizon and the reporting lag."""
    return candidate.outcome.horizon_days + reporting_lag(snapshot, candidate.outcome)


def mondays(until: date, *, months: int) -> list[date]:
    """The first Mondays of the last so many months, `until` included, oldest first."""
    found: list[date] = []
    month = until.replace(day=1)
    while len(found) < months:
        monday = month + timedelta(days=-month.weekday() % 7)
        if monday <= until:
            found.append(monday)
        month = (month - timedelta(days=1)).replace(day=1)
    return found[::-1]


def _rows(snapshot: Snapshot, candidate: Candidate, as_of: date) -> pa.Table:
    people = candidate.cohort(snapshot, as_of, objections_on=judging_day(snapshot)).person_ids
    panel = read_panel(snapshot, candidate.catalogue, as_of)
    log_odds = candidate.log_odds(panel, panel.rows_of(people))
    on_list = np.zeros(len(people), bool)
    on_list[ranking(people, log_odds)[: candidate.capacity]] = True
    n = len(people)
    return pa.table(
        {
            "as_of": pa.array([as_of] * n, pa.date32()),
            "model": pa.array([candidate.sha256] * n, pa.string()),
            "person_id": pa.array(people.tolist(), pa.string()),
            "log_odds": pa.array(log_odds, pa.float64()),
            "on_list": pa.array(on_list, pa.bool_()),
            "last_delivery": pa.array([snapshot.last_delivery] * n, pa.int64()),
            "link_run": pa.array([snapshot.link_run] * n, pa.int64()),
        }
    )
