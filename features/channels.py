"""The channels that declarations give: every signal by itself, and what spans several of them.

What happened to a person and what happened in their dwelling are never in one channel, and what
happened to somebody they live with is only ever in a channel of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from features.association import Association, by_association
from features.declaration import THEMES, Source
from features.feature import Channel, Kind, Signal
from features.happenings import SameHappening, happenings_of, once_codes

RESERVED = ("all", "association", "household", "once", "theme")
"""Channel names, which no source may have."""


def signals_of(sources: Sequence[Source], sensitive: Collection[str] = ()) -> list[Signal]:
    """Every signal that may be a feature; exits, what is kept as context and what we did ourselves are
    not, and what is close to a protected characteristic only if it is among `sensitive`."""
    return [
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
        if words.is_feature and (words.sensitive is None or f"{source.source}.{short}" in sensitive)
    ]


def channels_of(sources: Sequence[Source], sensitive: Collection[str] = ()) -> Iterator[Channel]:
    """Signals first, then what spans them, each kind once for persons and once for households.

    An agency or an outcome with a single signal, or with just the signals of another channel, would
    say the same thing twice; it is left out. `all` and `household` are always there. What spans
    agencies counts a happening that several of them recorded once.
    """
    signals = signals_of(sources, sensitive)
    for signal in signals:
        yield _alone(f"household.{signal.name}" if signal.shared else signal.name, signal)
    seen: set[tuple[str, ...]] = set()
    happenings = happenings_of(sources, signals)
    for name, kind, household, words in _broad(sources):
        parts = tuple(
            s
            for s in signals
            if s.shared == household
            and (kind != "agency" or s.source == name.removeprefix("household."))
            and (kind != "theme" or s.theme == name.removeprefix("theme."))
        )
        channel = _spanning(name, kind, parts, words, happenings) if parts else None
        if channel and (kind == "all" or (len(parts) > 1 and channel.signals not in seen)):
            seen.add(channel.signals)
            yield channel


def association_channels(
    sources: Sequence[Source], association: Association | None, sensitive: Collection[str] = ()
) -> Iterator[Channel]:
    """A channel for each signal of other people that was asked for, and in no other channel.

    Neither amounts nor open spells are said of somebody else, and nothing of theirs is a strength.
    """
    for signal in signals_of(sources, sensitive):
        if association is not None and signal.name in association.signals:
            theirs = replace(
                signal,
                name=by_association(signal.name),
                unit=None,
                protective=False,
                spell=False,
                association=True,
            )
            yield _alone(theirs.name, theirs)


def _alone(name: str, signal: Signal) -> Channel:
    return Channel(
        name=name,
        kind="signal",
        household=signal.shared,
        parts=(signal,),
        one=signal.one,
        many=signal.many,
        theme=signal.theme,
        protective=signal.protective,
        unit=signal.unit,
        association=signal.association,
    )


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


def _spanning(
    name: str, kind: Kind, parts: tuple[Signal, ...], words: str, happenings: Sequence[SameHappening]
) -> Channel:
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
        once=once_codes(kind, parts, happenings),
    )
