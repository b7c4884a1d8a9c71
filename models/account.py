"""How far each channel moved a person: the model's exact contributions, summed by signal and dealt out.

The contributions of a row add up to its calibrated log-odds. They are summed by channel, and a
channel that spans several signals (an agency, a theme, the household) is *folded*: its sum is dealt
out to the signals under it that have an event for this person, in proportion to those events that
it counts, so that no happening is told twice. What spans all agencies stays a reason of its own
where two or more agencies are behind it, because no single signal says that. Nothing is lost on the
way: the base (for trees the average log-odds), every channel's weight and `other` add up to the
person's log-odds.

- *Other* is the weight of silence, which has no event behind it, and of events that are only probably the
  person's: these are never told, and a channel weighs as much as the share of its events that are surely
  theirs. The share of both is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from features import asof
from features.catalogue import Catalogue
from features.feature import Channel, EvidenceRow
from features.wording import followed


@dataclass(frozen=True)
class Sequel:
    """A sequence that happened and raised the chance: what it is told as, and its events: those that came
    first and those that followed."""

    words: str
    events: tuple[EvidenceRow, ...]


@dataclass(frozen=True)
class Account:
    """Contributions dealt out to channels with events behind them, strongest first.

    weighed: (channel, log-odds, the events behind it). sequences: of a channel the one that raised the
    chance most, if any did. doubted_share: of other_share what rests on events that may not be told.
    partly: the channels of which some events may not.
    """

    base: float
    weighed: tuple[tuple[Channel, float, tuple[EvidenceRow, ...]], ...]
    other: float
    other_share: float
    sequences: Mapping[str, Sequel] = field(default_factory=dict)
    doubted_share: float = 0.0
    partly: frozenset[str] = frozenset()


def weigh(
    catalogue: Catalogue,
    names: Sequence[str],
    contributions: np.ndarray,
    happened: Sequence[EvidenceRow],
    as_of: date,
    *,
    sure: Sequence[EvidenceRow] | None = None,
) -> Account:
    """Sum one person's contributions by channel and fold the broad channels into their signals.

    contributions: (len(names) + 1,) log-odds, the base last; happened: the person's events; sure: those of
    them that may be told, by default all.
    """
    sure = happened if sure is None else sure
    channel_of = {feature.name: feature.channel for feature in catalogue.features}
    weights = dict(zip(names, contributions[:-1].tolist(), strict=True))
    sums: dict[str, float] = defaultdict(float)
    for name, weight in weights.items():
        sums[channel_of[name]] += weight
    behind = _behind(catalogue, happened, as_of)
    own = {c.name: sums.get(c.name, 0.0) for c in catalogue.channels if _stands(c, behind[c.name])}
    told = [c for c in catalogue.channels if c.kind == "signal" and c.name in own]
    silent: list[float] = []
    for channel in catalogue.channels:
        if channel.name in own or channel.name not in sums:
            continue
        parts = set(channel.signals)
        under = [c.name for c in told if c.household == channel.household and c.signals[0] in parts]
        counted = {name: sum(map(channel.counts, behind[name])) for name in under}
        events = sum(counted.values())
        for name in under if events else ():
            own[name] += sums[channel.name] * counted[name] / events
        if not events:
            silent.append(sums[channel.name])
    moved = sum(abs(weight) for weight in own.values()) + sum(abs(weight) for weight in silent)
    may_tell = _behind(catalogue, sure, as_of)
    doubted: list[float] = []
    partly = {name for name in own if len(may_tell[name]) < len(behind[name])}
    for name in sorted(partly):
        stands = _stands(catalogue.channel(name), may_tell[name])
        told_of_it = own[name] * len(may_tell[name]) / len(behind[name]) if stands else 0.0
        doubted.append(own[name] - told_of_it)
        if stands:
            own[name] = told_of_it
        else:
            del own[name]
    ordered = sorted(own.items(), key=lambda item: (-item[1], item[0]))
    doubtful = sum(abs(weight) for weight in doubted)
    unsaid = doubtful + sum(abs(weight) for weight in silent)
    return Account(
        base=float(contributions[-1]),
        weighed=tuple((catalogue.channel(name), weight, may_tell[name]) for name, weight in ordered),
        other=sum(silent) + sum(doubted),
        other_share=unsaid / moved if moved else 0.0,
        sequences=_sequences(catalogue, weights, sure, as_of),
        doubted_share=doubtful / moved if moved else 0.0,
        partly=frozenset(partly & set(own)),
    )


def _sequences(
    catalogue: Catalogue, weights: Mapping[str, float], happened: Sequence[EvidenceRow], as_of: date
) -> dict[str, Sequel]:
    """By channel, the sequence of events that raised the chance most."""
    found: dict[str, Sequel] = {}
    asked = [f for f in catalogue.features if f.measure == "after" and weights.get(f.name, 0.0) > 0]
    for feature in sorted(asked, key=lambda f: -weights[f.name]):
        channel, first = catalogue.channel(feature.channel), catalogue.channel(feature.after)
        starts, ends = feature.followed(channel, first, happened, as_of)
        if ends and channel.name not in found:
            found[channel.name] = Sequel(followed(feature, channel, first, ends), (*starts, *ends))
    return found


def _behind(
    catalogue: Catalogue, happened: Sequence[EvidenceRow], as_of: date
) -> dict[str, tuple[EvidenceRow, ...]]:
    """The events of each channel; a spell that began before the longest window is told by its own signal."""
    today, longest = asof.day_number(as_of), catalogue.longest
    events_of: dict[tuple[str, bool], list[EvidenceRow]] = defaultdict(list)
    for event in happened:
        events_of[event.signal, event.household].append(event)

    def of(channel: Channel) -> Iterator[EvidenceRow]:
        for signal in channel.signals:
            for event in events_of.get((signal, channel.household), ()):
                recent = asof.in_window(asof.day_number(event.occurred_on), today, longest)
                if channel.counts(event) and (channel.kind == "signal" or recent):
                    yield event

    return {channel.name: tuple(of(channel)) for channel in catalogue.channels}


def _stands(channel: Channel, events: Sequence[EvidenceRow]) -> bool:
    """Whether a channel is told on its own: a signal that happened, or contact across agencies."""
    if channel.kind == "all" and not channel.household:
        return len({event.source for event in events}) > 1
    return channel.kind == "signal" and bool(events)
