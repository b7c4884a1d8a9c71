"""Watching a list: has the world moved, did past lists do what was promised, is anybody left out.

Everything is read through the delivery, the link run and the model that the list names, so that a
report can be made again like the list itself; but whoever objects by the newest delivery is watched no
more, on no morning. Only counts that have been through `models.disclosure` are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalogue import Catalogue
from features.errors import UserMistake
from features.marks_now import objecting_now
from features.panel import Panel, panel_parts
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.approvals import approval_of
from models.candidate import Candidate, load_candidate
from models.composition import Composition, composition
from models.disclosure import STAR, interval, rate, show
from models.fairness import EVERYBODY, PRECISION, RECALL, SELECTION, Audit, Measure, audit
from models.groups import groups
from models.judge import judge
from models.pooled import FOUND, POSITIVES, Listing, N, listing, pool, tally
from monitoring.backlists import Judged, judge_backlists, judging_day, read_backlists
from monitoring.drift import MOST_PEOPLE, SCORE, Drift, drift, sample, weightiest
from monitoring.findings import (
    drift_findings,
    fairness_findings,
    ordered,
    realised_findings,
    shift_findings,
)
from monitoring.page import page, write_whole
from monitoring.report import MonitorReport, PastList, Realised
from monitoring.shifts import shifts

ROWS_AT_ONCE = 4096
"""Rows of the reference that are looked at together."""


def monitor(
    workspace: Workspace,
    as_of: date,
    *,
    html: bool = False,
    at_hand: Snapshot | None = None,
    tell: Tell = quiet,
) -> MonitorReport:
    """Watch the list of a morning and write `reports/<as_of>/`: drift.json, fairness.json, report.html.

    html: also Evidently's own page, drift.html (about 5 MB). at_hand: a snapshot of before, used
    again if it is the one that the list names. Raises UserMistake if there is no list.
    """
    listed, snapshot, candidate = _list(workspace, as_of, at_hand)
    folder = workspace.report_folder(as_of)
    folder.mkdir(parents=True, exist_ok=True)
    approval = approval_of(workspace, candidate)
    evidently = folder / "drift.html"
    evidently.unlink(missing_ok=True)  # an earlier run's would not be of this report

    tell("who was scored")
    people = candidate.cohort(snapshot, as_of).person_ids
    people = people[~objecting_now(snapshot, as_of, people)]
    tell("comparing this week with the people the model was judged on")
    then, now = _made_of(snapshot, candidate, as_of, people)
    moved = None
    if then.people and now.people:
        names = weightiest(now.columns)
        moved = _drift(snapshot, candidate, as_of, people, names, evidently if html else None)
    if evidently.is_file():
        drawn = evidently.read_text(encoding="utf-8")
        write_whole(evidently, drawn.replace("<body>", f"<body><p><strong>{approval}</strong></p>", 1))

    tell("what followed the past lists")
    judged_on, backlists = judging_day(snapshot, as_of), read_backlists(snapshot, candidate)
    judged = judge_backlists(snapshot, candidate, backlists, judged_on=judged_on)
    matured = {each.backlist.as_of for each in judged}

    tell("who is found and who is not")
    week = Listing(people, np.isin(people, listed), None, groups(snapshot, as_of, people))
    this_week = _audits([week], [SELECTION])
    listings = [_listing(snapshot, each) for each in judged]
    past = _audits(listings, [RECALL, PRECISION])
    realised = _realised(candidate, judged, listings)

    titles = _titles(candidate.catalogue)
    shifted = shifts(then, now, label=lambda name: candidate.catalogue.channel(name).label)
    seen = [b for b in backlists if b.seen and b.as_of in matured]
    report = MonitorReport(
        as_of=as_of,
        council=workspace.settings.council,
        specification=candidate.specification.title,
        model=candidate.sha256,
        approval=approval,
        findings=ordered(
            [
                *drift_findings(moved, titles),
                *shift_findings(shifted),
                *realised_findings(realised, seen[0].seen if seen else None, len(seen)),
                *(fairness_findings(this_week, past) if len(people) else []),
            ]
        ),
        judged_on=judged_on,
        past_lists=tuple(PastList(b.as_of, b.as_of in matured, b.known_from, b.seen) for b in backlists),
        realised=realised,
        this_week=this_week,
        past=past,
        drift=moved,
        shifts=shifted,
        titles=titles,
        folder=folder,
        files=(
            "drift.json",
            "fairness.json",
            "report.html",
            *(["drift.html"] if evidently.is_file() else []),
        ),
    )
    write_whole(folder / "drift.json", json.dumps(report.drift_json(), indent=1))
    write_whole(folder / "fairness.json", json.dumps(report.fairness_json(), indent=1, default=str))
    write_whole(folder / "report.html", page(report))
    return report


def _list(
    workspace: Workspace, as_of: date, at_hand: Snapshot | None
) -> tuple[list[str], Snapshot, Candidate]:
    """Who is on the list of a morning, and the snapshot and the model it names."""
    path = workspace.list_folder(as_of) / "list.json"
    if not path.is_file():
        raise UserMistake(
            f"There is no list of {as_of} to watch.",
            problems=[f"make it with `earlyhelp flag --as-of {as_of}`"],
        )
    kept = json.loads(path.read_text(encoding="utf-8"))
    snapshot = open_snapshot(
        workspace, last_delivery=kept["last_delivery"], link_run=kept["link_run"], at_hand=at_hand
    )
    listed = [flag["person_id"] for flag in kept["flags"]]
    return listed, snapshot, load_candidate(workspace.models / kept["model"])


def _scored(snapshot: Snapshot, candidate: Candidate, as_of: date, people: np.ndarray) -> Iterator[Panel]:
    """The panel of some people, the model's columns alone, part by part."""
    for part in panel_parts(snapshot, candidate.catalogue, as_of, columns=candidate.names):
        rows = np.flatnonzero(np.isin(part.person_ids, people))
        yield replace(part, person_ids=part.person_ids[rows], X=part.X[rows])


def _made_of(
    snapshot: Snapshot, candidate: Candidate, as_of: date, people: np.ndarray
) -> tuple[Composition, Composition]:
    """What the scores of those the model was judged on are made of, and of everybody this week."""
    threads = snapshot.workspace.settings.threads
    week = (candidate.columns(part) for part in _scored(snapshot, candidate, as_of, people))
    then = composition(candidate, _reference_rows(candidate), threads=threads)
    return then, composition(candidate, week, threads=threads)


def _reference_rows(candidate: Candidate) -> Iterator[np.ndarray]:
    """(n, p) float32, some of the rows the model was judged on each; no second copy of all is made."""
    reference = candidate.reference(candidate.names)
    for start in range(0, reference.num_rows, ROWS_AT_ONCE):
        some = reference.slice(start, ROWS_AT_ONCE)
        yield np.column_stack([some[name].to_numpy() for name in candidate.names])


def _drift(
    snapshot: Snapshot,
    candidate: Candidate,
    as_of: date,
    people: np.ndarray,
    names: list[str],
    html: Path | None,
) -> Drift:
    """This week's score and weightiest features against the model's reference."""
    seed = snapshot.workspace.settings.seed
    some = people[sample(len(people), most=MOST_PEOPLE, seed=seed)]
    current = [
        part.pandas()[names].assign(**{SCORE: candidate.log_odds(part)})
        for part in _scored(snapshot, candidate, as_of, some)
    ]
    return drift(
        candidate.reference([*names, SCORE]).to_pandas(),
        pd.concat(current).sort_index(),
        as_of=as_of,
        seed=seed,
        chosen_by="the mean size of their contributions this week",
        html=html,
    )


def _listing(snapshot: Snapshot, judged: Judged) -> Listing:
    """The people of a past list for whom what followed can be judged."""
    past = judged.backlist
    return listing(judged.scored, past.on_list, groups(snapshot, past.as_of, past.person_ids))


def _audits(listings: Sequence[Listing], measures: Sequence[Measure]) -> tuple[Audit, ...]:
    """One audit per characteristic that any of the lists knows; none without anybody on them."""
    if not any(len(each.person) for each in listings):
        return ()
    people = pool(listings)
    return tuple(audit(name, tally(people, name), measures) for name in people.groups)


def _realised(candidate: Candidate, judged: Sequence[Judged], listings: Sequence[Listing]) -> Realised | None:
    """How past lists did; None where nobody was on any of them."""
    if not any(len(each.person) for each in listings):
        return None
    figures = judge([each.scored for each in judged], capacity=candidate.capacity).to_json()
    everybody = audit(EVERYBODY, tally(pool(listings), EVERYBODY), [RECALL, PRECISION]).everybody
    people, promised = everybody.counts, candidate.card["test"]
    precision = everybody.estimates[PRECISION.name]
    found, flagged = show(figures["found"]), show(figures["flagged"])
    few = people[FOUND] == STAR  # entries are more than people: ten may be two people
    return Realised(
        dates=tuple(each.backlist.as_of for each in judged),
        people=people,
        precision=precision.rate,
        interval=precision.interval,
        recall=everybody.estimates[RECALL.name].rate,
        base_rate=rate(people[POSITIVES], people[N]),
        per_list=None if few else rate(found, flagged),
        per_list_interval=None if few else interval(found, flagged),
        promised=promised["precision"],
        promised_interval=None if promised["precision"] is None else promised["precision_interval"],
        auc=figures["auc"],
        calibration_slope=figures["calibration_slope"],
        calibration_intercept=figures["calibration_intercept"],
    )


def _titles(catalogue: Catalogue) -> dict[str, str]:
    titles = {feature.name: catalogue.title(feature) for feature in catalogue.features}
    return {SCORE: "the score", **titles}
