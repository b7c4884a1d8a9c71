"""The days of a simulated county: months, school terms, and when deliveries arrive.

Days are whole numbers since 1970-01-01. `OPEN` says "no end", `NONE` "no date".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.world import DELIVERIES, LAST_DAY

Days = npt.NDArray[np.integer[Any]]
"""Day numbers (int32)."""
Index = npt.NDArray[np.integer[Any]]
"""Rows of something (int64); -1 = none."""
Mask = npt.NDArray[np.bool_]

OPEN = 2**31 - 1
NONE = -(2**31)
_EPOCH = date(1970, 1, 1)


def number(day: date) -> int:
    return (day - _EPOCH).days


def day_of(days: int) -> date:
    return _EPOCH + timedelta(days=int(days))


@dataclass(frozen=True)
class Calendar:
    """From 1 July, `years` before the last day's July, to the last day."""

    years: int

    @property
    def first_day(self) -> date:
        return date(LAST_DAY.year - self.years, 7, 1)

    @property
    def first(self) -> int:
        return number(self.first_day)

    @property
    def last(self) -> int:
        return number(LAST_DAY)

    @property
    def months(self) -> int:
        return 12 * self.years

    @property
    def month_starts(self) -> Days:
        """The first day of each month, and of the one after the last: (months + 1,)."""
        y, m = self.first_day.year, self.first_day.month - 1
        starts = [number(date(y + (m + i) // 12, (m + i) % 12 + 1, 1)) for i in range(self.months + 1)]
        return np.array(starts, dtype=np.int32)

    def month_of(self, days: Days) -> Index:
        """Index of the month that holds each day, kept within the calendar."""
        found = np.searchsorted(self.month_starts, days, side="right") - 1
        return np.clip(found, 0, self.months - 1)

    @property
    def delivery_days(self) -> tuple[date, ...]:
        """The Mondays on which the last deliveries arrive, oldest first."""
        last = LAST_DAY + timedelta(days=(7 - LAST_DAY.weekday()) % 7)
        return tuple(last - timedelta(weeks=i) for i in reversed(range(DELIVERIES)))

    @property
    def history_received_on(self) -> date:
        return self.delivery_days[0] - timedelta(weeks=1)

    def half_terms(self) -> list[tuple[date, date]]:
        """First and last school day of each half-term that lies within the calendar."""
        terms: list[tuple[date, date]] = []
        for year in range(self.first_day.year, LAST_DAY.year + 1):
            terms += [
                (date(year, 1, 5), date(year, 2, 14)),
                (date(year, 2, 23), date(year, 4, 2)),
                (date(year, 4, 17), date(year, 5, 22)),
                (date(year, 6, 1), date(year, 7, 20)),
                (date(year, 9, 4), date(year, 10, 23)),
                (date(year, 11, 2), date(year, 12, 18)),
            ]
        return [(a, b) for a, b in terms if a >= self.first_day and a <= LAST_DAY]

    def school_days(self) -> Days:
        """Every weekday of every half-term up to the last day."""
        days = [
            np.arange(number(a), min(number(b), self.last) + 1, dtype=np.int32) for a, b in self.half_terms()
        ]
        every = np.concatenate(days)
        return every[(every + 3) % 7 < 5]  # 1970-01-01 was a Thursday


def years_between(earlier: Days, later: Days | int) -> npt.NDArray[np.float64]:
    """Age in years, near enough for chances (a birthday may be off by a day)."""
    return (np.asarray(later, dtype=np.float64) - earlier) / 365.25
