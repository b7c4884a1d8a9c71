"""The kernel where there is nobody, nothing, far too much, or something it has never heard of.

Times are of the processor, since the machine may be busy with something else.
"""

from __future__ import annotations

import time
from datetime import timedelta

import numpy as np
import pytest

from features.asof import OPEN, day_number
from features.catalogue import Catalogue, SourceFacts
from features.errors import UserMistake
from features.feature import Feature, Signal
from features.kernel import compile_catalogue, compute
from features.rows import Rows, nothing_held, sort_rows
from tests.slowly import Event, Held
from tests.worlds import (
    AS_OF,
    LONG_AGO,
    SIGNALS,
    STORE_SOURCES,
    World,
    agrees,
    channel_of,
    quickly,
    seen,
    written,
)

NAMES = tuple(signal.name for signal in SIGNALS)


def test_signals_that_the_store_does_not_know_are_refused_by_name() -> None:
    catalogue = written("all count 30", "household count 30")
    known = [name for name in NAMES if name not in ("care.plan", "rents.letter")]
    with pytest.raises(UserMistake) as refused:
        compile_catalogue(catalogue, signals=known, sources=STORE_SOURCES)
    assert "care.plan" in str(refused.value)
    assert "rents.letter" in str(refused.value)
    assert "care.contact" not in str(refused.value)


def test_a_source_that_the_store_does_not_know_holds_nobody() -> None:
    on_roll = [Held("a", "schools", False, LONG_AGO, None, LONG_AGO)]
    world = World(written("schools.absence count 30", "care.plan count 30"), seen("care.contact", 5), on_roll)
    assert quickly(world)["a"].tolist() == [0, 0]
    missing = world.but(sources=("fire", "care"))
    np.testing.assert_array_equal(quickly(missing)["a"], [np.nan, 0])


@pytest.mark.parametrize("people", [0, 3])
@pytest.mark.parametrize("threads", [1, 4])
def test_nobody_and_nothing(people: int, threads: int) -> None:
    program = compile_catalogue(written("all count 30", "all days 9"), signals=NAMES, sources=STORE_SOURCES)
    none = {
        name: np.zeros(0, kind)
        for name, kind in [
            ("signal", np.uint16),
            ("occurred", np.int32),
            ("minute", np.int16),
            ("amount", np.float64),
            ("known_on", np.int32),
        ]
    }
    rows = Rows(**sort_rows(np.zeros(0, np.int32), people, **none), **nothing_held(people))
    for out in (None, np.empty((5, 2), np.float32)):
        positions, values = compute(rows, program, AS_OF, threads=threads, out=out)
        assert positions.shape == (0,)
        assert values.shape == (0, 2)
        assert values.dtype == np.float32


def test_people_without_a_row_between_people_with_one() -> None:
    events = [Event(person, "care.contact", AS_OF - timedelta(days=3), LONG_AGO) for person in "bd"]
    held = [Held(person, "schools", False, LONG_AGO, None, LONG_AGO) for person in "ace"]
    world = World(written("all count 30", "schools.absence count 30"), events, held)
    assert list(quickly(world, threads=2)) == ["b", "d"]
    agrees(world)


def test_a_person_with_100_000_events() -> None:
    """Held to numpy, as the slow reading would take a minute."""
    chance, n, today = np.random.default_rng(5), 100_000, day_number(AS_OF)
    back, minute = chance.integers(-5, 900, n), chance.integers(-1, 1440, n)
    signal, amount = chance.integers(0, 2, n), chance.integers(0, 900, n).astype(float)
    day = today - back
    pair = ("care.contact", "police.incident")
    catalogue = written(
        "all count 365",
        "all days 365",
        "all days_since 365",
        "all days_since_first 365",
        "all gap_mean 365",
        "all gap_spread 365",
        "all night_share 365",
        "all weekend_share 365",
        "all repeats_7 365",
        "care.contact count 30",
        "care.contact after 365 police.incident 1",
        "care.contact amount_sum 365",
        "care.contact amount_mean 365",
    )
    rows = Rows(
        **sort_rows(
            np.ones(n, np.int32),
            3,
            signal=np.array([NAMES.index(name) for name in pair], np.uint16)[signal],
            occurred=day.astype(np.int32),
            minute=minute.astype(np.int16),
            amount=amount,
            known_on=np.zeros(n, np.int32),
        ),
        **nothing_held(3),
    )
    program = compile_catalogue(catalogue, signals=NAMES, sources=STORE_SOURCES)
    compute(rows, program, LONG_AGO)
    start = time.process_time()
    people, values = compute(rows, program, AS_OF)
    seconds = time.process_time() - start
    print(f"one person with {n:,} events: {1000 * seconds:.1f} ms")
    assert people.tolist() == [1]
    assert seconds < 1

    inside = (back >= 1) & (back <= 365)
    moment = np.sort((day * 1440 + np.maximum(minute, 0))[inside]) / 1440
    timed, contact = inside & (minute >= 0), inside & (signal == 0)
    first_days = set(day[inside & (signal == 1)].tolist())
    of_each = [np.sort((day * 1440 + np.maximum(minute, 0))[inside & (signal == s)]) for s in (0, 1)]
    np.testing.assert_allclose(
        values[0],
        [
            inside.sum(),
            len(np.unique(day[inside])),
            today - moment[-1],
            today - moment[0],
            np.diff(moment).mean(),
            np.diff(moment).std(),
            ((minute >= 22 * 60) | (minute < 6 * 60))[timed].mean(),
            # 1970-01-05 was a Monday.
            ((day - 4) % 7 >= 5)[inside].mean(),
            sum((np.diff(times) <= 7 * 1440).sum() for times in of_each),
            ((back <= 30) & contact).sum(),
            sum(one - 1 in first_days for one in day[contact].tolist()),
            amount[contact].sum(),
            amount[contact].mean(),
        ],
        rtol=1e-6,
    )


def test_100_000_events_of_one_moment() -> None:
    n, at = 100_000, NAMES.index("schools.absence")
    same = dict.fromkeys(("occurred", "known_on"), np.full(n, day_number(AS_OF) - 3, np.int32))
    quickly(World(written("all count 9"), seen("care.contact", 5), []))
    start = time.process_time()
    fields = sort_rows(
        np.zeros(n, np.int32),
        1,
        signal=np.full(n, at, np.uint16),
        minute=np.full(n, -1, np.int16),
        amount=np.arange(n, dtype=float)[::-1].copy(),
        **same,
    )
    catalogue = written(
        "all count 9",
        "all days 9",
        "all repeats_7 9",
        "all gap_spread 9",
        "all after 9 all 1",
        "schools.absence amount_latest 9",
        "schools.absence amount_sum 9",
    )
    program = compile_catalogue(catalogue, signals=NAMES, sources=STORE_SOURCES)
    values = compute(Rows(**fields, **nothing_held(1)), program, AS_OF)[1]
    assert time.process_time() - start < 2
    wanted = [n, 1, n - 1, 0, 0, n - 1, n * (n - 1) / 2]
    np.testing.assert_allclose(values[0], np.array(wanted, np.float32), rtol=1e-6)


def many_signals(number: int) -> tuple[tuple[Signal, ...], Rows]:
    """So many signals, and 5 people with a row of every third, at random."""
    signals = tuple(Signal(f"care.kind_{at}", "care", "kind", "kinds") for at in range(number))
    chance, n = np.random.default_rng(1), 2_000
    signal = chance.permutation(np.arange(0, number, 3))[:n].astype(np.uint16)
    signal[0] = number - 1
    today = day_number(AS_OF)
    fields = sort_rows(
        np.arange(n, dtype=np.int32) % 5,
        5,
        signal=signal,
        occurred=(today - 1 - np.arange(n) % 300).astype(np.int32),
        minute=np.full(n, -1, np.int16),
        amount=np.full(n, np.nan),
        known_on=np.zeros(n, np.int32),
        known_until=np.full(n, OPEN, np.int32),
    )
    return signals, Rows(**fields, **nothing_held(5))


def test_65_000_signals_in_the_store() -> None:
    """The catalogue asks for one, which stands where a signed position would be negative."""
    signals, rows = many_signals(65_000)
    names = tuple(signal.name for signal in signals)
    channel = channel_of(names[-1], [signals[-1]], "signal")
    facts = (SourceFacts("care", "Care", LONG_AGO, False),)
    only = Catalogue((Feature("last", channel.name, "count", 365),), (channel,), (365,), facts)
    people, values = compute(rows, compile_catalogue(only, signals=names, sources=("care",)), AS_OF)
    assert people.tolist() == [0]
    assert values.tolist() == [[1]]


def test_65_000_signals_in_the_catalogue() -> None:
    signals, rows = many_signals(65_000)
    names = tuple(signal.name for signal in signals)
    single = [channel_of(signal.name, [signal], "signal") for signal in signals]
    features = [
        *(Feature(f"{name} count", name, "count", 90) for name in names[::5]),
        Feature("all count", "all", "count", 90),
        Feature("all signals", "all", "signals", 365),
    ]
    catalogue = Catalogue(
        tuple(features),
        (*single, channel_of("all", signals)),
        (90, 365),
        (SourceFacts("care", "Care", LONG_AGO, False),),
    )
    quickly(World(written("all count 9"), seen("care.contact", 5), []))
    start = time.process_time()
    program = compile_catalogue(catalogue, signals=names, sources=("care",))
    people, values = compute(rows, program, AS_OF)
    seconds = time.process_time() - start
    print(f"65,000 signals, 5 people with 400 events each: {seconds:.2f} s")
    assert seconds < 6
    assert people.tolist() == [0, 1, 2, 3, 4]
    expected = np.zeros((5, 65_000), np.float32)
    recent = np.flatnonzero(rows.occurred >= day_number(AS_OF) - 90)
    expected[np.repeat(np.arange(5), np.diff(rows.start))[recent], rows.signal[recent]] = 1
    np.testing.assert_array_equal(values[:, :-2], expected[:, ::5])
    assert values[:, -2].tolist() == expected.sum(1).tolist()
    assert values[:, -1].tolist() == [400] * 5
