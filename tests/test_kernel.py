"""The kernel against a slow reading of the formulas that imports nothing from the project."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.asof import OPEN, day_number, in_outcome
from features.catalogue import Catalogue, SourceFacts, derive_catalogue
from features.declaration import Source
from features.feature import MEASURES, Channel, Feature, Signal
from features.kernel import compile_catalogue, compute
from features.panel import kernel_rows
from features.person_rows import PersonRows

AS_OF = date(2026, 6, 29)
HOUSEHOLD_MAX = 3


# The slow reading: plain tuples in, numbers out. It knows nothing of the code it judges.


class Event(NamedTuple):
    person: str
    signal: str
    occurred: date
    known_on: date
    minute: int | None = None
    ended: date | None = None
    amount: float | None = None
    known_until: date | None = None
    happening: int | None = None


class Held(NamedTuple):
    person: str
    source: str
    household: bool
    start: date
    end: date | None
    known_on: date
    known_until: date | None = None


class Asked(NamedTuple):
    measure: str
    window: int
    signals: dict[str, str]  # signal → source
    household: bool


def slowly(
    events: list[Event],
    held: list[Held],
    asked: list[Asked],
    sources: dict[str, tuple[date, bool]],
    as_of: date,
    longest: int,
) -> dict[str, list[float]]:
    """Person → values, for everybody with a usable event in the longest window."""

    def known(row: Event | Held) -> bool:
        return row.known_on < as_of and (row.known_until is None or as_of <= row.known_until)

    def within(day: date, window: int) -> bool:
        return as_of - timedelta(days=window) <= day < as_of

    def covers(person: str, source: str, household: bool, window: int) -> bool:
        first = as_of - timedelta(days=window)
        covers_from, register = sources[source]
        if covers_from > first or not register:
            return covers_from <= first
        days = {first + timedelta(days=i) for i in range(window)}
        return any(
            any(h.start <= day and (h.end is None or day < h.end) for day in days)
            for h in held
            if h.person == person and h.source == source and known(h) and (household or not h.household)
        )

    def moment(e: Event) -> tuple[date, int]:
        return e.occurred, -1 if e.minute is None else e.minute

    def repeats(mine: list[Event], window: int, gap: int) -> int:
        found = 0
        for signal in {e.signal for e in mine}:
            of_signal = [e for e in mine if e.signal == signal and within(e.occurred, window)]
            for a, b in pairwise(of_signal):
                minutes = (b.occurred - a.occurred).days * 1440
                if a.minute is not None and b.minute is not None:
                    minutes += b.minute - a.minute
                found += minutes <= gap * 1440
        return found

    usable = [e for e in events if known(e) and e.occurred < as_of]
    usable = [
        e
        for e in usable
        if e.happening is None or sum(o.happening == e.happening for o in usable) <= HOUSEHOLD_MAX
    ]
    result: dict[str, list[float]] = {}
    for person in sorted({e.person for e in usable if within(e.occurred, longest)}):
        row = []
        for measure, window, signals, household in asked:
            mine = sorted((e for e in usable if e.person == person and e.signal in signals), key=moment)
            there = [e for e in mine if within(e.occurred, window)]
            spells = [e for e in mine if e.ended is None or e.ended >= as_of]
            amounts = [e.amount for e in there if e.amount is not None]
            covering = {s for s in signals.values() if covers(person, s, household, window)}
            counted = {
                "count": len(there),
                "signals": len({e.signal for e in there}),
                "agencies": len({signals[e.signal] for e in there}),
                "repeats_7": repeats(mine, window, 7),
                "repeats_28": repeats(mine, window, 28),
                "open": len(spells),
            }
            value = math.nan
            if measure in counted:
                value = counted[measure] if counted[measure] or covering else math.nan
            elif measure == "days_since" and there:
                value = (as_of - there[-1].occurred).days
            elif measure == "days_open" and spells:
                value = (as_of - min(e.occurred for e in spells)).days
            elif measure == "change" and covering:
                sure = [e for e in there if signals[e.signal] in covering]
                recent = sum(within(e.occurred, 90) for e in sure)
                value = recent - (len(sure) - recent) * 90 / 365
            elif measure == "amount_sum" and (amounts or (covering and not there)):
                value = sum(amounts)
            elif measure == "amount_max" and amounts:
                value = max(amounts)
            elif measure == "amount_mean" and amounts:
                value = sum(amounts) / len(amounts)
            elif measure == "amount_latest" and amounts:
                value = amounts[-1]
            row.append(value)
        result[person] = row
    return result


# A small county: two ordinary sources, one register of persons, one register of dwellings.

SIGNALS = (
    Signal("care.contact", "care", "contact", "contacts", theme="child_safety"),
    Signal("care.plan", "care", "plan", "plans", theme="child_safety", spell=True),
    Signal("police.incident", "police", "incident", "incidents", theme="crime"),
    Signal("police.to_address", "police", "call", "calls", shared=True),
    Signal("rents.letter", "rents", "letter", "letters", unit="£", shared=True),
    Signal("schools.absence", "schools", "absence", "absences", theme="education", unit="sessions"),
)
COVERS = {
    "care": (date(2010, 1, 1), False),
    "police": (AS_OF - timedelta(days=200), False),
    "rents": (date(2010, 1, 1), True),
    "schools": (AS_OF - timedelta(days=400), True),
}


def declared(name: str) -> Source:
    signals = {
        s.name.split(".")[1]: {
            "one": s.one,
            "many": s.many,
            "theme": s.theme,
            "unit": s.unit,
            "shared": s.shared,
            "spell": s.spell,
        }
        for s in SIGNALS
        if s.source == name
    }
    return Source.model_validate(
        {
            "source": name,
            "title": name.title(),
            "owner": "somebody",
            "legal_gateway": "some Act",
            "agreement": {"reference": "1", "review_by": "2030-01-01"},
            "covers_from": COVERS[name][0],
            "register": COVERS[name][1],
            "typical_delay_days": 1,
            "schedule": {"every": "day"},
            "extracts": {
                "rows": {
                    "files": "*.csv",
                    "delivery": "full",
                    "record_key": "key",
                    "columns": {"key": {}, "day": {"type": "date", "format": "%Y"}, "uprn": {}},
                    "subjects": [{"key": "key"}],
                    "events": [{"signal": s, "occurred": "day", "place": "uprn"} for s in signals],
                }
            },
            "signals": signals,
        }
    )


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return derive_catalogue({name: declared(name) for name in COVERS})


def asked(catalogue: Catalogue) -> list[Asked]:
    found = []
    for feature in catalogue.features:
        channel = catalogue.channel(feature.channel)
        signals = {part.name: part.source for part in channel.parts}
        found.append(Asked(feature.measure, feature.window, signals, channel.household))
    return found


def arrays(events: list[Event], held: list[Held], signals: tuple[str, ...]) -> PersonRows:
    """The rows as linking hands them over."""
    people = sorted({row.person for row in [*events, *held]})
    events = sorted(events, key=lambda e: (e.person, e.occurred, -1 if e.minute is None else e.minute))
    held = sorted(held, key=lambda h: (h.person, h.source, h.household, h.start))
    sources = tuple(sorted({h.source for h in held} | {"fire"}))

    def days(given: list[date | None]) -> np.ndarray:
        return np.array([OPEN if d is None else day_number(d) for d in given], np.int32)

    def starts(rows: list) -> np.ndarray:
        return np.searchsorted([r.person for r in rows], [*people, "~"]).astype(np.int64)

    shared = {s.name for s in SIGNALS if s.shared}
    return PersonRows(
        person_ids=np.array(people, dtype=str),
        signals=signals,
        start=starts(events),
        signal=np.array([signals.index(e.signal) for e in events], np.int16),
        household=np.array([e.signal in shared for e in events], bool),
        happening=np.array([-1 if e.happening is None else e.happening for e in events], np.int64),
        occurred=days([e.occurred for e in events]),
        ended=days([e.ended for e in events]),
        minute=np.array([-1 if e.minute is None else e.minute for e in events], np.int16),
        amount=np.array([math.nan if e.amount is None else e.amount for e in events], np.float64),
        known_on=days([e.known_on for e in events]),
        known_until=days([e.known_until for e in events]),
        sources=sources,
        held_start=starts(held),
        held_source=np.array([sources.index(h.source) for h in held], np.int16),
        held_household=np.array([h.household for h in held], bool),
        held_from=days([h.start for h in held]),
        held_to=days([h.end for h in held]),
        held_known_on=days([h.known_on for h in held]),
        held_known_until=days([h.known_until for h in held]),
    )


def quickly(catalogue: Catalogue, events: list[Event], held: list[Held]) -> dict[str, np.ndarray]:
    rows = arrays(events, held, catalogue.signals)
    people, values = compute(kernel_rows(rows, catalogue), compile_catalogue(catalogue), AS_OF, HOUSEHOLD_MAX)
    return {str(rows.person_ids[p]): values[at] for at, p in enumerate(people)}


def check(catalogue: Catalogue, events: list[Event], held: list[Held]) -> None:
    expected = slowly(events, held, asked(catalogue), COVERS, AS_OF, catalogue.longest)
    found = quickly(catalogue, events, held)
    assert sorted(found) == sorted(expected)
    for person, values in expected.items():
        wrong = [
            f"{name}: {got} instead of {want}"
            for name, got, want in zip(catalogue.names, found[person].tolist(), values, strict=True)
            if not (math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-5) or (got != got and want != want))
        ]
        assert not wrong, f"{person}: {wrong}"


# Any rows at all; days crowd around the edges of the windows.

EDGES = (0, 1, 7, 8, 28, 29, 30, 31, 89, 90, 91, 180, 181, 200, 201, 365, 366, 455, 456, 730, 731)
back = st.one_of(st.sampled_from(EDGES), st.integers(-40, 900)).map(lambda n: AS_OF - timedelta(days=n))
maybe_later = st.one_of(st.none(), back)


@st.composite
def an_event(draw: st.DrawFn) -> Event:
    signal = draw(st.sampled_from(SIGNALS))
    occurred = draw(back)
    known_on = draw(st.one_of(back, st.integers(0, 60).map(lambda n: occurred + timedelta(days=n))))
    return Event(
        person=draw(st.sampled_from("abcde")),
        signal=signal.name,
        occurred=occurred,
        known_on=known_on,
        minute=draw(st.one_of(st.none(), st.integers(0, 1439))),
        ended=draw(maybe_later) if signal.spell else None,
        amount=draw(st.one_of(st.none(), st.integers(-50, 500).map(float))) if signal.unit else None,
        known_until=draw(maybe_later),
    )


@st.composite
def a_shared_happening(draw: st.DrawFn) -> list[Event]:
    """One event in a dwelling, copied to everybody it reaches, each from their own day on."""
    number = draw(st.integers(0, 3))
    signal = SIGNALS[3 + number % 2]
    occurred = AS_OF - timedelta(days=draw(st.sampled_from(EDGES)))
    amount = draw(st.one_of(st.none(), st.integers(0, 500).map(float))) if signal.unit else None
    people = draw(st.sets(st.sampled_from("abcde"), min_size=1))
    return [
        Event(p, signal.name, occurred, draw(back), amount=amount, happening=number) for p in sorted(people)
    ]


a_holding = st.builds(
    Held,
    person=st.sampled_from("abcde"),
    source=st.sampled_from(["rents", "schools"]),
    household=st.booleans(),
    start=back,
    end=maybe_later,
    known_on=back,
    known_until=maybe_later,
).filter(lambda h: h.end is None or h.start < h.end)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(an_event().filter(lambda e: e.signal not in ("police.to_address", "rents.letter")), max_size=25),
    st.lists(a_shared_happening(), max_size=4, unique_by=lambda rows: rows[0].happening),
    st.lists(a_holding, max_size=6),
)
@example([Event("a", "schools.absence", AS_OF - timedelta(days=365), AS_OF - timedelta(days=1))], [], [])
def test_every_value_agrees_with_the_slow_reading(
    catalogue: Catalogue, events: list[Event], shared: list[list[Event]], held: list[Held]
) -> None:
    check(catalogue, [*events, *(row for rows in shared for row in rows)], held)


@settings(max_examples=50, deadline=None)
@given(st.lists(an_event(), max_size=12), st.lists(an_event(), max_size=12), st.integers(0, 50))
def test_what_becomes_known_on_the_day_or_later_changes_nothing(
    catalogue: Catalogue, events: list[Event], late: list[Event], days: int
) -> None:
    later = [e._replace(known_on=AS_OF + timedelta(days=days), known_until=None) for e in late]
    before, after = quickly(catalogue, events, []), quickly(catalogue, [*events, *later], [])
    assert before.keys() == after.keys()
    for person in before:
        np.testing.assert_array_equal(before[person], after[person])


@pytest.mark.parametrize("window", [30, 90, 180, 365, 730])
def test_no_day_is_in_a_feature_window_and_in_the_outcome_window(catalogue: Catalogue, window: int) -> None:
    name = f"care.contact.count_{window}"
    at = catalogue.names.index(name)
    long_known = AS_OF - timedelta(days=900)
    anchor = Event("a", "police.incident", AS_OF - timedelta(days=1), long_known)
    for days in (-180, -1, 0, 1, window - 1, window, window + 1):
        day = AS_OF - timedelta(days=days)
        counted = quickly(catalogue, [anchor, Event("a", "care.contact", day, long_known)], [])["a"][at]
        assert counted == (1 <= days <= window)
        assert not (counted and in_outcome(day_number(day), day_number(AS_OF), 180))


def day(back: int) -> date:
    return AS_OF - timedelta(days=back)


def seen(signal: str, *days: int, **facts: object) -> list[Event]:
    return [Event("a", signal, day(d), day(max(d - 1, 1)), **facts) for d in days]


ON_ROLL = [Held("a", "schools", False, day(300), None, day(299))]
LIVES_IN_TENANCY = [Held("a", "rents", True, day(100), day(50), day(99))]
ANCHOR = seen("care.contact", 1)

CASES = [
    # Zero means we would have known.
    ("a source that covers the window says nothing", ANCHOR, [], {"care.plan.count_730": 0}),
    ("a source begins inside the window", ANCHOR, [], {"police.incident.count_180": 0}),
    ("… and does not cover the longer one", ANCHOR, [], {"police.incident.count_365": None}),
    ("… where an event still counts", seen("police.incident", 150), [], {"police.incident.count_365": 1}),
    ("not on the roll", ANCHOR, [], {"schools.absence.count_30": None}),
    ("on the roll, nothing happened", ANCHOR, ON_ROLL, {"schools.absence.count_30": 0}),
    ("on the roll, but it does not go back so far", ANCHOR, ON_ROLL, {"schools.absence.count_730": None}),
    ("absent though not on the roll", seen("schools.absence", 9), [], {"schools.absence.count_30": 1}),
    ("the dwelling was held then", ANCHOR, LIVES_IN_TENANCY, {"household.rents.letter.count_90": 0}),
    ("… and no more", ANCHOR, LIVES_IN_TENANCY, {"household.rents.letter.count_30": None}),
    (
        "a dwelling on a register puts nobody on it",
        ANCHOR,
        [ON_ROLL[0]._replace(household=True)],
        {"schools.absence.count_90": None},
    ),
    ("all sums those that cover", ANCHOR, [], {"all.count_730": 1, "all.agencies_365": 1}),
    # The measures.
    ("a week is 7 days and no minute more", seen("care.contact", 20, 13), [], {"all.repeats_7": 1}),
    (
        "… by the clock where both have one",
        [*seen("care.contact", 20, minute=60), *seen("care.contact", 13, minute=61)],
        [],
        {"all.repeats_7": 0, "all.repeats_28": 1, "care.contact.repeats_28": 1},
    ),
    ("another signal is no repeat", [*ANCHOR, *seen("police.incident", 2)], [], {"all.repeats_7": 0}),
    (
        "change against the year before",
        seen("care.contact", 1, 90, 91, 300, 455, 456),
        [],
        {"care.contact.change": 2 - 3 * 90 / 365},
    ),
    ("no change without the past", seen("police.incident", 5), [], {"police.incident.change": None}),
    ("open since", seen("care.plan", 900, 10), [], {"care.plan.open": 2, "care.plan.days_open": 900}),
    (
        "ends on the day itself: still open",
        seen("care.plan", 30, ended=AS_OF),
        [],
        {"care.plan.open": 1, "care.plan.days_open": 30},
    ),
    (
        "ended the day before",
        seen("care.plan", 30, ended=day(1)),
        [],
        {"care.plan.open": 0, "care.plan.days_open": None, "care.plan.days_since": 30},
    ),
    (
        "amounts",
        [*seen("schools.absence", 40, amount=6.0), *seen("schools.absence", 8, amount=2.0)],
        ON_ROLL,
        {
            "schools.absence.amount_sum_90": 8,
            "schools.absence.amount_max_90": 6,
            "schools.absence.amount_mean_90": 4,
            "schools.absence.amount_latest": 2,
        },
    ),
    ("an amount nobody gave", seen("schools.absence", 8), ON_ROLL, {"schools.absence.amount_sum_90": None}),
    ("nothing paid is nothing", ANCHOR, ON_ROLL, {"schools.absence.amount_sum_90": 0}),
]


@pytest.mark.parametrize(
    ("events", "held", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_table_of_people(
    catalogue: Catalogue, events: list[Event], held: list[Held], expected: dict[str, float | None]
) -> None:
    found = quickly(catalogue, events, held)["a"]
    for name, value in expected.items():
        got = float(found[catalogue.names.index(name)])
        assert math.isnan(got) if value is None else got == pytest.approx(value), f"{name} is {got}"
    check(catalogue, events, held)


def test_a_shared_happening_reaches_no_more_than_a_household(catalogue: Catalogue) -> None:
    letter = [Event(p, "rents.letter", day(9), day(8), happening=7) for p in "abc"]
    everybody = [Event(p, "care.contact", day(5), day(4)) for p in "abcd"]
    at = catalogue.names.index("household.rents.letter.count_30")
    assert [quickly(catalogue, [*letter, *everybody], [])[p][at] for p in "abc"] == [1, 1, 1]
    # A fourth resident is learned of: from then on the place is no household.
    fourth = Event("d", "rents.letter", day(9), day(1), happening=7)
    found = quickly(catalogue, [*letter, fourth, *everybody], [])
    assert all(math.isnan(found[p][at]) for p in "abcd")
    not_yet = fourth._replace(known_on=AS_OF)
    assert quickly(catalogue, [*letter, not_yet, *everybody], [])["a"][at] == 1


def test_the_tests_know_every_measure(catalogue: Catalogue) -> None:
    assert {feature.measure for feature in catalogue.features} == set(MEASURES)


def test_a_catalogue_of_one_feature_runs() -> None:
    signal = SIGNALS[0]
    only = Catalogue(
        features=(Feature("care.contact.count_14", "care.contact", "count", 14),),
        channels=(Channel("care.contact", "signal", False, (signal,), signal.one, signal.many),),
        windows=(14,),
        facts=(SourceFacts("care", "Care", date(2010, 1, 1), False),),
    )
    assert quickly(only, seen("care.contact", 14, 15, 3), [])["a"].tolist() == [2]
