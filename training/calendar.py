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


@dataclass(frozen=True)
class Calendar:
    """Dates of each block in order, and the day on which its labels are judged."""

    train: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: tuple[date, ...]
    also_report: tuple[date, ...]
    train_judged_on: date
    calibrate_judged_on: date
    test_judged_on: date
    horizon_days: int
    lag_days: int

    @property
    def apart(self) -> int:
        """Days between blocks, at the least."""
        return self.horizon_days + self.lag_days

    @property
    def reported(self) -> tuple[date, ...]:
        """The test dates and those reported beside them, in order."""
        return tuple(sorted({*self.test, *self.also_report}))

    @property
    def days(self) -> tuple[date, ...]:
        """Every date that is asked about, in order."""
        return tuple(sorted({*self.train, *self.calibrate, *self.reported}))

    def earlier_fold(self) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """Training dates to choose settings on: (fit, validate), apart like the blocks.

        The last third of the training dates validates; both are empty if none lies far enough before.
        """
        validate = self.train[-max(1, len(self.train) // 3) :]
        fit = tuple(day for day in self.train if day + timedelta(self.apart) <= validate[0])
        return (fit, validate) if fit else ((), ())


def lay_out(specification: Specification, *, lag: int, last_received: date, covered_from: date) -> Calendar:
    """The calendar of a specification.

    lag: days, see `features.outcomes.reporting_lag`. last_received: of the last delivery read.
    covered_from: the first day that any source covers. Raises UserMistake where blocks are not far
    enough apart, or where the history is too short for them.
    """
    apart = specification.outcome.horizon_days + lag
    judged = last_received + timedelta(days=1)
    given = specification.calendar
    if isinstance(given, RollingCalendar):
        given = _count_back(given, apart=apart, judged=judged, covered_from=covered_from)
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
        train=tuple(train),
        calibrate=tuple(calibrate),
        test=tuple(test),
        also_report=tuple(also_report),
        train_judged_on=calibrate[0],
        calibrate_judged_on=first_reported,
        test_judged_on=judged,
        horizon_days=specification.outcome.horizon_days,
        lag_days=lag,
    )


def _count_back(rule: RollingCalendar, *, apart: int, judged: date, covered_from: date) -> ExplicitCalendar:
    """Dates `every_days` apart, back from the last one whose outcome is known."""

    def block(count: int, before: date) -> list[date]:
        last = before - timedelta(days=apart)
        return [last - timedelta(days=rule.every_days * i) for i in reversed(range(count))]

    test = block(rule.test_dates, judged)
    calibrate = block(rule.calibration_dates, test[0])
    train = block(rule.train_dates, calibrate[0])
    earliest = covered_from + timedelta(days=rule.least_history_days)
    kept = [day for day in train if (day - earliest).days >= 0]
    if not kept:
        raise UserMistake(
            "The history is too short to train on.",
            problems=[
                f"the sources cover from {covered_from} to {judged - timedelta(days=1)}; the last training "
                f"date would be {train[-1]}, and the first possible one is {earliest}",
                "load more history, or give the calendar fewer dates",
            ],
        )
    return ExplicitCalendar(train=kept, calibrate=calibrate, test=test)
