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
from itertools import permutations
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
    fewer hold. Two signals that are each the same as a third are the same as each other, within the
    fewer of its hours, unless hours of their own are declared; but all three must be of different
    sources: two of one source are two happenings, and so a notice that may follow either of two logs
    does not make one of them the other's. What happens in a dwelling is never what happens to a person,
    as no channel has both.
    """
    there = {signal.name: signal for signal in signals}
    declared: dict[str, dict[str, float]] = {}
    for one, other, hours in _declared(sources):
        if one in there and other in there and there[one].shared == there[other].shared:
            fewest = min(hours, declared.get(one, {}).get(other, hours))
            declared.setdefault(one, {})[other] = declared.setdefault(other, {})[one] = fewest
    near = {name: dict(others) for name, others in declared.items()}
    for others in declared.values():
        for one, other in permutations(others, 2):
            if there[one].source != there[other].source and other not in declared[one]:
                hours = min(others[one], others[other])
                near[one][other] = max(hours, near[one].get(other, 0))
    found = []
    for one, others in near.items():
        mixed = len({there[name].theme for name in _linked(one, near)}) > 1
        for other, hours in others.items():
            if one < other:
                found.append(SameHappening(ONCE, (one, other), hours))
                if mixed and there[one].theme == there[other].theme is not None:
                    found.append(SameHappening(ONCE_IN_THEME, (one, other), hours))
    return tuple(sorted(found, key=lambda same: (same.once, same.signals)))


def _linked(name: str, near: Mapping[str, Mapping[str, float]]) -> set[str]:
    """The signals that can be in a happening with one, by way of others too."""
    found, new = {name}, [name]
    while new:
        new = [other for one in new for other in near[one] if other not in found]
        found.update(new)
    return found


def _declared(sources: Sequence[Source]) -> Iterator[tuple[str, str, float]]:
    """Both names of each pair that is declared, and its hours."""
    for source in sources:
        for short, words in source.signals.items():
            if words.same_as is not None:
                for other in words.same_as.signals:
                    yield f"{source.source}.{short}", other, words.same_as.hours


def once_codes(kind: str, parts: Sequence[Signal], happenings: Sequence[SameHappening]) -> tuple[str, ...]:
    """The names under which a channel counts those of its signals that it could count twice.

    Only a channel with both signals of a pair could; a theme counts by its own first records.
    """
    names, found = {part.name for part in parts}, dict[str, str]()
    for same in happenings:  # ONCE_IN_THEME comes after ONCE
        if names.issuperset(same.signals) and (kind == "theme" or same.once == ONCE):
            found |= dict(zip(same.signals, same.codes, strict=True))
    return tuple(found[name] for name in sorted(found))
