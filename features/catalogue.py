"""The catalogue: every feature that the declared sources give, and all that is needed to build it.

It is derived from the declarations, so that a new agency needs a file and no code, and it travels
with the model: the panel is built for the model's own catalogue, whatever the workspace declares by
then. Its hash covers the full definition of every feature, the facts about its sources and the
kernel's version: same hash, same numbers from the same events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property

from features.declaration import THEMES, Source
from features.errors import UserMistake
from features.feature import CHANGE_BEFORE, CHANGE_RECENT, REPEAT_WINDOW, Channel, Feature, Kind, Signal

KERNEL_VERSION = 1
"""Raised whenever the kernel gives another number for the same rows and definitions."""

WINDOWS = (30, 90, 180, 365, 730)

RESERVED = ("all", "household", "theme")
"""Channel names, which no source may have."""


@dataclass(frozen=True)
class SourceFacts:
    """What a catalogue keeps of a source: from when its silence means that nothing happened."""

    source: str
    title: str
    covers_from: date
    register: bool


@dataclass(frozen=True)
class Catalogue:
    """Features in a fixed order, the channels they are measured on, and the facts about the sources.

    `channels` holds the signal channel of every signal used, whether or not a feature is measured on
    it, so that broad channels can be told by the signals under them.
    """

    features: tuple[Feature, ...]
    channels: tuple[Channel, ...]
    windows: tuple[int, ...]
    facts: tuple[SourceFacts, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features' names: the panel's columns, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def signals(self) -> tuple[str, ...]:
        """The signals used, those of one source together."""
        return tuple(channel.parts[0].name for channel in self.channels if channel.kind == "signal")

    @cached_property
    def sources(self) -> tuple[str, ...]:
        return tuple(fact.source for fact in self.facts)

    @cached_property
    def longest(self) -> int:
        """How many days back the catalogue looks."""
        return max(self.windows)

    def channel(self, name: str) -> Channel:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Channel]:
        return {channel.name: channel for channel in self.channels}

    @cached_property
    def hash(self) -> str:
        """Hex SHA-256 of the catalogue's JSON text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def select(self, names: Iterable[str]) -> Catalogue:
        """The catalogue of some features only, in the same order. Raises UserMistake on unknown names."""
        wanted = set(names)
        unknown = sorted(wanted - set(self.names))
        if unknown:
            raise UserMistake(
                "Some features are not in the catalogue.",
                problems=[f"{name}: {_nearest(name, self.names)}" for name in unknown],
            )
        return _kept(self, [feature for feature in self.features if feature.name in wanted])

    def to_json(self) -> str:
        """The whole catalogue as text; the same catalogue always gives the same text."""
        document = {
            "kernel_version": KERNEL_VERSION,
            "windows": self.windows,
            "sources": [{**asdict(f), "covers_from": f.covers_from.isoformat()} for f in self.facts],
            "channels": [asdict(channel) for channel in self.channels],
            "features": [{**asdict(f), "formula": f.formula} for f in self.features],
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Catalogue:
        """The catalogue of a text that `to_json` made.

        Raises UserMistake if another version of the kernel made it: its model expects other numbers.
        """
        given = json.loads(text)
        if given["kernel_version"] != KERNEL_VERSION:
            raise UserMistake(
                f"The catalogue is of kernel version {given['kernel_version']}; this is {KERNEL_VERSION}.",
                problems=["train the model again, or serve it with the code it was trained with"],
            )
        return cls(
            features=tuple(
                Feature(**{k: v for k, v in feature.items() if k != "formula"})
                for feature in given["features"]
            ),
            channels=tuple(
                Channel(**{**channel, "parts": tuple(Signal(**part) for part in channel["parts"])})
                for channel in given["channels"]
            ),
            windows=tuple(given["windows"]),
            facts=tuple(
                SourceFacts(**{**fact, "covers_from": date.fromisoformat(fact["covers_from"])})
                for fact in given["sources"]
            ),
        )


def derive_catalogue(
    sources: Mapping[str, Source],
    *,
    windows: Sequence[int] = WINDOWS,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
) -> Catalogue:
    """Every feature that the declared sources give.

    windows: days. include, exclude: patterns over feature names such as 'household.*' or '*.count_*'
    (None includes all). Raises UserMistake on windows that are none, patterns that match nothing, and
    sources with a channel's name; all at once.
    """
    problems = [
        f"source {name!r}: the name is taken by a channel; call the source otherwise"
        for name in sorted(set(sources) & set(RESERVED))
    ]
    days = tuple(sorted(set(windows)))
    if not days or days[0] < 1:
        problems.append(f"windows: {list(windows)} should be one or more whole numbers of days above 0")
    if problems:
        raise UserMistake("No catalogue can be derived.", problems=problems)
    channels = tuple(_channels([sources[name] for name in sorted(sources)]))
    facts = tuple(
        SourceFacts(name, sources[name].title, sources[name].covers_from, sources[name].register_)
        for name in sorted(sources)
    )
    features = [feature for channel in channels for feature in _features(channel, days)]
    names = [feature.name for feature in features]
    for pattern in (*(include or ()), *exclude):
        if not any(fnmatchcase(name, pattern) for name in names):
            problems.append(f"{pattern!r} matches no feature: {_nearest(pattern, names)}")
    kept = [
        feature
        for feature in features
        if (include is None or _matches(feature.name, include)) and not _matches(feature.name, exclude)
    ]
    if not problems and not kept:
        problems.append("no feature is left; declare signals, or include more and exclude less")
    if problems:
        raise UserMistake("No catalogue can be derived.", problems=problems)
    return _kept(Catalogue(tuple(features), channels, days, facts), kept)


def _kept(whole: Catalogue, features: Sequence[Feature]) -> Catalogue:
    """The catalogue cut down to some features: their channels, the signals in these, their sources."""
    measured = {feature.channel for feature in features}
    signals = {name for channel in whole.channels if channel.name in measured for name in channel.signals}
    channels = tuple(
        channel
        for channel in whole.channels
        if (channel.name in measured if channel.kind != "signal" else channel.signals[0] in signals)
    )
    used = {source for channel in channels for source in channel.sources}
    return replace(
        whole,
        features=tuple(features),
        channels=channels,
        facts=tuple(fact for fact in whole.facts if fact.source in used),
    )


def _channels(sources: Sequence[Source]) -> Iterator[Channel]:
    """Signals first, then what spans them, each kind once for persons and once for households.

    An agency or an outcome with a single signal, or with just the signals of another channel, would
    say the same thing twice; it is left out. `all` and `household` are always there.
    """
    signals = [
        Signal(
            name=f"{source.source}.{short}",
            source=source.source,
            one=words.one,
            many=words.many,
            theme=words.theme,
            unit=words.unit,
            shared=words.shared,
            protective=words.protective,
            spell=words.spell,
        )
        for source in sources
        for short, words in source.signals.items()
        if words.feature and not words.exit
    ]
    for signal in signals:
        name = f"household.{signal.name}" if signal.shared else signal.name
        theme, protective, unit = signal.theme, signal.protective, signal.unit
        yield Channel(
            name, "signal", signal.shared, (signal,), signal.one, signal.many, theme, protective, unit
        )
    seen: set[tuple[str, ...]] = set()
    for name, kind, household, words in _broad(sources):
        parts = tuple(
            s
            for s in signals
            if s.shared == household
            and (kind != "agency" or s.source == name.removeprefix("household."))
            and (kind != "theme" or s.theme == name.removeprefix("theme."))
        )
        channel = _spanning(name, kind, parts, words) if parts else None
        if channel and (kind == "all" or (len(parts) > 1 and channel.signals not in seen)):
            seen.add(channel.signals)
            yield channel


def _broad(sources: Sequence[Source]) -> Iterator[tuple[str, Kind, bool, str]]:
    """Name, kind, whether of the household, and what its events are said to be ('event …')."""
    yield "all", "all", False, ""
    yield "household", "all", True, ""
    for household in (False, True):
        for source in sources:
            prefix = "household." if household else ""
            yield f"{prefix}{source.source}", "agency", household, f" recorded by {source.title}"
    for theme, title in THEMES.items():
        yield f"theme.{theme}", "theme", False, f" under ‘{title}’"


def _spanning(name: str, kind: Kind, parts: tuple[Signal, ...], words: str) -> Channel:
    themes = {part.theme for part in parts}
    return Channel(
        name=name,
        kind=kind,
        household=parts[0].shared,
        parts=parts,
        one=f"event{words}",
        many=f"events{words}",
        theme=themes.pop() if len(themes) == 1 else None,
        protective=all(part.protective for part in parts),
    )


def _features(channel: Channel, windows: tuple[int, ...]) -> Iterator[Feature]:
    """The battery of a channel. Amounts and distinct counts take every other window: they move little."""
    longest = windows[-1]
    every_other = windows[1::2] or windows

    def over(measure: str, *days: int) -> Iterator[Feature]:
        for window in days:
            yield Feature(f"{channel.name}.{measure}_{window}", channel.name, measure, window)

    def one(measure: str, window: int) -> Feature:
        return Feature(f"{channel.name}.{measure}", channel.name, measure, window)

    broad = channel.kind != "signal"
    yield from over("count", *windows)
    yield one("days_since", longest)
    if broad:
        yield one("repeats_7", min(REPEAT_WINDOW, longest))
    yield one("repeats_28", min(REPEAT_WINDOW, longest))
    if longest >= CHANGE_RECENT + CHANGE_BEFORE:
        yield one("change", CHANGE_RECENT + CHANGE_BEFORE)
    if broad:
        yield from over("signals", *every_other)
        if len(channel.sources) > 1:
            yield from over("agencies", *every_other)
        return
    if channel.parts[0].spell:
        yield one("open", longest)
        yield one("days_open", longest)
    if channel.unit is not None:
        for measure in ("amount_sum", "amount_max", "amount_mean"):
            yield from over(measure, *every_other)
        yield one("amount_latest", longest)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _nearest(given: str, names: Sequence[str]) -> str:
    """What would do, for an error: the names that look most alike."""
    close = get_close_matches(given, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names[:3])}, …"
