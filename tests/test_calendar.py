"""The dates of fitting, calibrating and judging lie apart by horizon and lag, or training says why not."""

from datetime import date, timedelta
from typing import Any

import pytest

from features.errors import UserMistake
from models.spec import Specification
from training.calendar import lay_out

RECEIVED, COVERED = date(2026, 6, 29), date(2019, 7, 1)
ROLLING = {"every_days": 30, "train_dates": 6, "calibration_dates": 2, "test_dates": 3}


def specification(calendar: dict[str, Any], *, horizon: int = 180) -> Specification:
    return Specification.model_validate(
        {
            "name": "escalation",
            "title": "Escalation",
            "outcome": {
                "horizon_days": horizon,
                "parts": [{"name": "eviction", "title": "an eviction", "signals": ["rents.eviction"]}],
            },
            "baselines": [{"name": "contacts", "title": "contacts", "features": ["all.count_90"]}],
            "logistic": ["all.count_90"],
            "calendar": calendar,
            "lightgbm": {"settings": [{}]},
        }
    )


def test_counted_back_from_the_last_delivery() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    assert calendar.test[-1] == RECEIVED + timedelta(days=1 - 200)
    assert calendar.calibrate[-1] == calendar.test[0] - timedelta(days=200)
    assert calendar.train[-1] == calendar.calibrate[0] - timedelta(days=200)
    assert [len(block) for block in (calendar.train, calendar.calibrate, calendar.test)] == [6, 2, 3]
    assert {b - a for a, b in zip(calendar.train, calendar.train[1:], strict=False)} == {timedelta(days=30)}


def test_a_block_is_judged_on_the_first_date_of_the_next() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    assert calendar.train_judged_on == calendar.calibrate[0]
    assert calendar.calibrate_judged_on == calendar.test[0]
    assert calendar.test_judged_on == RECEIVED + timedelta(days=1)


def test_settings_are_chosen_on_training_dates_that_lie_apart_too() -> None:
    rule = ROLLING | {"train_dates": 12}
    calendar = lay_out(specification(rule), lag=20, last_received=RECEIVED, covered_from=COVERED)
    fit, validate = calendar.earlier_fold()
    assert validate == calendar.train[-4:]
    assert fit == tuple(day for day in calendar.train if day <= validate[0] - timedelta(days=200))
    assert len(fit) == 2


def test_without_dates_far_enough_back_nothing_is_chosen() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    assert calendar.earlier_fold() == ((), ())


def test_a_short_history_gives_fewer_training_dates() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    late = calendar.train[3] - timedelta(days=365)
    shorter = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=late)
    assert shorter.train == calendar.train[3:]
    assert shorter.test == calendar.test


def test_too_short_a_history_says_from_when_it_would_do() -> None:
    with pytest.raises(UserMistake, match="too short") as mistake:
        lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=date(2025, 1, 1))
    assert "2026-01-01" in str(mistake.value)


EXPLICIT = {
    "train": [date(2025, 1, 1)],
    "calibrate": [date(2025, 3, 1)],
    "test": [date(2025, 6, 1)],
    "also_report": [date(2025, 5, 1)],
}


def test_dates_written_out_stand() -> None:
    calendar = lay_out(
        specification(EXPLICIT, horizon=28), lag=5, last_received=RECEIVED, covered_from=COVERED
    )
    assert calendar.reported == (date(2025, 5, 1), date(2025, 6, 1))
    assert calendar.calibrate_judged_on == date(2025, 5, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": [date(2025, 1, 28)]}, "training date of 2025-01-28 needs 33 days"),
        ({"calibrate": [date(2025, 3, 30)]}, "calibration date of 2025-03-30 needs 33 days"),
        ({"test": [date(2026, 6, 1)]}, "last date judged of 2026-06-01 needs 33 days"),
    ],
)
def test_dates_too_near_each_other_are_refused(change: dict[str, Any], said: str) -> None:
    near = specification(EXPLICIT | change, horizon=28)
    with pytest.raises(UserMistake) as mistake:
        lay_out(near, lag=5, last_received=RECEIVED, covered_from=COVERED)
    assert said in str(mistake.value)
    assert len(mistake.value.problems) == 1


def test_every_block_too_near_is_named_at_once() -> None:
    with pytest.raises(UserMistake) as mistake:
        lay_out(specification(EXPLICIT), lag=0, last_received=date(2025, 6, 30), covered_from=COVERED)
    assert len(mistake.value.problems) == 3
