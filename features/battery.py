"""The battery of a channel: which measures are taken of it, over which windows.

What is declared decides: amounts where a unit says what they count, spells where a signal has an end,
hours where some extract gives a time. A column that could only be empty is never made. Nor is one of an
amount that is overwritten: history has none, so that a model would learn of nothing but gaps there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.declaration import Source
from features.feature import CHANGE_BEFORE, CHANGE_RECENT, REPEAT_WINDOW, Channel, Feature

YEAR = 365


def battery(
    channel: Channel, windows: Sequence[int], *, timed: frozenset[str], overwritten: frozenset[str]
) -> Iterator[Feature]:
    """The features of a channel. Amounts and distinct counts take every other window: they move little.

    windows: days, ascending. timed: signals of which some event gives its time. overwritten: signals
    whose amount is.
    """
    longest = windows[-1]
    year = min(YEAR, longest)
    every_other = windows[1::2] or windows

    def over(measure: str, *days: int) -> Iterator[Feature]:
        for window in days:
            yield Feature(f"{channel.name}.{measure}_{window}", channel.name, measure, window)

    def one(measure: str, window: int) -> Feature:
        return Feature(f"{channel.name}.{measure}", channel.name, measure, window)

    broad = channel.kind != "signal"
    yield from over("count", *windows)
    yield one("days_since", longest)
    if broad:
        yield one("repeats_7", min(REPEAT_WINDOW, longest))
    yield one("repeats_28", min(REPEAT_WINDOW, longest))
    if longest >= CHANGE_RECENT + CHANGE_BEFORE:
        yield one("change", CHANGE_RECENT + CHANGE_BEFORE)
    if broad:
        yield from over("days", year)
        yield one("gap_mean", longest)
        yield one("gap_spread", longest)
        if not timed.isdisjoint(channel.signals):
            yield one("night_share", year)
            yield one("weekend_share", year)
        yield from over("signals", *every_other)
        if len(channel.sources) > 1:
            yield from over("agencies", *every_other)
        return
    yield one("days_since_first", longest)
    if channel.parts[0].spell:
        yield one("open", longest)
        yield one("days_open", longest)
    if channel.unit is not None and overwritten.isdisjoint(channel.signals):
        for measure in ("amount_sum", "amount_max", "amount_mean"):
            yield from over(measure, *every_other)
        yield one("amount_latest", longest)


def association_battery(channel: Channel, windows: Sequence[int], *, within: int) -> Iterator[Feature]:
    """How often and how lately, for what happened to others: they reach back `within` days and no more."""
    for window in [window for window in windows if window <= within] or [within]:
        yield Feature(f"{channel.name}.count_{window}", channel.name, "count", window)
    yield Feature(f"{channel.name}.days_since", channel.name, "days_since", within)


def timed_signals(sources: Sequence[Source]) -> frozenset[str]:
    """Signals with an event rule that gives a time: a column of its own, or a date and time in one."""
    return frozenset(
        f"{source.source}.{rule.signal}"
        for source in sources
        for extract in source.extracts.values()
        for rule in extract.events
        if rule.time is not None
        or (rule.occurred in extract.columns and extract.columns[rule.occurred].type == "datetime")
    )


def overwritten_amounts(sources: Sequence[Source]) -> frozenset[str]:
    """Signals with an event rule whose amount stands in an overwritten column."""
    return frozenset(
        f"{source.source}.{rule.signal}"
        for source in sources
        for extract in source.extracts.values()
        for rule in extract.events
        if rule.amount in extract.overwritten
    )
