"""The benchmark of training: whose time is whose, what is drawn on, and that verdicts are said plainly."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
import yaml

import training.run
from benchmarks.measure import Clock
from benchmarks.training import (
    MONTHLY,
    PANELS,
    REST,
    SHIPPED,
    SMALL,
    STAGES,
    Cost,
    Run,
    Watch,
    monthly,
    report,
)
from models.spec import TEMPLATES, Specification
from training.calendar import lay_out


def test_every_stage_is_still_part_of_a_run() -> None:
    assert [name for name in STAGES if not callable(getattr(training.run, name, None))] == []


def test_a_stage_within_another_is_that_ones_and_seconds_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("benchmarks.measure.time.perf_counter", lambda: now[0])

    def takes(seconds: float) -> None:
        now[0] += seconds

    watch, whole = Watch(), Clock()
    inner = watch("fitting", takes)

    def folds() -> None:
        takes(4)
        inner(2)

    with whole:
        takes(8)
        watch("folds", folds)()
        takes(16)
        inner(1)
    watch.look(REST)
    costs = watch.costs(whole)
    assert [(each.stage, each.seconds) for each in costs] == [
        ("folds", 6),
        ("fitting", 1),
        (REST, 24),
        ("", 31),
    ]
    assert costs[-1].peak == max(each.peak for each in costs) > 0.01


def test_what_a_stage_held_is_not_held_against_the_next() -> None:
    watch, whole = Watch(), Clock()
    with whole:
        watch("large", lambda: len(bytes(bytearray(150_000_000))))()
        watch("small", lambda: None)()
    watch.look(REST)
    cost = {each.stage: each for each in watch.costs(whole)}
    assert cost["large"].peak > cost["small"].peak + 0.1
    assert cost[""].peak == cost["large"].peak


def test_a_stage_that_fails_is_over() -> None:
    watch = Watch()
    with pytest.raises(ZeroDivisionError):
        watch("first", lambda: 1 // 0)()
    watch("second", lambda: None)()
    assert set(watch.clocks) == {"first", "second"}


def test_the_monthly_specification_has_24_dates_a_month_apart() -> None:
    shipped = (TEMPLATES / f"{SHIPPED}.yaml").read_text(encoding="utf-8")
    specification = Specification.model_validate(yaml.safe_load(monthly(shipped)))
    calendar = lay_out(specification, lag=7, last_received=date(2026, 6, 29), covered_from=date(2019, 7, 1))
    blocks = (calendar.train, calendar.calibrate, calendar.test)
    assert sum(map(len, blocks)) == 24 and len(calendar.folds) == 3 and len(calendar.days) > 30
    for days in blocks:
        assert {later - day for day, later in pairwise(days)} == {timedelta(30)}
    assert specification.name == MONTHLY and specification.capacity == 30


def _run(people: int, specification: str, *, seconds: float, peak: float) -> Run:
    dates = {"train": 18, "calibrate": 3, "test": 3, "folds": 3, "all": 40}
    costs = (Cost(PANELS, 10, 20, 1), Cost("", seconds, 2 * seconds, peak))
    return Run(people, specification, dates, features=1200, rows=3_000, positives=50, costs=costs)


def test_verdicts_are_said_plainly_and_only_of_what_was_measured() -> None:
    slow = _run(SMALL, SHIPPED, seconds=90.1, peak=2)
    lines = list(report([slow, _run(SMALL, MONTHLY, seconds=95, peak=2)]))
    assert f"{SMALL:,} people by {SHIPPED}: 90.1 s, 10.0 of them for the panels" in lines[-3]
    assert "NOT reached" in lines[-3] and "200,000 people" in lines[-2] and "not measured" in lines[-2]
    assert "too few sizes" in lines[-1]
    for seconds, peak, reached in ((1_199, 7.9, True), (1_201, 7.9, False), (1_199, 8.1, False)):
        verdict = list(report([slow, _run(200_000, MONTHLY, seconds=seconds, peak=peak)]))[-2]
        assert ("NOT reached" not in verdict) == reached


def test_half_a_million_is_drawn_on_by_the_power_and_in_proportion() -> None:
    small, large = (
        _run(people, MONTHLY, seconds=seconds, peak=peak)
        for people, seconds, peak in ((20_000, 100, 1.0), (200_000, 1_000, 4.0))
    )
    *lines, last = report([large, small])
    [whole] = [line for line in lines if line.startswith("| all of it")]
    assert "| 1.00 " in whole and "2,500 / 5,000 / 6.9" in whole  # 4 x 2.5 ** log10(4) = 6.94
    assert "2,500 s and 6.9 GB by the power, 2,500 s and 10.0 GB in proportion" in last
