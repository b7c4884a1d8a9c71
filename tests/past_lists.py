"""A town of 400, made by hand, whose past lists, what followed them and whom they missed is known.

Everybody has a police call on the 10th of each month from January 2025 on; *heavy* people (every
twentieth) have two more. The score is the number of calls in 90 days and 20 fit on a list, so that a
list is the heavy people, then others by id. Serious harm came on 20 November 2025 to ten heavy women,
twenty other women and forty other men; everything reaches us three days later.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace, init_workspace
from models.calibration import Platt
from models.candidate import Candidate, export_candidate, reference_of
from models.scorer import LinearScorer, Term
from models.spec import Specification, catalogue_of
from monitoring.backlists import make_backlists

AS_OF = date(2026, 6, 29)
RECEIVED = date(2026, 6, 22)
FIRST_TOLD = date(2025, 1, 6)
HARMED_ON = date(2025, 11, 20)
LEARNED_UNTIL = date(2025, 10, 20)
DELAY = timedelta(days=3)
PEOPLE = 400
IDS = [f"P{i:011d}" for i in range(PEOPLE)]
HEAVY = set(range(0, PEOPLE, 20))
WOMEN = {i for i in range(PEOPLE) if i // 20 % 2 == 0}
FOUND = {i for i in HEAVY if i in WOMEN}
HARMED = FOUND | {i for i in range(PEOPLE) if i % 10 == 5} | {i for i in range(PEOPLE) if i % 10 == 6} - WOMEN
PAST = [date(2025, 10, 6), date(2025, 11, 3), date(2025, 12, 1)]
PAST += [date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 2)]

SOURCE = """
source: police
title: Police
owner: the police
legal_gateway: Crime and Disorder Act 1998, s. 115
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2025-01-01
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  log:
    files: police_*.csv
    delivery: changes
    record_key: id
    columns: {id: {required: true}, who: {}, day: {type: date, format: "%Y-%m-%d"}, kind: {}}
    subjects: [{key: who}]
    events:
      - {signal: call, occurred: day, when: {kind: call}}
      - {signal: harm, occurred: day, when: {kind: harm}}
signals:
  call: {one: police call, many: police calls, theme: crime}
  harm: {one: serious harm, many: serious harms, theme: child_safety}
"""
SPECIFICATION = Specification.model_validate(
    {
        "name": "escalation",
        "title": "Serious harm within three months",
        "outcome": {
            "horizon_days": 90,
            "parts": [{"name": "harm", "title": "serious harm", "signals": ["police.harm"]}],
        },
        "eligible": {"held": False, "seen_within_days": 90},
        "capacity": 20,
        "features": {"windows": [90], "include": ["police.call.count_90"]},
        "baselines": [{"name": "calls", "title": "calls", "features": ["police.call.count_90"]}],
        "logistic": ["police.call.count_90"],
        "calendar": {"train": ["2025-03-03"], "calibrate": ["2025-07-07"], "test": ["2025-10-20"]},
        "lightgbm": {"settings": [{"num_leaves": 3}]},
    }
)
CARD = {
    "dates": {"judged_on": {"train": "2025-07-07", "calibrate": str(LEARNED_UNTIL), "test": "2026-06-23"}},
    "test": {"precision": 0.9, "precision_interval": [0.8, 0.97], "base_rate": 0.2},
    "last_delivery": 1,
    "link_run": 1,
}


def dated(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a dated table: source, record and delivery are filled in where they are not given."""
    first = {"source": "police", "revision": 1, "withdrawn": False, "delivery_id": 1}
    filled = [{**first, "record_key": f"{name}/{at}", **row} for at, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=SCHEMAS[name])


def event(person: int, signal: str, day: date, number: int) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "record_key": f"log/{number}",
        "subject_key": f"s{person}",
        "signal": f"police.{signal}",
        "occurred_at": datetime(day.year, day.month, day.day),
        "has_time": False,
        "known_on": day + DELAY,
    }


def deliver(tables: Tables, delivery_id: int, received_on: date) -> None:
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["deliveries"].names)
    row |= {"delivery_id": delivery_id, "source": "police", "extract": "log", "received_on": received_on}
    row |= {"history": delivery_id == 1, "ignored_by_rule": "{}"}
    row |= dict.fromkeys(("rows", "used", "quarantined", "ignored", "events", "withdrawn"), 0)
    tables.append("deliveries", pa.Table.from_pylist([row], schema=SCHEMAS["deliveries"]))


def fill(tables: Tables) -> None:
    months = [date(2025 + m // 12, m % 12 + 1, 1) for m in range(18)]
    days = [
        (i, m.replace(day=d))
        for i in range(PEOPLE)
        for m in months
        for d in (10, 5, 15)[: 3 if i in HEAVY else 1]
    ]
    happened = [(i, "call", day) for i, day in days] + [(i, "harm", HARMED_ON) for i in sorted(HARMED)]
    tables.append("events", dated("events", [event(*each, number) for number, each in enumerate(happened)]))
    told = FIRST_TOLD
    everybody = range(PEOPLE)
    tables.append(
        "characteristics",
        dated(
            "characteristics",
            [
                {
                    "subject_key": f"s{i}",
                    "characteristic": "sex",
                    "value": "f" if i in WOMEN else "m",
                    "known_on": told,
                }
                for i in everybody
            ],
        ),
    )
    tables.append(
        "identities",
        dated(
            "identities",
            [
                {"subject_key": f"s{i}", "birth_date": date(2015 if i % 2 else 1980, 1, 1), "known_on": told}
                for i in everybody
            ],
        ),
    )
    areas = [
        {"area": area, "deprivation_fifth": fifth, "known_on": told} for area, fifth in (("A", 1), ("B", 5))
    ]
    tables.append("areas", dated("areas", areas))
    link = {"link_run": 1, "source": "police", "known_on": told}
    tables.append(
        "links",
        pa.Table.from_pylist(
            [{**link, "subject_key": f"s{i}", "person_id": IDS[i]} for i in everybody],
            schema=SCHEMAS["links"],
        ),
    )
    home = {"link_run": 1, "uprn": "1", "postcode": None, "start_on": told, "end_on": None}
    home |= {"known_on": told, "known_until": None}
    tables.append(
        "residences",
        pa.Table.from_pylist(
            [{**home, "person_id": IDS[i], "area": "A" if i % 2 else "B"} for i in everybody if i != 7],
            schema=SCHEMAS["residences"],
        ),
    )
    run = {"link_run": 1, "last_delivery": 1, "subjects": PEOPLE, "persons": PEOPLE}
    tables.append("link_runs", pa.Table.from_pylist([run], schema=SCHEMAS["link_runs"]))
    deliver(tables, 1, RECEIVED)


def fit(workspace: Workspace) -> Candidate:
    from features.panel import read_panel

    catalogue = catalogue_of(workspace, SPECIFICATION)
    draft = Candidate(
        sha256="",
        kind="lightgbm",
        specification=SPECIFICATION,
        catalogue=catalogue,
        eligibility=SPECIFICATION.to_eligibility(workspace, catalogue),
        scorer=LinearScorer((Term("police.call.count_90", 0.5),), -4.0),
        calibration=Platt(1.0, 0.0),
        card=CARD,
    )
    panel = read_panel(open_snapshot(workspace), catalogue, date(2025, 10, 20))
    return export_candidate(workspace, draft, reference_of(draft, panel.X))


def put_on_list(workspace: Workspace, candidate: Candidate, as_of: date, people: list[str]) -> None:
    named = {"model": candidate.sha256, "last_delivery": 1, "link_run": 1}
    flags = [{"rank": at, "person_id": person} for at, person in enumerate(people, 1)]
    folder = workspace.list_folder(as_of)
    folder.mkdir(parents=True)
    (folder / "list.json").write_text(json.dumps({**named, "flags": flags}), encoding="utf-8")


@cache
def make_town(root: Path) -> tuple[Workspace, Candidate]:
    """Made once a process, with its list of `AS_OF` and its back-lists; nothing changes it."""
    init_workspace(root, sources=None)
    (root / "sources" / "police.yaml").write_text(SOURCE, encoding="utf-8")
    workspace = Workspace(root)
    fill(Tables(workspace.data))
    candidate = fit(workspace)
    put_on_list(workspace, candidate, AS_OF, [IDS[i] for i in sorted(HEAVY)])
    made = make_backlists(workspace)
    assert list(made.made) == PAST
    return workspace, candidate


def object_now(workspace: Workspace, *people: int) -> None:
    """People object by a delivery that came after the list, with which they got newer ids."""
    tables, told = Tables(workspace.data), AS_OF + timedelta(days=2)
    deliver(tables, 2, told)
    link = {"link_run": 2, "source": "police"}
    ids = [(who, name, on) for who in people for name, on in ((IDS[who], FIRST_TOLD), (f"P_{who}", told))]
    links = [link | {"subject_key": f"s{who}", "person_id": name, "known_on": on} for who, name, on in ids]
    tables.append("links", pa.Table.from_pylist(links, schema=SCHEMAS["links"]))
    run = {"link_run": 2, "last_delivery": 2, "subjects": PEOPLE, "persons": PEOPLE}
    tables.append("link_runs", pa.Table.from_pylist([run], schema=SCHEMAS["link_runs"]))
    objects = {"mark": "objection", "known_on": told, "delivery_id": 2}
    tables.append("marks", dated("marks", [objects | {"subject_key": f"s{who}"} for who in people]))
