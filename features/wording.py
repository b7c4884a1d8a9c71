"""How what happened is said on Monday morning, in a line that a colleague could have written.

    3 missing episodes in the last 90 days, the latest 6 days ago; none in the year before
    the household's 2 rent arrears letters in the last 30 days, the latest yesterday; 1 in the year before
    child in need plan open since 4 January 2026 (5 months)
    7 events from 3 agencies in the last 90 days (4 police incidents, 2 absences, 1 missing episode), …

The window said is the shortest that holds at least half of the year's events. What is said of the
time before is said only where we would have known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from features import asof
from features.feature import Channel, EvidenceRow

WINDOWS = (30, 90, 180, 365, 730)
YEAR = 365

ADDS_UP = ("sessions", "days", "nights", "hours", "minutes")
"""Units of which the sum says most; of others, such as a debt, the latest does."""

_MOST_KINDS = 3
_LONG_SPELL = 7


def sentence(channel: Channel, rows: Sequence[EvidenceRow], as_of: date) -> str:
    """What happened to a person in a channel, from rows usable on `as_of`.

    rows may hold other channels' events; they are left out. Raises ValueError if none is left:
    nothing is said of nothing.
    """
    mine = sorted(
        (r for r in rows if r.signal in channel.signals and r.household == channel.household),
        key=lambda row: (row.occurred_at, row.event_id),
    )
    today = asof.day_number(as_of)
    still_open = [row for row in mine if _is_open(channel, row, today)]
    recent = [row for row in mine if _within(row, today, WINDOWS[-1])]
    if still_open and channel.kind == "signal":
        return _owned(channel, _open_spell(channel, still_open, recent, as_of), count=len(still_open))
    if not recent:
        raise ValueError(f"no event of {channel.name} in the last {WINDOWS[-1]} days to say anything of")
    window = telling_window([asof.day_number(row.occurred_on) for row in recent], today)
    told = [row for row in recent if _within(row, today, window)]
    said = _what(channel, told, window) + _amounts(channel, told) + _when(told, as_of)
    return _owned(channel, said + _before(recent, mine, window, as_of), count=len(told))


def telling_window(days: Sequence[int], as_of: int) -> int:
    """The shortest window holding at least half of the last year's events (day numbers); the longest
    if there is none in that year."""
    year = sum(asof.in_window(day, as_of, YEAR) for day in days)
    for window in WINDOWS:
        held = sum(asof.in_window(day, as_of, window) for day in days)
        if year and 2 * held >= year:
            return window
    return WINDOWS[-1]


def _within(row: EvidenceRow, today: int, window: int) -> bool:
    return bool(asof.in_window(asof.day_number(row.occurred_on), today, window))


def _is_open(channel: Channel, row: EvidenceRow, today: int) -> bool:
    if not any(part.spell for part in channel.parts if part.name == row.signal):
        return False
    end = asof.OPEN if row.ended_on is None else asof.day_number(row.ended_on)
    return bool(asof.is_open(asof.day_number(row.occurred_on), end, today))


def _owned(channel: Channel, said: str, *, count: int) -> str:
    return f"the household's {said}" if channel.household else said


def _what(channel: Channel, told: Sequence[EvidenceRow], window: int) -> str:
    """'3 missing episodes in the last 90 days'; of one, how long ago says it better."""
    if channel.kind == "signal":
        many = counted(len(told), channel.one, channel.many)
        return many if len(told) == 1 else f"{many} {window_words(window)}"
    agencies = {row.source for row in told}
    what = counted(len(told), channel.one, channel.many)
    if channel.kind == "all":
        what = f"{what} from {counted(len(agencies), 'agency', 'agencies')}"
    elif channel.kind == "theme" and len(agencies) > 1:
        what = f"{what} from {len(agencies)} agencies"
    return f"{what} {window_words(window)} ({_kinds(channel, told)})"


def _kinds(channel: Channel, told: Sequence[EvidenceRow]) -> str:
    """The commonest signals of a broad channel: '4 police incidents, 2 absences and 3 others'."""
    words = {part.name: part for part in channel.parts}
    counts = Counter(row.signal for row in told)
    order = sorted(counts, key=lambda signal: (-counts[signal], signal))
    said = [counted(counts[s], words[s].one, words[s].many) for s in order[:_MOST_KINDS]]
    others = sum(counts[s] for s in order[_MOST_KINDS:])
    return ", ".join(said) + (f" and {counted(others, 'other', 'others')}" if others else "")


def _amounts(channel: Channel, told: Sequence[EvidenceRow]) -> str:
    given = [row.amount for row in told if row.amount is not None]
    if channel.unit is None or not given:
        return ""
    if channel.unit in ADDS_UP:
        return f", {amount_words(sum(given), channel.unit)} in all"
    return f", {amount_words(given[-1], channel.unit)}" + (" at the last" if len(told) > 1 else "")


def _when(told: Sequence[EvidenceRow], as_of: date) -> str:
    """', the latest 6 days ago'; of a single long spell, when it began and ended."""
    latest = told[-1]
    if len(told) > 1:
        return f", the latest {ago(latest.occurred_on, as_of)}"
    if latest.ended_on is not None and (latest.ended_on - latest.occurred_on).days >= _LONG_SPELL:
        return f", begun {ago(latest.occurred_on, as_of)} and ended {ago(latest.ended_on, as_of)}"
    return f", {ago(latest.occurred_on, as_of)}"


def _before(recent: Sequence[EvidenceRow], mine: Sequence[EvidenceRow], window: int, as_of: date) -> str:
    """'; none in the year before', where we would have known of one."""
    start = as_of - timedelta(days=window)
    if any(row.watched_from > start - timedelta(days=YEAR) for row in recent):
        return ""
    edge = asof.day_number(start)
    before = sum(asof.in_window(asof.day_number(row.occurred_on), edge, YEAR) for row in mine)
    return f"; {before or 'none'} in the year before"


def _open_spell(
    channel: Channel, still_open: Sequence[EvidenceRow], recent: Sequence[EvidenceRow], as_of: date
) -> str:
    """'child in need plan open since 4 January 2026 (5 months); 2 others in the last two years'."""
    first = still_open[0].occurred_on
    since = f"open since {day_words(first)} ({span((as_of - first).days)})"
    others = len([row for row in recent if row not in still_open])
    if len(still_open) == 1:
        said = f"{channel.one} {since}"
    else:
        said = f"{len(still_open)} {channel.many} open, the first since {day_words(first)}"
    given = [row.amount for row in still_open if row.amount is not None]
    if channel.unit is not None and given:
        said += f", {amount_words(given[-1], channel.unit)}"
    return f"{said}; {counted(others, 'other', 'others')} in the last two years" if others else said


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
    """A length of time in the unit that says it best: '1 day', '12 days', '5 months', '2 years'."""
    if days < 90:
        return counted(days, "day", "days")
    months = round(days * 12 / 365.25)
    return f"{months} months" if months < 24 else counted(round(months / 12), "year", "years")


def amount_words(amount: float, unit: str) -> str:
    """'£412', '£9.50', '14 sessions', '1 session', '72.5 points'."""
    if unit == "£":
        return f"£{amount:,.2f}" if amount < 10 and amount != int(amount) else f"£{amount:,.0f}"
    number = f"{amount:,.1f}".removesuffix(".0")
    return f"{number} {unit.removesuffix('s') if amount == 1 else unit}"
