"""What else a list is worth: how early, whom nobody works with yet, how steady, how well its chances hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.town
from features.services import service_signals, worked_with
from features.workspace import init_workspace, open_workspace
from models.calibration import chance
from models.judge import Scored, wilson
from models.lead_time import lead_time
from models.nobody_yet import nobody_yet
from models.overlap import overlap
from models.reliability import reliability
from tests.town import SOURCES, Town, declaration

MONDAY = date(2026, 1, 5)
NAN = np.nan


def listed(
    day: int,
    rows: list[tuple[str, float]],
    *,
    same: list[int] | None = None,
    log_odds: list[float] | None = None,
) -> Scored:
    """People and what followed, the first highest, so many days after the Monday."""
    return Scored(
        MONDAY + timedelta(days=day),
        np.array([who for who, _ in rows], dtype=str),
        np.array(log_odds or [-i for i in range(len(rows))], float),
        np.array([y for _, y in rows], float),
        np.array(same or range(len(rows))),
    )


def test_lead_time_runs_from_the_first_list_to_the_first_outcome() -> None:
    dates = [
        listed(0, [("ann", 0), ("bob", 1), ("eve", NAN), ("cat", 1)]),
        listed(60, [("ann", 1), ("bob", 1), ("eve", 1), ("cat", 1)]),
    ]
    days = [np.array([NAN, 100, NAN, 70]), np.array([150, 40, 5, 10])]
    told = lead_time(dates, days, capacity=3)
    # ann: flagged on day 0, met on day 210; bob: day 0 to 100; eve: could not be judged at first, 60 to 65;
    # cat: never on a list of three
    assert (told.people, told.median_days) == (3, 100)
    assert [(a.days, a.people) for a in told.ahead] == [(30, 2), (90, 2), (180, 1)]
    assert told.ahead[2].interval == wilson(1, 3)
    at_least = lead_time(dates, days, capacity=3, ahead=[100, 101]).ahead
    assert [a.people for a in at_least] == [2, 1]
    assert told.to_json()["ahead"][0] == {
        "days": 30,
        "people": 2,
        "share": 2 / 3,
        "interval": list(wilson(2, 3)),
    }


def test_somebody_known_by_another_id_by_then_was_flagged_when_the_first_was() -> None:
    dates = [
        listed(0, [("ann", 0), ("old", 0), ("bob", 0)], same=[0, 1, 1]),
        listed(50, [("bob", 1), ("ann", 0)]),
    ]
    told = lead_time(dates, [np.full(3, NAN), np.array([10, NAN])], capacity=2)
    assert (told.people, told.median_days) == (1, 60)


def test_nobody_found_has_no_lead_time_and_an_outcome_has_a_day() -> None:
    dates = [listed(0, [("ann", 0), ("bob", 1)])]
    assert lead_time(dates, [np.array([NAN, 3])], capacity=1).to_json()["median_days"] is None
    with pytest.raises(ValueError, match="no day of it"):
        lead_time(dates, [np.array([NAN, NAN])], capacity=1)


row = st.tuples(st.integers(-3, 3), st.sampled_from([0.0, 1.0, NAN]), st.integers(0, 179))


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), row, max_size=6), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_lead_times_are_those_of_a_diary(drawn: list[dict[str, tuple[int, float, int]]]) -> None:
    dates = [
        listed(30 * i, [(who, y) for who, (_, y, _) in d.items()], log_odds=[s for s, _, _ in d.values()])
        for i, d in enumerate(drawn)
    ]
    days = [np.array([t if y == 1 else NAN for _, y, t in d.values()], float) for d in drawn]
    first: dict[str, int] = {}
    outcome: dict[str, int] = {}
    for i, d in enumerate(drawn):
        for who in sorted(d, key=lambda who, d=d: (-d[who][0], who))[:2]:
            _, y, after = d[who]
            if y == y:
                first.setdefault(who, 30 * i)
            if y == 1:
                outcome[who] = min(outcome.get(who, 10_000), 30 * i + after)
    lead = [day - first[who] for who, day in outcome.items()]
    told = lead_time(dates, days, capacity=2, ahead=[60])
    assert told.people == len(lead)
    assert told.ahead[0].people == sum(t >= 60 for t in lead)
    assert told.median_days == pytest.approx(median(lead) if lead else NAN, nan_ok=True)


def test_overlap_is_of_the_later_list_whoever_they_are_called_by_now() -> None:
    first = listed(0, [("ann", 0), ("bob", 0), ("cat", 1), ("eve", NAN)])
    second = listed(7, [("dan", 0), ("ann", NAN), ("bobby", 0), ("cat", 1), ("bob", 0)], same=[0, 1, 2, 3, 2])
    told = overlap(first, second, capacity=3)
    assert (told.days, told.listed, told.stayed, told.share) == (7, 3, 2, 2 / 3)
    longer = overlap(first, second, capacity=5)
    assert (longer.listed, longer.stayed) == (5, 4), "two rows of the later list are the one of before"
    assert overlap(first, replace(first, as_of=second.as_of), capacity=3).share == 1.0
    with pytest.raises(ValueError, match="does not follow"):
        overlap(second, first, capacity=3)


def test_the_share_nobody_works_with_is_of_all_who_are_listed() -> None:
    dates = [listed(0, [("ann", 1), ("bob", NAN), ("cat", 0)]), listed(7, [("ann", 0), ("bob", 1)])]
    helped = [np.array([True, False, False]), np.array([True, False])]
    told = nobody_yet(dates, helped, capacity=2)
    assert (told.listed, told.alone, told.share, told.interval) == (4, 2, 0.5, wilson(2, 4))
    assert nobody_yet([], [], capacity=2).to_json()["share"] is None


TEAM = declaration(
    "team",
    help={"spell": True, "service": True, "ours": True},
    plan={"spell": True, "service": True},
    house={"spell": True, "service": True, "shared": True},
    claim={"spell": True},
)


def test_who_is_worked_with_is_whoever_had_an_open_spell_as_known_that_morning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tests.town, "SOURCES", (*SOURCES, TEAM))
    town = Town(tmp_path)
    people = ["ann", "bob", "cat", "dan", "eve", "fay", "gus"]
    town.person(*people)
    town.lives("gus", "X", "1 Jan 2019")
    town.event("ann", "team.help", "1 Feb", known="2 Feb")
    town.event("bob", "team.plan", "1 Feb", known="2 Feb", ended="1 Mar")  # still open that morning
    town.event("cat", "team.plan", "1 Feb", known="2 Feb", ended="28 Feb")
    town.event("dan", "team.plan", "1 Feb", known="1 Mar")  # not known yet
    town.event("eve", "team.claim", "1 Feb", known="2 Feb")  # no service
    town.event("fay", "team.plan", "1 Feb", known="2 Feb", record="r1")
    town.withdraw("team", "r1", known="20 Feb", revision=2)
    town.event(None, "team.house", "1 Feb", known="2 Feb", place="X")  # the household's, not Gus's own
    services = service_signals(town.workspace.sources)
    assert services == ("team.help", "team.house", "team.plan")
    asked = np.array(people[::-1])
    found = worked_with(town.snapshot, as_of=date(2026, 3, 1), person_ids=asked, services=services)
    assert set(asked[found]) == {"ann", "bob"} and found.dtype == bool
    later = worked_with(town.snapshot, as_of=date(2026, 3, 2), person_ids=asked, services=services)
    assert set(asked[later]) == {"ann", "dan"}
    assert not worked_with(town.snapshot, as_of=date(2026, 3, 2), person_ids=asked, services=()).any()


def test_the_sources_that_are_shipped_say_who_works_with_people(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    declared = service_signals(open_workspace(tmp_path / "w").sources)
    known = {
        "social_care.early_help",
        "social_care.child_in_need",
        "drug_alcohol.treatment",
        "adult_care.service",
    }
    assert known < {*declared, "none"} and "missing.episode" not in declared
    assert not [signal for signal in declared if "arrears" in signal]


scores = st.lists(st.tuples(st.integers(-4, 4), st.sampled_from([0.0, 1.0, NAN])), max_size=60)


@given(scores, st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_bins_hold_everybody_judged_in_order_and_equals_together(
    rows: list[tuple[int, float]], bins: int
) -> None:
    date_ = listed(0, [(f"p{i:02}", y) for i, (_, y) in enumerate(rows)], log_odds=[s for s, _ in rows])
    found = reliability([date_], bins=bins).bins
    judged = sorted((s, y) for s, y in rows if y == y)
    assert sum(b.n for b in found) == len(judged) and len(found) <= bins
    at = 0
    for b in found:
        mine, at = judged[at : at + b.n], at + b.n
        assert b.chance == pytest.approx(np.mean(chance([s for s, _ in mine])))
        assert (b.positives, b.share) == (
            sum(y for _, y in mine),
            pytest.approx(np.mean([y for _, y in mine])),
        )
        assert b.interval == wilson(b.positives, b.n)
        assert at == len(judged) or judged[at][0] > mine[-1][0]


def test_tenths_are_tenths_where_no_two_are_equal() -> None:
    found = reliability([listed(0, [(f"p{i:04}", i % 2) for i in range(1000)])])
    assert [b.n for b in found.bins] == pytest.approx([100] * 10, abs=1)
    assert found.to_json()[0].keys() == {"n", "chance", "positives", "share", "interval"}
