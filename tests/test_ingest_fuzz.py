"""Whatever comes in: nothing crashes, no row is lost, and every true event is found once or set aside.

By day 300 files go through all that ingest makes of a file, and some of them through ingest itself; at
night 10,000.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from features.content import stage
from features.errors import DataRefused, UserMistake
from features.ingest import ingest
from features.known import Arrival
from features.read_extract import read_extract
from features.tables import Tables
from features.transform import set_aside, set_unused_aside, type_rows
from features.workspace import Workspace, init_workspace, open_workspace
from tests.mangled import RECEIVED, Case, cases, written

WHOLE_EVERY = 30
"""Of so many files one is taken in by `ingest` itself, into tables that grow."""


EVENT = "split_part(record_key, '/', 2), subject_key, CAST(occurred_at AS DATE), amount"


class Taken:
    """What became of a file: rows, fates by number, and events, as (record key, who, day, amount)."""

    def __init__(self, rows: int, fates: dict[int, str], events: Counter) -> None:
        self.rows, self.fates, self.events = rows, fates, events


def in_parts(case: Case, path: Path, con) -> Taken:
    """All of ingest that looks at the file's own rows; nothing is written."""
    extract = case.source.extracts["rows"]
    with read_extract(path, extract, extracts={"fuzzed.rows": extract}, scratch=path.parent) as raw:
        problems = type_rows(con, raw, "rows", extract, received=RECEIVED, history=False)
    stage(con, extract, Arrival(case.source, RECEIVED, False), ["events"])
    set_unused_aside(con, problems, ["events"], subjects=1)
    set_aside(con, problems, delivery_id=1, source="fuzzed", file=path.name)
    fates = {
        number: "aside" for (number,) in con.execute("SELECT row_number FROM added_quarantine").fetchall()
    }
    rest = con.execute("SELECT row_number, ignored IS NULL FROM rows WHERE problem IS NULL").fetchall()
    assert not set(fates) & {number for number, _ in rest}
    fates |= {number: "used" if used else "ignored" for number, used in rest}
    found = con.execute(f"SELECT {EVENT} FROM new_events").fetchall()
    return Taken(raw.rows, fates, Counter(found))


def whole(case: Case, path: Path, workspace: Workspace, number: int) -> Taken:
    """By `ingest`: what its report says, and what is in the tables. Each file is an extract of its own."""
    extracts = {f"rows{number}": case.source.extracts["rows"]}
    workspace.__dict__["sources"] = {"fuzzed": case.source.model_copy(update={"extracts": extracts})}
    (report,) = ingest(workspace, path, received=RECEIVED)
    tables = Tables(workspace.data)
    con = tables.connect()
    tables.view(con, "events"), tables.view(con, "quarantine")
    mine = f"delivery_id = {report.delivery_id}"
    found = con.execute(f"SELECT {EVENT} FROM all_events WHERE {mine} AND NOT withdrawn").fetchall()
    aside = con.execute(f"SELECT row_number FROM all_quarantine WHERE {mine}").fetchall()
    fates = {number: "aside" for (number,) in aside}
    assert (len(aside), report.used + report.ignored) == (report.quarantined, report.rows - len(aside))
    return Taken(report.rows, fates, Counter(found))


@pytest.fixture
def held_to_the_truth(tmp_path: Path) -> Callable[[Case, int], str]:
    init_workspace(tmp_path / "workspace", sources=None)
    workspace, con = open_workspace(tmp_path / "workspace"), Tables(tmp_path).connect()
    con.execute("SET threads = 1")  # no file is long

    def hold(case: Case, number: int) -> str:
        path = written(case, tmp_path)
        try:
            if number % WHOLE_EVERY == 0:
                taken = whole(case, path, workspace, number)
            else:
                taken = in_parts(case, path, con)
        except (DataRefused, UserMistake) as refused:
            assert refused.message and refused.problems
            assert case.refused or not case.known, str(refused)
            return "refused"
        finally:
            path.unlink()
        assert max(taken.events.values(), default=1) == 1
        if number % WHOLE_EVERY:
            assert taken.rows == len(taken.fates)
        if not case.known:
            return "mangled"
        assert not case.refused
        if not case.fates:  # a file of JSON lines has at least one, which says nothing
            return "empty"
        assert taken.rows == len(case.fates)
        aside = {n for n, fate in case.fates.items() if fate == "aside"}
        assert {n for n, fate in taken.fates.items() if fate == "aside"} == aside
        assert taken.events == case.events
        if number % WHOLE_EVERY:
            assert taken.fates == case.fates
        return "true"

    return hold


def fuzz(hold: Callable[[Case, int], str], *, files: int, print_figures: bool = False) -> None:
    became: Counter[str] = Counter()

    @settings(
        max_examples=files,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def each(case: Case) -> None:
        became[hold(case, sum(became.values()) + 1)] += 1

    each()
    if print_figures:
        print(f"\n{sum(became.values()):,} files: {dict(became)}")
    assert became["true"] > files / 4 and became["refused"] > files / 20 and became["mangled"] > files / 60


def test_300_files(held_to_the_truth) -> None:
    fuzz(held_to_the_truth, files=300)


@pytest.mark.nightly
def test_10_000_files(held_to_the_truth) -> None:
    fuzz(held_to_the_truth, files=10_000, print_figures=True)
