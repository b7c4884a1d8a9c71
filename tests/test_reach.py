"""What reaches whom on a morning: worked cases, and any events, links and residences asked naively.

Some people's rows are held to be exactly those that they have among everybody's.
"""

from __future__ import annotations

from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.association import Association
from features.rule_sql import quoted
from tests.reached import (
    CON,
    MORNINGS,
    PEOPLE,
    PERSONAL,
    day,
    event,
    holds,
    link,
    lives,
    make,
    many_worlds,
    naive,
    reached,
    together,
)


def who(as_of: int) -> list[tuple[str, str]]:
    """(person, record and revision) on a morning."""
    return [(person, record) for person, record, _ in reached(as_of)]


def test_a_childs_rows_when_it_has_moved_from_x_to_y() -> None:
    march = 59
    make(
        links=[link("C", "child")],
        residences=[
            lives("child", "X", on=0, until=march + 9),
            lives("child", "X", end=march, on=march + 9),
            lives("child", "Y", start=march, on=march + 9),
        ],
        events=[
            event("x in January", 10, known_on=12, place="X"),
            event("y in January", 10, known_on=12, place="Y"),
            event("x on the day of the move", march, known_on=march + 20, place="X"),
            event("y on the day of the move", march, known_on=march + 20, place="Y"),
            event("y on 5 March", march + 4, known_on=march + 5, place="Y"),
            event("x on 5 March", march + 4, known_on=march + 5, place="X"),
        ],
    )
    january = ("child", "x in January-1")
    assert who(13) == [january]
    assert who(march + 9) == [january, ("child", "x on 5 March-1")]  # 10 March
    assert who(march + 10) == [january, ("child", "y on 5 March-1")]  # 11 March
    assert ("child", "y on the day of the move-1") in who(march + 21)
    assert ("child", "x on the day of the move-1") not in who(march + 21)
    once = "SELECT count(*) FROM reached_rows WHERE event_id = 'x in January-1-None'"
    assert CON.execute(once).fetchall() == [(1,)]  # known by two residence rows, one after the other


def test_jointly_liable_adults_and_their_child_have_one_row_each() -> None:
    make(
        links=[link("A", "ann"), link("B", "ben"), link("C", "child")],
        residences=[lives(person, "X") for person in ("ann", "ben", "child")],
        events=[event("r", 5, known_on=6, subject=adult, place="X") for adult in "AB"],
    )
    assert who(7) == [("ann", "r-1"), ("ben", "r-1"), ("child", "r-1")]


def test_a_liable_adult_who_lives_elsewhere_is_reached_and_their_home_is_not() -> None:
    make(
        links=[link("A", "ann"), link("B", "tenant"), link("C", "ann's child")],
        residences=[lives("ann", "Z"), lives("ann's child", "Z"), lives("tenant", "X")],
        events=[event("r", 5, known_on=6, subject="A", place="X")],
    )
    assert who(7) == [("ann", "r-1"), ("tenant", "r-1")]


def test_a_personal_event_reaches_its_person_alone_and_once() -> None:
    make(
        links=[link(s, "ann", source="police") for s in ("P1", "P2")] + [link("B", "ben")],
        residences=[lives("ann", "X"), lives("ben", "X")],
        events=[event("i", 5, known_on=6, subject=s, place="X", signal=PERSONAL) for s in ("P1", "P2", None)],
    )
    assert who(7) == [("ann", "i-1")]


def a_full_house(*, guard: int, leaves: int | None = None) -> None:
    """Ten people, and an eleventh who is known to live there too from 20 January on."""
    people = [f"person {n:02}" for n in range(11)]
    late = people[-1]
    make(
        guard=guard,
        links=[link(p, p) for p in people],
        residences=[
            lives(p, "X", on=20 if p == late else 0, until=leaves if p == late else None) for p in people
        ],
        events=[event("r", 5, known_on=6, subject=people[0], place="X")],
    )


def test_a_place_with_more_residents_than_the_guard_allows_reaches_nobody() -> None:
    a_full_house(guard=10)
    assert who(20) == [(f"person {n:02}", "r-1") for n in range(10)]
    assert who(21) == []
    a_full_house(guard=11)
    assert len(who(21)) == 11


def test_a_place_is_crowded_for_a_while_only() -> None:
    a_full_house(guard=10, leaves=30)
    assert [len(who(n)) for n in (6, 7, 20, 21, 30, 31)] == [0, 10, 10, 0, 0, 10]
    spans = CON.execute("SELECT DISTINCT known_on, known_until FROM reached_rows ORDER BY ALL").fetchall()
    assert spans == [(day(6), day(20)), (day(30), None)]


def test_somebody_who_is_named_and_lives_elsewhere_counts_for_the_guard() -> None:
    make(
        guard=2,
        links=[link("A", "ann"), link("B", "ben"), link("C", "cat")],
        residences=[lives("ann", "X"), lives("ben", "X")],
        events=[event("r", 5, known_on=6, subject="C", place="X")],
        people=["ann"],
    )
    assert who(7) == []


@pytest.mark.parametrize(("as_of", "sees"), [(61, "old-1"), (62, "old-2")])
def test_a_correction_of_3_march_counts_from_the_4th(as_of: int, sees: str) -> None:
    make(
        links=[link("A", "ann")],
        residences=[lives("ann", "X")],
        events=[
            event("old", 5, known_on=6, until=61, place="X"),
            event("old", 8, known_on=61, place="X", revision=2),
        ],
    )
    assert who(as_of) == [("ann", sees)]


def test_a_shared_event_without_a_place_reaches_those_it_names() -> None:
    make(links=[link("A", "ann"), link("B", "ben")], events=[event("r", 5, known_on=6, subject="A")])
    assert who(7) == [("ann", "r-1")]


def test_registers_hold_by_name_and_through_the_dwelling() -> None:
    make(
        links=[link("A", "ann"), link("C", "child", on=10), link("D", "later")],
        residences=[lives("child", "X", 20, 40, on=10), lives("later", "X", 50), lives("ann", "X")],
        registers=[holds("t", 0, 50, known_on=2, subject="A", place="X")],
    )
    rows = CON.execute(
        "SELECT person_id, household, start_on, end_on, known_on, known_until "
        "FROM reached_held JOIN reached_people USING (person) ORDER BY ALL"
    ).fetchall()
    assert rows == [
        ("ann", False, day(0), day(50), day(2), None),
        ("ann", True, day(0), day(50), day(2), None),
        ("child", True, day(20), day(40), day(10), None),
    ]


def test_a_row_says_all_that_its_event_says() -> None:
    notice = event("r", 5, known_on=6, until=30, subject="A", place="X", amount=12.5, ended_on=day(9))
    make(
        links=[link("A", "ann"), link("C", "child")], residences=[lives("child", "X", on=8)], events=[notice]
    )
    rows = CON.sql("SELECT * EXCLUDE (person) FROM reached_rows JOIN reached_people USING (person)")
    ann, child = sorted(rows.to_arrow_table().to_pylist(), key=lambda row: row["person_id"])
    same = ("source", "signal", "event_id", "occurred_on", "occurred_at", "has_time", "ended_on", "amount")
    for row, on in ((ann, 6), (child, 8)):
        assert {name: row[name] for name in same} == {name: notice[name] for name in same}
        assert (row["household"], row["known_on"], row["known_until"]) == (True, day(on), day(30))
    assert ann["happening"] == child["happening"]


def test_everybody_who_was_ever_linked_is_numbered_in_order() -> None:
    make(links=[link("Z", "zoe"), link("A", "ann", 2, 3), link("B", "ben")])
    everybody = CON.execute("SELECT person, person_id FROM reached_people ORDER BY person").fetchall()
    assert everybody == [(0, "ann"), (1, "ben"), (2, "zoe")]
    make(people=["zoe", "ann", "nobody", "ann"])
    some = CON.execute("SELECT person, person_id FROM reached_people ORDER BY person").fetchall()
    assert some == [(0, "ann"), (1, "zoe")]


def test_the_order_of_the_rows_says_nothing() -> None:
    """Where a record says two things of one person at one time, the same one is taken every time."""
    links = [link(s, "ann", source="police") for s in ("P1", "P2")] + [link("A", "ann"), link("B", "ben")]
    events = [
        *[event("i", 5, known_on=6, subject=f"P{n}", signal=PERSONAL, amount=float(n)) for n in (1, 2)],
        *[event("r", 5, known_on=6, subject=s, amount=float(n)) for n, s in enumerate("AB")],
    ]
    found = []
    for rows in (events, events[::-1]):
        make(links=links, events=rows)
        found.append(everything())
    assert found[0].equals(found[1])


# --- any world --------------------------------------------------------------------------------------


def everything(people: list[str] | None = None) -> pa.Table:
    """All rows and all that registers hold, of everybody or of some."""
    of = "" if people is None else f"WHERE person_id IN ({', '.join(map(quoted, people)) or 'NULL'})"
    return CON.sql(
        f"""
        SELECT * EXCLUDE (person) FROM (FROM reached_rows UNION ALL BY NAME FROM reached_held)
        JOIN reached_people USING (person) {of} ORDER BY ALL
        """
    ).to_arrow_table()


ASSOCIATIONS = st.none() | st.builds(Association, st.just((PERSONAL,)), st.integers(1, 6))


@settings(max_examples=8, deadline=None)
@given(st.integers(0), st.integers(1, 3), ASSOCIATIONS)
def test_any_rows_reach_on_every_morning_whom_they_reach_when_asked_naively(
    seed: int, guard: int, association: Association | None
) -> None:
    worlds = many_worlds(Random(seed))
    make(guard, association, **together(worlds))
    for as_of in MORNINGS:
        wanted = [row for world in worlds for row in naive(world, as_of, guard, association)]
        assert reached(as_of) == sorted(wanted), as_of


@settings(max_examples=8, deadline=None)
@given(st.integers(0), st.integers(1, 3), ASSOCIATIONS)
def test_some_peoples_rows_are_those_they_have_among_everybodys(
    seed: int, guard: int, association: Association | None
) -> None:
    random = Random(seed)
    worlds = many_worlds(random)
    make(guard, association, **together(worlds))
    everybody = [f"{n}.{who}" for n in range(len(worlds)) for who in PEOPLE]
    people = sorted(random.sample(everybody, random.choice([1, 10, 40])))
    theirs = everything(people)
    make(guard, association, people)
    assert everything().equals(theirs)
