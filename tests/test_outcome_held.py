"""A source that stops telling is not a source that tells of nothing: training says so before it begins."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.deliveries import Delivery
from features.errors import UserMistake
from features.outcomes import Outcome, OutcomePart
from tests.town import Town
from tests.trained_town import RECEIVED, TEST, TRAIN, on, specify, trained_town
from training.calendar import Calendar
from training.outcome_held import need_told_of
from training.run import train

OUTCOME = Outcome((OutcomePart("episode", "an episode", ("missing.episode",)),), horizon_days=30)
OVER = TEST + timedelta(days=30)
LAST = date(2025, 6, 1)
A_DAY_LATE, A_DAY_APART = 1, 1
"""What the town's sources declare: how late they are, and how often they deliver."""


def delivered(on: date, *, history: bool = False, used: int = 9, quarantined: int = 0) -> Delivery:
    counts = {"rows": 9, "used": used, "quarantined": quarantined, "ignored": 0, "events": 9, "withdrawn": 0}
    return Delivery(1, "missing", "rows", "f.csv", "", on, history, **counts, ignored_by_rule={})


def judged_on(day: date = TEST) -> Calendar:
    days: Any = {"folds": (), "train": (day,), "calibrate": (day,), "test": (day,), "also_report": ()}
    judged = dict.fromkeys(("train_judged_on", "calibrate_judged_on", "test_judged_on"), RECEIVED)
    return Calendar(**days, **judged, horizon_days=30, lag_days=0)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """An episode every ten days until LAST, the longest silence; and, three years before, one of a year."""
    town = Town(tmp_path_factory.mktemp("held") / "w")
    town.person("a")
    for back in (*range(0, 740, 10), 1200):
        town.event("a", "missing.episode", LAST - timedelta(days=back))
    town.event("a", "missing.episode", RECEIVED + timedelta(days=90))  # booked, and no sign of life
    town.event("a", "police.incident", OVER)  # another agency says nothing of this one
    return town


def told(town: Town, *ledger: Delivery, calendar: Calendar) -> str:
    """What is said against it; "" if nothing."""
    try:
        need_told_of(town.now, OUTCOME, calendar, ledger)
    except UserMistake as mistake:
        return str(mistake)
    return ""


def test_history_taken_in_long_after_its_last_record_cannot_be_judged_on(town: Town) -> None:
    said = told(town, delivered(RECEIVED, history=True), calendar=judged_on())
    assert f"missing: what is held of it ends on {LAST}" in said
    assert f"is over on {OVER} and judged as known on {RECEIVED}" in said
    assert "--received DATE" in said and "police" not in said


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_silence_no_longer_than_is_usual_of_it_is_let_through(town: Town, days: int) -> None:
    usual = A_DAY_LATE + A_DAY_APART + 10
    judged = LAST + timedelta(
        days=usual - 30 + days
    )  # its horizon is over so many days after the last record
    said = told(town, delivered(RECEIVED, history=True), calendar=judged_on(judged))
    assert bool(said) == (days > 0)
    assert not said or f"{usual} days without a record could be silence; these are {usual + 1}" in said


@pytest.mark.parametrize(
    ("live", "enough"),
    [
        (delivered(OVER), True),
        (delivered(OVER, used=0), True),  # nothing has happened
        (delivered(OVER, used=0, quarantined=9), False),  # nothing could be read
        (delivered(OVER - timedelta(days=1)), False),
    ],
)
def test_a_delivery_says_that_nothing_happened_until_its_day(
    town: Town, live: Delivery, enough: bool
) -> None:
    ledger = delivered(RECEIVED, history=True), live
    assert bool(told(town, *ledger, calendar=judged_on())) != enough


@pytest.fixture
def nothing_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*given: Any, **named: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("training.run.store_panels", computed)


@pytest.mark.usefixtures("nothing_computed")
def test_training_asks_both_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = trained_town(tmp_path, people=30, chances=on(*TRAIN))
    ledger = [delivered(RECEIVED, history=True)]
    monkeypatch.setattr("training.plan.read_ledger", lambda tables: ledger)
    with pytest.raises(UserMistake, match="nobody has told us"):
        train(town.workspace, "missing", snapshot=town.now)
    specify(town, outcome={"horizon_days": 30, "parts": [part("rents.arrears_letter")]})
    with pytest.raises(UserMistake, match="has never happened in what is held") as mistake:
        train(town.workspace, "missing", snapshot=town.now)
    assert "nothing is held of rents.arrears_letter" in str(mistake.value)


def part(signal: str) -> dict[str, Any]:
    return {"name": "it", "title": "it", "signals": [signal]}
