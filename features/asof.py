"""The one boundary: what may be used on a morning, and which days a window holds.

Nothing else in the project compares a date with an as-of date. The SQL texts and the compiled
functions below say the same thing; `tests/test_asof.py` holds them together day by day.

- A revision is *known* on `as_of` if `known_on < as_of` and it has not been replaced before then:
  `known_until` is empty or `as_of <= known_until`. What arrives on the morning itself counts from
  the next day.
- An event is *usable* if it is known and `occurred_on < as_of`.
- A feature's window of w days is `[as_of - w, as_of)`; an outcome window of h days is
  `[as_of, as_of + h)`. No day is in both, and the as-of day belongs to the outcome.

Days are whole numbers since 1970-01-01 where code is compiled; `OPEN` stands for "no end".
"""

from __future__ import annotations

from datetime import date, timedelta

from numba import njit

OPEN = 2**31 - 1
"""The day number that stands for 'has not ended' or 'has not been replaced'."""

_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The date of a day number; raises OverflowError on `OPEN`."""
    return _EPOCH + timedelta(days=int(number))


@njit(inline="always", cache=True)
def is_known(known_on: int, known_until: int, as_of: int) -> bool:
    """Whether a revision stands on the morning of `as_of` (day numbers)."""
    return known_on < as_of <= known_until


def has_come(day: date, as_of: date) -> bool:
    """`is_known` of what became known on a day: the same test, without the compiler's second of waking up."""
    return bool(is_known.py_func(day_number(day), OPEN, day_number(as_of)))


@njit(inline="always", cache=True)
def is_usable(occurred_on: int, known_on: int, known_until: int, as_of: int) -> bool:
    """Whether an event may be used on the morning of `as_of` (day numbers)."""
    return occurred_on < as_of and known_on < as_of <= known_until


@njit(inline="always", cache=True)
def in_window(day: int, as_of: int, window: int) -> bool:
    """Whether `day` lies in the feature window `[as_of - window, as_of)`."""
    return as_of - window <= day < as_of


@njit(inline="always", cache=True)
def in_outcome(day: int, as_of: int, horizon: int) -> bool:
    """Whether `day` lies in the outcome window `[as_of, as_of + horizon)`."""
    return as_of <= day < as_of + horizon


@njit(inline="always", cache=True)
def is_open(start: int, end: int, as_of: int) -> bool:
    """Whether a spell holds on the morning of `as_of`; what `sql_spell_open` says of columns."""
    return start < as_of <= end


@njit(inline="always", cache=True)
def touches_window(start: int, end: int, as_of: int, window: int) -> bool:
    """Whether a spell `[start, end)` has a day in the feature window `[as_of - window, as_of)`."""
    return start < as_of and as_of - window < end


@njit(inline="always", cache=True)
def spans_window(start: int, as_of: int, window: int) -> bool:
    """Whether what began on `start` and goes on holds on every day of `[as_of - window, as_of)`."""
    return start <= as_of - window


def sql_date(day: date) -> str:
    """A date as a DuckDB literal."""
    return f"DATE '{day.isoformat()}'"


def sql_day_number(column: str) -> str:
    """A date column as day numbers; `OPEN` where it is empty."""
    return f"coalesce({column} - {sql_date(_EPOCH)}, {OPEN})::INTEGER"


def sql_before(as_of: date, column: str = "occurred_on") -> str:
    """The day lies before the morning of `as_of`; false where it is empty."""
    return f"coalesce({column} < {sql_date(as_of)}, false)"


def sql_known(as_of: date, alias: str = "") -> str:
    """`is_known` as SQL over columns known_on, known_until (NULL = not replaced)."""
    p, d = (f"{alias}." if alias else ""), sql_date(as_of)
    return f"({p}known_on < {d} AND ({p}known_until IS NULL OR {d} <= {p}known_until))"


def sql_usable(as_of: date, alias: str = "") -> str:
    """`is_usable` as SQL over occurred_on, known_on, known_until."""
    p = f"{alias}." if alias else ""
    return f"({p}occurred_on < {sql_date(as_of)} AND {sql_known(as_of, alias)})"


def sql_in_window(as_of: date, window: int, column: str = "occurred_on") -> str:
    """`in_window` as SQL."""
    d = sql_date(as_of)
    return f"({column} >= {d} - INTERVAL {int(window)} DAY AND {column} < {d})"


def sql_in_outcome(as_of: date, horizon: int, column: str = "occurred_on") -> str:
    """`in_outcome` as SQL."""
    d = sql_date(as_of)
    return f"({column} >= {d} AND {column} < {d} + INTERVAL {int(horizon)} DAY)"


def sql_spell_open(as_of: date, *, start: str, end: str) -> str:
    """A spell holds on the morning of `as_of`: it began before it and had not ended by then.

    An end on the as-of day is in the future of that morning, so the spell still holds.
    """
    d = sql_date(as_of)
    return f"({start} < {d} AND ({end} IS NULL OR {end} >= {d}))"
