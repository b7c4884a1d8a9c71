"""Another person's own events: whom they reach, on which mornings, and whom never."""

from __future__ import annotations

from features.association import Association
from tests.reached import CON, PERSONAL, QUIET, SHARED, day, event, link, lives, make, reached

FOR_TEN_DAYS = Association((PERSONAL,), 10)
OTHERS = f"association.{PERSONAL}"


def police(subject: str, person: str, on: int = 0, until: int | None = None) -> dict:
    return link(subject, person, on, until, source="police")


ANN_BEN_AND_CHILD = {
    "links": [police("A", "ann"), police("B", "ben"), link("C", "child")],
    "residences": [lives("ann", "X"), lives("ben", "Y"), lives("child", "X")],
}


def find(*events: dict, guard: int = 10, people: list[str] | None = None, **tables: list[dict]) -> None:
    make(guard, FOR_TEN_DAYS, people, events=list(events), **{**ANN_BEN_AND_CHILD, **tables})


def incident(
    record: str = "i", occurred: int = 5, *, known_on: int = 6, subject: str = "A", **values: object
) -> dict:
    return event(record, occurred, known_on=known_on, subject=subject, signal=PERSONAL, **values)


def through_others(as_of: int) -> list[str]:
    """Whom events reach by association on a morning."""
    return [person for person, _, signal in reached(as_of) if signal == OTHERS]


def test_it_reaches_those_they_live_with_and_nobody_else() -> None:
    find(incident())
    assert reached(7) == [("ann", "i-1", PERSONAL), ("child", "i-1", OTHERS)]
    told = "SELECT source, household, place FROM reached_rows WHERE starts_with(signal, 'association.')"
    assert CON.execute(told).fetchall() == [("police", False, None)]


def test_it_is_off_unless_asked_for() -> None:
    make(events=[incident()], **ANN_BEN_AND_CHILD)
    assert reached(7) == [("ann", "i-1", PERSONAL)]


def test_only_the_signals_asked_for_and_nothing_shared() -> None:
    find(event("n", 5, known_on=6, subject="A", signal=QUIET), event("s", 5, known_on=6, place="Y"))
    assert reached(7) == [("ann", "n-1", QUIET), ("ben", "s-1", SHARED)]


def test_it_counts_for_so_many_days_after_it_occurred() -> None:
    find(
        incident(occurred=5),
        incident("told late", occurred=5, known_on=14),
        incident("too late", 5, known_on=15),
    )
    assert [len(through_others(n)) for n in (6, 7, 14, 15, 16)] == [0, 1, 1, 2, 0]
    assert len(reached(40)) == 3  # ann's own stay


def test_never_somebody_it_names_from_the_day_that_is_known() -> None:
    named_too = [incident(subject=s) for s in "AC"]
    links = [police("A", "ann"), police("C", "child", on=9)]
    find(*named_too, links=links)
    assert reached(9) == [("ann", "i-1", PERSONAL), ("child", "i-1", OTHERS)]
    assert reached(10) == [  # each named, and neither any more through the other
        ("ann", "i-1", PERSONAL),
        ("child", "i-1", PERSONAL),
    ]


def test_it_does_not_come_back_when_a_name_turns_out_wrong() -> None:
    find(
        *[incident(subject=s) for s in "AC"],
        links=[police("A", "ann"), police("C", "child", 0, 9), police("C", "ben", 9)],
    )
    assert reached(8) == [("ann", "i-1", PERSONAL), ("child", "i-1", PERSONAL)]
    assert reached(10) == [("ann", "i-1", PERSONAL), ("ben", "i-1", PERSONAL)]


def test_both_homes_are_those_of_the_day_as_known_on_the_morning() -> None:
    find(
        incident("before", 3, known_on=4),
        incident("on the day", 5, known_on=6),
        residences=[
            lives("ann", "X", on=0),
            lives("child", "X", end=5, on=0),  # moves out on the day of the second
            lives("ben", "X", start=5, on=9),  # moves in on that day, which is learned later
        ],
    )
    assert reached(9) == [
        *[("ann", f"{record}-1", PERSONAL) for record in ("before", "on the day")],
        ("child", "before-1", OTHERS),
    ]
    assert through_others(10) == ["ben", "child"]


def test_it_is_there_once_however_many_it_names_and_wherever_they_meet() -> None:
    """Two of the people it names live with the child, and at two places."""
    find(
        *[incident(subject=s) for s in "AB"],
        residences=[lives(p, place) for p in ("ann", "ben", "child") for place in "XY"],
    )
    assert through_others(7) == ["child"]
    assert CON.execute("SELECT count(*) FROM reached_rows").fetchall() == [(3,)]


def test_a_place_where_more_live_than_make_a_household_passes_nothing_on() -> None:
    homes = [lives("ann", "X"), lives("child", "X"), lives("ben", "X", on=8, until=12)]
    find(incident(), guard=2, residences=homes)
    assert [through_others(n) for n in (7, 8, 9, 12, 13)] == [["child"], ["child"], [], [], ["child"]]
    spans = f"SELECT known_on, known_until FROM reached_rows WHERE signal = '{OTHERS}' ORDER BY ALL"
    assert CON.execute(spans).fetchall() == [(day(6), day(8)), (day(12), day(15))]
    elsewhere = [lives("ann", "Z"), lives("child", "Z")]
    find(incident(), guard=2, residences=[*homes, *elsewhere])
    assert through_others(9) == ["child"]  # another place of theirs is a household


def test_others_are_reached_when_only_they_are_asked_for() -> None:
    find(incident(), people=["child"])
    assert reached(7) == [("child", "i-1", OTHERS)]
    find(incident(), people=["ann"])
    assert reached(7) == [("ann", "i-1", PERSONAL)]
