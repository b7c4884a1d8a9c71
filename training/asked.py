"""The question, put on every date of a calendar, and the answers that fitting and judging are made of.

A date may be asked about in several parts of the calendar, each with what was known on another day; its
cohort is looked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from features.outcomes import Labels
from features.progress import Tell, quiet
from training.calendar import Calendar, Fold
from training.examples import Examples, join, room
from training.question import Morning, Question, Rows

MOST_TO_TRY = 20_000
"""Rows that a fold is fitted on. Where there are more they are drawn, with the outcome and without: what is
tried on a fold is held by the order of people alone, which a share of either does not change."""


@dataclass(frozen=True)
class Listed:
    """Everybody asked about on a date, whether they can be judged or not, and what followed."""

    morning: Morning
    followed: Labels


@dataclass(frozen=True)
class Asked:
    """rows: (date, day of judging) → those who can be judged. lists: date → everybody, of dates to judge on.
    learned_from: the people of the training rows; learned_from_positive: those of them with the outcome."""

    calendar: Calendar
    rows: Mapping[tuple[date, date], Rows]
    lists: Mapping[date, Listed]
    learned_from: frozenset[str]
    learned_from_positive: frozenset[str] = frozenset()

    @property
    def training(self) -> Examples:
        return self._join(self.calendar.train, self.calendar.train_judged_on)

    @property
    def calibration(self) -> Examples:
        return self._join(self.calendar.calibrate, self.calendar.calibrate_judged_on)

    @property
    def reported(self) -> list[Listed]:
        """Everybody of the test dates and of those reported beside them, in order."""
        return [self.lists[day] for day in self.calendar.reported]

    @property
    def before(self) -> list[Listed]:
        """Everybody of the mornings shortly before test dates, in order."""
        return [self.lists[day] for day in self.calendar.before]

    def fit(self, fold: Fold, *, most: int = MOST_TO_TRY, seed: int) -> Examples:
        """What a fold is fitted on: everybody with the outcome, as long as they are half of `most` rows or
        fewer, and so many of the others that there are about `most` in all."""
        rows = [self.rows[day, fold.fit_judged_on] for day in fold.fit]
        n, positives = sum(len(each.y) for each in rows), int(sum(each.y.sum() for each in rows))
        if n > most:
            kept, others = room(positives, n - positives, most=most)
            shares = kept / max(1, positives), others / max(1, n - positives)
            rows = [each.draw(*shares, seed=seed) for each in rows]
        return join(each.examples for each in rows)

    def validation(self, fold: Fold) -> Examples:
        """What a fold is tried on: those of its lists who can be judged."""
        return self._join(fold.validate, self.calendar.train_judged_on)

    def listed(self, fold: Fold) -> list[Listed]:
        """Everybody of the dates that a fold is tried on."""
        return [self.lists[day] for day in fold.validate]

    def _join(self, days: Sequence[date], judged_on: date) -> Examples:
        return join(self.rows[day, judged_on].examples for day in days)


def ask(question: Question, calendar: Calendar, *, tell: Tell = quiet) -> Asked:
    """Put the question on every date. Raises what `Question.morning` does."""
    whole = {day: calendar.train_judged_on for fold in calendar.folds for day in fold.validate}
    whole |= dict.fromkeys((*calendar.before, *calendar.reported), calendar.test_judged_on)
    rows, lists = {}, {}
    learned_from: set[str] = set()
    positive: set[str] = set()
    for day, judged_on_days in _by_day(calendar).items():
        tell(f"who was asked about on {day}, and what followed")
        morning = question.morning(day)
        for judged_on in judged_on_days:
            followed = question.labels(morning, judged_on)
            rows[day, judged_on] = question.rows(morning, followed)
            if day in calendar.train and judged_on == calendar.train_judged_on:
                learned_from.update(morning.person_ids[followed.labelled].tolist())
                positive.update(morning.person_ids[followed.y == 1].tolist())
            if whole.get(day) == judged_on:
                lists[day] = Listed(morning, followed)
    return Asked(calendar, rows, lists, frozenset(learned_from), frozenset(positive))


def _by_day(calendar: Calendar) -> dict[date, list[date]]:
    """date → the days on which what followed it is judged."""
    used: set[tuple[date, date]] = set()

    def use(days: Iterable[date], judged_on: date) -> None:
        used.update((day, judged_on) for day in days)

    for fold in calendar.folds:
        use(fold.fit, fold.fit_judged_on)
        use(fold.validate, calendar.train_judged_on)
    use(calendar.train, calendar.train_judged_on)
    use(calendar.calibrate, calendar.calibrate_judged_on)
    use((*calendar.before, *calendar.reported), calendar.test_judged_on)
    return {
        day: sorted(judged_on for of, judged_on in used if of == day) for day in sorted({d for d, _ in used})
    }
