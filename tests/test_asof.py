"""The one boundary, day by day: the SQL texts and the compiled forms say the same, and what they say."""

from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest

from features import asof

FIRST = date(2026, 2, 26)  # a month's end lies within the days tried
DAYS = [FIRST + timedelta(days=n) for n in range(7)]


def answers(condition: str, rows: list[tuple], columns: str) -> list[bool]:
    """The condition on each row of dates, in order."""
    con = duckdb.connect()
    names = columns.split()
    arrays = [pa.array(column, pa.date32()) for column in zip(*rows, strict=True)]
    con.register("facts", pa.table([pa.array(range(len(rows))), *arrays], names=["n", *names]))
    return [value for (value,) in con.execute(f"SELECT {condition} FROM facts ORDER BY n").fetchall()]


def number(day: date | None) -> int:
    return asof.OPEN if day is None else asof.day_number(day)


FACTS = [(o, k, u) for o in DAYS for k in DAYS for u in [*DAYS, None]]
COLUMNS = "occurred_on known_on known_until"


@pytest.mark.parametrize("as_of", DAYS)
def test_known_and_usable_say_the_same_in_sql_and_compiled(as_of: date) -> None:
    known = [k < as_of and (u is None or as_of <= u) for _, k, u in FACTS]
    usable = [o < as_of and k < as_of and (u is None or as_of <= u) for o, k, u in FACTS]
    day = asof.day_number(as_of)
    assert answers(asof.sql_known(as_of), FACTS, COLUMNS) == known
    assert answers(asof.sql_usable(as_of, "facts"), FACTS, COLUMNS) == usable
    assert [asof.is_known(number(k), number(u), day) for _, k, u in FACTS] == known
    assert [asof.is_usable(number(o), number(k), number(u), day) for o, k, u in FACTS] == usable


@pytest.mark.parametrize("width", [1, 2, 3])
def test_no_day_is_in_both_windows_and_none_between_them_is_in_neither(width: int) -> None:
    as_of = DAYS[3]
    days = [(day,) for day in DAYS]
    window = answers(asof.sql_in_window(as_of, width, "day"), days, "day")
    outcome = answers(asof.sql_in_outcome(as_of, width, "day"), days, "day")
    now = asof.day_number(as_of)
    assert window == [asof.in_window(asof.day_number(d), now, width) for d in DAYS]
    assert outcome == [asof.in_outcome(asof.day_number(d), now, width) for d in DAYS]
    assert [d for d, held in zip(DAYS, window, strict=True) if held] == DAYS[3 - width : 3]
    assert [d for d, held in zip(DAYS, outcome, strict=True) if held] == DAYS[3 : 3 + width]


def test_a_spell_holds_on_the_morning_of_the_day_it_ends() -> None:
    as_of = DAYS[3]
    spells = [(s, e) for s in DAYS for e in [*DAYS, None]]
    found = answers(asof.sql_spell_open(as_of, start="start_on", end="end_on"), spells, "start_on end_on")
    assert found == [s < as_of and (e is None or e >= as_of) for s, e in spells]
    day = asof.day_number(as_of)
    assert found == [asof.is_open(number(s), number(e), day) for s, e in spells]


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_spell_touches_a_window_by_a_day_and_spans_it_by_all(width: int) -> None:
    as_of = DAYS[3]
    window, day = {as_of - timedelta(days=n + 1) for n in range(width)}, asof.day_number(as_of)
    for start in DAYS:
        assert asof.spans_window(number(start), day, width) == all(start <= d for d in window)
        for end in [*DAYS, None]:
            touches = any(start <= d and (end is None or d < end) for d in window)
            if end is None or start < end:
                assert asof.touches_window(number(start), number(end), day, width) == touches


@pytest.mark.parametrize(
    ("as_of", "counts"), [(date(2026, 2, 10), False), (date(2026, 2, 24), False), (date(2026, 2, 25), True)]
)
def test_missing_on_3_january_and_told_on_24_february_counts_from_the_25th(as_of: date, counts: bool) -> None:
    fact = [(date(2026, 1, 3), date(2026, 2, 24), None)]
    assert answers(asof.sql_usable(as_of), fact, COLUMNS) == [counts]


def test_day_numbers_go_there_and_back() -> None:
    assert asof.day_number(date(1970, 1, 1)) == 0
    assert [asof.day_of(asof.day_number(day)) for day in DAYS] == DAYS
    with pytest.raises(OverflowError):
        asof.day_of(asof.OPEN)
