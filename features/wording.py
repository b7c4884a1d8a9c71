"""How what happened is said on Monday morning, in a line that a colleague could have written.

    3 missing episodes in the last 90 days, the latest 6 days ago; none in the year before
    the household's 2 rent arrears letters in the last 30 days, the latest yesterday (£412)
    child in need plan open since 4 January 2026 (5 months)
    the household's spell of council tax arrears open since 3 March 2025 (15 months; £412)
    7 events from 3 agencies in the last 90 days (4 police incidents, 2 absences and 1 other), …
    …; 2 in the last year within 90 days after the household's council tax reminders
    somebody they live with had 2 missing episodes in the last 90 days, the latest 6 days ago

The window said is the shortest that holds at least half of the year's events and, of contact across
agencies, events of two of them. What is said of the time before is said only where we would have known,
and never of somebody else: what happened to those a person lives with is said with no amount, no place
and no name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date

from features import asof
from features.feature import Channel, EvidenceRow, Feature

WINDOWS = (30, 90, 180, 365, 730)
YEAR = 365

ADDS_UP = ("sessions", "days", "nights", "hours", "minutes")
"""Units of which the sum says most; of others, such as a debt, the latest does."""

MOST_KINDS = 3
"""So many kinds of event are named where a channel spans several."""
LONG_SPELL = 7
"""A spell of so many days is said with its end."""


def sentence(
    channel: Channel, rows: Sequence[EvidenceRow], as_of: date, *, stale: Collection[str] = ()
) -> str:
    """The words alone of `telling`."""
    return telling(channel, rows, as_of, stale=stale)[0]


def telling(
    channel: Channel, rows: Sequence[EvidenceRow], as_of: date, *, stale: Collection[str] = ()
) -> tuple[str, list[EvidenceRow]]:
    """What happened to a person in a channel, from rows usable on `as_of`; no full stop, no capital.

    rows may hold other channels' events; they are left out. stale: sources whose silence says nothing
    now; where the channel has one, nothing is said of the time before. With it the rows that it tells, those
    of the year before, with which it only compares, left out. Raises ValueError if no row is left: nothing
    is said of nothing.
    """
    mine = sorted(
        (row for row in rows if channel.counts(row)),
        key=lambda row: (row.occurred_at, row.event_id),
    )
    today = asof.day_number(as_of)
    recent = [row for row in mine if _within(row, today, WINDOWS[-1])]
    still_open = [row for row in mine if _is_open(channel, row, today)]
    whose = _whose(channel)
    if still_open and channel.kind == "signal":
        told = [row for row in mine if row in still_open or row in recent]
        return whose + _open_spell(channel, still_open, recent, as_of), told
    if not mine:
        raise ValueError(f"no event of {channel.name} is there to say anything of")
    if not recent:
        return whose + _what(channel, mine, "more than two years ago") + _when(channel, mine, as_of), mine
    window = telling_window([asof.day_number(row.occurred_on) for row in recent], today)
    if channel.kind == "all":
        window = max(window, _two_agencies(recent, today))
    told = [row for row in recent if _within(row, today, window)]
    what = _what(channel, told, window_words(window))
    knows_before = not channel.association and set(channel.sources).isdisjoint(stale)
    before = _before(mine, window, today) if knows_before else ""
    return whose + what + _when(channel, told, as_of) + before, told


def followed(feature: Feature, channel: Channel, first: Channel, rows: Sequence[EvidenceRow]) -> str:
    """What a sequence adds to the sentence of `channel`; rows: the events that followed.

    '2 in the last year within 90 days after the household's council tax reminders'
    """
    before = "another" if first.name == channel.name else first.label
    window = window_words(feature.window)
    return f"{len(rows):,} {window} within {counted(feature.within, 'day', 'days')} after {before}"


def telling_window(days: Sequence[int], as_of: int) -> int:
    """The shortest window holding at least half of the last year's events (day numbers); the longest
    if there is none in that year."""
    year = sum(asof.in_window(day, as_of, YEAR) for day in days)
    for window in WINDOWS:
        held = sum(asof.in_window(day, as_of, window) for day in days)
        if year and 2 * held >= year:
            return window
    return WINDOWS[-1]


def _two_agencies(rows: Sequence[EvidenceRow], today: int) -> int:
    """The shortest window holding events of two agencies; the shortest of all if there is one agency."""
    for window in WINDOWS:
        if len({row.source for row in rows if _within(row, today, window)}) > 1:
            return window
    return WINDOWS[0]


def _whose(channel: Channel) -> str:
    if channel.association:
        return "somebody they live with had "
    return "the household's " if channel.household else ""


def _within(row: EvidenceRow, today: int, window: int) -> bool:
    return bool(asof.in_window(asof.day_number(row.occurred_on), today, window))


def _is_open(channel: Channel, row: EvidenceRow, today: int) -> bool:
    if not any(part.spell for part in channel.parts if part.name == row.signal):
        return False
    end = asof.OPEN if row.ended_on is None else asof.day_number(row.ended_on)
    return bool(asof.is_open(asof.day_number(row.occurred_on), end, today))


def _what(channel: Channel, told: Sequence[EvidenceRow], period: str) -> str:
    """'3 missing episodes in the last 90 days'. Of a single event, how long ago says it better."""
    if len(told) == 1:
        one = next(part.one for part in channel.parts if part.name == told[0].signal)
        return one if channel.household else f"1 {one}"
    what = counted(len(told), channel.one, channel.many)
    agencies = len({row.source for row in told})
    if agencies > 1:
        what += f" from {agencies} agencies"
    what += f" {period}"
    if channel.kind != "signal":
        return f"{what} ({_kinds(channel, told)})"
    amount = sum(row.amount or 0 for row in told)
    if channel.unit in ADDS_UP and amount:
        return f"{what} ({amount_words(amount, channel.unit)} in all)"
    return what


def _kinds(channel: Channel, told: Sequence[EvidenceRow]) -> str:
    """The commonest signals of a broad channel: '4 police incidents, 2 absences and 3 others'."""
    words = {part.name: part for part in channel.parts}
    counts = Counter(row.signal for row in told)
    order = sorted(counts, key=lambda signal: (-counts[signal], signal))
    said = [counted(counts[s], words[s].one, words[s].many) for s in order[:MOST_KINDS]]
    others = sum(counts[s] for s in order[MOST_KINDS:])
    return ", ".join(said) + (f" and {counted(others, 'other', 'others')}" if others else "")


def _when(channel: Channel, told: Sequence[EvidenceRow], as_of: date) -> str:
    """', the latest 6 days ago (£412)'; of a single long spell, when it began and ended."""
    latest = told[-1]
    said = f", {ago(latest.occurred_on, as_of)}"
    if len(told) > 1:
        said = f", the latest {ago(latest.occurred_on, as_of)}"
    elif latest.ended_on is not None and (latest.ended_on - latest.occurred_on).days >= LONG_SPELL:
        said = f", begun {ago(latest.occurred_on, as_of)} and ended {ago(latest.ended_on, as_of)}"
    summed = channel.unit in ADDS_UP and len(told) > 1
    if channel.unit is not None and latest.amount and not summed:
        said += f" ({amount_words(latest.amount, channel.unit)})"
    return said


def _before(mine: Sequence[EvidenceRow], window: int, today: int) -> str:
    """'; none in the year before', where we would have known of one."""
    for row in mine:
        if not asof.spans_window(asof.day_number(row.watched_from), today, window + YEAR):
            return ""
    before = sum(_within(row, today - window, YEAR) for row in mine)
    return f"; {before or 'none'} in the year before"


def _open_spell(
    channel: Channel, still_open: Sequence[EvidenceRow], recent: Sequence[EvidenceRow], as_of: date
) -> str:
    """'child in need plan open since 4 January 2026 (5 months); 2 others in the last two years'."""
    first = still_open[0].occurred_on
    amount = sum(row.amount or 0 for row in still_open)
    owed = amount_words(amount, channel.unit) if channel.unit == "£" and amount else ""
    others = len([row for row in recent if row not in still_open])
    if len(still_open) == 1:
        length = span((as_of - first).days) + (f"; {owed}" if owed else "")
        said = f"{channel.one} open since {day_words(first)} ({length})"
    else:
        said = f"{len(still_open)} {channel.many} open, the first since {day_words(first)}"
        said += f" ({owed} in all)" if owed else ""
    return f"{said}; {counted(others, 'other', 'others')} in the last two years" if others else said


def association_words(channels: Sequence[Channel], within: int) -> str:
    """What a page says of itself where other people's events count: whose, which, for how long."""
    kinds = ", ".join(channel.many for channel in channels)
    days = counted(within, "day", "days")
    return f"What happened to somebody a person lives with counts for that person too, for {days}: {kinds}."


def counted(n: int, one: str, many: str) -> str:
    """A number of things: '1 missing episode', '3 missing episodes', '1,204 absences'."""
    return f"{n:,} {one if n == 1 else many}"


def window_words(window: int) -> str:
    """'in the last 90 days', 'in the last year', 'in the last two years'."""
    return {365: "in the last year", 730: "in the last two years"}.get(window, f"in the last {window} days")


def day_words(day: date) -> str:
    """A date as it is said: '4 January 2026'."""
    return f"{day.day} {day:%B %Y}"


def ago(day: date, as_of: date) -> str:
    """How long before `as_of` a day was: 'today', 'yesterday', '6 days ago', 'about 5 months ago'."""
    days = (as_of - day).days
    if days < 0:
        return f"on {day_words(day)}"
    if days < 2:
        return ("today", "yesterday")[days]
    if days < 90:
        return f"{days} days ago"
    return f"about {span(days)} ago"


def span(days: int) -> str:
    """A length of time in the unit that says it best: '1 day', '12 days', '5 months', '2½ years'."""
    if days < 90:
        return counted(days, "day", "days")
    months, halves = round(days * 12 / 365.25), round(days * 2 / 365.25)
    if months < 24:
        return f"{months} months"
    return f"{halves // 2}{'½' if halves % 2 else ''} years"


def amount_words(amount: float, unit: str) -> str:
    """'£412', '£9.50', '14 sessions', '1 session', '72.5 points'."""
    if unit == "£":
        return f"£{amount:,.2f}" if amount < 10 and amount != int(amount) else f"£{amount:,.0f}"
    number = f"{amount:,.1f}".removesuffix(".0")
    return f"{number} {unit.removesuffix('s') if amount == 1 else unit}"
