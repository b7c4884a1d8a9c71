"""A feature: one object that knows how it is computed, how it is said, and what its evidence is.

A feature is a *measure* of a *channel* over a *window*. A channel is a set of signals: one signal
by itself, an agency's, those of one Supporting Families outcome, all of them, or all that reach a
person through the dwelling they live in. What happened in a dwelling (a shared signal) is only ever
in a household channel, and what happened to a person never is. One happening that several agencies recorded
counts once in a channel that spans them.

Notation of the formulas: T is the as-of date, at midnight; n(w) the number of the channel's usable
events in the window [T - w, T); a(w) their known amounts. An event's moment is its time, or the start
of its day where it has none; gaps are between the moments of events that follow one another. A value
is NaN unless silence would mean that nothing happened: some source of the channel covers the whole
window and, where it is a register, held the person on a day in it. An event that is there always
counts. No value depends on the order in which events of one moment lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from features import asof
from features.happenings import base_of

Kind = Literal["signal", "agency", "theme", "all"]


@dataclass(frozen=True)
class Signal:
    """A kind of event as a catalogue keeps it; `name` is '<source>.<signal>'."""

    name: str
    source: str
    one: str
    many: str
    theme: str | None = None
    unit: str | None = None
    shared: bool = False
    protective: bool = False
    spell: bool = False
    association: bool = False


@dataclass(frozen=True)
class Channel:
    """Signals that are counted together, and how they are said together.

    theme: the outcome they are about, where it is one and the same for all of them.
    association: what happened to the people a person lives with, not to the person.
    once: the names under which those of its signals count that it could count twice, as two systems
    have them; see `features.happenings`.
    """

    name: str
    kind: Kind
    household: bool
    parts: tuple[Signal, ...]
    one: str
    many: str
    theme: str | None = None
    protective: bool = False
    unit: str | None = None
    association: bool = False
    once: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its events and whose they are: 'missing episodes', 'the household's rent arrears letters'."""
        if self.association:
            return f"{self.many} of somebody they live with"
        return f"the household's {self.many}" if self.household else self.many

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.source for part in self.parts))

    @cached_property
    def codes(self) -> dict[str, str]:
        """By signal, under which name its rows count."""
        return {**{name: name for name in self.signals}, **{base_of(code): code for code in self.once}}

    def counts(self, row: EvidenceRow) -> bool:
        """Whether an event is one of the channel's: of its signals, and the first of its happening."""
        code = self.codes.get(row.signal)
        return row.household == self.household and (code == row.signal or code in row.once)


@dataclass(frozen=True)
class Measure:
    """What is asked of a channel's events. `said` is a label with {many} and {window} to fill in."""

    name: str
    code: int
    formula: str
    said: str
    windowed: bool = False


CHANGE_RECENT, CHANGE_BEFORE = 90, 365
"""`change` sets the last 90 days against the 365 days before them."""
REPEAT_WINDOW = 365
"""Repeats are looked for within the last year."""

NIGHT = (22, 6)
"""Night is from 22:00 to 06:00, local time."""

(
    COUNT,
    DAYS_SINCE,
    DAYS_SINCE_FIRST,
    DAYS,
    REPEATS_7,
    REPEATS_28,
    GAP_MEAN,
    GAP_SPREAD,
    NIGHT_SHARE,
    WEEKEND_SHARE,
    CHANGE,
    SIGNALS,
    AGENCIES,
    AMOUNT_SUM,
    AMOUNT_MAX,
    AMOUNT_MEAN,
    AMOUNT_LATEST,
    IS_OPEN,
    DAYS_OPEN,
    AFTER,
) = range(20)

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("count", COUNT, "n(w)", "{many} in the last {window} days", windowed=True),
        Measure(
            "days_since",
            DAYS_SINCE,
            "T - the latest moment of an event of the window, in days; NaN if there is none",
            "days since the latest of {many}",
        ),
        Measure(
            "days_since_first",
            DAYS_SINCE_FIRST,
            "T - the first moment of an event of the window, in days; NaN if there is none",
            "days since the first of {many} in the last {window} days",
        ),
        Measure(
            "days",
            DAYS,
            "number of different days with an event of the window",
            "days with {many} in the last {window} days",
            windowed=True,
        ),
        Measure(
            "repeats_7",
            REPEATS_7,
            "events of the window with another of the same signal in it no more than 7 days before",
            "{many} that came within 7 days of the one before, in the last {window} days",
        ),
        Measure(
            "repeats_28",
            REPEATS_28,
            "events of the window with another of the same signal in it no more than 28 days before",
            "{many} that came within 28 days of the one before, in the last {window} days",
        ),
        Measure(
            "gap_mean",
            GAP_MEAN,
            "mean of the gaps in the window, in days; NaN with fewer than two events",
            "days between one and the next of {many} in the last {window} days, on average",
        ),
        Measure(
            "gap_spread",
            GAP_SPREAD,
            "standard deviation of the gaps in the window (over their number), in days; NaN with fewer "
            "than two gaps",
            "how much the days between one and the next of {many} vary",
        ),
        Measure(
            "night_share",
            NIGHT_SHARE,
            "share at night among the window's events with a time; NaN if there are none",
            "share of {many} at night in the last {window} days",
        ),
        Measure(
            "weekend_share",
            WEEKEND_SHARE,
            "share on a Saturday or Sunday among the window's events; NaN if there are none",
            "share of {many} at the weekend in the last {window} days",
        ),
        Measure(
            "change",
            CHANGE,
            "n(90) - (n(455) - n(90)) * 90 / 365, over the sources that cover the 455 days",
            "{many} in the last 90 days against the person's own year before",
        ),
        Measure(
            "signals",
            SIGNALS,
            "number of different signals with n(w) > 0",
            "different kinds of {many} in the last {window} days",
            windowed=True,
        ),
        Measure(
            "agencies",
            AGENCIES,
            "number of different sources with n(w) > 0",
            "agencies with {many} in the last {window} days",
            windowed=True,
        ),
        Measure(
            "amount_sum",
            AMOUNT_SUM,
            "sum of a(w); NaN if there are events and none gives its amount",
            "{many} in the last {window} days: {unit} in all",
            windowed=True,
        ),
        Measure(
            "amount_max",
            AMOUNT_MAX,
            "maximum of a(w); NaN if there is none",
            "{many} in the last {window} days: {unit} at most",
            windowed=True,
        ),
        Measure(
            "amount_mean",
            AMOUNT_MEAN,
            "mean of a(w); NaN if there is none",
            "{many} in the last {window} days: {unit} on average",
            windowed=True,
        ),
        Measure(
            "amount_latest",
            AMOUNT_LATEST,
            "the amount of the window's latest event that gives one, the greatest of those of one "
            "moment; NaN if there is none",
            "{many}: {unit} at the last",
        ),
        Measure(
            "open",
            IS_OPEN,
            "number of spells, begun at any time before T, that have not ended by T",
            "{many} that are open",
        ),
        Measure(
            "days_open",
            DAYS_OPEN,
            "T - the first day of the spell that has been open longest, in days; NaN if none is open",
            "days for which {many} have been open",
        ),
        Measure(
            "after",
            AFTER,
            "events of the window on a day that comes 1 to `within` days after a day with an event of "
            "the channel `after` in the window; NaN unless both channels are covered or there is one",
            "{many} within {within} days after {after}, in the last {window} days",
        ),
    )
}


@dataclass(frozen=True)
class EvidenceRow:
    """An event behind a reason, usable on the as-of date.

    watched_from: the day from which silence about this person in this source means that nothing
    happened, as far as the catalogue looks back. once: the names under which it is the first of its
    happening; see `features.happenings`.
    """

    event_id: str
    source: str
    signal: str
    household: bool
    occurred_on: date
    occurred_at: datetime
    ended_on: date | None
    amount: float | None
    watched_from: date
    once: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feature:
    """A number about a person on a date. `channel` and `measure` are names; window is in days.

    after, within: of a sequence only, the channel that comes first and the days that may lie between.
    """

    name: str
    channel: str
    measure: str
    window: int
    after: str = ""
    within: int = 0

    @property
    def formula(self) -> str:
        """How it is computed, in the notation of this module; w is `window`."""
        return MEASURES[self.measure].formula

    def title(self, channel: Channel, first: Channel | None = None) -> str:
        """What it is, as a label: 'missing episodes in the last 90 days'. first: of a sequence, the
        channel `after`."""
        return said(MEASURES[self.measure], channel, self.window, first=first, within=self.within)

    def evidence(
        self, channel: Channel, rows: Iterable[EvidenceRow], as_of: date, first: Channel | None = None
    ) -> list[EvidenceRow]:
        """Those of a person's usable rows that the value is made of; of a sequence, the events that
        came first too, in the order of `rows`."""
        rows, today = list(rows), asof.day_number(as_of)
        if first is not None:
            behind = {row for rows in self.followed(channel, first, rows, as_of) for row in rows}
            return [row for row in rows if row in behind]
        if self.measure in ("open", "days_open"):
            return [row for row in _of(channel, rows) if _is_open(row, today)]
        return [row for row in _of(channel, rows) if _within(row, today, self.window)]

    def followed(
        self, channel: Channel, first: Channel, rows: Iterable[EvidenceRow], as_of: date
    ) -> tuple[list[EvidenceRow], list[EvidenceRow]]:
        """Of a sequence: the events of `first` that were followed in time, and those that followed."""
        today = asof.day_number(as_of)
        there = [row for row in rows if _within(row, today, self.window)]
        starts, ends = _of(first, there), _of(channel, there)

        def pair(start: EvidenceRow, end: EvidenceRow) -> bool:
            return 1 <= (end.occurred_on - start.occurred_on).days <= self.within

        return (
            [start for start in starts if any(pair(start, end) for end in ends)],
            [end for end in ends if any(pair(start, end) for start in starts)],
        )


def _of(channel: Channel, rows: Iterable[EvidenceRow]) -> list[EvidenceRow]:
    return [row for row in rows if channel.counts(row)]


def _within(row: EvidenceRow, today: int, window: int) -> bool:
    return bool(asof.in_window(asof.day_number(row.occurred_on), today, window))


def _is_open(row: EvidenceRow, today: int) -> bool:
    end = asof.OPEN if row.ended_on is None else asof.day_number(row.ended_on)
    return bool(asof.is_open(asof.day_number(row.occurred_on), end, today))


def said(
    measure: Measure, channel: Channel, window: int, *, first: Channel | None = None, within: int = 0
) -> str:
    """A measure's label for a channel; first, within: of a sequence, what came before and how long."""
    return measure.said.format(
        many=channel.label,
        unit=channel.unit or "amount",
        window=window,
        within=within,
        after=first.label if first is not None else "",
    )
