"""A feature: one object that knows how it is computed, how it is said, and what its evidence is.

A feature is a *measure* of a *channel* over a *window*. A channel is a set of signals: one signal
by itself, an agency's, those of one Supporting Families outcome, all of them, or all that reach a
person through the dwelling they live in. What happened in a dwelling (a shared signal) is only ever
in a household channel, and what happened to a person never is.

Notation of the formulas: T is the as-of date; n(w) the number of the channel's usable events in the
window [T - w, T); a(w) their known amounts. A value is NaN unless silence would mean that nothing
happened: some source of the channel covers the whole window and, where it is a register, held the
person on a day in it. An event that is there always counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from features import asof

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


@dataclass(frozen=True)
class Channel:
    """Signals that are counted together, and how they are said together.

    theme: the outcome they are about, where it is one and the same for all of them.
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

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.source for part in self.parts))


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

COUNT, DAYS_SINCE, REPEATS_7, REPEATS_28, CHANGE, SIGNALS, AGENCIES = range(7)
AMOUNT_SUM, AMOUNT_MAX, AMOUNT_MEAN, AMOUNT_LATEST, IS_OPEN, DAYS_OPEN = range(7, 13)

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("count", COUNT, "n(w)", "{many} in the last {window} days", windowed=True),
        Measure(
            "days_since",
            DAYS_SINCE,
            "T - the latest day of an event in the window, in days; NaN if there is none",
            "days since the latest of {many}",
        ),
        Measure(
            "repeats_7",
            REPEATS_7,
            "events in the window that follow another of the same signal in it within 7 days",
            "{many} that came within 7 days of the one before, in the last {window} days",
        ),
        Measure(
            "repeats_28",
            REPEATS_28,
            "events in the window that follow another of the same signal in it within 28 days",
            "{many} that came within 28 days of the one before, in the last {window} days",
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
            "the amount of the latest event of the window that gives one; NaN if there is none",
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
    )
}


@dataclass(frozen=True)
class EvidenceRow:
    """An event behind a reason, usable on the as-of date.

    watched_from: the day from which silence about this person in this source means that nothing
    happened, as far as the catalogue looks back.
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


@dataclass(frozen=True)
class Feature:
    """A number about a person on a date. `channel` and `measure` are names; window is in days."""

    name: str
    channel: str
    measure: str
    window: int

    @property
    def formula(self) -> str:
        """How it is computed, in the notation of this module; w is `window`."""
        return MEASURES[self.measure].formula

    def title(self, channel: Channel) -> str:
        """What it is, as a label: 'missing episodes in the last 90 days'."""
        return said(MEASURES[self.measure], channel, self.window)

    def evidence(self, channel: Channel, rows: Iterable[EvidenceRow], as_of: date) -> list[EvidenceRow]:
        """Those of a person's usable rows that the value is made of."""
        signals, today = set(channel.signals), asof.day_number(as_of)
        spells = self.measure in ("open", "days_open")

        def counts(row: EvidenceRow) -> bool:
            day = asof.day_number(row.occurred_on)
            if spells:
                end = asof.OPEN if row.ended_on is None else asof.day_number(row.ended_on)
                return asof.is_open(day, end, today)
            return asof.in_window(day, today, self.window)

        return [r for r in rows if r.signal in signals and r.household == channel.household and counts(r)]


def said(measure: Measure, channel: Channel, window: int) -> str:
    """A measure's label for a channel: the household's are said to be the household's."""
    many = f"the household's {channel.many}" if channel.household else channel.many
    return measure.said.format(many=many, unit=channel.unit or "amount", window=window)
