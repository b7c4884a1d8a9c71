"""Worlds in which the kernel and the slow reading can be set against each other.

A world is a few agencies with their signals, a catalogue over them, people with what happened to
them and what registers hold of them, and a morning. Its rows are handed to the kernel as a store
would hand them over: a store with signals and sources of its own, in an order of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest

from features.asof import OPEN, day_number
from features.catalogue import Catalogue, SourceFacts
from features.feature import Channel, Feature, Signal
from features.kernel import compile_catalogue, compute
from features.rows import HELD_TYPES, Rows, sort_rows
from tests.slowly import Asked, Event, Held, slowly

AS_OF = date(2026, 6, 29)
LONG_AGO = date(1950, 1, 1)

SIGNALS = (
    Signal("care.contact", "care", "contact", "contacts"),
    Signal("care.plan", "care", "plan", "plans", spell=True),
    Signal("police.incident", "police", "incident", "incidents"),
    Signal("police.to_address", "police", "call", "calls", shared=True),
    Signal("rents.letter", "rents", "letter", "letters", unit="£", shared=True),
    Signal("rents.tenancy", "rents", "tenancy", "tenancies", spell=True, shared=True),
    Signal("rents.visit", "rents", "visit", "visits"),
    Signal("schools.absence", "schools", "absence", "absences", unit="sessions"),
    Signal("schools.exclusion", "schools", "exclusion", "exclusions", spell=True, unit="days"),
    Signal("association.care.plan", "care", "plan", "plans", spell=True, association=True),
    Signal("association.police.incident", "police", "incident", "incidents", association=True),
)
COVERS = {
    "care": (LONG_AGO, False),
    "police": (AS_OF - timedelta(days=200), False),
    "rents": (LONG_AGO, True),
    "schools": (AS_OF - timedelta(days=400), True),
}
"""Two ordinary sources, one of them young; two registers, one of them of dwellings mostly."""

STORE_SOURCES = ("fire", *reversed(COVERS))


def kind_of(signal: Signal) -> str:
    """Whose it is: signals of different kinds never share a channel."""
    return "household" if signal.shared else "association" if signal.association else "person"


def channel_of(name: str, parts: Sequence[Signal], kind: str = "theme") -> Channel:
    whose = kind_of(parts[0])
    return Channel(
        name,
        kind,  # type: ignore[arg-type]
        household=whose == "household",
        parts=tuple(parts),
        one="event",
        many="events",
        association=whose == "association",
    )


SINGLE = {signal.name: channel_of(signal.name, [signal], "signal") for signal in SIGNALS}
BROAD = {
    name: channel_of(name, [s for s in SIGNALS if kind_of(s) == kind])
    for name, kind in (("all", "person"), ("household", "household"), ("association", "association"))
}


def catalogue_of(
    features: Sequence[Feature],
    channels: Sequence[Channel],
    *,
    windows: Sequence[int] = (),
    covers: dict[str, tuple[date, bool]] = COVERS,
) -> Catalogue:
    """The catalogue of some features over some channels, with the signal channels it needs."""
    used = {part for channel in channels for part in channel.parts}
    single = [channel_of(part.name, [part], "signal") for part in sorted(used, key=repr)]
    broad = [channel for channel in channels if channel.kind != "signal"]
    sources = sorted({part.source for part in used})
    return Catalogue(
        features=tuple(features),
        channels=(*single, *broad),
        windows=tuple(sorted({*windows, *(feature.window for feature in features)})),
        facts=tuple(SourceFacts(name, name, *covers[name]) for name in sources),
    )


def written(*texts: str) -> Catalogue:
    """A catalogue in short: 'all count 30', 'care.contact after 365 police.incident 28'.

    Everybody with any event in ten years has a row.
    """
    features = []
    for text in texts:
        channel, measure, window, *sequence = text.split()
        first, within = sequence or ("", "0")
        features.append(Feature(text, channel, measure, int(window), first, int(within)))
    channels = (SINGLE | BROAD).values()
    return catalogue_of(features, list(channels), windows=[3650])


def asked(catalogue: Catalogue) -> list[Asked]:
    """The catalogue as the slow reading takes it."""

    def plain(name: str) -> tuple[dict[str, str] | None, bool]:
        if not name:
            return None, False
        channel = catalogue.channel(name)
        return {channel.codes[part.name]: part.source for part in channel.parts}, channel.household

    return [
        Asked(f.measure, f.window, *plain(f.channel), *plain(f.after), f.within) for f in catalogue.features
    ]


@dataclass(frozen=True)
class World:
    """signals, sources: the store's, in its order."""

    catalogue: Catalogue
    events: list[Event]
    held: list[Held]
    as_of: date = AS_OF
    signals: tuple[str, ...] = tuple(signal.name for signal in SIGNALS)
    sources: tuple[str, ...] = STORE_SOURCES

    @property
    def people(self) -> list[str]:
        return sorted({row.person for row in [*self.events, *self.held]})

    def but(self, **changes: object) -> World:
        return replace(self, **changes)  # type: ignore[arg-type]


def rows_of(world: World, threads: int = 1) -> Rows:
    """What the store holds, in the order of `world.people`."""
    people = {person: at for at, person in enumerate(world.people)}
    signal_at = {name: at for at, name in enumerate(world.signals)}
    events = [e for e in world.events if e.signal in signal_at]
    held = sorted((h for h in world.held if h.source in world.sources), key=lambda h: people[h.person])

    def days(given: list[date | None]) -> np.ndarray:
        return np.array([OPEN if day is None else day_number(day) for day in given], np.int32)

    columns = {
        "held_source": [world.sources.index(h.source) for h in held],
        "held_household": [h.household for h in held],
        "held_from": days([h.start for h in held]),
        "held_to": days([h.end for h in held]),
        "held_known_on": days([h.known_on for h in held]),
        "held_known_until": days([h.known_until for h in held]),
    }
    return Rows(
        **sort_rows(
            np.array([people[e.person] for e in events], np.int32),
            len(people),
            signal=np.array([signal_at[e.signal] for e in events], np.uint16),
            occurred=days([e.occurred for e in events]),
            minute=np.array([-1 if e.minute is None else e.minute for e in events], np.int16),
            ended=days([e.ended for e in events]),
            amount=np.array([math.nan if e.amount is None else e.amount for e in events], np.float64),
            known_on=days([e.known_on for e in events]),
            known_until=days([e.known_until for e in events]),
            threads=threads,
        ),
        held_start=np.searchsorted([people[h.person] for h in held], range(len(people) + 1)).astype(np.int64),
        **{name: np.array(columns[name], kind) for name, kind in HELD_TYPES.items()},
    )


def quickly(world: World, threads: int = 1) -> dict[str, np.ndarray]:
    """Person → (F,) float32, by the kernel."""
    program = compile_catalogue(world.catalogue, signals=world.signals, sources=world.sources)
    people, values = compute(rows_of(world, threads), program, world.as_of, threads=threads)
    names = world.people
    return {names[person]: values[at] for at, person in enumerate(people.tolist())}


def read_slowly(world: World) -> dict[str, list[float]]:
    """Person → F numbers, by the slow reading."""
    return slowly(
        world.events,
        [h for h in world.held if h.source in world.sources],
        asked(world.catalogue),
        {fact.source: (fact.covers_from, fact.register) for fact in world.catalogue.facts},
        world.as_of,
        world.catalogue.longest,
        set(world.catalogue.codes),
    )


def same(got: float, want: float) -> bool:
    """As near as float32 allows; `change` takes one number from another, so not only relatively."""
    return math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-5) or (math.isnan(got) and math.isnan(want))


def agrees(world: World) -> None:
    """Assert that the kernel gives everybody the row that the slow reading gives."""
    expected, found = read_slowly(world), quickly(world)
    assert sorted(found) == sorted(expected)
    for person, values in expected.items():
        wrong = [
            f"{name}: {got} instead of {want}"
            for name, got, want in zip(world.catalogue.names, found[person].tolist(), values, strict=True)
            if not same(got, want)
        ]
        assert not wrong, f"{person}: {wrong}"


def identical(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Assert that two panels are the same, bit for bit."""
    assert one.keys() == other.keys()
    for person, values in one.items():
        assert values.tobytes() == other[person].tobytes(), person


# Tables of people.

Facts = dict[str, float | None]


def day(back: int) -> date:
    return AS_OF - timedelta(days=back)


def seen(signal: str, *days: int, **facts: object) -> list[Event]:
    """Events of one person so many days ago, known at once."""
    return [Event("a", signal, day(d), LONG_AGO, **facts) for d in days]


def at(signal: str, when: str, **facts: object) -> Event:
    """An event at a time of its own: '2026-03-29 01:30', or on a day: '2026-03-29'."""
    on, _, clock = when.partition(" ")
    minute = int(clock[:2]) * 60 + int(clock[3:]) if clock else None
    return Event("a", signal, date.fromisoformat(on), LONG_AGO, minute, **facts)


def check(events: list[Event], held: list[Held], expected: Facts, as_of: date = AS_OF) -> None:
    """Person a's row has these values (None = NaN), by the kernel and by the slow reading."""
    world = World(written(*expected), events, held, as_of)
    found = dict(zip(expected, quickly(world)["a"].tolist(), strict=True))
    wanted = {name: math.nan if value is None else value for name, value in expected.items()}
    assert {name: found[name] for name in expected if not same(found[name], wanted[name])} == {}
    agrees(world)


def table(cases: list[tuple]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("events", "held", "expected"), [case[1:] for case in cases], ids=[case[0] for case in cases]
    )
