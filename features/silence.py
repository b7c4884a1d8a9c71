"""What silence means: 0 where we would have known, NaN where nobody would have told us.

A source covers a window for a person if it is held for the whole of it and, where it is a register,
held the person (or, for what is shared, their dwelling) on some day of it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numba import njit

from features import asof, program, rows
from features.asof import day_number, is_known, spans_window, touches_window
from features.in_step import in_step_with
from features.program import Program
from features.rows import Rows


def covered_sources(rows: Rows, program: Program, as_of: date, people: np.ndarray) -> np.ndarray:
    """(n, A, 2, W) bool: whether a source covers a window for a person, [1] in the person's household.

    people: (n,) positions among the rows' people.
    """
    today, windows = day_number(as_of), len(program.windows)
    found = np.zeros((len(people), 2 * len(program.register), windows), np.bool_)
    _cover_each(rows, program, today, people.astype(np.int64), found)
    return found.reshape(len(people), len(program.register), 2, windows)


@njit(cache=True, nogil=True)
def cover(covered: np.ndarray, rows: Rows, program: Program, as_of: int, person: int) -> None:
    """Fill (slots, W): silence of the slot in the window means that nothing happened."""
    for source in range(len(program.register)):
        for w in range(len(program.windows)):
            spans = spans_window(program.covers_from[source], as_of, program.windows[w])
            covered[2 * source, w] = covered[2 * source + 1, w] = spans and not program.register[source]
    for i in range(rows.held_start[person], rows.held_start[person + 1]):
        source = program.source[rows.held_source[i]]
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


@njit(cache=True, nogil=True)
def _cover_each(rows: Rows, program: Program, as_of: int, people: np.ndarray, found: np.ndarray) -> None:
    for at in range(len(people)):
        cover(found[at], rows, program, as_of, people[at])


@njit(cache=True, nogil=True)
def write_silence(silence: np.ndarray, covered: np.ndarray, program: Program) -> None:
    """Every feature's value where nothing happened: 0 if that would be known, and a number at all."""
    for c in range(len(program.needs)):
        for j in range(program.feature_start[c], program.feature_start[c + 1]):
            known = program.zero[j] and _known(covered, program, c, program.window[j])
            silence[program.feature[j]] = 0.0 if known else np.nan
    for q in range(len(program.within)):
        first, then = program.pair[q]
        for j in range(program.sequence_start[q], program.sequence_start[q + 1]):
            w = program.sequence_window[j]
            known = _known(covered, program, first, w) and _known(covered, program, then, w)
            silence[program.sequence_feature[j]] = 0.0 if known else np.nan


@njit(cache=True, nogil=True)
def _known(covered: np.ndarray, program: Program, channel: int, w: int) -> bool:
    """Whether some source of the channel covers the window."""
    for j in range(program.slots_start[channel], program.slots_start[channel + 1]):
        if covered[program.slots[j], w]:
            return True
    return False


@njit(cache=True, nogil=True)
def same(a: np.ndarray, b: np.ndarray) -> bool:
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] != b[i, j]:
                return False
    return True


in_step_with(globals(), asof, program, rows)
