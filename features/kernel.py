"""The compiled pass over person-sorted rows that computes a panel; it knows nothing of agencies.

A catalogue is compiled to a `Program`, a few small integer arrays: which signals make up a channel,
which source each signal is from, and for every feature its measure, channel and window. For each
person the kernel adds up the usable rows by signal, then puts each feature together from the
signals of its channel. Signals are few and a person has events of fewer, so the features cost more
than the rows do.

Every comparison with the as-of date is one of `features.asof`. The formulas are in
`features.feature`; a slow reading of them in the tests holds the kernel to every value. Amounts
are measured on single signals only. (Numba's cache notices a change of this file, not one of the
functions it calls: after a change of `features.asof`, touch this file.)
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
from numba import njit

from features import feature as f
from features.asof import (
    OPEN,
    day_number,
    in_window,
    is_known,
    is_open,
    is_usable,
    spans_window,
    touches_window,
)
from features.catalogue import Catalogue

MINUTES = 24 * 60


class Rows(NamedTuple):
    """The rows of P people, sorted by person, day and minute. Days are day numbers; signals and
    sources are positions in the catalogue's `signals` and `sources`."""

    start: np.ndarray  # (P + 1,) int64: person i has rows start[i] to start[i + 1]
    signal: np.ndarray  # int16
    happening: np.ndarray  # int64; -1 = not shared
    occurred: np.ndarray  # int32
    minute: np.ndarray  # int16, of the day; -1 = no time
    ended: np.ndarray  # int32; OPEN = not ended
    amount: np.ndarray  # float64; NaN = none
    known_on: np.ndarray  # int32
    known_until: np.ndarray  # int32; OPEN = still stands
    held_start: np.ndarray  # (P + 1,) int64, of the register rows
    held_source: np.ndarray  # int16; -1 = not one of the catalogue's
    held_household: np.ndarray  # bool: the dwelling is held, not the person
    held_from: np.ndarray  # int32
    held_to: np.ndarray  # int32, the first day no longer held
    held_known_on: np.ndarray  # int32
    held_known_until: np.ndarray  # int32


class Program(NamedTuple):
    """A catalogue of F features, C channels, S signals, A sources and W windows as arrays.

    A slot is 2 * source + 1 for what happens in a household, + 0 for what happens to a person.
    """

    windows: np.ndarray  # (W,) int64 days, every length that a feature needs
    longest: int  # position of the longest window of the catalogue
    year: int  # position of the window in which repeats are looked for
    recent: int  # position of the 90 days of `change`
    covers_from: np.ndarray  # (A,) int64
    register: np.ndarray  # (A,) bool
    slot: np.ndarray  # (S,) int64
    channel_start: np.ndarray  # (C + 1,) int64 into channel_signal
    channel_signal: np.ndarray  # signals of each channel, those of one source together
    measure: np.ndarray  # (F,) int64
    channel: np.ndarray  # (F,) int64
    window: np.ndarray  # (F,) int64 positions in windows


class Sums(NamedTuple):
    """What a person's usable rows add up to, by signal (and window)."""

    n: np.ndarray  # (S, W) events
    given: np.ndarray  # (S, W) events that give an amount
    total: np.ndarray  # (S, W) of the amounts
    most: np.ndarray  # (S, W)
    latest: np.ndarray  # (S,) amount
    last: np.ndarray  # (S,) day of the latest event, and its minute
    last_minute: np.ndarray
    repeats_7: np.ndarray  # (S,) events that followed another within 7 days, within 28 days
    repeats_28: np.ndarray
    spells: np.ndarray  # (S,) open
    since: np.ndarray  # (S,) first day of the one that has been open longest


def compile_catalogue(catalogue: Catalogue) -> Program:
    """The arrays that tell the kernel what to compute."""
    longest = catalogue.longest
    year = min(f.REPEAT_WINDOW, longest)
    lengths = {feature.window for feature in catalogue.features}
    windows = sorted({*catalogue.windows, *lengths, year, min(f.CHANGE_RECENT, longest)})
    signals, sources = catalogue.signals, catalogue.sources
    signal_at = {name: at for at, name in enumerate(signals)}
    channel_at = {channel.name: at for at, channel in enumerate(catalogue.channels)}
    slots = np.zeros(len(signals), np.int64)
    members: list[list[int]] = []
    for channel in catalogue.channels:
        members.append([signal_at[name] for name in channel.signals])
        for part in channel.parts:
            slots[signal_at[part.name]] = 2 * sources.index(part.source) + part.shared
    return Program(
        windows=np.array(windows, np.int64),
        longest=windows.index(longest),
        year=windows.index(year),
        recent=windows.index(min(f.CHANGE_RECENT, longest)),
        covers_from=np.array([day_number(fact.covers_from) for fact in catalogue.facts], np.int64),
        register=np.array([fact.register for fact in catalogue.facts], np.bool_),
        slot=slots,
        channel_start=np.cumsum([0, *map(len, members)]).astype(np.int64),
        channel_signal=np.array([signal for member in members for signal in member], np.int64),
        measure=np.array([f.MEASURES[x.measure].code for x in catalogue.features], np.int64),
        channel=np.array([channel_at[x.channel] for x in catalogue.features], np.int64),
        window=np.array([windows.index(x.window) for x in catalogue.features], np.int64),
    )


def compute(rows: Rows, program: Program, as_of: date, household_max: int) -> tuple[np.ndarray, np.ndarray]:
    """One as-of date.

    Returns the positions of the n people with a usable row in the longest window, ascending, and
    their values, (n, F) float32 with NaN. A shared happening that reaches more than `household_max`
    people on that date reaches nobody.
    """
    today = day_number(as_of)
    usable = usable_rows(rows, today, household_max)
    people = np.flatnonzero(_seen(rows, usable, today, int(program.windows[program.longest])))
    return people, _values(rows, program, usable, people, today)


def covered_sources(rows: Rows, program: Program, as_of: date, people: np.ndarray) -> np.ndarray:
    """(n, A, 2, W) bool: whether a source covers a window for a person, [1] in the person's household.

    people: (n,) positions among the rows' people.
    """
    return _covered_each(rows, program, people.astype(np.int64), day_number(as_of))


def compile_ahead() -> None:
    """Compile for the types the kernel meets and keep the result, so that no first panel waits for it."""
    wide = {name: np.zeros(1, np.int64) for name in ("start", "happening", "held_start")}
    kinds = {"amount": np.float64, "held_household": np.bool_}
    kinds |= dict.fromkeys(("signal", "minute", "held_source"), np.int16)
    narrow: dict[str, np.ndarray] = {
        name: np.zeros(0, kinds.get(name, np.int32)) for name in Rows._fields if name not in wide
    }
    nobody = Rows(**wide, **narrow)._replace(happening=np.zeros(0, np.int64))
    whole = {name: np.zeros(1, np.int64) for name in Program._fields if name not in ("longest", "year")}
    whole |= {"channel_start": np.zeros(2, np.int64), "register": np.zeros(1, np.bool_)}
    del whole["recent"]
    program = Program(**whole, longest=0, year=0, recent=0)
    compute(nobody, program, date(2026, 1, 1), 1)
    covered_sources(nobody, program, date(2026, 1, 1), np.zeros(0, np.int64))


@njit(cache=True)
def usable_rows(rows: Rows, as_of: int, household_max: int) -> np.ndarray:
    """(rows,) bool: usable on the day number `as_of`, and reaching no more people than a household."""
    usable = np.zeros(len(rows.signal), np.bool_)
    happenings = 0
    for i in range(len(usable)):
        usable[i] = is_usable(rows.occurred[i], rows.known_on[i], rows.known_until[i], as_of)
        happenings = max(happenings, rows.happening[i] + 1)
    reached = np.zeros(happenings, np.int64)
    for i in range(len(usable)):
        if usable[i] and rows.happening[i] >= 0:
            reached[rows.happening[i]] += 1
    for i in range(len(usable)):
        if rows.happening[i] >= 0 and reached[rows.happening[i]] > household_max:
            usable[i] = False
    return usable


@njit(cache=True)
def _seen(rows: Rows, usable: np.ndarray, as_of: int, window: int) -> np.ndarray:
    """(P,) bool: a usable row lies in the window."""
    people = len(rows.start) - 1
    seen = np.zeros(people, np.bool_)
    for person in range(people):
        for i in range(rows.start[person], rows.start[person + 1]):
            if usable[i] and in_window(rows.occurred[i], as_of, window):
                seen[person] = True
                break
    return seen


@njit(cache=True)
def _cover(covered: np.ndarray, rows: Rows, program: Program, person: int, as_of: int) -> None:
    """Fill (slots, W): silence of the slot in the window means that nothing happened."""
    for source in range(len(program.register)):
        for w in range(len(program.windows)):
            spans = spans_window(program.covers_from[source], as_of, program.windows[w])
            covered[2 * source, w] = covered[2 * source + 1, w] = spans and not program.register[source]
    for i in range(rows.held_start[person], rows.held_start[person + 1]):
        source = rows.held_source[i]
        if source < 0 or not is_known(rows.held_known_on[i], rows.held_known_until[i], as_of):
            continue
        for w in range(len(program.windows)):
            window = program.windows[w]
            if spans_window(program.covers_from[source], as_of, window) and touches_window(
                rows.held_from[i], rows.held_to[i], as_of, window
            ):
                covered[2 * source + 1, w] = True
                if not rows.held_household[i]:
                    covered[2 * source, w] = True


@njit(cache=True)
def _covered_each(rows: Rows, program: Program, people: np.ndarray, as_of: int) -> np.ndarray:
    sources, windows = len(program.register), len(program.windows)
    found = np.zeros((len(people), 2 * sources, windows), np.bool_)
    for at in range(len(people)):
        _cover(found[at], rows, program, people[at], as_of)
    return found.reshape(len(people), sources, 2, windows)


@njit(cache=True)
def _values(rows: Rows, program: Program, usable: np.ndarray, people: np.ndarray, as_of: int) -> np.ndarray:
    signals, windows = len(program.slot), len(program.windows)
    covered = np.zeros((2 * len(program.register), windows), np.bool_)
    sums = Sums(
        n=np.zeros((signals, windows), np.int64),
        given=np.zeros((signals, windows), np.int64),
        total=np.zeros((signals, windows), np.float64),
        most=np.zeros((signals, windows), np.float64),
        latest=np.zeros(signals, np.float64),
        last=np.zeros(signals, np.int64),
        last_minute=np.zeros(signals, np.int64),
        repeats_7=np.zeros(signals, np.int64),
        repeats_28=np.zeros(signals, np.int64),
        spells=np.zeros(signals, np.int64),
        since=np.zeros(signals, np.int64),
    )
    values = np.empty((len(people), len(program.measure)), np.float32)
    for at in range(len(people)):
        _cover(covered, rows, program, people[at], as_of)
        _add_up(sums, rows, program, usable, people[at], as_of)
        for feature in range(len(program.measure)):
            values[at, feature] = _value(sums, covered, program, feature, as_of)
    return values


@njit(cache=True)
def _add_up(sums: Sums, rows: Rows, program: Program, usable: np.ndarray, person: int, as_of: int) -> None:
    """One person's usable rows, by signal."""
    sums.n[:], sums.given[:], sums.total[:], sums.most[:] = 0, 0, 0.0, -np.inf
    sums.repeats_7[:], sums.repeats_28[:], sums.spells[:], sums.since[:] = 0, 0, 0, OPEN
    for i in range(rows.start[person], rows.start[person + 1]):
        if not usable[i]:
            continue
        s, day, minute, amount = rows.signal[i], rows.occurred[i], rows.minute[i], rows.amount[i]
        if is_open(day, rows.ended[i], as_of):
            sums.spells[s] += 1
            sums.since[s] = min(sums.since[s], day)
        if sums.n[s, program.year] > 0:
            gap = (day - sums.last[s]) * MINUTES
            if minute >= 0 and sums.last_minute[s] >= 0:
                gap += minute - sums.last_minute[s]
            sums.repeats_7[s] += gap <= 7 * MINUTES
            sums.repeats_28[s] += gap <= 28 * MINUTES
        sums.last[s], sums.last_minute[s] = day, minute
        for w in range(len(program.windows)):
            if in_window(day, as_of, program.windows[w]):
                sums.n[s, w] += 1
                if not np.isnan(amount):
                    sums.given[s, w] += 1
                    sums.total[s, w] += amount
                    sums.most[s, w] = max(sums.most[s, w], amount)
                    sums.latest[s] = amount


@njit(cache=True)
def _value(sums: Sums, covered: np.ndarray, program: Program, feature: int, as_of: int) -> float:
    """One feature of one person: its measure, put together from the signals of its channel."""
    measure, channel, w = program.measure[feature], program.channel[feature], program.window[feature]
    known, value, found, given, first, last, source = False, 0.0, 0, 0, OPEN, -OPEN, -1
    for j in range(program.channel_start[channel], program.channel_start[channel + 1]):
        s = program.channel_signal[j]
        n, covers = sums.n[s, w], covered[program.slot[s], w]
        known = known or covers
        found += n
        given += sums.given[s, w]
        if measure == f.COUNT:
            value += n
        elif measure == f.DAYS_SINCE:
            last = max(last, sums.last[s]) if n > 0 else last
        elif measure == f.REPEATS_7:
            value += sums.repeats_7[s]
        elif measure == f.REPEATS_28:
            value += sums.repeats_28[s]
        elif measure == f.CHANGE:
            recent = sums.n[s, program.recent]
            value += (recent - (n - recent) * f.CHANGE_RECENT / f.CHANGE_BEFORE) if covers else 0.0
        elif measure == f.SIGNALS:
            value += n > 0
        elif measure == f.AGENCIES:
            value += n > 0 and program.slot[s] != source
            source = program.slot[s] if n > 0 else source
        elif measure == f.AMOUNT_SUM or measure == f.AMOUNT_MEAN:
            value += sums.total[s, w]
        elif measure == f.AMOUNT_MAX:
            value = sums.most[s, w]
        elif measure == f.AMOUNT_LATEST:
            value = sums.latest[s]
        elif measure == f.IS_OPEN:
            value += sums.spells[s]
        elif measure == f.DAYS_OPEN:
            first = min(first, sums.since[s])
    if measure == f.DAYS_SINCE:
        return as_of - last if found > 0 else np.nan
    if measure == f.DAYS_OPEN:
        return as_of - first if first != OPEN else np.nan
    if measure == f.CHANGE:
        return value if known else np.nan
    if measure == f.AMOUNT_SUM:
        return value if given > 0 or (known and found == 0) else np.nan
    if measure == f.AMOUNT_MEAN:
        return value / given if given > 0 else np.nan
    if measure == f.AMOUNT_MAX or measure == f.AMOUNT_LATEST:
        return value if given > 0 else np.nan
    return value if known or value > 0 else np.nan
