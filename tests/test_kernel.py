"""The kernel on tables of people: what counts, on which days, and what silence means.

Every line is a rule or an edge of one; `test_kernel_measures` has those of the other measures.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from features import feature
from tests import slowly
from tests.slowly import Event, Held
from tests.worlds import AS_OF, LONG_AGO, Facts, World, agrees, at, check, day, quickly, seen, table, written

ANCHOR = seen("care.contact", 1)
ON_ROLL = [Held("a", "schools", False, day(300), None, day(299))]
LIVES_IN_TENANCY = [Held("a", "rents", True, day(100), day(50), day(99))]


@table(
    [
        ("a source that covers the window says nothing", ANCHOR, [], {"care.plan count 730": 0}),
        ("a source begins on the window's first day", ANCHOR, [], {"police.incident count 200": 0}),
        ("… and does not cover a longer one", ANCHOR, [], {"police.incident count 201": None}),
        ("… where an event still counts", seen("police.incident", 150), [], {"police.incident count 365": 1}),
        ("not on the roll", ANCHOR, [], {"schools.absence count 30": None}),
        ("on the roll, nothing happened", ANCHOR, ON_ROLL, {"schools.absence count 30": 0}),
        ("on a roll that does not go back so far", ANCHOR, ON_ROLL, {"schools.absence count 730": None}),
        ("absent though not on the roll", seen("schools.absence", 9), [], {"schools.absence count 30": 1}),
        ("the dwelling was held then", ANCHOR, LIVES_IN_TENANCY, {"rents.letter count 90": 0}),
        ("… and no more", ANCHOR, LIVES_IN_TENANCY, {"rents.letter count 50": None}),
        ("… but a day before it was", ANCHOR, LIVES_IN_TENANCY, {"rents.letter count 51": 0}),
        (
            "a dwelling on a register puts nobody on it",
            ANCHOR,
            LIVES_IN_TENANCY,
            {"rents.visit count 90": None},
        ),
        (
            "a person on a register has their dwelling on it",
            ANCHOR,
            [LIVES_IN_TENANCY[0]._replace(household=False)],
            {"rents.visit count 90": 0, "rents.letter count 90": 0},
        ),
        (
            "on the roll from today on",
            ANCHOR,
            [ON_ROLL[0]._replace(start=AS_OF, known_on=day(9))],
            {"schools.absence count 30": None},
        ),
        (
            "on the roll, as we learn today",
            ANCHOR,
            [ON_ROLL[0]._replace(known_on=AS_OF)],
            {"schools.absence count 30": None},
        ),
        (
            "on the roll, as we thought until today",
            ANCHOR,
            [ON_ROLL[0]._replace(known_until=AS_OF)],
            {"schools.absence count 30": 0},
        ),
        (
            "on the roll, as we thought until yesterday",
            ANCHOR,
            [ON_ROLL[0]._replace(known_until=day(1))],
            {"schools.absence count 30": None},
        ),
        ("one source that covers is enough", ANCHOR, [], {"all count 730": 1, "all signals 730": 1}),
        (
            "what happened to others is theirs",
            [*ANCHOR, *seen("association.police.incident", 5)],
            [],
            {"police.incident count 30": 0, "all count 30": 1, "association.police.incident count 30": 1},
        ),
        (
            "what happened in the dwelling is the household's",
            [*ANCHOR, *seen("police.to_address", 5)],
            [],
            {"all count 30": 1, "household count 30": 1, "police.incident count 30": 0},
        ),
    ]
)
def test_zero_means_we_would_have_known(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@table(
    [
        ("a window's first and last day", seen("care.contact", 1, 30, 31), [], {"all count 30": 2}),
        (
            "nothing of today or later",
            seen("care.contact", -1, 0, 1),
            [],
            {"all count 30": 1, "all days 30": 1},
        ),
        (
            "known today: not yet",
            [*ANCHOR, *[e._replace(known_on=AS_OF) for e in seen("care.contact", 9)]],
            [],
            {"all count 30": 1, "all days_since 30": 1, "all days_since_first 30": 1},
        ),
        (
            "replaced today: still; yesterday: no more",
            [
                *[e._replace(known_until=AS_OF) for e in seen("care.contact", 9)],
                *[e._replace(known_until=day(1)) for e in seen("care.contact", 3)],
            ],
            [],
            {"all count 30": 1, "all days_since 30": 9},
        ),
        (
            "to the minute",
            [*seen("care.contact", 2, minute=18 * 60), *seen("care.contact", 9, minute=6 * 60)],
            [],
            {"all days_since 30": 1.25, "all days_since_first 30": 8.75, "all gap_mean 30": 7.5},
        ),
        (
            "without a time: from the start of the day",
            seen("care.contact", 2, 9),
            [],
            {"all days_since 30": 2, "all days_since_first 30": 9},
        ),
        (
            "the last minute before the morning",
            seen("care.contact", 1, minute=1439),
            [],
            {"all days_since 30": 1 / 1440, "all days_since_first 1": 1 / 1440},
        ),
        (
            "nothing in the window",
            seen("care.contact", 40),
            [],
            {"all days_since 30": None, "all days_since_first 30": None, "all days 30": 0, "all days 40": 1},
        ),
        (
            "the first of each window",
            seen("care.contact", 3, 40, 400),
            [],
            {"all days_since_first 30": 3, "all days_since_first 90": 40, "all days_since_first 730": 400},
        ),
        (
            "a day counts once, whatever happened on it",
            [*seen("care.contact", 5, 5), *seen("care.contact", 5, minute=700), *seen("care.plan", 5, 6)],
            [],
            {"all days 30": 2, "all count 30": 5, "care.contact days 30": 1, "all signals 30": 2},
        ),
        (
            "kinds and agencies",
            [*seen("care.contact", 5, 40), *seen("care.plan", 50), *seen("police.incident", 45, 46)],
            [],
            {
                "all signals 30": 1,
                "all signals 45": 2,
                "all signals 90": 3,
                "all agencies 90": 2,
                "all agencies 30": 1,
            },
        ),
        (
            "kinds of an agency that does not cover: those that are there",
            seen("police.incident", 300),
            [],
            {
                "police.incident signals 365": 1,
                "police.incident agencies 365": 1,
                "police.incident days 365": 1,
            },
        ),
    ]
)
def test_counts_and_days(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@pytest.mark.parametrize(
    ("as_of", "events", "expected"),
    [
        pytest.param(
            date(2024, 2, 29),
            [
                at("care.contact", "2024-02-29"),
                at("care.contact", "2024-02-28"),
                at("care.contact", "2023-03-01"),
            ],
            {"all count 1": 1, "all count 364": 1, "all count 365": 2, "all days_since 365": 1},
            id="leap day",
        ),
        pytest.param(
            date(2024, 3, 1),
            [at("care.contact", "2024-02-29 12:00"), at("care.contact", "2024-02-28 12:00")],
            {"all days_since 30": 0.5, "all gap_mean 30": 1, "all count 1": 1, "all after 30 all 1": 1},
            id="the day after it",
        ),
        pytest.param(
            date(2026, 3, 30),
            [
                at("care.contact", "2026-03-28 01:30"),
                at("care.contact", "2026-03-29 01:30"),
                at("care.contact", "2026-03-29 22:30"),
            ],
            {
                "all gap_mean 30": 22.5 / 24,
                "all days_since 30": 1.5 / 24,
                "all days_since_first 30": 46.5 / 24,
                "all night_share 30": 1,
                "all weekend_share 30": 1,
                "all repeats_7 30": 2,
            },
            id="the clocks go forward",
        ),
        pytest.param(
            date(2026, 10, 26),
            [
                at("care.contact", "2026-10-18 01:30"),
                at("care.contact", "2026-10-25 01:30"),
                at("care.contact", "2026-10-25 06:00"),
            ],
            {
                "all gap_mean 30": (7 + 4.5 / 24) / 2,
                "all days_since 30": 18 / 24,
                "all night_share 30": 2 / 3,
                "all weekend_share 30": 1,
                "all repeats_7 30": 2,
            },
            id="the clocks go back",
        ),
        pytest.param(
            date(2040, 1, 1),
            [at("care.contact", "2039-12-31"), at("care.plan", "2026-01-01")],
            {"care.plan count 730": 0, "care.plan open 730": 1, "care.plan days_open 730": 5113},
            id="long after all data",
        ),
    ],
)
def test_dates_of_their_own(as_of: date, events: list[Event], expected: Facts) -> None:
    check(events, [], expected, as_of)


def test_before_all_data_and_after_all_windows_there_is_nobody() -> None:
    world = World(written("all count 30"), seen("care.contact", 5), [])
    assert list(quickly(world)) == ["a"]
    for as_of in (LONG_AGO, day(5), AS_OF + timedelta(days=3650), date(9999, 12, 31)):
        assert quickly(world.but(as_of=as_of)) == {}


def test_a_row_takes_a_usable_event_of_the_catalogue_in_its_longest_window() -> None:
    catalogue = written("care.contact count 30").select(["care.contact count 30"])
    assert catalogue.signals == ("care.contact",)
    events = [
        *(e._replace(person="in the window") for e in seen("care.contact", 3650)),
        *(e._replace(person="before it") for e in seen("care.contact", 3651)),
        *(e._replace(person="of the day itself") for e in seen("care.contact", 0)),
        *(e._replace(person="not yet known", known_on=AS_OF) for e in seen("care.contact", 3)),
        *(e._replace(person="of another signal") for e in seen("care.plan", 3)),
    ]
    world = World(catalogue, events, ON_ROLL)
    assert list(quickly(world)) == ["in the window"]
    agrees(world)


def test_the_slow_reading_has_every_measure() -> None:
    assert {*slowly.MEASURES, "after"} == set(feature.MEASURES)
