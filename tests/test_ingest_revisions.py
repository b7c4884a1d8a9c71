"""Revisions and the days they are known, against a naive reading in plain Python."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest import ingest
from features.snapshot import open_snapshot
from features.workspace import init_workspace, open_workspace

DELAY = 4
PLANS = f"""
source: plans
title: Plans
owner: Somebody
legal_gateway: Some Act
agreement: {{reference: ISA-1, review_by: 2030-01-01}}
covers_from: 2020-01-01
typical_delay_days: {DELAY}
schedule: {{every: week, on: monday}}
extracts:
  plans:
    files: "*.csv"
    delivery: full
    record_key: ref
    recorded: keyed
    columns:
      ref: {{}}
      started: {{type: date, format: "%Y-%m-%d"}}
      ended: {{type: date, format: "%Y-%m-%d"}}
      reviewed: {{type: date, format: "%Y-%m-%d"}}
      keyed: {{type: date, format: "%Y-%m-%d"}}
      cost: {{type: number}}
    subjects: [{{key: ref}}]
    events:
      - {{signal: plan, occurred: started, ended: ended, amount: cost}}
      - {{signal: review, occurred: reviewed}}
signals:
  plan: {{one: plan, many: plans, spell: true}}
  review: {{one: review, many: reviews}}
"""
START = date(2024, 1, 1)  # a Monday


@dataclass(frozen=True)
class Row:
    ref: int
    started: int
    ended: int | None
    reviewed: int | None
    keyed: int | None
    cost: int

    def as_text(self) -> str:
        days = (self.started, self.ended, self.reviewed, self.keyed)
        written = ["" if d is None else str(START + timedelta(days=d)) for d in days]
        return ",".join([str(self.ref), *written, str(self.cost)])


@dataclass(frozen=True)
class Delivered:
    day: int
    history: bool
    rows: tuple[Row, ...]


@st.composite
def rows(draw: st.DrawFn, *, latest_keyed: int) -> Row:
    started = draw(st.integers(0, 20))
    return Row(
        ref=draw(st.integers(0, 9)),
        started=started,
        ended=draw(st.none() | st.integers(started, 40)),
        reviewed=draw(st.none() | st.integers(0, 40)),
        keyed=draw(st.none() | st.integers(0, latest_keyed)),
        cost=draw(st.integers(1, 2)),
    )


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivered]:
    days = sorted(draw(st.sets(st.integers(5, 60), min_size=2, max_size=4)))
    made = []
    for i, day in enumerate(days):
        again = st.sampled_from(made[-1].rows) if made else st.nothing()
        some = draw(st.lists(again | rows(latest_keyed=day), min_size=4, max_size=14))
        made.append(
            Delivered(day, draw(st.booleans()) if i == 0 else draw(st.integers(0, 3)) == 0, tuple(some))
        )
    return made


def next_monday(day: int) -> int:
    while day % 7:
        day += 1
    return day


def states(row: Row, delivered: Delivered) -> list[tuple[int, frozenset]]:
    """What a row says, from which day on; several states only in history."""
    plan, review = ("plan", row.started, row.ended, row.cost), ("review", row.reviewed, None, None)
    whole = {plan} if row.reviewed is None else {plan, review}
    if not delivered.history:
        return [(delivered.day, frozenset(whole))]

    def known(occurred: int) -> int:
        told = occurred + DELAY if row.keyed is None else max(row.keyed, occurred)
        return min(delivered.day, next_monday(told))

    plan_known = known(row.started)
    end_known = plan_known
    if row.ended is not None:
        end_known = max(plan_known, min(delivered.day, next_monday(row.ended + DELAY)))
    days = {plan_known, end_known} | (set() if row.reviewed is None else {known(row.reviewed)})
    timeline = []
    for day in sorted(days):
        said = set()
        if day >= end_known:
            said.add(plan)
        elif day >= plan_known:
            said.add(("plan", row.started, None, row.cost))
        if row.reviewed is not None and day >= known(row.reviewed):
            said.add(review)
        timeline.append((day, frozenset(said)))
    return timeline


def read_naively(all_delivered: list[Delivered]) -> dict[int, list[tuple[int, frozenset]]]:
    """Each record's revisions: the day each is known, and what it says (nothing: withdrawn)."""
    revisions: dict[int, list[tuple[int, frozenset]]] = {}
    for delivered in all_delivered:
        told: dict[int, list[tuple[int, frozenset]]] = {}
        for ref in {row.ref for row in delivered.rows}:
            same = {row for row in delivered.rows if row.ref == ref}
            if len(same) == 1:
                told[ref] = states(same.pop(), delivered)
            else:
                told[ref] = []  # in quarantine: not missing, and nothing new
        if not delivered.history:
            for ref in set(revisions) - set(told):
                told[ref] = [(delivered.day, frozenset())]
        for ref, timeline in told.items():
            before = revisions.setdefault(ref, [])
            stands = before[-1] if before else (0, frozenset())
            if not timeline or timeline[-1][1] == stands[1]:
                continue
            by_day = {max(day, stands[0]): said for day, said in timeline}
            for day, said in sorted(by_day.items()):
                if said != stands[1]:
                    before.append((day, said))
                    stands = (day, said)
    return revisions


def expected(all_delivered: list[Delivered]) -> Iterator[tuple]:
    """The rows of `events` with known_until, as days since START."""
    for ref, known in read_naively(all_delivered).items():
        replaced_on = [day for day, _ in known[1:]] + [None]
        for (day, said), until in zip(known, replaced_on, strict=False):
            for signal, occurred, ended, cost in said:
                yield (f"plans/{ref}", day, until, f"plans.{signal}", occurred, ended, cost)


@settings(max_examples=10, deadline=None)
@given(deliveries())
def test_revisions_are_those_of_a_naive_reading(all_delivered: list[Delivered]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        init_workspace(root, sources=None)
        (root / "sources" / "plans.yaml").write_text(PLANS)
        workspace, file = open_workspace(root), Path(folder) / "plans.csv"
        for delivered in all_delivered:
            lines = ["ref,started,ended,reviewed,keyed,cost", *(row.as_text() for row in delivered.rows)]
            file.write_text("\n".join(lines) + "\n")
            received = START + timedelta(days=delivered.day)
            [report] = ingest(workspace, file, received=received, history=delivered.history)
            assert report.rows == report.used + report.quarantined == len(delivered.rows)
        known_on, known_until, occurred_on, ended_on = (
            f"{day} - DATE '{START}'" for day in ("known_on", "known_until", "occurred_on", "ended_on")
        )
        found = (
            open_snapshot(workspace)
            .con.execute(
                f"SELECT record_key, {known_on}, {known_until}, signal, {occurred_on}, {ended_on}, "
                "CAST(amount AS INTEGER) FROM events"
            )
            .fetchall()
        )
    assert sorted(found, key=repr) == sorted(expected(all_delivered), key=repr)
