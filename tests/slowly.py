"""The formulas of `features/feature.py`, read slowly: plain Python that imports nothing from the project.

The kernel is held to it, so it is written to be checked by eye against the formulas, one function a
measure. Days are dates, times are naive local minutes of the day, and nothing is quick.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

NAN = math.nan
DAY = timedelta(days=1)


class Event(NamedTuple):
    """A row that reaches a person. No minute = no time; no known_until = it stands."""

    person: str
    signal: str
    occurred: date
    known_on: date
    minute: int | None = None
    ended: date | None = None
    amount: float | None = None
    known_until: date | None = None


class Held(NamedTuple):
    """What a register says: it held the person, or their dwelling, from `start` until before `end`."""

    person: str
    source: str
    household: bool
    start: date
    end: date | None
    known_on: date
    known_until: date | None = None


class Asked(NamedTuple):
    """A feature. A channel is its signals with their sources, and whether it is the household's."""

    measure: str
    window: int
    channel: dict[str, str]
    household: bool = False
    after: dict[str, str] | None = None
    after_household: bool = False
    within: int = 0


class Reading(NamedTuple):
    """What a formula reads: one channel of one person, on one date, over one window."""

    today: date
    ever: list[Event]  # the channel's usable events, at any time before today
    events: list[Event]  # those of the window
    sources: dict[str, str]  # signal → source
    covering: set[str]  # sources whose silence would mean that nothing happened


def slowly(
    events: list[Event],
    held: list[Held],
    asked: list[Asked],
    covers: dict[str, tuple[date, bool]],
    today: date,
    longest: int,
    everything: set[str],
) -> dict[str, list[float]]:
    """Person → values, for everybody with a usable event of `everything` in the longest window.

    covers: source → (from when it covers, whether it is a register).
    """
    found = {}
    usable = [e for e in events if e.signal in everything and known(e, today) and e.occurred < today]
    for person in sorted({e.person for e in usable if in_window(e.occurred, today, longest)}):
        mine = [e for e in usable if e.person == person]
        rolls = [h for h in held if h.person == person and known(h, today)]

        def reading(
            channel: dict[str, str], household: bool, window: int, mine: list = mine, rolls: list = rolls
        ) -> Reading:
            ever = [e for e in mine if e.signal in channel]
            there = [e for e in ever if in_window(e.occurred, today, window)]
            covering = {
                source
                for source in set(channel.values())
                if silence_means_nothing(*covers[source], source, rolls, household, today, window)
            }
            return Reading(today, ever, there, channel, covering)

        row = []
        for a in asked:
            r = reading(a.channel, a.household, a.window)
            if a.measure == "after":
                assert a.after is not None
                row.append(after(r, reading(a.after, a.after_household, a.window), a.within))
            else:
                row.append(float(MEASURES[a.measure](r)))
        found[person] = row
    return found


# What counts, and what its absence means.


def known(row: Event | Held, today: date) -> bool:
    return row.known_on < today and (row.known_until is None or today <= row.known_until)


def in_window(day: date, today: date, window: int) -> bool:
    return today - window * DAY <= day < today


def silence_means_nothing(
    covers_from: date,
    register: bool,
    source: str,
    rolls: list[Held],
    household: bool,
    today: date,
    window: int,
) -> bool:
    """The source covers every day of the window and, if it is a register, held the person on one."""
    if covers_from > today - window * DAY:
        return False
    mine = [h for h in rolls if h.source == source and (household or not h.household)]
    return not register or any(holds(h, today - back * DAY) for h in mine for back in range(1, window + 1))


def holds(h: Held, day: date) -> bool:
    return h.start <= day and (h.end is None or day < h.end)


def known_zero(number: float, r: Reading) -> float:
    """A number of events: an event that is there always counts, none only where we would have known."""
    return number if number or r.covering else NAN


def moment(e: Event) -> datetime:
    """Its time, or the start of its day."""
    return datetime.combine(e.occurred, time()) + timedelta(minutes=e.minute or 0)


def moments(r: Reading) -> list[datetime]:
    return sorted(moment(e) for e in r.events)


def days_ago(then: datetime, r: Reading) -> float:
    return (datetime.combine(r.today, time()) - then) / DAY


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


# The measures.


def count(r: Reading) -> float:
    return known_zero(len(r.events), r)


def days_since(r: Reading) -> float:
    return days_ago(max(moments(r)), r) if r.events else NAN


def days_since_first(r: Reading) -> float:
    return days_ago(min(moments(r)), r) if r.events else NAN


def days(r: Reading) -> float:
    return known_zero(len({e.occurred for e in r.events}), r)


def repeats(r: Reading, most: timedelta) -> float:
    found = 0
    for signal in {e.signal for e in r.events}:
        times = sorted(moment(e) for e in r.events if e.signal == signal)
        found += sum(later - earlier <= most for earlier, later in pairwise(times))
    return known_zero(found, r)


def repeats_7(r: Reading) -> float:
    return repeats(r, 7 * DAY)


def repeats_28(r: Reading) -> float:
    return repeats(r, 28 * DAY)


def gaps(r: Reading) -> list[float]:
    return [(later - earlier) / DAY for earlier, later in pairwise(moments(r))]


def gap_mean(r: Reading) -> float:
    return mean(gaps(r)) if len(r.events) >= 2 else NAN


def gap_spread(r: Reading) -> float:
    if len(gaps(r)) < 2:
        return NAN
    centre = mean(gaps(r))
    return math.sqrt(mean([(gap - centre) ** 2 for gap in gaps(r)]))


def night_share(r: Reading) -> float:
    hours = [e.minute // 60 for e in r.events if e.minute is not None]
    return mean([hour >= 22 or hour < 6 for hour in hours]) if hours else NAN


def weekend_share(r: Reading) -> float:
    return mean([e.occurred.strftime("%a") in ("Sat", "Sun") for e in r.events]) if r.events else NAN


def change(r: Reading) -> float:
    sure = [e for e in r.events if r.sources[e.signal] in r.covering]
    recent = sum(in_window(e.occurred, r.today, 90) for e in sure)
    before = sum(in_window(e.occurred, r.today, 455) for e in sure) - recent
    return recent - before * 90 / 365 if r.covering else NAN


def signals(r: Reading) -> float:
    return known_zero(len({e.signal for e in r.events}), r)


def agencies(r: Reading) -> float:
    return known_zero(len({r.sources[e.signal] for e in r.events}), r)


def amounts(r: Reading) -> list[float]:
    return [e.amount for e in r.events if e.amount is not None]


def amount_sum(r: Reading) -> float:
    if r.events:
        return math.fsum(amounts(r)) if amounts(r) else NAN
    return 0 if r.covering else NAN


def amount_max(r: Reading) -> float:
    return max(amounts(r)) if amounts(r) else NAN


def amount_mean(r: Reading) -> float:
    return mean(amounts(r)) if amounts(r) else NAN


def amount_latest(r: Reading) -> float:
    given = [(moment(e), e.amount) for e in r.events if e.amount is not None]
    return max(given)[1] if given else NAN


def spells(r: Reading) -> list[Event]:
    return [e for e in r.ever if e.ended is None or e.ended >= r.today]


def is_open(r: Reading) -> float:
    return known_zero(len(spells(r)), r)


def days_open(r: Reading) -> float:
    return (r.today - min(e.occurred for e in spells(r))).days if spells(r) else NAN


def after(r: Reading, first: Reading, within: int) -> float:
    starts = {e.occurred for e in first.events}
    found = sum(any(1 <= (e.occurred - start).days <= within for start in starts) for e in r.events)
    return found if found or (r.covering and first.covering) else NAN


MEASURES: dict[str, Callable[[Reading], float]] = {
    measure.__name__: measure
    for measure in (
        count,
        days_since,
        days_since_first,
        days,
        repeats_7,
        repeats_28,
        gap_mean,
        gap_spread,
        night_share,
        weekend_share,
        change,
        signals,
        agencies,
        amount_sum,
        amount_max,
        amount_mean,
        amount_latest,
        days_open,
    )
} | {"open": is_open}
