"""Back-lists: whom a model would have listed on past mornings, judged once what followed is known."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.errors import UserMistake
from features.snapshot import open_snapshot
from features.tables import Tables
from features.workspace import Workspace
from models.candidate import Candidate
from monitoring.backlists import judge_backlists, judging_day, make_backlists, mondays, read_backlists
from tests.past_lists import (
    AS_OF,
    HARMED,
    HEAVY,
    IDS,
    LEARNED_UNTIL,
    PAST,
    PEOPLE,
    RECEIVED,
    make_town,
    object_now,
)


@pytest.fixture(scope="module")
def made_town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Candidate]:
    return make_town(tmp_path_factory.getbasetemp() / "town_of_400")


@pytest.fixture
def town(made_town: tuple[Workspace, Candidate], tmp_path: Path) -> tuple[Workspace, Candidate]:
    """A copy of the town that a test may change."""
    shutil.copytree(made_town[0].root, tmp_path / "town")
    return Workspace(tmp_path / "town"), made_town[1]


def test_mondays() -> None:
    assert mondays(date(2026, 3, 22), months=6) == PAST
    assert mondays(date(2026, 3, 1), months=1) == [date(2026, 2, 2)]
    assert mondays(date(2026, 6, 1), months=1) == [date(2026, 6, 1)]


def test_a_back_list_is_the_list_of_that_morning(made_town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = made_town
    lists = {b.as_of: b for b in read_backlists(open_snapshot(workspace), candidate)}
    assert sorted(lists) == PAST
    october, december = lists[PAST[0]], lists[PAST[2]]
    assert october.person_ids.tolist() == IDS
    assert set(october.person_ids[october.on_list]) == {IDS[i] for i in HEAVY}
    # In December the harmed are there already; the places they leave go to others, by id.
    free = [IDS[i] for i in range(PEOPLE) if i not in HARMED]
    heavy = {IDS[i] for i in HEAVY - HARMED}
    others = [person for person in free if person not in heavy][: 20 - len(heavy)]
    assert december.person_ids.tolist() == free
    assert set(december.person_ids[december.on_list]) == heavy | set(others)


def test_a_back_list_says_what_its_model_had_learned(made_town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = made_town
    lists = read_backlists(open_snapshot(workspace), candidate)
    assert {b.model for b in lists} == {candidate.sha256}
    assert [b.seen for b in lists] == [LEARNED_UNTIL, *[None] * 5]
    assert [(b.known_from - b.as_of).days for b in lists] == [93] * 6  # horizon 90, everything 3 days late


@pytest.mark.parametrize(("days_before", "matured"), [(0, True), (1, False)])
def test_it_matures_on_its_date_and_horizon_and_lag(
    made_town: tuple[Workspace, Candidate], days_before: int, matured: bool
) -> None:
    workspace, candidate = made_town
    snapshot = open_snapshot(workspace)
    october = read_backlists(snapshot, candidate)[0]
    judged_on = PAST[0] + timedelta(days=93 - days_before)
    judged = judge_backlists(snapshot, candidate, [october], judged_on=judged_on)
    assert bool(judged) == matured
    if matured:
        assert set(october.person_ids[judged[0].y == 1]) == {IDS[i] for i in HARMED}
        assert judged[0].lost == 0


def test_people_no_link_names_any_more_are_left_out_and_counted(
    made_town: tuple[Workspace, Candidate],
) -> None:
    workspace, candidate = made_town
    snapshot = open_snapshot(workspace)
    october = read_backlists(snapshot, candidate)[0]
    ids = october.person_ids.copy()
    ids[399] = "P_erased"
    (judged,) = judge_backlists(
        snapshot, candidate, [replace(october, person_ids=ids)], judged_on=date(2026, 6, 23)
    )
    assert judged.lost == 1
    assert np.isnan(judged.y[399])
    assert not np.isnan(judged.y[:399]).any()


def test_who_objects_after_a_back_list_is_judged_no_more(town: tuple[Workspace, Candidate]) -> None:
    """Whether it is read through the newest state or through the one that an earlier list names."""
    workspace, candidate = town
    before = open_snapshot(workspace)
    was = judge_backlists(before, candidate, read_backlists(before, candidate), judged_on=date(2026, 6, 23))
    object_now(workspace, 0)
    for snapshot in (open_snapshot(workspace), before):
        lists = read_backlists(snapshot, candidate)
        now = judge_backlists(snapshot, candidate, lists, judged_on=date(2026, 6, 23))
        assert [each.backlist.as_of for each in now] == PAST
        for each, earlier in zip(now, was, strict=True):
            theirs = each.backlist.person_ids == IDS[0]
            assert each.lost == theirs.sum() and np.isnan(each.y[theirs]).all()
            assert np.array_equal(each.y[~theirs], earlier.y[~theirs])
        assert now[0].lost == 1 and was[0].y[0] == 1, "harm came to the one who objects"


def test_the_judging_day_is_the_morning_after_the_last_delivery(
    made_town: tuple[Workspace, Candidate],
) -> None:
    snapshot = open_snapshot(made_town[0])
    assert judging_day(snapshot) == RECEIVED + timedelta(days=1)
    assert judging_day(snapshot, AS_OF) == RECEIVED + timedelta(days=1)
    assert judging_day(snapshot, date(2026, 2, 2)) == date(2026, 2, 2)


def test_a_rerun_adds_nothing_and_later_dates_are_added(town: tuple[Workspace, Candidate]) -> None:
    workspace, candidate = town
    version = Tables(workspace.data).version("backlists")
    again = make_backlists(workspace)
    assert (list(again.made), list(again.kept)) == ([], PAST)
    assert Tables(workspace.data).version("backlists") == version
    more = make_backlists(workspace, [date(2026, 6, 1), date(2024, 12, 2)])
    assert more.made == (date(2026, 6, 1),)
    assert more.nobody == (date(2024, 12, 2),)
    assert len(read_backlists(open_snapshot(workspace), candidate)) == 7


def test_a_future_morning_has_no_back_list(town: tuple[Workspace, Candidate]) -> None:
    with pytest.raises(UserMistake, match="past morning") as mistake:
        make_backlists(town[0], [date(2026, 6, 24)])
    assert "2026-06-23" in mistake.value.problems[0]
