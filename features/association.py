"""Association: another person's own events reach those who live with them. Off unless asked for.

A specification names the signals and says for how many days they count. `features.reach` makes the
rows, under the signal's own name with `association.` before it; `features.channels` makes a channel
of each. They are in no channel with anything else, so that nobody is taken for those they live with,
and a reason says so and not who.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.errors import nearest
from features.feature import Signal

PREFIX = "association."


@dataclass(frozen=True)
class Association:
    """Which signals reach the people somebody lives with ('<source>.<signal>'), and for how many days
    after they occurred."""

    signals: tuple[str, ...]
    within_days: int


def by_association(signal: str) -> str:
    """The name of a signal where it is another person's: 'police.alcohol' → 'association.police.alcohol'."""
    return PREFIX + signal


def association_problems(
    association: Association | None, signals: Sequence[Signal], *, longest: int
) -> Iterator[str]:
    """What is wrong with what is asked for, as sentences; signals: those that may be features."""
    if association is None:
        return
    personal = [signal.name for signal in signals if not signal.shared]
    shared = {signal.name for signal in signals if signal.shared}
    if not association.signals:
        yield "association: names no signal; leave it out to have none"
    for name in sorted(set(association.signals)):
        if name in shared:
            yield (
                f"association: {name!r} is shared: it reaches everybody who lives there already, in "
                f"household.{name}"
            )
        elif name not in personal:
            yield f"association: there is no personal signal {name!r}; {nearest(name, personal)}"
    if not 1 <= association.within_days <= longest:
        yield (
            f"association: within_days {association.within_days} should be from 1 to {longest}, the longest "
            "window"
        )
