"""The dates of fitting, calibrating and judging lie apart by horizon and lag, or training says why not."""

import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import UserMistake
from models.spec import Specification
from training.calendar import lay_out
from training.calendar_drawn import calendar_svg, calendar_text

RECEIVED, COVERED = date(2026, 6, 29), date(2019, 7, 1)
ROLLING = {"every_days": 30, "history_days": 150, "folds": 2, "calibration_dates": 2, "test_dates": 3}


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


def naive_folds(
    days: list[date], *, folds: int, history: int, apart: int, least: int
) -> list[tuple[list[date], ...]]:
    """From the last dates backwards, one fold at a time, until one has fewer than `least` to fit on."""
    found: list[tuple[list[date], ...]] = []
    left = list(days)
    for _ in range(folds):
        validate = [left.pop() for _ in range(min(3, len(left)))][::-1]
        fit = [day for day in left if validate and (validate[0] - day).days >= apart]
        fit = [day for day in fit if (fit[-1] - day).days <= history]
        if len(fit) < least:
            break
        found.insert(0, (fit, validate))
    return found


@given(st.integers(0, 5), st.integers(0, 400), st.integers(0, 1500), st.integers(7, 90))
def test_folds_lie_before_the_training_ends_and_apart(
    folds: int, history: int, older: int, every: int
) -> None:
    rule = ROLLING | {"every_days": every, "history_days": history, "folds": folds}
    covered = date(2022, 6, 1) - timedelta(days=older)
    calendar = lay_out(specification(rule), lag=20, last_received=RECEIVED, covered_from=covered)
    last, earliest = calendar.train[-1], covered + timedelta(days=365)
    days = [last - timedelta(days=every * i) for i in range((last - earliest).days // every + 1)][::-1]
    least = min(3, len(calendar.train))
    expected = naive_folds(days, folds=folds, history=history, apart=200, least=least)
    assert [(list(f.fit), list(f.validate)) for f in calendar.folds] == expected
    assert list(calendar.train) == [day for day in days if (last - day).days <= history]
    assert {day for fold in calendar.folds for day in (*fold.fit, *fold.validate)} <= set(calendar.days)
    for fold in calendar.folds:
        assert fold.fit[-1] + timedelta(days=calendar.apart) <= fold.fit_judged_on
        assert fold.validate[-1] + timedelta(days=calendar.apart) <= calendar.train_judged_on


def test_of_more_folds_than_the_history_holds_it_is_told_how_many_are_possible() -> None:
    many = lay_out(
        specification(ROLLING | {"folds": 20}), lag=20, last_received=RECEIVED, covered_from=COVERED
    )
    first, asked = many.folds[0], f"20 folds asked, {len(many.folds)} possible"
    assert 2 < len(many.folds) < 20 and many.folds_asked == 20 and len(first.fit) >= 3
    assert asked in calendar_text(many) and asked in calendar_svg(many)
    as_many = specification(ROLLING | {"folds": len(many.folds)})
    calendar = lay_out(as_many, lag=20, last_received=RECEIVED, covered_from=COVERED)
    assert calendar.folds == many.folds and "folds asked" not in calendar_text(calendar)
    assert "says little" not in calendar_text(calendar)
    short = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=date(2023, 7, 1))
    assert not short.folds
    assert "2 folds asked, none possible" in calendar_text(short)


def test_dates_written_out_are_one_fold_where_they_lie_far_enough_apart() -> None:
    train = [date(2023, 1, 1) + timedelta(days=30 * i) for i in range(12)]
    rule = {"train": train, "calibrate": [date(2025, 1, 1)], "test": [date(2025, 8, 1)]}
    calendar = lay_out(specification(rule), lag=20, last_received=RECEIVED, covered_from=COVERED)
    (fold,) = calendar.folds
    assert (fold.validate, fold.fit) == (tuple(train[-4:]), tuple(train[:2]))
    told = calendar_text(calendar).splitlines()
    assert [row for row in told if "fitted on few dates" in row] == told[:1] and "asked" not in "".join(told)
    near = specification(rule | {"train": train[-4:]})
    assert lay_out(near, lag=20, last_received=RECEIVED, covered_from=COVERED).folds == ()


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


@pytest.mark.parametrize("short", [0, 1])
def test_a_history_is_just_long_enough_or_too_short_by_a_day(short: int) -> None:
    """Three times horizon and lag, and 30 days apart 2 dates to calibrate on and 3 to test on, and a year."""
    covered = RECEIVED + timedelta(days=1 - 3 * 200 - 3 * 30 - 365 + short)
    if not short:
        calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=covered)
        assert calendar.train == (covered + timedelta(days=365),)
        return
    with pytest.raises(UserMistake) as mistake:
        lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=covered)
    assert "there are 689 days, and the calendar takes 690" in mistake.value.problems[0]


@pytest.mark.parametrize("change", [{"every_days": 36_500, "test_dates": 1_000}, {"history_days": 0}])
def test_a_horizon_that_no_history_holds_is_named(change: dict[str, int]) -> None:
    with pytest.raises(UserMistake, match="too short") as mistake:
        lay_out(
            specification(ROLLING | change, horizon=3650),
            lag=20,
            last_received=RECEIVED,
            covered_from=COVERED,
        )
    assert "3,650 of outcome.horizon_days and 20 until an outcome is known" in str(mistake.value)


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


def test_a_calendar_is_drawn_date_by_date_and_told_in_words() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    assert len(calendar.folds) == 2
    svg = ElementTree.fromstring(calendar_svg(calendar))
    told = [title.text for title in svg.iter() if title.tag.endswith("title")][1:]
    expected = [f"{use} on {day}" for fold in calendar.folds for use, days in
                (("fitted", fold.fit), ("tried", fold.validate)) for day in days]  # fmt: skip
    expected += [f"{use} on {day}" for use, days in (("fitted", calendar.train), ("calibrated",
                 calendar.calibrate), ("judged", calendar.test)) for day in days]  # fmt: skip
    assert told == expected
    text = calendar_text(calendar)
    assert f"fitted on {calendar.train[0]} to {calendar.train[-1]}, 6 dates" in text


def test_no_block_begins_before_the_labels_of_the_one_before_it() -> None:
    calendar = lay_out(specification(ROLLING), lag=20, last_received=RECEIVED, covered_from=COVERED)
    line = calendar_text(calendar).splitlines()[-1]
    assert re.fullmatch(r"  the model  [ f]*f\.+[c ]*c\.+[j ]*j\.+", line), line
