"""Intervals of knowledge merged: what several facts say alike is there once."""

from datetime import date, timedelta
from itertools import pairwise

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.intervals import merged_known_sql

D0 = date(2026, 1, 1)
CON = duckdb.connect(config={"threads": 1})


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals that remain of these, in days from 1 January 2026."""
    days = [
        pa.array([D0 + timedelta(days=d) for d in ends], pa.date32()) for ends in zip(*spans, strict=True)
    ]
    CON.register(
        "facts", pa.table([pa.array(["it"] * len(spans)), *days], ["who", "known_on", "known_until"])
    )
    rows = CON.execute(f"{merged_known_sql('facts', ('who',))} ORDER BY known_on").fetchall()
    return [((on - D0).days, (until - D0).days) for _, on, until in rows]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
def test_merged_intervals_hold_on_the_same_days_and_never_touch(spans: list[tuple[int, int]]) -> None:
    found = merged(spans)
    days = {day for on, until in spans for day in range(on, until)}
    assert {day for on, until in found for day in range(on, until)} == days
    assert sum(until - on for on, until in found) == len(days)
    assert all(before[1] < after[0] for before, after in pairwise(found))


def test_equal_intervals_stay_together_however_the_rows_are_sorted() -> None:
    """Many people at once, so that a sort may put equal rows in another order each time."""
    con = duckdb.connect()
    con.execute(
        """
        CREATE TABLE facts AS
        SELECT person, DATE '2026-01-01' + from_day AS known_on, DATE '2026-01-01' + to_day AS known_until
        FROM range(20000) people(person),
             (VALUES (0, 5), (10, 15), (10, 15), (10, 15), (12, 20)) spans(from_day, to_day)
        ORDER BY hash(person * 7 + to_day)
        """
    )
    spans = f"SELECT (known_until - known_on) AS days FROM ({merged_known_sql('facts', ('person',))})"
    counted = f"SELECT days, count(*) FROM ({spans}) GROUP BY days ORDER BY days"
    assert con.execute(counted).fetchall() == [(5, 20000), (10, 20000)]
