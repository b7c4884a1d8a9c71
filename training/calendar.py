"""Which mornings a model is fitted, calibrated and judged on, in time, as it would have been lived.

Each block of dates lies apart from the next by the horizon and the reporting lag, so that what
followed the last date of a block was known, as far as it ever is, on the first date of the next.
The labels of a block are judged on that first date and use nothing learned later; those of the test
dates are judged on the day after the last delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from features.errors import UserMistake
from models.spec import ExplicitCalendar, RollingCalendar, Specification

WEEK = 7
LEAST_TO_FIT = 3
"""Dates that a fold is fitted on, or as many as the model itself has: on one or two of them it would show
the season, and settings would be chosen by it."""


@dataclass(frozen=True)
class Fold:
    """Dates to choose on, apart like the blocks: fitted on `fit` as known on the first of `validate`."""

    fit: tuple[date, ...]
    validate: tuple[date, ...]

    @property
    def fit_judged_on(self) -> date:
        """The day on which the labels of its fit dates are judged."""
        return self.validate[0]


@dataclass(frozen=True)
class Calendar:
    """Dates of each block in order, and the day on which its labels are judged.

    folds: to choose settings and candidates on, the earliest first, none later than the training dates;
    what followed their validation dates is judged when that of the training dates is. folds_asked: how many
    the specification asks for, of which the history may hold fewer; None where dates are written out.
    days_before: so many days before each test date everybody is scored as well, to hold two lists against
    each other.
    """

    folds: tuple[Fold, ...]
    train: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: tuple[date, ...]
    also_report: tuple[date, ...]
    train_judged_on: date
    calibrate_judged_on: date
    test_judged_on: date
    horizon_days: int
    lag_days: int
    days_before: tuple[int, ...] = ()
    folds_asked: int | None = None

    @property
    def apart(self) -> int:
        """Days between blocks, at the least."""
        return self.horizon_days + self.lag_days

    @property
    def reported(self) -> tuple[date, ...]:
        """The test dates and those reported beside them, in order."""
        return tuple(sorted({*self.test, *self.also_report}))

    @property
    def before(self) -> tuple[date, ...]:
        """The mornings shortly before test dates, in order."""
        return tuple(sorted({day - timedelta(days=n) for day in self.test for n in self.days_before}))

    @property
    def days(self) -> tuple[date, ...]:
        """Every date that is asked about, in order."""
        of_folds = {day for fold in self.folds for day in (*fold.fit, *fold.validate)}
        return tuple(sorted({*of_folds, *self.train, *self.calibrate, *self.before, *self.reported}))


def lay_out(specification: Specification, *, lag: int, last_received: date, covered_from: date) -> Calendar:
    """The calendar of a specification.

    lag: days, see `features.outcomes.reporting_lag`. last_received: of the last delivery read.
    covered_from: the first day that any source covers. Raises UserMistake where blocks are not far
    enough apart, or where the history is too short for them.
    """
    apart = specification.outcome.horizon_days + lag
    judged = last_received + timedelta(days=1)
    rule = specification.calendar
    if isinstance(rule, RollingCalendar):
        given, could_train = _count_back(
            rule,
            horizon=specification.outcome.horizon_days,
            apart=apart,
            judged=judged,
            covered_from=covered_from,
        )
    else:
        given, could_train = rule, []
    blocks = [sorted(set(days)) for days in (given.train, given.calibrate, given.test, given.also_report)]
    train, calibrate, test, also_report = blocks
    first_reported = min([*test, *also_report])
    problems = [
        f"calendar: {which} of {end} needs {apart} days ({specification.outcome.horizon_days} of horizon and "
        f"{lag} until an outcome is known) before {by}; there are {(start - end).days}"
        for which, end, by, start in (
            ("the training date", train[-1], f"the first calibration date, {calibrate[0]}", calibrate[0]),
            (
                "the calibration date",
                calibrate[-1],
                f"the first date judged, {first_reported}",
                first_reported,
            ),
            (
                "the last date judged",
                max([*test, *also_report]),
                f"the day after the last delivery, {judged}",
                judged,
            ),
        )
        if (start - end).days < apart
    ]
    if problems:
        raise UserMistake(f"The calendar of {specification.name!r} cannot be used.", problems=problems)
    return Calendar(
        folds=tuple(_folds(rule, train, could_train, apart=apart)),
        train=tuple(train),
        calibrate=tuple(calibrate),
        test=tuple(test),
        also_report=tuple(also_report),
        train_judged_on=calibrate[0],
        calibrate_judged_on=first_reported,
        test_judged_on=judged,
        horizon_days=specification.outcome.horizon_days,
        lag_days=lag,
        folds_asked=rule.folds if isinstance(rule, RollingCalendar) else None,
        days_before=tuple(sorted({WEEK, *(b.days_before or WEEK for b in specification.baselines)})),
    )


def _count_back(
    rule: RollingCalendar, *, horizon: int, apart: int, judged: date, covered_from: date
) -> tuple[ExplicitCalendar, list[date]]:
    """Dates `every_days` apart, back from the last one whose outcome is known; and those before the
    training dates that have enough behind them to be trained on, in order."""

    def block(count: int, before: date) -> list[date]:
        last = before - timedelta(days=apart)
        return [last - timedelta(days=rule.every_days * i) for i in reversed(range(count))]

    first = covered_from + timedelta(days=rule.least_history_days)
    later = rule.every_days * (rule.test_dates - 1 + rule.calibration_dates - 1)
    if (have := (judged - first).days) < (need := 3 * apart + later):
        raise UserMistake(
            "The history is too short to train on.",
            problems=[
                f"from {first}, the first possible training date ({rule.least_history_days} days after "
                f"{covered_from}, from which day on the sources cover), to {judged}, the day after the last "
                f"delivery, there are {max(0, have):,} days, and the calendar takes {need:,}",
                f"that is 3 times {apart:,} ({horizon:,} of outcome.horizon_days and {apart - horizon:,} "
                f"until an outcome is known), and {later:,} for the dates to calibrate and to test on",
                "load more history, look less far ahead, or give the calendar fewer dates",
            ],
        )
    test = block(rule.test_dates, judged)
    calibrate = block(rule.calibration_dates, test[0])
    last = calibrate[0] - timedelta(days=apart)
    could = block((last - first).days // rule.every_days + 1, calibrate[0])
    train = _within(rule, could)
    return ExplicitCalendar(train=train, calibrate=calibrate, test=test), could


def _folds(
    rule: ExplicitCalendar | RollingCalendar, train: list[date], could_train: list[date], *, apart: int
) -> list[Fold]:
    """The folds to choose on, the earliest first; fewer, or none, where the history is too short.

    The last fold validates on the last of the training dates, each earlier one on those before them, as long
    as there are `LEAST_TO_FIT` to fit on. Of dates written out there is one fold, which validates on the last
    third of them and is fitted on what is left, however few.
    """
    if not isinstance(rule, RollingCalendar):
        validate = train[-max(1, len(train) // 3) :]
        fit = [day for day in train if day + timedelta(apart) <= validate[0]]
        return [Fold(tuple(fit), tuple(validate))] if fit else []
    folds, could = [], could_train
    for _ in range(rule.folds):
        validate, could = could[-rule.test_dates :], could[: -rule.test_dates]
        fit = _within(rule, [day for day in could if day + timedelta(apart) <= validate[0]])
        if len(fit) < min(LEAST_TO_FIT, len(train)):
            break
        folds.append(Fold(tuple(fit), tuple(validate)))
    return folds[::-1]


def _within(rule: RollingCalendar, days: list[date]) -> list[date]:
    """The last of some dates, as far back as the history to train on reaches."""
    return [day for day in days if (days[-1] - day).days <= rule.history_days]
