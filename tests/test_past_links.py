"""A link run adds to the run before and does not rewrite it: a table of timelines, day by day."""

from datetime import date, timedelta

import duckdb
import pytest

from features.link import link, person_id
from features.past_links import keep_the_past
from features.people import resolve
from features.snapshot import open_snapshot
from features.workspace import Workspace
from tests.test_link import C7, P1, day, deliver, fact, workspace

__all__ = ["workspace"]


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
    con.execute("CREATE TABLE moves (was TEXT, becomes TEXT)")
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


def test_a_run_that_moves_nobody_still_says_what_it_had_read(workspace: Workspace) -> None:
    """A delivery that moves nobody, and then one that parts two: the mornings between stay as they were."""
    both = {"nhs_number": "9434765919"}
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **both), fact(*C7, known=0, **both)])
    first = link(workspace)
    deliver(workspace, 2, 30, identities=[fact("police", "P2", known=30, nhs_number="9000000009")])
    between = link(workspace)
    assert (first.persons, between.persons, between.link_run) == (1, 2, 2)
    deliver(workspace, 3, 40)
    assert link(workspace).link_run == 3  # nobody moved
    assert link(workspace).link_run == 3  # nothing came
    deliver(workspace, 4, 60, identities=[fact(*C7, known=60, revision=2, nhs_number="9434765870")])
    link(workspace)
    now = open_snapshot(workspace)
    for morning in (1, 31, 41, 60):
        assert resolve(now, person_id(*P1), day(morning)).subjects == (C7, P1), morning
    assert resolve(now, person_id(*P1), day(61)).subjects == (P1,)
