"""A link run adds to the run before and does not rewrite it: a table of timelines, day by day."""

from datetime import date, timedelta

import duckdb
import pytest

from features.past_links import keep_the_past


def timeline(text: str) -> list[tuple[str, int]]:
    """'A0 B4 -6': A from day 0, B from day 4, nobody from day 6."""
    return [(part[0], int(part[1:])) for part in text.split()]


@pytest.mark.parametrize(
    ("before", "anew", "new_delivery", "expected"),
    [
        ("A0", "A0", (8, False), "A0"),
        ("A0", "A0 B8", (8, False), "A0 B8"),
        ("A0", "B3", (8, False), "A0 B8"),  # what is known by now says that it was B all along
        ("A0 B5", "A0", (8, False), "A0 B5 A8"),
        ("A0 B5", "A0 C9", (8, False), "A0 B5 A8 C9"),
        ("A0 -5", "A0 B9", (8, False), "A0 -5 A8 B9"),
        ("", "B3", (8, False), "B3"),  # a subject that is new keeps its whole timeline
        (
            "A0",
            "B1",
            (8, True),
            "B1 A2 B8",
        ),  # years past: the mornings before the first delivery, day 2, anew
        ("A0", "B1", None, "A0 B6"),  # no delivery since the run before: from the day after the last
    ],
)
def test_what_was_before_anything_new_stays(
    before: str, anew: str, new_delivery: tuple[int, bool] | None, expected: str
) -> None:
    con = duckdb.connect(config={"threads": 1})
    start = date(2026, 1, 1)
    con.execute("CREATE TABLE all_deliveries (delivery_id INTEGER, received_on DATE, history BOOLEAN)")
    ledger = [(1, 2, True), (2, 5, False), *([(3, *new_delivery)] if new_delivery else [])]
    con.executemany("INSERT INTO all_deliveries VALUES (?, DATE '2026-01-01' + ?, ?)", ledger)
    for table, text in (("told_links", before), ("new_timelines", anew)):
        con.execute(
            f"CREATE TABLE {table} (source TEXT, subject_key TEXT, person_id TEXT, known_on DATE, "
            "known_until DATE, strength DOUBLE)"
        )
        rows = timeline(text)
        for (person, known), (_, until) in zip(rows, [*rows[1:], ("", None)], strict=False):
            con.execute(
                f"INSERT INTO {table} VALUES ('a', 's', ?, ?, ?, 1.0)",
                [
                    None if person == "-" else person,
                    start + timedelta(days=known),
                    None if until is None else start + timedelta(days=until),
                ],
            )
    keep_the_past(con, last_delivery=2)
    found = con.execute(
        "SELECT person_id, known_on, known_until FROM new_timelines ORDER BY known_on"
    ).fetchall()
    told = [(person or "-", (known - start).days) for person, known, _ in found]
    assert told == timeline(expected)
    assert [until for *_, until in found] == [known for _, known, _ in found[1:]] + [None]
