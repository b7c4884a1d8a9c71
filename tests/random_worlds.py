"""Worlds at random: any catalogue over any agencies, people, revisions, registers and morning.

Hypothesis chooses the sizes and a seed, and so shrinks a failing world to few events and features;
what they are is drawn from the seed, which is many times faster than choosing every field. Days crowd
around the morning, the edges of the windows asked for and each other, where mistakes are.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from random import Random

from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.feature import MEASURES, Channel, Feature
from tests.slowly import Event, Held
from tests.worlds import COVERS, LONG_AGO, SIGNALS, World, catalogue_of, channel_of, kind_of

NAMES = [signal.name for signal in SIGNALS]
PEOPLE = "abcd"
WINDOWS = (1, 7, 28, 30, 90, 180, 365, 455, 730)
EDGES = sorted({day for window in WINDOWS for day in (window - 1, window, window + 1)})
MORNINGS = (
    date(2026, 6, 29),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2026, 3, 30),
    date(2026, 10, 26),
    date(1970, 1, 2),
)


def worlds(*, most_events: int = 60) -> st.SearchStrategy[World]:
    """A store has every signal there is, whether or not the catalogue asks for it, in any order."""
    return st.builds(
        world,
        st.integers(0, 2**32 - 1),
        features=st.integers(1, 30),
        events=st.integers(0, most_events),
        held=st.integers(0, 6),
    )


def world(seed: int, *, features: int, events: int, held: int) -> World:
    """The same seed gives the same world, and with smaller sizes a part of it."""
    chance = Random(f"{seed} the county")
    morning = chance.choice([*MORNINGS, date(2019, 1, 1) + timedelta(days=chance.randrange(4000))])
    covers = {source: (begin(chance, morning), chance.random() < 0.4) for source in COVERS}
    signals = tuple(chance.sample(NAMES, len(NAMES)))
    sources = tuple(chance.sample([*COVERS, "fire"], chance.randint(2, 5)))
    catalogue = a_catalogue(Random(f"{seed} the catalogue"), features, covers)
    happened, rolls = Random(f"{seed} the events"), Random(f"{seed} the registers")
    return World(
        catalogue,
        what_happened(happened, morning, events),
        [a_holding(rolls, morning) for _ in range(held)],
        morning,
        signals,
        sources,
    )


def begin(chance: Random, morning: date) -> date:
    return LONG_AGO if chance.random() < 0.6 else morning - timedelta(days=a_back(chance))


def a_window(chance: Random) -> int:
    return chance.choice(WINDOWS) if chance.random() < 0.8 else chance.randint(1, 800)


def a_back(chance: Random) -> int:
    """How many days before the morning; a few are after it."""
    kind = chance.random()
    return (
        chance.choice(EDGES)
        if kind < 0.4
        else chance.randint(-1, 14)
        if kind < 0.8
        else chance.randint(-40, 900)
    )


def maybe(chance: Random, value: object, share: float = 0.5) -> object:
    return value if chance.random() < share else None


def a_catalogue(chance: Random, features: int, covers: dict[str, tuple[date, bool]]) -> Catalogue:
    """Any measures over any windows, of channels of any signals of one kind."""
    kinds = defaultdict(list)
    for signal in chance.sample(SIGNALS, chance.randint(1, len(SIGNALS))):
        kinds[kind_of(signal)].append(signal)
    channels = [channel_of(part.name, [part], "signal") for parts in kinds.values() for part in parts]
    for kind, parts in kinds.items():
        for number in range(chance.randint(0, 2)):
            channels.append(
                channel_of(f"{kind} {number}", chance.sample(parts, chance.randint(1, len(parts))))
            )
    asked = {feature.name: feature for feature in (a_feature(chance, channels) for _ in range(features))}
    return catalogue_of(
        list(asked.values()),
        channels,
        windows=[a_window(chance) for _ in range(chance.randint(0, 2))],
        covers=covers,
    )


def a_feature(chance: Random, channels: list[Channel]) -> Feature:
    channel, first = chance.choice(channels), chance.choice(channels)
    measure, window = chance.choice(sorted(MEASURES)), a_window(chance)
    after, within = (first.name, chance.choice([1, 7, 28, chance.randint(1, 400)]))
    if measure != "after":
        after, within = "", 0
    if measure == "change":
        window = 455
    name = " ".join([channel.name, measure, str(window), after, str(within)])
    return Feature(name, channel.name, measure, window, after, within)


def what_happened(chance: Random, morning: date, number: int) -> list[Event]:
    """Things come in runs: every other event is like one before it, days or minutes or no time later."""
    found: list[Event] = []
    for _ in range(number):
        event = an_event(chance, morning)
        if found and chance.random() < 0.6:
            like, later = chance.choice(found), chance.choice([0, 0, 1, 7, 28, chance.randint(0, 60)])
            event = event._replace(
                person=like.person,
                signal=chance.choice([like.signal, like.signal, event.signal]),
                occurred=like.occurred + timedelta(days=later),
                known_on=like.known_on,
                minute=chance.choice([like.minute, event.minute]),
            )
        found.append(event)
    return found


def an_event(chance: Random, morning: date) -> Event:
    """Most are known when they should be; ends, amounts and times are there or not, for any signal."""
    back, lag = a_back(chance), chance.choice([0, 0, 1, chance.randint(0, 60)])
    occurred = morning - timedelta(days=back)
    known_on = occurred + timedelta(days=lag)
    if chance.random() < 0.2:
        known_on = morning - timedelta(days=chance.randint(-2, 2))
    ended = chance.choice([None, chance.randint(0, 400), back + chance.randint(-2, 2)])
    until = maybe(chance, chance.choice([-1, 0, 1, chance.randint(-5, 400)]), 0.2)
    minute = chance.choice([0, 1, 359, 360, 1319, 1320, 1439, chance.randrange(1440)])
    return Event(
        person=chance.choice(PEOPLE),
        signal=chance.choice(NAMES),
        occurred=occurred,
        known_on=known_on,
        minute=maybe(chance, minute),  # type: ignore[arg-type]
        ended=None if ended is None else occurred + timedelta(days=max(ended, 0)),
        amount=maybe(chance, chance.choice([-1.5, 0.0, 3.0, round(chance.uniform(-50, 500), 2)])),  # type: ignore[arg-type]
        known_until=None if until is None else morning - timedelta(days=until),  # type: ignore[operator]
    )


def a_holding(chance: Random, morning: date) -> Held:
    end = maybe(chance, a_back(chance), 0.7)
    last = morning - timedelta(days=end or 0)  # type: ignore[arg-type]
    return Held(
        person=chance.choice(PEOPLE),
        source=chance.choice([*COVERS, "fire"]),
        household=chance.random() < 0.4,
        start=last - timedelta(days=chance.choice([1, 2, chance.randint(1, 900)])),
        end=None if end is None else last,
        known_on=morning - timedelta(days=chance.choice([-1, 0, 1, chance.randint(0, 300)])),
        known_until=maybe(chance, morning - timedelta(days=chance.choice([-1, 0, 1])), 0.2),  # type: ignore[arg-type]
    )
