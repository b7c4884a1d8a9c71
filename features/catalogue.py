"""The catalogue: every feature that the declared sources give, and all that is needed to build it.

It is derived from the declarations, so that a new agency needs a file and no code, and it travels
with the model: the panel is built for the model's own catalogue, whatever the workspace declares by
then. Its hash covers the full definition of every feature, the facts about its sources and the
kernel's version: same hash, same numbers from the same events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from features.association import Association, association_problems, by_association
from features.battery import association_battery, battery, overwritten_amounts, timed_signals
from features.channels import RESERVED, association_channels, channels_of, signals_of
from features.declaration import Source
from features.errors import UserMistake, nearest
from features.feature import Channel, Feature, Signal
from features.happenings import SameHappening, happenings_of
from features.sequences import FirstThen, sequence_problems

KERNEL_VERSION = 2
"""Raised whenever the kernel gives another number for the same rows and definitions."""

WINDOWS = (30, 90, 180, 365, 730)


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
    it, so that broad channels can be told by the signals under them. `association`: which of other
    people's events reach those who live with them; None = none do. `happenings`: which signals may be one
    happening; all of those declared, so that a part of a catalogue gives the same numbers.
    """

    features: tuple[Feature, ...]
    channels: tuple[Channel, ...]
    windows: tuple[int, ...]
    facts: tuple[SourceFacts, ...]
    association: Association | None = None
    happenings: tuple[SameHappening, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features' names: the panel's columns, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def signals(self) -> tuple[str, ...]:
        """The signals used, those of one source together."""
        return tuple(channel.parts[0].name for channel in self.channels if channel.kind == "signal")

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The names of all rows that count: the signals used, and those under which happenings count once."""
        once = [code for channel in self.channels for code in channel.once]
        return tuple(dict.fromkeys((*self.signals, *once)))

    @cached_property
    def own_signals(self) -> tuple[str, ...]:
        """The signals used but for those of other people."""
        return tuple(
            channel.parts[0].name
            for channel in self.channels
            if channel.kind == "signal" and not channel.association
        )

    @cached_property
    def sources(self) -> tuple[str, ...]:
        return tuple(fact.source for fact in self.facts)

    @cached_property
    def longest(self) -> int:
        """How many days back the catalogue looks."""
        return max(self.windows)

    def channel(self, name: str) -> Channel:
        return self._by_name[name]

    def title(self, feature: Feature) -> str:
        """What a feature is, as a label: 'missing episodes in the last 90 days'."""
        first = self.channel(feature.after) if feature.after else None
        return feature.title(self.channel(feature.channel), first)

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
                problems=[f"{name}: {nearest(name, self.names)}" for name in unknown],
            )
        return _kept(self, [feature for feature in self.features if feature.name in wanted])

    def to_json(self) -> str:
        """The whole catalogue as text; the same catalogue always gives the same text.

        Nothing is said of happenings where there are none: such a catalogue's hash is older than they are.
        """
        document: dict[str, Any] = {
            "kernel_version": KERNEL_VERSION,
            "windows": self.windows,
            "association": None if self.association is None else asdict(self.association),
            "sources": [{**asdict(f), "covers_from": f.covers_from.isoformat()} for f in self.facts],
            "channels": [_without_empty(asdict(channel), "once") for channel in self.channels],
            "features": [{**asdict(f), "formula": f.formula} for f in self.features],
            "happenings": [asdict(same) for same in self.happenings],
        }
        document = _without_empty(document, "happenings")
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
                Channel(
                    **{
                        **channel,
                        "parts": tuple(Signal(**part) for part in channel["parts"]),
                        "once": tuple(channel.get("once", ())),
                    }
                )
                for channel in given["channels"]
            ),
            windows=tuple(given["windows"]),
            facts=tuple(
                SourceFacts(**{**fact, "covers_from": date.fromisoformat(fact["covers_from"])})
                for fact in given["sources"]
            ),
            association=_association(given["association"]),
            happenings=tuple(SameHappening.from_json(same) for same in given.get("happenings", ())),
        )


def derive_catalogue(
    sources: Mapping[str, Source],
    *,
    windows: Sequence[int] = WINDOWS,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    sequences: Sequence[FirstThen] = (),
    association: Association | None = None,
    sensitive: Collection[str] = (),
) -> Catalogue:
    """Every feature that the declared sources give.

    windows: days. include, exclude: patterns over feature names such as 'household.*' or '*.count_*'
    (None includes all); sequences and association are asked for by name and need no including.
    sensitive: the signals close to a protected characteristic that may be used all the same.
    Raises UserMistake on windows that are none, patterns that match nothing, channels and signals that
    nothing declares, and sources with a channel's name; all at once.
    """
    problems = [
        f"source {name!r}: the name is taken by a channel; call the source otherwise"
        for name in sorted(set(sources) & set(RESERVED))
    ]
    days = tuple(sorted(set(windows)))
    if not days or days[0] < 1:
        problems.append(f"windows: {list(windows)} should be one or more whole numbers of days above 0")
        days = WINDOWS  # so that the rest can be looked at
    declared = [sources[name] for name in sorted(sources)]
    own = tuple(channels_of(declared, sensitive))
    problems += sequence_problems(sequences, [channel.name for channel in own], longest=days[-1])
    problems += association_problems(association, signals_of(declared, sensitive), longest=days[-1])

    others = tuple(association_channels(declared, association, sensitive))
    known = {"timed": timed_signals(declared), "overwritten": overwritten_amounts(declared)}
    derived = [feature for channel in own for feature in battery(channel, days, **known)]
    asked = [sequence.feature(days[-1]) for sequence in sequences]
    if association is not None:
        within = association.within_days
        asked += [f for channel in others for f in association_battery(channel, days, within=within)]
    names = [feature.name for feature in (*derived, *asked)]
    for pattern in (*(include or ()), *exclude):
        if not any(fnmatchcase(name, pattern) for name in names):
            problems.append(f"{pattern!r} matches no feature: {nearest(pattern, names)}")
    included = [f for f in derived if include is None or _matches(f.name, include)]
    kept = [feature for feature in (*included, *asked) if not _matches(feature.name, exclude)]
    if not problems and not kept:
        problems.append("no feature is left; declare signals, or include more and exclude less")
    if problems:
        raise UserMistake("No catalogue can be derived.", problems=problems)
    facts = tuple(SourceFacts(s.source, s.title, s.covers_from, s.register_) for s in declared)
    happenings = happenings_of(declared, signals_of(declared, sensitive))
    whole = Catalogue((*derived, *asked), (*own, *others), days, facts, association, happenings)
    return _kept(whole, kept)


def _kept(whole: Catalogue, features: Sequence[Feature]) -> Catalogue:
    """The catalogue cut down to some features: their channels, the signals in these, their sources."""
    measured = {name for feature in features for name in (feature.channel, feature.after)}
    signals = {name for channel in whole.channels if channel.name in measured for name in channel.signals}
    channels = tuple(
        channel
        for channel in whole.channels
        if (channel.name in measured if channel.kind != "signal" else channel.signals[0] in signals)
    )
    used = {source for channel in channels for source in channel.sources}
    others = {channel.name for channel in channels if channel.association}
    return replace(
        whole,
        features=tuple(features),
        channels=channels,
        facts=tuple(fact for fact in whole.facts if fact.source in used),
        association=_only(whole.association, others),
    )


def _only(association: Association | None, channels: set[str]) -> Association | None:
    """What of an association some channels need; None where they need nothing."""
    if association is None:
        return None
    signals = tuple(sorted(s for s in set(association.signals) if by_association(s) in channels))
    return replace(association, signals=signals) if signals else None


def _association(given: dict[str, Any] | None) -> Association | None:
    return None if given is None else Association(tuple(given["signals"]), given["within_days"])


def _without_empty(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name or value}


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
