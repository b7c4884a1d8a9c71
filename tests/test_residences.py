"""Who lives where on a date, as known then: worked cases, and any set of addresses against an oracle."""

from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.residences import household_id, make_address_facts, make_residences
from tests.examples import by_day

D0 = date(2026, 1, 1)
CON = duckdb.connect(config={"threads": 1})  # one for all: opening one costs more than a small case
SCHEMA = pa.schema(
    [
        *[
            (name, pa.string())
            for name in ("source", "record_key", "subject_key", "uprn", "postcode", "area")
        ],
        ("revision", pa.int32()),
        *[(name, pa.date32()) for name in ("start_on", "end_on", "known_on", "known_until")],
    ]
)
LINKS = pa.schema(
    [
        *[(name, pa.string()) for name in ("source", "subject_key", "person_id")],
        *[(name, pa.date32()) for name in ("known_on", "known_until")],
    ]
)


def day(number: int | None) -> date | None:
    return None if number is None else D0 + timedelta(days=number)


def address(
    uprn: str | None,
    start: int,
    end: int | None = None,
    *,
    known: int = 0,
    until: int | None = None,
    source: str = "a",
    record: str = "r",
    revision: int = 1,
    subject: str = "S",
    postcode: str | None = None,
) -> dict:
    """One address as a snapshot has it; days are counted from 1 January 2026."""
    return {
        "source": source,
        "record_key": record,
        "revision": revision,
        "subject_key": subject,
        "uprn": uprn,
        "postcode": postcode,
        "area": None,
        "start_on": day(start),
        "end_on": day(end),
        "known_on": day(known),
        "known_until": day(until),
    }


def link(source: str, subject: str, person: str, known: int = 0, until: int | None = None) -> dict:
    return {
        "source": source,
        "subject_key": subject,
        "person_id": person,
        "known_on": day(known),
        "known_until": day(until),
    }


def residences(addresses: list[dict], links: list[dict] | None = None) -> list[dict]:
    """The residence rows made of addresses; by default every subject is person P."""
    pairs = sorted({(a["source"], a["subject_key"]) for a in addresses})
    links = links or [link(source, subject, "P") for source, subject in pairs]
    con = CON
    con.register("addresses", pa.Table.from_pylist(addresses, schema=SCHEMA))
    con.register("my_links", pa.Table.from_pylist(links, schema=LINKS))
    make_address_facts(con)
    make_residences(con, links="my_links")
    return con.sql("FROM new_residences").to_arrow_table().to_pylist()


def lives(rows: list[dict], on: int, learned: int, person: str = "P") -> list[str]:
    """Where the rows say that a person lives on a day, by what was learned up to the end of another."""
    then, now = day(on), day(learned)
    return [
        row["uprn"]
        for row in rows
        if row["person_id"] == person
        and row["known_on"] <= now
        and (row["known_until"] is None or now < row["known_until"])
        and row["start_on"] <= then
        and (row["end_on"] is None or then < row["end_on"])
    ]


def test_a_child_moves_from_x_to_y_on_1_march_known_10_march() -> None:
    march = (date(2026, 3, 1) - D0).days
    rows = residences(
        [address("X", -400), address("Y", march, known=march + 9, source="b", subject="T", record="q")]
    )
    january, fifth, ninth, tenth = 10, march + 4, march + 8, march + 9
    assert lives(rows, january, ninth) == ["X"] == lives(rows, january, tenth)
    assert lives(rows, fifth, ninth) == ["X"]
    assert lives(rows, fifth, tenth) == ["Y"]


CASES = {
    "two sources tell the same residence": (
        [address("X", 0), address("X", 40, source="b", known=45)],
        {(10, 50): ["X"], (60, 50): ["X"]},
    ),
    "an end before the start is no residence, and ends nothing": (
        [address("X", 0), address("Y", 30, 20, record="q")],
        {(35, 50): ["X"]},
    ),
    "an overwritten address was a move: the old one stays true for its time": (
        [address("X", 0, until=30), address("Y", 28, known=30, revision=2)],
        {(10, 29): ["X"], (29, 29): ["X"], (29, 30): ["Y"], (10, 30): ["X"]},
    ),
    "a revision with the same start is a correction: the old one never was": (
        [address("X", 0, until=30), address("Y", 0, known=30, revision=2)],
        {(10, 29): ["X"], (10, 30): ["Y"]},
    ),
    "a revision that ends it on the day it starts says that it never was": (
        [address("X", 0, until=30), address("X", 0, 0, known=30, revision=2)],
        {(10, 29): ["X"], (10, 30): []},
    ),
    "an end learned later": (
        [address("X", 0, until=30), address("X", 0, 20, known=30, revision=2)],
        {(25, 29): ["X"], (25, 30): [], (19, 30): ["X"]},
    ),
    "a correction that reaches back over a move takes both with it": (
        [
            address("X", 0, until=30),
            address("Y", 28, known=30, until=40, revision=2),
            address("Z", -5, known=40, revision=3),
        ],
        {(10, 39): ["X"], (29, 39): ["Y"], (10, 40): ["Z"], (29, 40): ["Z"]},
    ),
    "a withdrawn record says nothing any more": (
        [address("X", 0, until=30)],
        {(10, 29): ["X"], (10, 30): []},
    ),
    "withdrawn, then back": (
        [address("X", 0, until=10), address("Y", 15, known=20, revision=3)],
        {(5, 9): ["X"], (5, 12): [], (5, 25): [], (16, 25): ["Y"]},
    ),
    "an address without a UPRN ends the earlier residence": (
        [address("X", 0, postcode="AB1 2CD"), address(None, 20, record="q", postcode="ZZ9 9ZZ")],
        {(10, 30): ["X"], (25, 30): []},
    ),
    "unless it names the same postcode": (
        [address("X", 0, postcode="AB1 2CD"), address(None, 20, record="q", postcode="ab12cd")],
        {(25, 30): ["X"]},
    ),
    "of two from one day the one told later stands": (
        [address("X", 10, known=12), address("Y", 10, known=20, record="q")],
        {(15, 19): ["X"], (15, 20): ["Y"]},
    ),
    "somebody back where they were before": (
        [address("X", 0), address("Y", 10, record="q"), address("X", 20, record="s")],
        {(5, 30): ["X"], (15, 30): ["Y"], (25, 30): ["X"]},
    ),
    "nowhere that we know of": ([address(None, 0)], {(10, 30): []}),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    addresses, expected = CASES[name]
    rows = residences(addresses)
    assert {when: lives(rows, *when) for when in expected} == expected


def test_the_same_residence_from_two_sources_is_one_row_that_begins_with_the_first() -> None:
    (row,) = residences([address("X", 0), address("X", 20, source="b")])
    assert (row["start_on"], row["end_on"], row["known_on"], row["known_until"]) == (D0, None, D0, None)


def test_a_person_linked_later_brings_their_addresses_from_that_day() -> None:
    links = [link("a", "S", "P"), link("b", "T", "Q", until=50), link("b", "T", "P", known=50)]
    rows = residences([address("X", 0), address("Y", 20, source="b", subject="T")], links)
    assert (lives(rows, 30, 49), lives(rows, 30, 50)) == (["X"], ["Y"])
    assert (lives(rows, 30, 49, "Q"), lives(rows, 30, 50, "Q")) == (["Y"], [])


def test_household_ids_are_opaque_and_stable() -> None:
    assert household_id("100012345678") == household_id("100012345678") != household_id("100012345679")
    assert household_id("100012345678")[0] == "H"
    assert len(household_id("100012345678")) == 12


def where(facts: list[dict], then: date, now: date) -> list[str]:
    """The naive answer: of the addresses believed now the last to start by then, if it has not ended."""
    believed = [
        f
        for f in facts
        if f["known_on"] <= now
        and (f["known_until"] is None or now < f["known_until"])
        and (f["end_on"] is None or f["start_on"] < f["end_on"])
        and (f["uprn"] or f["postcode"])
    ]
    believed.sort(key=lambda f: (f["start_on"], f["known_on"], f["source"], f["record_key"]))
    moves = [
        f
        for before, f in zip([None, *believed], believed, strict=False)
        if f["uprn"] or before is None or f["postcode"] != before["postcode"]
    ]
    begun = [f for f in moves if f["start_on"] <= then]
    if not begun or begun[-1]["uprn"] is None:
        return []
    end = begun[-1]["end_on"]
    return [begun[-1]["uprn"]] if end is None or then < end else []


@st.composite
def some_addresses(draw: st.DrawFn) -> list[dict]:
    """Up to six records, each of one revision, all of one person."""
    facts = []
    for n in range(draw(st.integers(1, 6))):
        known = draw(st.integers(0, 6))
        uprn = draw(st.sampled_from(["X", "Y", "Z", None]))
        facts.append(
            address(
                uprn,
                draw(st.integers(0, 8)),
                draw(st.none() | st.integers(0, 9)),
                known=known,
                until=draw(st.none() | st.integers(known, 8)),
                source=draw(st.sampled_from("ab")),
                record=f"r{n}",
                postcode=draw(st.sampled_from([f"at {uprn}", "elsewhere", None])),
            )
        )
    return facts


@by_day(20)
@given(some_addresses())
def test_any_addresses_give_on_every_day_what_the_naive_reading_gives(facts: list[dict]) -> None:
    rows = residences(facts)
    for learned in range(9):
        for on in range(11):
            assert lives(rows, on, learned) == where(facts, day(on), day(learned)), (on, learned)
