"""One happening in several systems: which signals it may be, and where it counts once.

A police log and its occurrence, a missing episode in two tables: each agency's own channel counts its
own record, and a channel that spans agencies counts the happening once, by the first of its records
that the channel counts. So every signal concerned is in such a channel as a signal of its own, `once.`
before its name, of which `features.pairing` makes rows for the mornings on which an event is that first.

A theme may count a happening by another record than `all` does: an ambulance's call is the first of
its theme, health, where the police logged it before. Where that is so the theme has `once.theme.`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from features.declaration import Source

if TYPE_CHECKING:
    from features.feature import Signal

ONCE, ONCE_IN_THEME = "once.", "once.theme."


@dataclass(frozen=True)
class SameHappening:
    """Two signals ('<source>.<signal>') that are one happening if they are no more than `hours` apart.

    once: what stands before the names of the signals whose rows count it, `ONCE` or `ONCE_IN_THEME`.
    """

    once: str
    signals: tuple[str, str]
    hours: float

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> SameHappening:
        one, other = given["signals"]
        return cls(given["once"], (one, other), given["hours"])

    @property
    def codes(self) -> tuple[str, ...]:
        """The names under which the two count once."""
        return tuple(self.once + name for name in self.signals)


def base_of(code: str) -> str:
    """The signal that counts under a name: 'once.police.missing' → 'police.missing'."""
    return code.removeprefix(ONCE_IN_THEME).removeprefix(ONCE)


def happenings_of(sources: Sequence[Source], signals: Sequence[Signal]) -> tuple[SameHappening, ...]:
    """Every pair of these signals that may be one happening, in order of name.

    What one source says of another's signal holds both ways, and of two that say different hours the
    fewer hold. Signals that are each the same as a third are the same as each other, within the fewer
    of the hours on the way, unless their own are declared. Signals of one source never are, nor is
    what happens in a dwelling what happens to a person: no channel has both.
    """
    there = {signal.name: signal for signal in signals}
    declared: dict[tuple[str, str], float] = {}
    for pair, hours in _declared(sources):
        if all(name in there for name in pair) and len({there[name].shared for name in pair}) == 1:
            declared[pair] = min(hours, declared.get(pair, hours))
    near: dict[str, dict[str, float]] = {}
    for (one, other), hours in declared.items():
        near.setdefault(one, {})[other] = hours
        near.setdefault(other, {})[one] = hours
    for middle in sorted(near):
        for one, other in combinations(sorted(near[middle]), 2):
            hours = min(near[middle][one], near[middle][other])
            if hours > near[one].get(other, 0):
                near[one][other] = near[other][one] = hours
    found = []
    for one in near:
        for other in near[one]:
            if one < other and there[one].source != there[other].source:
                hours = declared.get((one, other), near[one][other])
                found.append(SameHappening(ONCE, (one, other), hours))
                themes = {there[name].theme for name in (one, *near[one])}
                if there[one].theme == there[other].theme is not None and len(themes) > 1:
                    found.append(SameHappening(ONCE_IN_THEME, (one, other), hours))
    return tuple(sorted(found, key=lambda same: (same.once, same.signals)))


def _declared(sources: Sequence[Source]) -> Iterator[tuple[tuple[str, str], float]]:
    """Both names of each pair that is declared, in order, and its hours."""
    for source in sources:
        for short, words in source.signals.items():
            for other in words.same_as.signals if words.same_as else ():
                one, two = sorted((f"{source.source}.{short}", other))
                yield (one, two), words.same_as.hours if words.same_as else 0.0


def once_codes(kind: str, parts: Sequence[Signal], happenings: Sequence[SameHappening]) -> tuple[str, ...]:
    """The names under which a channel counts those of its signals that it could count twice.

    Only a channel with both signals of a pair could; a theme counts by its own first records.
    """
    names, found = {part.name for part in parts}, dict[str, str]()
    for same in happenings:  # ONCE_IN_THEME comes after ONCE
        if names.issuperset(same.signals) and (kind == "theme" or same.once == ONCE):
            found |= dict(zip(same.signals, same.codes, strict=True))
    return tuple(found[name] for name in sorted(found))
