"""The weekly list, from what was known on a morning to the files that people read.

`make_list` is a function of a snapshot, a candidate and a date. `flag` keeps what it gives: rows in
the table `flags`, then `list.csv`, `list.html` and `list.json` in `lists/<as_of>/`, each replaced
whole, so that a crash leaves the last good file standing and a rerun mends the rest. `remake` makes
a list again from the delivery, the link run and the model that it names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.asof import sql_known
from features.catalogue import Catalogue
from features.code_version import code_version
from features.errors import UserMistake
from features.marks import RESTRICTED, marks_of
from features.panel import read_panel
from features.people import display_identity
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.tables import SCHEMAS, Tables
from features.wording import association_words
from features.workspace import Workspace
from models.approvals import approval_of, candidate_in_use
from models.candidate import Candidate, load_candidate
from models.judge import ranking
from models.reasons import explain
from serving.flags import NEW, NO_NAME, STILL_HERE, Accepted, Expected, Flag, WeeklyList
from serving.freshness import feeds
from serving.page import page, table
from serving.stale_gate import pass_gate


def flag(
    workspace: Workspace,
    as_of: date,
    *,
    snapshot: Snapshot | None = None,
    candidate: Candidate | None = None,
    accept: Mapping[str, str] | None = None,
    tell: Tell = quiet,
) -> WeeklyList:
    """Make the list of a morning and keep it; made again, it replaces the one before.

    snapshot: default, the newest state; candidate: default, the one in use of the workspace's model.
    accept: source → why the list is made although its feed is stale, see `serving.stale_gate`.
    Raises UserMistake where there is no delivery or no candidate yet, and GateFailed for stale feeds that
    are not accepted; the last good list stands then.
    """
    snapshot = snapshot or open_snapshot(workspace)
    candidate = candidate or candidate_in_use(workspace, workspace.settings.model)
    accept, fresh = accept or {}, feeds(snapshot, candidate.catalogue, as_of)
    accepted = pass_gate(snapshot, fresh, as_of, accept)
    weekly = make_list(snapshot, candidate, as_of, accepted=accepted, tell=tell)
    needless = tuple(feed.title for feed in fresh if feed.source in accept and not feed.wrong)
    weekly = replace(weekly, needless=needless)
    tell("writing the list")
    keep(workspace, weekly)
    return weekly


def make_list(
    snapshot: Snapshot,
    candidate: Candidate,
    as_of: date,
    *,
    accepted: tuple[Accepted, ...] = (),
    link_show: float | None = None,
    tell: Tell = quiet,
) -> WeeklyList:
    """The list of a morning: score everyone eligible, cut at capacity, explain those shown.

    accepted: the feeds that are stale; nothing that is told rests on their silence. link_show: default, the
    workspace's; what is told rests on no link below it.
    """
    link_show = snapshot.workspace.settings.link_show if link_show is None else link_show
    tell("finding who is eligible")
    cohort = candidate.cohort(snapshot, as_of)
    tell(f"building the panel of {as_of}")
    panel = read_panel(snapshot, candidate.catalogue, as_of)
    tell(f"scoring {len(cohort.person_ids):,} people")
    log_odds = candidate.log_odds(panel, panel.rows_of(cohort.person_ids))
    shown = cohort.person_ids[ranking(cohort.person_ids, log_odds)[: candidate.capacity]].tolist()
    tell(f"explaining {len(shown)} people")
    marks = marks_of(snapshot.con, as_of, shown)
    open_to_us = [person for person in shown if not marks[person] & RESTRICTED]
    stale = {feed.source for feed in accepted}
    told_of = explain(candidate, snapshot, panel, open_to_us, stale=stale, link_show=link_show)
    explained = {told.person_id: told for told in told_of}
    identities = display_identity(snapshot, as_of, open_to_us, link_show=link_show)
    previous, listed = _previous(snapshot, as_of)
    flags = []
    for rank, person_id in enumerate(shown, start=1):
        standing = STILL_HERE if person_id in listed else NEW
        if person_id not in explained:
            flags.append(Flag.withheld(rank, person_id, standing))
            continue
        told, who = explained[person_id], identities[person_id]
        flags.append(
            Flag(
                rank=rank,
                person_id=told.person_id,
                name=who.name or NO_NAME,
                age=who.age,
                household_id=who.household_id,
                living_there=len(who.household) + 1 if who.household_id else 0,
                log_odds=told.log_odds,
                chance=told.chance,
                chance_words=told.chance_words,
                reasons=told.reasons,
                strengths=told.strengths,
                other_share=told.other_share,
                not_held=told.not_held,
                standing=standing,
                link_strength=told.link_strength,
                joined=told.joined,
                doubted_share=told.doubted_share,
            )
        )
    specification = candidate.specification
    return WeeklyList(
        as_of=as_of,
        council=snapshot.workspace.settings.council,
        title=specification.title,
        outcome=either([part.title for part in specification.outcome.parts]),
        horizon_days=specification.outcome.horizon_days,
        capacity=candidate.capacity,
        scored=len(cohort.person_ids),
        flow=cohort.flow,
        flags=tuple(flags),
        feeds=feeds(snapshot, candidate.catalogue, as_of),
        expected=expected(candidate.card),
        previous=previous,
        specification=specification.name,
        model=candidate.sha256,
        kind=candidate.kind,
        approval=approval_of(snapshot.workspace, candidate),
        catalogue=candidate.catalogue.hash,
        code=code_version(("features", "models", "serving")),
        last_delivery=snapshot.last_delivery,
        link_run=snapshot.link_run,
        association=_association(candidate.catalogue),
        accepted=accepted,
        seen=candidate.seen(as_of),
        link_show=link_show,
    )


def _association(catalogue: Catalogue) -> str:
    asked = catalogue.association
    theirs = [channel for channel in catalogue.channels if channel.association]
    return association_words(theirs, asked.within_days) if asked else ""


def either(things: list[str]) -> str:
    """['a', 'b', 'c'] → 'a, b or c'."""
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} or {things[-1]}"


def expected(card: dict[str, Any]) -> Expected | None:
    """What the card's test dates promise of a list; None where they could not say."""
    test = card["test"]
    if test["precision"] is None or test["base_rate"] is None:
        return None
    low, high = test["precision_interval"]
    tested_on = tuple(date.fromisoformat(day) for day in test["dates"])
    return Expected(test["precision"], low, high, test["base_rate"], tested_on)


def keep(workspace: Workspace, weekly: WeeklyList) -> Path:
    """Write a list: rows of `flags` first, then its files; returns their folder.

    What another list of this morning said goes to `flags_replaced`: people were flagged by it.
    """
    rows = [
        {
            "as_of": weekly.as_of,
            "rank": flag.rank,
            "person_id": flag.person_id,
            "household_id": flag.household_id,
            "margin": flag.log_odds,
            "chance": flag.chance,
            "reasons": [reason.sentence for reason in flag.reasons],
            "strengths": [strength.sentence for strength in flag.strengths],
            "not_held": list(flag.not_held),
            "standing": flag.standing,
            "link_strength": flag.link_strength,
            "joined": flag.joined,
            "model": weekly.model,
            "specification": weekly.specification,
            "last_delivery": weekly.last_delivery,
            "link_run": weekly.link_run,
            "list_hash": weekly.hash,
        }
        for flag in weekly.flags
    ]
    tables, said = Tables(workspace.data), pa.Table.from_pylist(rows, schema=SCHEMAS["flags"])
    stood = tables.read("flags").filter(pc.field("as_of") == weekly.as_of)
    replaced = stood.filter(pc.field("list_hash") != weekly.hash)
    if replaced.num_rows:
        tables.append("flags_replaced", replaced)
    if stood.num_rows:
        tables.replace("flags", f"as_of = '{weekly.as_of}'", said)
    else:
        tables.append("flags", said)
    folder = workspace.list_folder(weekly.as_of)
    folder.mkdir(parents=True, exist_ok=True)
    # A byte order mark, or the office's spreadsheet misreads names; list.json last: it names the list.
    _write(folder / "list.csv", "\ufeff" + table(weekly))
    _write(folder / "list.html", page(weekly))
    _write(folder / "list.json", weekly.to_json())
    return folder


def _write(path: Path, text: str) -> None:
    making = path.with_name(f".{path.name}")
    making.write_text(text, encoding="utf-8", newline="")
    making.replace(path)


def kept_list(workspace: Workspace, as_of: date) -> dict[str, Any] | None:
    """A kept list as plain data (`WeeklyList.to_json`), or None where there is none of that morning."""
    path = workspace.list_folder(as_of) / "list.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def kept_dates(workspace: Workspace) -> list[date]:
    """The mornings of which a list is kept, oldest first."""
    return sorted(date.fromisoformat(path.parent.name) for path in workspace.root.glob("lists/*/list.json"))


def accepted_in(read: dict[str, Any]) -> tuple[Accepted, ...] | None:
    """The stale feeds that a kept list was made without; None where it is no list's, see `read_for`."""
    return tuple(Accepted(**said) for said in read.get("accepted", ())) if "flags" in read else None


def link_show_in(workspace: Workspace, read: dict[str, Any]) -> float:
    """The threshold that a kept list was made with, 0 where it had none; the workspace's where it is no
    list's, see `read_for`."""
    return float(read.get("link_show", 0.0)) if "flags" in read else workspace.settings.link_show


def read_for(workspace: Workspace, as_of: date) -> dict[str, Any]:
    """The kept list of a morning; where none is kept the last_delivery, link_run and model of the newest
    state, and no `flags`."""
    kept = kept_list(workspace, as_of)
    if kept is not None:
        return kept
    snapshot, candidate = open_snapshot(workspace), candidate_in_use(workspace, workspace.settings.model)
    return {
        "last_delivery": snapshot.last_delivery,
        "link_run": snapshot.link_run,
        "model": candidate.sha256,
    }


def named(workspace: Workspace, read: dict[str, Any]) -> tuple[Snapshot, Candidate]:
    """The state and the model that a list names, see `read_for`."""
    snapshot = open_snapshot(workspace, last_delivery=read["last_delivery"], link_run=read["link_run"])
    return snapshot, load_candidate(workspace.models / read["model"])


def remake(workspace: Workspace, as_of: date, *, tell: Tell = quiet) -> WeeklyList:
    """The kept list of a morning, made again from what it names and nothing later; nothing is written.

    Its `hash` is that of the kept list. Raises UserMistake where none is kept.
    """
    kept = kept_list(workspace, as_of)
    if kept is None:
        raise no_list(workspace, as_of)
    accepted, link_show = accepted_in(kept) or (), link_show_in(workspace, kept)
    return make_list(*named(workspace, kept), as_of, accepted=accepted, link_show=link_show, tell=tell)


def no_list(workspace: Workspace, as_of: date) -> UserMistake:
    """The sentence for a morning without a list."""
    dates = kept_dates(workspace)
    there = f"the newest is of {dates[-1]}" if dates else "there is none yet"
    return UserMistake(
        f"There is no list of {as_of}; {there}.", problems=[f"make it with `earlyhelp flag --as-of {as_of}`"]
    )


def _previous(snapshot: Snapshot, as_of: date) -> tuple[date | None, set[str]]:
    """The date of the last list before `as_of`, and who was on it."""
    flags = snapshot.tables.view(snapshot.con, "flags")
    rows = snapshot.con.execute(
        f"""
        SELECT as_of, person_id
        FROM (SELECT *, as_of AS known_on, NULL::DATE AS known_until FROM {flags})
        WHERE {sql_known(as_of)}
        QUALIFY as_of = max(as_of) OVER ()
        """
    ).fetchall()
    return (rows[0][0] if rows else None), {person for _, person in rows}
