"""On which day something reached us, as SQL.

In a live delivery that is the day it was received. In a first load of past years (`--history`) it
is the day on which a live delivery would have brought it: the first delivery day of the source's
schedule on or after the day it was recorded, or, where that day is not given, after the day it
happened and the source's typical delay; never later than the day the history was received.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.asof import sql_date
from features.declaration import WEEKDAYS, Schedule, Source


def sql_first_on_or_after(schedule: Schedule, day: str) -> str:
    """`Schedule.first_on_or_after` as SQL over a date expression."""
    if schedule.every == "week":
        weekday = WEEKDAYS.index(str(schedule.on)) + 1
        return f"({day} + CAST(({weekday} - isodow({day}) + 7) % 7 AS INTEGER))"
    if schedule.every == "month":
        at = int(schedule.on or 1)
        this = f"CAST(date_trunc('month', {day}) AS DATE)"
        return (
            f"(CASE WHEN day({day}) <= {at} THEN {this} + {at - 1} "
            f"ELSE CAST({this} + INTERVAL 1 MONTH AS DATE) + {at - 1} END)"
        )
    return day


@dataclass(frozen=True)
class Arrival:
    """When the rows of one delivery count as having reached us."""

    source: Source
    received: date
    history: bool

    @property
    def day(self) -> str:
        """The day the delivery was received."""
        return sql_date(self.received)

    def of_event(self, *, happened: str, recorded: str | None) -> str:
        """The day on which something that happened on a day (SQL) became known.

        What is recorded on a row before it happened (a later stage of the same case, added to the
        row in place) cannot have arrived before it happened.
        """
        if not self.history:
            return self.day
        late = f"{happened} + {self.source.typical_delay_days}"
        if recorded:
            late = f"CASE WHEN {recorded} IS NULL THEN {late} ELSE greatest({recorded}, {happened}) END"
        return self._scheduled(late)

    def of_end(self, *, ended: str, recorded: str | None = None) -> str:
        """The day on which an end (SQL) became known; NULL where there is none."""
        late = f"{ended} + {self.source.typical_delay_days}"
        keyed = self._scheduled(f"coalesce({recorded}, {late})" if recorded else late)
        return f"CASE WHEN {ended} IS NOT NULL THEN {keyed} END"

    def of_undated(self, *, first_day: str, recorded: str | None, at_the_latest: str | None = None) -> str:
        """The day on which something that need not happen on a day, as who somebody is, became known.

        When it was recorded, or with the first day on its row (SQL); on a row without any day,
        `at_the_latest` (SQL), or with the source's coverage.
        """
        if not self.history:
            return self.day
        late = f"{first_day} + {self.source.typical_delay_days}"
        day = f"coalesce({recorded}, {late})" if recorded else late
        otherwise = at_the_latest or self._scheduled(sql_date(self.source.covers_from))
        return f"CASE WHEN {day} IS NULL THEN {otherwise} ELSE {self._scheduled(day)} END"

    def _scheduled(self, day: str) -> str:
        return f"least({self.day}, {sql_first_on_or_after(self.source.schedule, f'({day})')})"
