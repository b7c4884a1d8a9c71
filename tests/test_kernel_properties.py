"""What must hold of the kernel whatever the world: it agrees with the slow reading, and nothing that
should not matter does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features
from features.asof import day_number, in_outcome
from features.association import Association
from features.catalogue import derive_catalogue
from features.feature import MEASURES, Feature
from features.kernel import compile_catalogue, compute, covered_sources
from features.read_declaration import read_sources
from features.sequences import FirstThen
from tests.random_worlds import a_holding, an_event, what_happened, world, worlds
from tests.slowly import Event, known, silence_means_nothing
from tests.worlds import (
    AS_OF,
    LONG_AGO,
    World,
    agrees,
    day,
    identical,
    quickly,
    read_slowly,
    rows_of,
    same,
    seen,
    written,
)

chances = st.integers(0, 2**32 - 1).map(Random)


def examples(number: int) -> settings:
    return settings(max_examples=number, deadline=None)


def crowd(seed: int, people: int = 120) -> World:
    """A world of many people, so that threads have something to share out."""
    chance = Random(seed)
    small = world(seed, features=30, events=0, held=0)
    events = what_happened(chance, small.as_of, 8 * people)
    held = [a_holding(chance, small.as_of) for _ in range(2 * people)]
    return small.but(
        events=[e._replace(person=str(chance.randrange(people))) for e in events],
        held=[h._replace(person=str(chance.randrange(people))) for h in held],
    )


@examples(250)
@given(worlds())
def test_every_value_agrees_with_the_slow_reading(world: World) -> None:
    agrees(world)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_crowd_agrees_with_the_slow_reading(seed: int) -> None:
    agrees(crowd(seed))


def test_the_catalogue_of_the_agencies_we_ship_agrees_with_the_slow_reading() -> None:
    """Every feature that is derived, with a sequence and another person's events."""
    shipped = read_sources(Path(features.__file__).parent / "sources")
    catalogue = derive_catalogue(
        shipped,
        sequences=[FirstThen("all", "household", 90)],
        association=Association(("police.alcohol",), 180),
    )
    chance, names = Random(7), list(catalogue.codes)
    happened = [
        event._replace(person="ab"[number % 2], signal=chance.choice(names))
        for number, event in enumerate(what_happened(chance, AS_OF, 200))
    ]
    held = [a_holding(chance, AS_OF)._replace(source=chance.choice(catalogue.sources)) for _ in range(12)]
    agrees(World(catalogue, happened, held, AS_OF, tuple(names), catalogue.sources))


def test_the_worlds_at_random_try_every_measure() -> None:
    """Numbers, noughts and NaN of every measure: worlds that ask nothing would prove nothing."""
    found: dict[str, Counter[str]] = {measure: Counter() for measure in MEASURES}
    for seed in range(80):
        tried = world(seed, features=30, events=60, held=4)
        for values in read_slowly(tried).values():
            for feature, value in zip(tried.catalogue.features, values, strict=True):
                found[feature.measure]["NaN" if value != value else "number" if value else "nought"] += 1
    print(*(f"{measure}: {dict(kinds)}" for measure, kinds in found.items()), sep="\n")
    assert min(kinds["number"] for kinds in found.values()) >= 10
    assert min(kinds["NaN"] for kinds in found.values()) >= 10
    assert {name for name, kinds in found.items() if not kinds["nought"]} <= {
        "days_since",
        "days_since_first",
        "days_open",
    }


@examples(60)
@given(worlds())
def test_what_is_covered_agrees_with_the_slow_reading(world: World) -> None:
    """For everybody, every source and window, of the person and of the household."""
    program = compile_catalogue(world.catalogue, signals=world.signals, sources=world.sources)
    people = np.arange(len(world.people))
    found = covered_sources(rows_of(world), program, world.as_of, people)
    facts, today = world.catalogue.facts, world.as_of
    assert found.shape == (len(people), len(facts), 2, len(program.windows))
    held = [h for h in world.held if h.source in world.sources and known(h, today)]
    for person, fact, household, window in np.ndindex(found.shape):
        rolls = [h for h in held if h.person == world.people[person]]
        assert found[person, fact, household, window] == silence_means_nothing(
            facts[fact].covers_from,
            facts[fact].register,
            facts[fact].source,
            rolls,
            bool(household),
            today,
            int(program.windows[window]),
        )


@examples(40)
@given(worlds(), chances)
def test_the_order_of_rows_changes_nothing(world: World, chance: Random) -> None:
    events = chance.sample(world.events, len(world.events))
    held = chance.sample(world.held, len(world.held))
    identical(quickly(world), quickly(world.but(events=events, held=held)))


@examples(30)
@given(worlds(), chances)
def test_the_split_into_shards_changes_nothing(world: World, chance: Random) -> None:
    shard = {person: chance.randrange(3) for person in world.people}
    parts: dict[str, np.ndarray] = {}
    for number in range(3):
        parts |= quickly(
            world.but(
                events=[e for e in world.events if shard[e.person] == number],
                held=[h for h in world.held if shard[h.person] == number],
            )
        )
    identical(quickly(world), parts)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    many = crowd(threads)
    identical(quickly(many), quickly(many, threads=threads))
    few = world(threads, features=30, events=9, held=2)
    identical(quickly(few), quickly(few, threads=threads))


@examples(30)
@given(worlds(), chances)
def test_the_order_of_dates_and_where_values_are_written_change_nothing(world: World, chance: Random) -> None:
    rows = rows_of(world)
    program = compile_catalogue(world.catalogue, signals=world.signals, sources=world.sources)
    dates = [world.as_of + timedelta(days=chance.choice([0, -1, 1, -30, 365])) for _ in range(4)]
    before = [array.tobytes() for array in rows]
    first = {as_of: compute(rows, program, as_of) for as_of in dates}
    out = np.full((len(world.people) + 2, len(world.catalogue.names)), 7, np.float32)
    for as_of in chance.sample(dates, len(dates)):
        people, values = compute(rows, program, as_of, out=out)
        assert people.tolist() == first[as_of][0].tolist()
        assert values.tobytes() == first[as_of][1].tobytes() == out[: len(people)].tobytes()
        assert np.shares_memory(values, out) or not len(people)
        assert (out[len(world.people) :] == 7).all()
    assert [array.tobytes() for array in rows] == before, "the rows are only read"


@examples(40)
@given(worlds(), chances)
def test_a_store_with_more_signals_gives_the_same(world: World, chance: Random) -> None:
    """What the catalogue does not ask for, signals or sources, in whatever order a store has them."""
    mine = world.catalogue.signals
    only = world.but(
        signals=tuple(chance.sample(mine, len(mine))),
        sources=tuple(chance.sample([*world.sources, "a library"], len(world.sources) + 1)),
        events=[e for e in world.events if e.signal in mine],
    )
    identical(quickly(world), quickly(only))


@examples(40)
@given(worlds(), chances)
def test_a_feature_is_the_same_whatever_else_is_asked(world: World, chance: Random) -> None:
    """In another order, over other windows, beside fewer features."""
    names = world.catalogue.names
    some = chance.sample(names, chance.randint(1, len(names)))
    asked = {feature.name: feature for feature in world.catalogue.features}
    fewer = replace(world.catalogue, features=tuple(asked[name] for name in some))
    at = [names.index(name) for name in some]
    identical(
        {person: values[at] for person, values in quickly(world).items()},
        quickly(world.but(catalogue=fewer)),
    )


@examples(40)
@given(worlds(), worlds(most_events=12), chances)
def test_what_becomes_known_on_the_day_or_later_changes_nothing(
    world: World, other: World, chance: Random
) -> None:
    """New events and holdings, and revisions that replace what stands."""

    def from_today_on() -> object:
        return world.as_of + timedelta(days=chance.choice([0, 0, 1, 40]))

    late = [row._replace(known_on=from_today_on(), known_until=None) for row in other.events + other.held]
    replaced = [
        row._replace(known_until=from_today_on())
        if row.known_until is None and chance.random() < 0.5
        else row
        for row in world.events + world.held
    ]
    later = [*replaced, *late]
    identical(
        quickly(world),
        quickly(
            world.but(
                events=[row for row in later if isinstance(row, Event)],
                held=[row for row in later if not isinstance(row, Event)],
            )
        ),
    )


@examples(40)
@given(worlds(), chances)
def test_what_happens_on_the_day_or_later_changes_nothing(world: World, chance: Random) -> None:
    """Even if somebody wrote it down before: a feature never holds a day of the outcome."""
    later = [
        an_event(chance, world.as_of)._replace(
            occurred=world.as_of + timedelta(days=chance.choice([0, 0, 1, 200])), known_on=LONG_AGO
        )
        for _ in range(8)
    ]
    identical(quickly(world), quickly(world.but(events=[*world.events, *later])))


@pytest.mark.parametrize("window", [1, 30, 365])
@pytest.mark.parametrize("horizon", [1, 180])
def test_a_day_is_in_the_features_or_in_the_outcome(window: int, horizon: int) -> None:
    """Every day from the window's first to the horizon's last is in one of them, and none in both."""
    name = f"all count {window}"
    for back in {*range(-horizon - 1, 3), *range(window - 1, window + 2)}:
        world = World(
            written(name, "all count 3650"), [*seen("care.plan", 3000), *seen("care.contact", back)], []
        )
        counted = quickly(world)["a"][0] == 1
        outcome = in_outcome(day_number(day(back)), day_number(AS_OF), horizon)
        assert counted + outcome == (-horizon < back <= window)
        assert not (counted and outcome)


@examples(80)
@given(worlds(), chances)
def test_moving_an_event_across_an_edge_changes_what_it_should(world: World, chance: Random) -> None:
    """From the first day of a window to the day before it, or from yesterday to today."""
    asked = chance.choice(world.catalogue.features)
    signal = chance.choice(world.catalogue.channel(asked.channel).signals)
    edge = chance.choice([0, asked.window, asked.window])
    inside = an_event(chance, world.as_of)._replace(
        person="a",
        signal=signal,
        occurred=world.as_of - timedelta(days=max(edge, 1)),
        known_on=LONG_AGO,
        known_until=None,
    )
    outside = inside._replace(occurred=world.as_of - timedelta(days=edge + 1 if edge else 0))
    anchor = inside._replace(occurred=world.as_of - timedelta(days=1))
    before = world.but(events=[*world.events, anchor, inside])
    after = world.but(events=[*world.events, anchor, outside])
    should = changes(world, read_slowly(before), read_slowly(after))
    assert changes(world, quickly(before), quickly(after)) == should

    def may(feature: Feature) -> bool:
        channels = [name for name in (feature.channel, feature.after) if name]
        return any(signal in world.catalogue.channel(name).signals for name in channels)

    # The same said without any formula: who is untouched, and what a count does.
    assert {person for person, _ in should} <= {"a"}
    assert {name for _, name in should} <= {f.name for f in world.catalogue.features if may(f)}
    assert {name for _, name in should if " count " in name} == {
        feature.name
        for feature in world.catalogue.features
        if feature.measure == "count" and may(feature) and edge in (0, feature.window)
    }


def changes(world: World, before: dict, after: dict) -> set[tuple[str, str]]:
    """(person, feature) of every value that is another."""
    assert before.keys() == after.keys()
    return {
        (person, name)
        for person in before
        for name, old, new in zip(world.catalogue.names, before[person], after[person], strict=True)
        if not same(float(old), float(new))
    }
