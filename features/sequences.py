"""Sequences: what a specification may ask for, such as a notice within 90 days after an arrears letter.

One agency's event on top of another's may say more than either, and which pairs do is knowledge of
the field: so they are declared, and never searched for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.errors import nearest
from features.feature import Feature

LOOK_BACK = 365
"""Sequences are counted over a year, or the longest window where that is shorter."""


@dataclass(frozen=True)
class FirstThen:
    """Events of channel `then` on a day 1 to `within` days after a day with an event of `first`."""

    first: str
    then: str
    within: int

    def feature(self, longest: int) -> Feature:
        """The count of them, in a catalogue whose longest window is `longest` days."""
        name = f"{self.then}.after_{self.first}_within_{self.within}"
        return Feature(name, self.then, "after", min(LOOK_BACK, longest), self.first, self.within)


def sequence_problems(
    sequences: Sequence[FirstThen], channels: Sequence[str], *, longest: int
) -> Iterator[str]:
    """What is wrong with the sequences asked for, as sentences; channels: the names that there are."""
    seen = set()
    for asked in sequences:
        key, window = f"sequence {asked.first!r} then {asked.then!r}", asked.feature(longest).window
        for name in dict.fromkeys((asked.first, asked.then)):
            if name not in channels:
                yield f"{key}: there is no channel {name!r}; {nearest(name, channels)}"
        if not 1 <= asked.within <= window:
            yield f"{key}: within {asked.within} should be from 1 to {window} days, which it is counted over"
        if asked in seen:
            yield f"{key}: is asked for twice"
        seen.add(asked)
