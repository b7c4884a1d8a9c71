"""The design's worked cases that concern ingest: what the list sees on a morning, given the deliveries."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from features.asof import sql_known, sql_spell_open, sql_usable
from features.declaration import Schedule
from features.ingest import ingest
from features.known import sql_first_on_or_after
from features.snapshot import open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace

HEAD = """
title: A source
owner: Somebody
legal_gateway: Some Act
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2020-01-01
typical_delay_days: 3
"""
MISSING = f"""
source: missing
{HEAD}
schedule: {{every: week, on: monday}}
extracts:
  episodes:
    files: "missing_*.csv"
    delivery: full
    record_key: ref
    recorded: keyed
    overwritten: risk
    columns:
      ref: {{}}
      person: {{}}
      since: {{type: date, format: "%Y-%m-%d"}}
      until: {{type: date, format: "%Y-%m-%d"}}
      keyed: {{type: date, format: "%Y-%m-%d"}}
      risk: {{type: number}}
    subjects: [{{key: person}}]
    events:
      - {{signal: episode, occurred: since, ended: until, amount: risk}}
signals:
  episode: {{one: episode, many: episodes, spell: true}}
"""
PLANS = f"""
source: plans
{HEAD}
schedule: {{every: month, on: 8}}
extracts:
  plans:
    files: "plans_*.csv"
    delivery: full
    record_key: ref
    columns:
      ref: {{}}
      person: {{}}
      surname: {{}}
      died: {{type: date, format: "%Y-%m-%d"}}
      started: {{type: date, format: "%Y-%m-%d"}}
      ended: {{type: date, format: "%Y-%m-%d"}}
      end_keyed: {{type: date, format: "%Y-%m-%d"}}
      reviewed: {{type: date, format: "%Y-%m-%d"}}
    subjects:
      - key: person
        identity: {{surname: surname, died_on: died}}
        register: {{start: started, end: ended}}
    events:
      - signal: plan
        occurred: started
        ended: ended
        ended_recorded: end_keyed
        amount: days from started to ended
      - {{signal: review, occurred: reviewed, ended: reviewed + 28 days}}
signals:
  plan: {{one: plan, many: plans, spell: true}}
  review: {{one: review, many: reviews, spell: true}}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    init_workspace(root, sources=None)
    for name, text in (("missing", MISSING), ("plans", PLANS)):
        (root / "sources" / f"{name}.yaml").write_text(text)
    return open_workspace(root)


@pytest.fixture
def deliver(workspace: Workspace, tmp_path: Path) -> Callable[..., None]:
    """Take in `name_1.csv` with these rows, received on a day."""
    headers = {
        "missing": "ref,person,since,until,keyed,risk",
        "plans": "ref,person,surname,died,started,ended,end_keyed,reviewed",
    }

    def take_in(name: str, day: str, *rows: str, history: bool = False) -> None:
        file = tmp_path / f"{name}_1.csv"
        file.write_text("\n".join([headers[name], *rows]) + "\n")
        [report] = ingest(workspace, file, received=date.fromisoformat(day), history=history)
        assert report.used == len(rows)

    return take_in


@pytest.fixture
def seen(workspace: Workspace) -> Callable[..., list[tuple]]:
    """What is usable on a morning: ('DD Mon YYYY' as ISO text, columns) → rows of events."""

    def look(day: str, columns: str = "record_key", where: str = "true") -> list[tuple]:
        usable = sql_usable(date.fromisoformat(day))
        return (
            open_snapshot(workspace)
            .con.execute(f"SELECT {columns} FROM events WHERE {usable} AND {where} ORDER BY ALL")
            .fetchall()
        )

    return look


def test_missing_on_3_january_reached_us_24_february(deliver, seen) -> None:
    deliver("missing", "2025-02-24", "1,P1,2025-01-03,,2025-02-20,")
    assert [bool(seen(day)) for day in ("2025-02-10", "2025-02-24", "2025-02-25")] == [False, False, True]


def test_corrected_on_3_march(deliver, seen) -> None:
    deliver("missing", "2025-02-24", "1,P1,2025-01-03,,2025-02-20,")
    deliver("missing", "2025-03-03", "1,P1,2025-01-04,,2025-02-20,")
    assert seen("2025-03-03", "occurred_on") == [(date(2025, 1, 3),)]
    assert seen("2025-03-04", "occurred_on") == [(date(2025, 1, 4),)]


def test_vanished_from_the_full_file_of_10_march_back_on_24_march(deliver, seen) -> None:
    both = ("1,P1,2025-01-03,,2025-02-20,", "2,P2,2025-01-03,,2025-02-20,")
    deliver("missing", "2025-03-03", *both)
    deliver("missing", "2025-03-10", both[0])
    deliver("missing", "2025-03-24", *both)
    there = {day: len(seen(day)) for day in ("2025-03-10", "2025-03-11", "2025-03-24", "2025-03-25")}
    assert there == {"2025-03-10": 2, "2025-03-11": 1, "2025-03-24": 1, "2025-03-25": 2}


@pytest.mark.parametrize("history", [False, True])
def test_plan_from_4_january_ended_30_june_end_learned_8_july(deliver, seen, history) -> None:
    if history:  # one row, years later: the open plan and its end reach us when a live delivery would have
        deliver("plans", "2026-01-08", "1,P1,Ash,,2025-01-04,2025-06-30,2025-07-02,", history=True)
    else:
        deliver("plans", "2025-01-08", "1,P1,Ash,,2025-01-04,,,")
        deliver("plans", "2025-07-08", "1,P1,Ash,,2025-01-04,2025-06-30,2025-07-02,")
    assert seen("2025-01-08") == []
    assert seen("2025-07-08", "ended_on, amount") == [(None, None)]
    assert seen("2025-07-09", "ended_on, amount") == [(date(2025, 6, 30), 177.0)]
    spell_open = sql_spell_open(date(2025, 7, 8), start="occurred_on", end="ended_on")
    assert len(seen("2025-07-08", where=spell_open)) == 1


def test_a_source_that_joins_late_with_history_is_as_if_it_had_come_on_schedule(
    workspace, deliver, seen
) -> None:
    deliver("missing", "2025-02-24", "1,P1,2025-01-03,,2025-02-20,")
    then = open_snapshot(workspace)
    deliver("plans", "2026-03-08", "1,P1,Ash,,2025-01-04,,,", history=True)
    again = open_snapshot(workspace, last_delivery=then.last_delivery)
    assert again.con.execute("SELECT DISTINCT source FROM events").fetchall() == [("missing",)]
    assert [s for (s,) in seen("2025-02-25", "source")] == ["missing", "plans"]


@pytest.mark.parametrize(
    ("keyed", "known_on"),
    [
        ("2025-01-06", "2025-01-06"),  # a Monday, the day of delivery
        ("2025-01-07", "2025-01-13"),
        ("", "2025-01-06"),  # Friday 3 January, typically told three days later
        ("2026-01-20", "2026-01-21"),  # never after the day the history was received
    ],
)
def test_history_is_known_from_the_first_delivery_day_after_it_was_recorded(
    deliver, seen, keyed, known_on
) -> None:
    deliver("missing", "2026-01-21", f"1,P1,2025-01-03,,{keyed},9", history=True)
    # what is overwritten in place says how things stand today, not how they stood
    assert seen("2026-02-01", "known_on, amount") == [(date.fromisoformat(known_on), None)]


def test_the_first_live_delivery_after_history_brings_what_is_overwritten(deliver, seen) -> None:
    deliver("missing", "2026-01-21", "1,P1,2025-01-03,,2025-01-07,9", history=True)
    deliver("missing", "2026-01-26", "1,P1,2025-01-03,,2025-01-07,9")
    assert seen("2026-01-26", "amount") == [(None,)]
    assert seen("2026-01-27", "amount") == [(9.0,)]


def test_history_tells_of_no_end_before_it_was_known(workspace, deliver, seen) -> None:
    deliver("plans", "2026-01-08", "1,P1,Ash,2025-07-01,2025-01-04,2025-06-30,,2025-02-01", history=True)
    con = open_snapshot(workspace).con

    def standing(table: str, column: str, day: str) -> list[tuple]:
        known = sql_known(date.fromisoformat(day))
        return con.execute(f"SELECT {column} FROM {table} WHERE {known}").fetchall()

    # 30 June and 1 July, three days, and the next 8th of a month
    for table, column, end in (
        ("registers", "end_on", date(2025, 6, 30)),
        ("identities", "died_on", date(2025, 7, 1)),
    ):
        assert standing(table, column, "2025-07-08") == [(None,)]
        assert standing(table, column, "2025-07-09") == [(end,)]
    # an end that is computed from the start is known with it; a later stage only once it happened
    assert seen("2025-02-08", "signal") == [("plans.plan",)]
    review = seen("2025-02-09", "ended_on", "signal = 'plans.review'")
    assert review == [(date(2025, 3, 1),)]


def test_the_same_history_again_adds_nothing(workspace, deliver) -> None:
    rows = ("1,P1,Ash,2025-07-01,2025-01-04,2025-06-30,,2025-02-01", "2,P2,Elm,,2025-05-04,,,")
    deliver("plans", "2026-01-08", *rows, history=True)
    count = "SELECT count(*) FROM events"
    before = open_snapshot(workspace).con.execute(count).fetchall()
    deliver("plans", "2026-02-08", *rows, history=True)
    deliver("plans", "2026-03-08", *rows)
    assert open_snapshot(workspace).con.execute(count).fetchall() == before


def test_the_next_delivery_day_in_sql_is_that_of_the_schedule(workspace, deliver) -> None:
    deliver("missing", "2026-01-21", "1,P1,2025-01-03,,,")
    con = open_snapshot(workspace).con
    days = [date.fromordinal(date(2023, 12, 20).toordinal() + i) for i in range(430)]
    for schedule in (
        Schedule(every="day"),
        Schedule(every="week", on="thursday"),
        Schedule(every="month", on=1),
        Schedule(every="month", on=28),
    ):
        sql = sql_first_on_or_after(schedule, "day")
        found = con.execute(f"SELECT {sql} FROM (SELECT unnest(?) AS day)", [days]).fetchall()
        assert [day for (day,) in found] == [schedule.first_on_or_after(day) for day in days]
