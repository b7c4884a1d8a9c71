"""The compiled pass over person-sorted rows that computes a panel; it knows nothing of agencies.

For each person the kernel goes once through the usable rows. Every row adds to the few channels its
signal belongs to, in the band of its age: the shortest window it lies in. Then the bands of the
channels that were touched are summed up to windows and their features written; all other features
have what silence means, which is the same for everybody with the same coverage. So a person costs
what their own rows cost, however many signals and features there are.

Every comparison with the as-of date is one of `features.asof`. The formulas are in
`features.feature`; a slow reading of them in the tests holds the kernel to every value.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numba import njit

from features import asof, silence
from features import feature as f
from features import program as p
from features import rows as r
from features.asof import OPEN, day_number, in_window, is_open, is_usable
from features.catalogue import Catalogue
from features.in_step import in_step_with
from features.program import Program, compile_catalogue
from features.rows import Rows, each_range, nothing_held, sort_rows
from features.silence import cover, covered_sources, same, write_silence

__all__ = ["Catalogue", "Program", "Rows", "compile_catalogue", "compute", "covered_sources"]

DAY = 24 * 60
"""Minutes. A moment is a number of minutes: the day's number times these, and the minute of the day."""
_NIGHT_FROM, _NIGHT_TO = f.NIGHT[0] * 60, f.NIGHT[1] * 60
_THURSDAY, _SATURDAY = 3, 5
"""1970-01-01 was a Thursday, the fourth day of its week, of which Saturday is the sixth."""
_NEVER = -(2**40)

# Of a channel: whose it is, the moment and band of the latest event, the moment of the latest amount,
# the first day of the spell that has been open longest. Of a signal, a tie and a sequence the first
# three alike; of a sequence LAST is the latest day of what comes first, BEFORE the latest before it.
_STAMP, _LAST, _BAND, _AMOUNT_AT, _SINCE = range(5)
_STATE, _BEFORE, _MARK = 5, 3, 4


def compute(
    rows: Rows, program: Program, as_of: date, *, threads: int = 1, out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One as-of date.

    Returns the positions of the n people with a usable row of the catalogue's signals in its longest
    window, (n,) int64 ascending, and their values, (n, F) float32 with NaN. out: (>= n, F) float32,
    whose first n rows are then used and returned. The interpreter is free while the kernel works.
    """
    today = day_number(as_of)
    seen = np.zeros(len(rows.start) - 1, np.bool_)
    each_range(lambda first, last: _see(rows, program, today, first, last, seen), rows.start, threads)
    people = np.flatnonzero(seen)
    features = len(program.feature) + len(program.sequence_feature)
    values = np.empty((len(people), features), np.float32) if out is None else out[: len(people)]

    def work(first: int, last: int) -> None:
        low, high = np.searchsorted(people, [first, last])
        _fill(rows, program, today, people[low:high], values[low:high])

    each_range(work, rows.start, threads)
    return people, values


def compile_ahead() -> None:
    """Compile for the types the kernel meets and keep the result, so that no first panel waits for it."""
    nobody = np.zeros(0, np.int32)
    for ended in (None, nobody):
        fields = sort_rows(
            nobody,
            1,
            signal=np.zeros(0, np.uint16),
            occurred=nobody,
            minute=np.zeros(0, np.int16),
            amount=np.zeros(0),
            known_on=nobody,
            ended=ended,
        )
    rows = Rows(**fields, **nothing_held(1))
    program = compile_catalogue(Catalogue((), (), (30,), ()), signals=(), sources=())
    compute(rows, program, date(2026, 1, 1))
    covered_sources(rows, program, date(2026, 1, 1), np.zeros(0, np.int64))


@njit(cache=True, nogil=True)
def _see(rows: Rows, program: Program, as_of: int, first: int, last: int, seen: np.ndarray) -> None:
    """Mark the people first..last-1 with a usable row of the catalogue in its longest window."""
    window = program.windows[program.longest]
    for person in range(first, last):
        for i in range(rows.start[person + 1] - 1, rows.start[person] - 1, -1):
            if (
                is_usable(rows.occurred[i], rows.known_on[i], rows.known_until[i], as_of)
                and in_window(rows.occurred[i], as_of, window)
                and program.signal[rows.signal[i]] >= 0
            ):
                seen[person] = True
                break


@njit(cache=True, nogil=True)
def _fill(rows: Rows, program: Program, as_of: int, people: np.ndarray, values: np.ndarray) -> None:
    """The values of some people, whoever they are: (n, F).

    A tally, state or mark counts only where its stamp is the person's; nothing is emptied between.
    """
    # Taken out of their tuples once: within the loop every look into one would count references.
    start, signal, occurred, minutes, ended = rows.start, rows.signal, rows.occurred, rows.minute, rows.ended
    amounts, known_on, known_until, held_start = rows.amount, rows.known_on, rows.known_until, rows.held_start
    signal_of, slot, channel_start, channel = (
        program.signal,
        program.slot,
        program.channel_start,
        program.channel,
    )
    tie_of, tie_channel, kept, within = program.tie, program.tie_channel, program.needs, program.within
    first_start, first, then_start, then = (
        program.first_start,
        program.first,
        program.then_start,
        program.then,
    )
    feature_start, feature, measure, window = (
        program.feature_start,
        program.feature,
        program.measure,
        program.window,
    )
    sequence_start, sequence_feature = program.sequence_start, program.sequence_feature
    sequence_window, recent, before = program.sequence_window, program.recent, program.before
    channels, outside, any_spells = len(kept), len(program.windows), program.spells

    tally, latest = np.zeros((channels, p.COLUMNS, outside)), np.zeros(channels)
    state = np.zeros((channels, _STATE), np.int64)
    signals = np.zeros((len(slot), _MARK), np.int64)
    ties = np.zeros((len(tie_channel), _MARK), np.int64)
    sequences, followed = np.zeros((len(within), _MARK), np.int64), np.zeros((len(within), outside))
    touched, met = np.zeros(channels, np.int64), np.zeros(len(slot), np.int64)
    tied, begun = np.zeros(len(tie_channel), np.int64), np.zeros(len(within), np.int64)
    bands = _bands(program.windows, as_of)
    covered = np.zeros((2 * len(program.register), outside), np.bool_)
    covered_before, silence = np.ones_like(covered), np.empty(values.shape[1], np.float32)

    held_before = False
    for at in range(len(people)):
        person, mark = people[at], at + 1
        n_touched, n_met, n_tied, n_begun = 0, 0, 0, 0
        if at == 0 or held_start[person] < held_start[person + 1] or held_before:
            cover(covered, rows, program, as_of, person)
            if at == 0 or not same(covered, covered_before):
                write_silence(silence, covered, program)
                covered_before[:] = covered
        held_before = held_start[person] < held_start[person + 1]
        values[at] = silence

        for i in range(start[person], start[person + 1]):
            day = occurred[i]
            age = as_of - day
            if age >= len(bands) and not any_spells:
                continue
            s = signal_of[signal[i]]
            if s < 0 or not is_usable(day, known_on[i], known_until[i], as_of):
                continue
            band = bands[age] if age < len(bands) else outside
            open_spell = any_spells and is_open(day, ended[i], as_of)
            if band == outside and not open_spell:
                continue
            minute, amount = minutes[i], amounts[i]
            moment = np.int64(day) * DAY + max(minute, 0)
            gap, earlier = np.int64(0), -1
            if band < outside:
                if signals[s, _STAMP] == mark:
                    gap, earlier = moment - signals[s, _LAST], signals[s, _BAND]
                else:
                    signals[s, _STAMP] = mark
                    met[n_met] = s
                    n_met += 1
                signals[s, _LAST], signals[s, _BAND] = moment, band

            for j in range(channel_start[s], channel_start[s + 1]):
                c = channel[j]
                needs = kept[c]
                if state[c, _STAMP] != mark:
                    state[c, _STAMP], state[c, _BAND], state[c, _AMOUNT_AT], state[c, _SINCE] = (
                        mark,
                        -1,
                        _NEVER,
                        OPEN,
                    )
                    touched[n_touched] = c
                    n_touched += 1
                    _empty(tally, c, needs)
                if open_spell and needs & _bit(p.SPELLS):
                    tally[c, p.SPELLS, 0] += 1
                    state[c, _SINCE] = min(state[c, _SINCE], day)
                if band == outside:
                    continue
                tally[c, p.N, band] += 1
                if needs == _bit(p.N):
                    continue
                if needs & _bit(p.FIRST):
                    last, last_band = state[c, _LAST], state[c, _BAND]
                    if last_band != band:
                        tally[c, p.FIRST, band] = moment
                    if last_band < 0 or last // DAY != day:
                        tally[c, p.DAYS, band] += 1
                    if last_band >= 0 and needs & _bit(p.GAPS):
                        tally[c, p.GAPS, last_band] += float(moment - last) ** 2
                    state[c, _LAST], state[c, _BAND] = moment, band
                if earlier >= 0 and needs & (_bit(p.REPEATS_7) | _bit(p.REPEATS_28)):
                    tally[c, p.REPEATS_7, earlier] += gap <= 7 * DAY
                    tally[c, p.REPEATS_28, earlier] += gap <= 28 * DAY
                if needs & _bit(p.TIMED):
                    tally[c, p.TIMED, band] += minute >= 0
                    tally[c, p.NIGHT, band] += minute >= _NIGHT_FROM or (0 <= minute < _NIGHT_TO)
                if needs & _bit(p.WEEKEND):
                    tally[c, p.WEEKEND, band] += (day + _THURSDAY) % 7 >= _SATURDAY
                if needs & _bit(p.SURE):
                    tally[c, p.SURE, band] += covered[slot[s], before]
                if needs & _bit(p.AGENCIES):
                    tie = tie_of[j]
                    if ties[tie, _STAMP] != mark:
                        ties[tie, _STAMP] = mark
                        tied[n_tied] = tie
                        n_tied += 1
                    ties[tie, _BAND] = band  # rows are in order of time: the last word is the nearest band
                if needs & _bit(p.GIVEN) and not np.isnan(amount):
                    tally[c, p.GIVEN, band] += 1
                    tally[c, p.TOTAL, band] += amount
                    tally[c, p.MOST, band] = max(tally[c, p.MOST, band], amount)
                    same_moment = moment == state[c, _AMOUNT_AT]
                    latest[c] = max(latest[c], amount) if same_moment else amount
                    state[c, _AMOUNT_AT] = moment

            if band == outside:
                continue
            for j in range(first_start[s], first_start[s + 1]):
                q = first[j]
                if sequences[q, _STAMP] != mark:
                    sequences[q, _STAMP], sequences[q, _LAST], sequences[q, _BEFORE] = mark, day, _NEVER
                    followed[q] = 0
                    begun[n_begun] = q
                    n_begun += 1
                elif sequences[q, _LAST] != day:
                    sequences[q, _LAST], sequences[q, _BEFORE] = day, sequences[q, _LAST]
            for j in range(then_start[s], then_start[s + 1]):
                q = then[j]
                if sequences[q, _STAMP] == mark:
                    came = sequences[q, _LAST] if sequences[q, _LAST] != day else sequences[q, _BEFORE]
                    if day - came <= within[q]:
                        followed[q, bands[as_of - came]] += 1

        for t in range(n_met):
            s = met[t]
            for j in range(channel_start[s], channel_start[s + 1]):
                if kept[channel[j]] & _bit(p.SIGNALS):
                    tally[channel[j], p.SIGNALS, signals[s, _BAND]] += 1
        for t in range(n_tied):
            tally[tie_channel[tied[t]], p.AGENCIES, ties[tied[t], _BAND]] += 1
        for t in range(n_touched):
            c = touched[t]
            _to_windows(tally, c, kept[c])
            for j in range(feature_start[c], feature_start[c + 1]):
                n = tally[c, p.N, window[j]]
                if n == 0 and measure[j] < f.IS_OPEN:
                    continue  # silence stands, except that a spell may have begun before the window
                value = n
                if measure[j] != f.COUNT:
                    silent = values[at, feature[j]]
                    value = _value(measure[j], c, window[j], tally, state, latest, recent, as_of, silent)
                values[at, feature[j]] = value
        for t in range(n_begun):
            q = begun[t]
            for j in range(sequence_start[q], sequence_start[q + 1]):
                times = 0.0
                for w in range(sequence_window[j] + 1):
                    times += followed[q, w]
                if times > 0:
                    values[at, sequence_feature[j]] = times


@njit(inline="always", cache=True)
def _bit(column: int) -> int:
    return 1 << column


@njit(cache=True, nogil=True)
def _bands(windows: np.ndarray, as_of: int) -> np.ndarray:
    """By age in days, 0 to the longest window: the first window that holds the day; W if none does."""
    bands = np.full(windows[-1] + 1, len(windows), np.int64)
    for age in range(len(bands)):
        for w in range(len(windows) - 1, -1, -1):
            if in_window(as_of - age, as_of, windows[w]):
                bands[age] = w
    return bands


@njit(cache=True, nogil=True)
def _empty(tally: np.ndarray, c: int, needs: int) -> None:
    """Make a channel's columns ready for a person's first row."""
    for column in range(p.COLUMNS):
        if needs >> column & 1:
            nothing = np.inf if column == p.FIRST else -np.inf if column == p.MOST else 0.0
            for w in range(tally.shape[2]):
                tally[c, column, w] = nothing


@njit(cache=True, nogil=True)
def _to_windows(tally: np.ndarray, c: int, needs: int) -> None:
    """Sum bands up to windows: a window holds its own band and those of all shorter windows."""
    for column in range(p.COLUMNS):
        if needs >> column & 1:
            for w in range(1, tally.shape[2]):
                shorter, band = tally[c, column, w - 1], tally[c, column, w]
                if column == p.FIRST:
                    tally[c, column, w] = min(shorter, band)
                elif column == p.MOST:
                    tally[c, column, w] = max(shorter, band)
                else:
                    tally[c, column, w] = shorter + band


@njit(cache=True, nogil=True)
def _value(
    measure: int,
    c: int,
    w: int,
    tally: np.ndarray,
    state: np.ndarray,
    latest: np.ndarray,
    recent: int,
    as_of: int,
    silence: float,
) -> float:
    """One feature of a channel with an event in the window, or with a spell; `silence` stands for none."""
    n, value = tally[c, p.N, w], 0.0
    if measure == f.DAYS_SINCE:
        return as_of - state[c, _LAST] / DAY
    elif measure == f.DAYS_SINCE_FIRST:
        return as_of - tally[c, p.FIRST, w] / DAY
    elif measure == f.DAYS:
        return tally[c, p.DAYS, w]
    elif measure == f.REPEATS_7:
        value = tally[c, p.REPEATS_7, w]
    elif measure == f.REPEATS_28:
        value = tally[c, p.REPEATS_28, w]
    elif measure == f.GAP_MEAN:
        return (state[c, _LAST] - tally[c, p.FIRST, w]) / (n - 1) / DAY if n > 1 else np.nan
    elif measure == f.GAP_SPREAD:
        if n < 3:
            return np.nan
        mean = (state[c, _LAST] - tally[c, p.FIRST, w]) / (n - 1)
        return np.sqrt(max(tally[c, p.GAPS, w] / (n - 1) - mean * mean, 0.0)) / DAY
    elif measure == f.NIGHT_SHARE:
        return tally[c, p.NIGHT, w] / tally[c, p.TIMED, w] if tally[c, p.TIMED, w] > 0 else np.nan
    elif measure == f.WEEKEND_SHARE:
        return tally[c, p.WEEKEND, w] / n
    elif measure == f.CHANGE:
        # Only events whose source covers count, so silence has a word in it.
        before = tally[c, p.SURE, w] - tally[c, p.SURE, recent]
        known = not np.isnan(silence)
        return tally[c, p.SURE, recent] - before * f.CHANGE_RECENT / f.CHANGE_BEFORE if known else np.nan
    elif measure == f.SIGNALS:
        return tally[c, p.SIGNALS, w]
    elif measure == f.AGENCIES:
        return tally[c, p.AGENCIES, w]
    elif measure == f.IS_OPEN:
        value = tally[c, p.SPELLS, 0]
    elif measure == f.DAYS_OPEN:
        return as_of - state[c, _SINCE] if state[c, _SINCE] != OPEN else np.nan
    elif tally[c, p.GIVEN, w] == 0:
        return np.nan
    elif measure == f.AMOUNT_SUM:
        return tally[c, p.TOTAL, w]
    elif measure == f.AMOUNT_MAX:
        return tally[c, p.MOST, w]
    elif measure == f.AMOUNT_MEAN:
        return tally[c, p.TOTAL, w] / tally[c, p.GIVEN, w]
    elif measure == f.AMOUNT_LATEST:
        return latest[c]
    return value if value > 0 else silence


in_step_with(globals(), asof, f, p, r, silence)
