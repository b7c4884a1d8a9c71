"""The kernel on tables of people: the measures that ask more of events than how many there are."""

from __future__ import annotations

import math

from tests.slowly import Event, Held
from tests.worlds import AS_OF, Facts, at, check, day, seen, table

ANCHOR = seen("care.contact", 1)
ON_ROLL = [Held("a", "schools", False, day(300), None, day(299))]
LIVES_IN_TENANCY = [Held("a", "rents", True, day(100), day(50), day(99))]


@table(
    [
        ("7 days and no minute more", seen("care.contact", 20, 13), [], {"all repeats_7 365": 1}),
        (
            "… by the clock",
            [*seen("care.contact", 20, minute=60), *seen("care.contact", 13, minute=61)],
            [],
            {"all repeats_7 365": 0, "all repeats_28 365": 1},
        ),
        (
            "… where a day begins at midnight",
            [*seen("care.contact", 20, minute=0), *seen("care.contact", 13)],
            [],
            {"all repeats_7 365": 1},
        ),
        (
            "… even if only one has a time",
            [*seen("care.contact", 20), *seen("care.contact", 13, minute=1)],
            [],
            {"all repeats_7 365": 0},
        ),
        ("another signal is no repeat", [*ANCHOR, *seen("police.incident", 2)], [], {"all repeats_7 30": 0}),
        (
            "… nor does it come between",
            [*seen("care.contact", 3, 9), *seen("care.plan", 6)],
            [],
            {"all repeats_7 30": 1, "care.contact repeats_7 30": 1, "care.plan repeats_7 30": 0},
        ),
        ("two of one moment: one is a repeat", seen("care.contact", 5, 5), [], {"all repeats_7 30": 1}),
        (
            "four weeks",
            seen("care.contact", 1, 29, 58),
            [],
            {"all repeats_28 365": 1, "all repeats_7 365": 0},
        ),
        (
            "both in the window",
            seen("care.contact", 30, 31),
            [],
            {"all repeats_7 30": 0, "all repeats_7 31": 1},
        ),
        (
            "not known of a source that does not cover",
            seen("police.incident", 5),
            [],
            {"police.incident repeats_7 365": None, "police.incident repeats_7 90": 0},
        ),
        (
            "one event has no gap",
            seen("care.contact", 5),
            [],
            {"all gap_mean 30": None, "all gap_spread 30": None},
        ),
        (
            "one gap has no spread",
            seen("care.contact", 5, 9),
            [],
            {"all gap_mean 30": 4, "all gap_spread 30": None},
        ),
        (
            "gaps of 4, 4 and 10 days",
            seen("care.contact", 5, 9, 13, 23),
            [],
            {"all gap_mean 30": 6, "all gap_spread 30": math.sqrt(8)},
        ),
        (
            "only gaps between events of the window",
            seen("care.contact", 5, 9, 13, 23),
            [],
            {"all gap_mean 13": 4, "all gap_spread 13": 0, "all gap_mean 9": 4, "all gap_spread 9": None},
        ),
        (
            "gaps are the channel's, whatever the signals",
            [*seen("care.contact", 5, 15), *seen("police.incident", 7)],
            [],
            {"all gap_mean 30": 5, "all gap_spread 30": 3, "care.contact gap_mean 30": 10},
        ),
        (
            "of one moment: no time between",
            seen("care.contact", 5, 5, 5),
            [],
            {"all gap_mean 30": 0, "all gap_spread 30": 0},
        ),
        (
            "a year apart each time, to the minute",
            [e for d in (1, 366, 731) for e in seen("care.contact", d, minute=1)],
            [],
            {"all gap_mean 731": 365, "all gap_spread 731": 0},
        ),
    ]
)
def test_repeats_and_gaps(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@table(
    [
        (
            "from 22:00 to 06:00",
            [e for m in (0, 359, 360, 1319, 1320, 1439) for e in seen("care.contact", 3, minute=m)],
            [],
            {"all night_share 30": 4 / 6},
        ),
        (
            "those without a time do not count",
            [*seen("care.contact", 3, minute=5), *seen("care.contact", 3, 4)],
            [],
            {"all night_share 30": 1},
        ),
        ("none has a time", seen("care.contact", 3), [], {"all night_share 30": None}),
        ("none at night", seen("care.contact", 3, minute=720), [], {"all night_share 30": 0}),
        ("none at all", ANCHOR, [], {"care.plan night_share 30": None, "care.plan weekend_share 30": None}),
        ("Sunday, Saturday, Friday", seen("care.contact", 1, 2, 3), [], {"all weekend_share 30": 2 / 3}),
        ("Monday", seen("care.contact", 7), [], {"all weekend_share 30": 0}),
        (
            "the last minute of Sunday, the first of Monday, the last of Friday",
            [
                *seen("care.contact", 1, minute=1439),
                *seen("care.contact", 7, minute=0),
                *seen("care.contact", 3, minute=1439),
            ],
            [],
            {"all weekend_share 30": 1 / 3, "all night_share 30": 1, "all weekend_share 1": 1},
        ),
        (
            "a Sunday before 1970",
            [at("care.contact", "1969-12-28 23:00")],
            [],
            {"all weekend_share 30000": 1, "all night_share 30000": 1},
        ),
    ]
)
def test_nights_and_weekends(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@table(
    [
        (
            "against the year before",
            seen("care.contact", 1, 90, 91, 300, 455, 456),
            [],
            {"care.contact change 455": 2 - 3 * 90 / 365},
        ),
        ("no change without the past", seen("police.incident", 5), [], {"police.incident change 455": None}),
        ("of those that cover", [*ANCHOR, *seen("police.incident", 5)], [], {"all change 455": 1}),
        ("nothing, then nothing", ANCHOR, [], {"care.plan change 455": 0}),
        ("nothing but long ago", seen("care.contact", 500), [], {"care.contact change 455": 0}),
    ]
)
def test_change(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


ABSENCES = [*seen("schools.absence", 40, amount=6.0), *seen("schools.absence", 8, amount=2.0)]


@table(
    [
        (
            "sum, greatest, mean and latest",
            ABSENCES,
            ON_ROLL,
            {
                "schools.absence amount_sum 90": 8,
                "schools.absence amount_max 90": 6,
                "schools.absence amount_mean 90": 4,
                "schools.absence amount_latest 90": 2,
                "schools.absence amount_sum 30": 2,
                "schools.absence amount_max 30": 2,
                "schools.absence amount_latest 30": 2,
            },
        ),
        (
            "an amount nobody gave",
            seen("schools.absence", 8),
            ON_ROLL,
            {
                "schools.absence amount_sum 90": None,
                "schools.absence amount_max 90": None,
                "schools.absence amount_mean 90": None,
                "schools.absence amount_latest 90": None,
                "schools.absence amount_sum 7": 0,
            },
        ),
        (
            "nothing paid is nothing",
            ANCHOR,
            ON_ROLL,
            {
                "schools.absence amount_sum 90": 0,
                "schools.absence amount_max 90": None,
                "schools.absence amount_mean 90": None,
                "schools.absence amount_latest 90": None,
            },
        ),
        ("… where we would have known", ANCHOR, [], {"schools.absence amount_sum 90": None}),
        (
            "the latest that gives one",
            [*ABSENCES, *seen("schools.absence", 3)],
            [],
            {"schools.absence amount_latest 90": 2, "schools.absence amount_mean 90": 4},
        ),
        (
            "the greatest of one moment",
            [*ABSENCES, *(e for x in (3.0, 9.0, 1.0, None) for e in seen("schools.absence", 8, amount=x))],
            [],
            {"schools.absence amount_latest 90": 9},
        ),
        (
            "a moment is a moment, with a time or without",
            [*seen("schools.absence", 8, amount=9.0), *seen("schools.absence", 8, amount=1.0, minute=0)],
            [],
            {"schools.absence amount_latest 90": 9},
        ),
        (
            "a minute later is later",
            [*seen("schools.absence", 8, amount=9.0), *seen("schools.absence", 8, amount=1.0, minute=1)],
            [],
            {"schools.absence amount_latest 90": 1},
        ),
        (
            "paid back",
            [*seen("schools.absence", 8, amount=-9.5), *seen("schools.absence", 9, amount=-0.5)],
            [],
            {
                "schools.absence amount_sum 90": -10,
                "schools.absence amount_max 90": -0.5,
                "schools.absence amount_mean 90": -5,
                "schools.absence amount_latest 90": -9.5,
            },
        ),
        (
            "nought is an amount",
            seen("schools.absence", 8, amount=0.0),
            [],
            {"schools.absence amount_sum 90": 0, "schools.absence amount_max 90": 0},
        ),
    ]
)
def test_amounts(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@table(
    [
        (
            "open since long before the longest window",
            [*ANCHOR, *seen("care.plan", 5000, 10)],
            [],
            {"care.plan open 730": 2, "care.plan days_open 730": 5000, "care.plan count 730": 1},
        ),
        (
            "… one that ended",
            [*ANCHOR, *seen("care.plan", 5000, ended=day(4999)), *seen("care.plan", 4000)],
            [],
            {"care.plan open 730": 1, "care.plan days_open 730": 4000, "care.plan count 730": 0},
        ),
        (
            "… one that we know of since today",
            [*ANCHOR, *[e._replace(known_on=AS_OF) for e in seen("care.plan", 5000)]],
            [],
            {"care.plan open 730": 0, "care.plan days_open 730": None},
        ),
        (
            "ends today: still open",
            seen("care.plan", 30, ended=AS_OF),
            [],
            {"care.plan open 730": 1, "care.plan days_open 730": 30},
        ),
        (
            "ended yesterday",
            seen("care.plan", 30, ended=day(1)),
            [],
            {"care.plan open 730": 0, "care.plan days_open 730": None, "care.plan days_since 730": 30},
        ),
        (
            "will end, as planned",
            seen("care.plan", 30, ended=day(-90)),
            [],
            {"care.plan open 730": 1, "care.plan days_open 730": 30},
        ),
        ("begins today", [*ANCHOR, *seen("care.plan", 0)], [], {"care.plan open 730": 0}),
        ("days are whole", seen("care.plan", 2, minute=720), [], {"care.plan days_open 730": 2}),
        (
            "an exclusion of a pupil we do not hold",
            seen("schools.exclusion", 5, ended=day(3)),
            [],
            {"schools.exclusion open 365": None, "schools.exclusion days_open 365": None},
        ),
        (
            "a tenancy is the household's",
            [*ANCHOR, *seen("rents.tenancy", 900)],
            LIVES_IN_TENANCY,
            {"rents.tenancy open 365": 1, "rents.tenancy days_open 365": 900, "rents.tenancy count 365": 0},
        ),
    ]
)
def test_spells(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)


@table(
    [
        (
            "the day after, and so many days after",
            [*seen("police.incident", 20), *seen("care.contact", 19, 13, 12)],
            [],
            {
                "care.contact after 180 police.incident 1": 1,
                "care.contact after 180 police.incident 7": 2,
                "care.contact after 180 police.incident 8": 3,
            },
        ),
        (
            "not on the day itself, whatever the clock says",
            [*seen("police.incident", 20, minute=1), *seen("care.contact", 20, minute=1439)],
            [],
            {"care.contact after 180 police.incident 28": 0},
        ),
        (
            "on the day itself after one before",
            [*seen("police.incident", 25, 20), *seen("care.contact", 20)],
            [],
            {"care.contact after 180 police.incident 5": 1, "care.contact after 180 police.incident 4": 0},
        ),
        (
            "each event that follows counts, once",
            [*seen("police.incident", 22, 21, 20), *seen("care.contact", 19, 19, 18)],
            [],
            {"care.contact after 180 police.incident 28": 3},
        ),
        (
            "both in the window",
            [*seen("police.incident", 31), *seen("care.contact", 30)],
            [],
            {"care.contact after 30 police.incident 28": 0, "care.contact after 31 police.incident 28": 1},
        ),
        (
            "the other way round",
            [*seen("police.incident", 19), *seen("care.contact", 20)],
            [],
            {"care.contact after 180 police.incident 28": 0, "police.incident after 180 care.contact 28": 1},
        ),
        (
            "one agency does not cover",
            [*seen("police.incident", 19), *seen("care.contact", 20)],
            [],
            {
                "care.contact after 365 police.incident 28": None,
                "police.incident after 365 care.contact 28": 1,
            },
        ),
        ("neither happened", seen("care.plan", 1), [], {"care.contact after 180 police.incident 28": 0}),
        (
            "after one of its own kind",
            seen("care.contact", 20, 20, 18, 11),
            [],
            {"care.contact after 180 care.contact 2": 1, "care.contact after 180 care.contact 7": 2},
        ),
        (
            "after what happened in the household",
            [*seen("police.to_address", 20), *seen("care.contact", 19)],
            [],
            {"care.contact after 180 household 28": 1, "care.contact after 180 police.to_address 28": 1},
        ),
    ]
)
def test_sequences(events: list[Event], held: list[Held], expected: Facts) -> None:
    check(events, held, expected)
