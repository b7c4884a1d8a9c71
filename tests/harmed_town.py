"""A town for training: written by hand, of any size, where it is known what tells of harm and of whom.

Somebody's trouble brings them police incidents, a home's trouble brings it rent letters, and the two
together bring harm; fire visits come to anybody. Everybody has a second subject, under which half of their
incidents come; `joined` says from when the two are known to be one person. Of the people of group y a share
of the incidents never reaches us.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from features.tables import SCHEMAS, Tables
from features.workspace import Workspace, init_workspace, open_workspace
from tests.town import declaration

FIRST, DAYS, RECEIVED = date(2024, 1, 1), 900, date(2026, 6, 20)
TOLD = date(2023, 12, 1)
HOME = 3
"""People in a home."""
MOVERS, MOVED, MOVE_KNOWN = 6, date(2025, 9, 1), date(2025, 9, 3)
"""Every sixth person moves, as an agency tells that knows them as the second subject."""

SOURCES = (
    declaration("care", harm={"theme": "child_safety"}),
    declaration("fire", visit={"theme": "housing"}),
    declaration("police", incident={"theme": "crime"}),
    declaration("rents", letter={"theme": "housing", "unit": "£", "shared": True}),
)
AGENCIES = [source["source"] for source in SOURCES]
DELIVERY = {"received_on": RECEIVED, "source": "care", "extract": "rows", "ignored_by_rule": "{}"}
CALENDAR = {
    "train": ["2025-04-07", "2025-07-07"],
    "calibrate": ["2025-10-13"],
    "test": ["2026-01-19", "2026-02-23"],
}
SPECIFICATION = {
    "name": "escalation",
    "title": "Harm within three months",
    "outcome": {
        "horizon_days": 90,
        "parts": [{"name": "harm", "title": "harm", "signals": ["care.harm"]}],
    },
    "eligible": {"held": False, "seen_within_days": 730},
    "capacity": 30,
    "features": {"windows": [90, 365, 730], "exclude": ["care.*", "*gap*"]},
    "baselines": [{"name": "calls", "title": "calls", "features": ["police.incident.count_365"]}],
    "logistic": ["police.incident.count_365", "household.rents.letter.count_365"],
    "calendar": CALENDAR,
    "lightgbm": {
        "parameters": {"min_data_in_leaf": 20, "max_bin": 31, "learning_rate": 0.1},
        "settings": [{"num_leaves": 7}],
        "rounds": [40],
    },
}


def make_town(
    root: Path,
    *,
    people: int,
    seed: int = 1,
    hidden: float = 0.0,
    joined: date = TOLD,
    every: int = 3,
    sure: float = 1.0,
    capacity: int = 30,
    silent: str = "",
    share_of_y: float = 0.4,
    short: bool = False,
) -> Workspace:
    """joined: when it is known that the two subjects of so many people, `every` so many, are one; of others
    from the start. hidden: the share of y's incidents that never reaches us. sure: the strength of the links
    of the second subjects. silent: a signal that nobody sends. share_of_y: of all people. short: a date
    to fit on is enough."""
    init_workspace(root, sources=None)
    for source in SOURCES:
        (root / "sources" / f"{source['source']}.yaml").write_text(yaml.safe_dump(source), encoding="utf-8")
    calendar = CALENDAR | ({"train": CALENDAR["train"][:1]} if short else {})
    (root / "specs" / "escalation.yaml").write_text(
        yaml.safe_dump(SPECIFICATION | {"capacity": capacity, "calendar": calendar}), encoding="utf-8"
    )
    workspace = open_workspace(root)
    random, tables = np.random.default_rng(seed), Tables(workspace.data)
    group_y = random.random(people) < share_of_y
    trouble = random.gamma(0.3, 4.0, people)
    of_home = np.repeat(random.gamma(0.3, 3.0, people // HOME + 1), HOME)[:people]

    incidents = _spread(random, 0.5 + 2.5 * trouble)
    incidents = incidents[~(group_y[incidents[:, 0]] & (random.random(len(incidents)) < hidden))]
    letters = _spread(random, (0.3 + 1.5 * of_home)[::HOME])
    visits = _spread(random, np.full(people, 1.0))
    harms = _spread(random, 0.03 + 2.5 * (trouble > 3) + 1.5 * (of_home > 2.5))
    second = random.random(len(incidents)) < 0.5
    if silent == "police.incident":
        incidents, second = incidents[:0], second[:0]
    halves = [f"{who}{'ab'[int(half)]}" for who, half in zip(incidents[:, 0].tolist(), second, strict=True)]
    _append_events(tables, "police.incident", halves, incidents[:, 1])
    _append_events(tables, "fire.visit", _subjects(visits[:, 0].tolist(), "a"), visits[:, 1])
    _append_events(tables, "care.harm", _subjects(harms[:, 0].tolist(), "a"), harms[:, 1])
    named, uprns = _subjects((HOME * letters[:, 0]).tolist(), "a"), letters[:, 0].astype(str).tolist()
    owed = [100.0] * len(letters)
    _append_events(tables, "rents.letter", named, letters[:, 1], place=uprns, amount=owed)

    everybody, later = range(people), np.arange(people) % every == every - 1
    for source in AGENCIES:
        for which, strength in (("a", 1.0), ("b", sure)):
            apart = later & (which == "b") & (joined > TOLD)
            ids = [_id(who, bool(alone)) for who, alone in enumerate(apart)]
            rest = {"source": source, "known_on": TOLD, "strength": strength}
            _append(tables, "links", people, rest, subject_key=_subjects(everybody, which), person_id=ids)
        if joined > TOLD:
            who = np.flatnonzero(later).tolist()
            rest = {"source": source, "known_on": joined, "strength": sure}
            ids = [_id(at) for at in who]
            _append(tables, "links", len(who), rest, subject_key=_subjects(who, "b"), person_id=ids)
    first, uprns = _subjects(everybody, "a"), [str(who // HOME) for who in everybody]
    rest = {"source": "care", "start_on": TOLD, "known_on": TOLD}
    _live(tables, uprns, later if joined > TOLD else np.zeros(people, bool), joined)
    _append(tables, "addresses", people, rest, record_key=first, subject_key=first, uprn=uprns)
    moved = _subjects(everybody[2::MOVERS], "b")
    new = {"source": "care", "start_on": MOVED, "known_on": MOVE_KNOWN}
    _append(tables, "addresses", len(moved), new, record_key=moved, subject_key=moved, uprn=_new(uprns))
    rest |= {"characteristic": "group"}
    values = ["y" if y else "x" for y in group_y]
    _append(tables, "characteristics", people, rest, record_key=first, subject_key=first, value=values)
    _append(tables, "link_runs", 1, {"last_delivery": 1})
    _append(tables, "deliveries", 1, DELIVERY)
    return workspace


def _live(tables: Tables, uprns: list[str], apart: np.ndarray, joined: date) -> None:
    """Where people live, as a link run would have it. apart: whose second subject is another until joined."""
    rows: list[tuple] = []
    for who, (old, new) in enumerate(zip(uprns, _new_homes(uprns), strict=True)):
        if new is None:
            rows.append((_id(who), old, TOLD, None, TOLD, None))
            continue
        known, until = (joined, joined) if apart[who] else (MOVE_KNOWN, MOVE_KNOWN)
        rows.append((_id(who), old, TOLD, None, TOLD, until))
        rows.append((_id(who), old, TOLD, MOVED, known, None))
        rows.append((_id(who), new, MOVED, None, known, None))
        if apart[who]:
            rows.append((_id(who, True), new, MOVED, None, MOVE_KNOWN, joined))
    names = ("person_id", "uprn", "start_on", "end_on", "known_on", "known_until")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    _append(tables, "residences", len(rows), {}, **columns)


def _new_homes(uprns: list[str]) -> list[str | None]:
    new: list[str | None] = [None] * len(uprns)
    new[2::MOVERS] = _new(uprns)
    return new


def _new(uprns: list[str]) -> list[str]:
    """Where the movers go: to one another's homes, whose accounts name other people."""
    return uprns[2::MOVERS][::-1]


def _subjects(people: Iterable[int], which: str) -> list[str]:
    return [f"{who}{which}" for who in people]


def _id(who: int, alone: bool = False) -> str:
    """alone: the second subject, while it is taken for somebody else."""
    return f"P{who:08x}{'b' if alone else 'a'}00"


def _spread(random: np.random.Generator, rate: np.ndarray) -> np.ndarray:
    """(n, 2): whose and on which day, so often in all the days on average."""
    whose = np.repeat(np.arange(len(rate)), random.poisson(rate * DAYS / 365))
    return np.column_stack([whose, random.integers(DAYS, size=len(whose))])


def _append_events(tables: Tables, signal: str, subjects: list[str], days: np.ndarray, **rest: Any) -> None:
    on = [FIRST + timedelta(days=int(day)) for day in days]
    keys = [f"{signal} {at}" for at in range(len(on))]
    told = {"event_id": keys, "record_key": keys, "subject_key": subjects, "occurred_at": on}
    known = [day + timedelta(days=3) for day in on]
    alike = {"signal": signal, "source": signal.split(".")[0], "has_time": False}
    _append(tables, "events", len(on), alike, **told, known_on=known, **rest)


def _append(tables: Tables, name: str, n: int, alike: dict[str, Any], **told: Any) -> None:
    """n rows. alike: what holds for all of them."""
    first = {"revision": 1, "withdrawn": False, "delivery_id": 1, "link_run": 1, **alike}
    arrays = [
        pa.array(told.get(field.name, [first.get(field.name)] * n)).cast(field.type)
        for field in SCHEMAS[name]
    ]
    tables.append(name, pa.Table.from_arrays(arrays, schema=SCHEMAS[name]))
