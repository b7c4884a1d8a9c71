"""What this week's scores are made of, against those of the people the model was judged on.

Drift compares columns, whatever the model makes of them. Here every person's exact contributions are
summed by channel: how much of all that raises or lowers scores is a channel's, and by how much it alone
moved the mean score. The model being one and the same, these movements add up to the mean score's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.composition import Composition
from models.disclosure import LEAST_BELOW_THE_LINE

MOST_CHANNELS = 15
REST = "everything else"


@dataclass(frozen=True)
class Shift:
    """One channel, or the rest, which has no name.

    share_then, share_now: of all that raises or lowers scores, what is its. moved: what it added to the
    mean score since, in log-odds.
    """

    channel: str
    label: str
    share_then: float
    share_now: float
    moved: float


def shifts(then: Composition, now: Composition, *, label: Callable[[str], str]) -> tuple[Shift, ...]:
    """The channels that weigh most on either side, the greatest share now first, and the rest as one.

    then, now: of one model. label: channel → words. Empty where either side has fewer than 10 people,
    of whom a mean would say too much, or where nothing moves the scores.
    """
    if min(then.people, now.people) < LEAST_BELOW_THE_LINE:
        return ()
    all_then, all_now = (sum(part.weight for part in side.channels.values()) for side in (then, now))
    if not all_then or not all_now:
        return ()

    def shift(name: str) -> Shift:
        before, after = then.channels[name], now.channels[name]
        share_then, share_now = before.weight / all_then, after.weight / all_now
        return Shift(name, label(name), share_then, share_now, after.pull - before.pull)

    found = sorted(map(shift, now.channels), key=lambda s: (-max(s.share_then, s.share_now), s.channel))
    told, rest = found[:MOST_CHANNELS], found[MOST_CHANNELS:]
    told.sort(key=lambda s: (-s.share_now, s.channel))
    if rest:
        of_rest = [(s.share_then, s.share_now, s.moved) for s in rest]
        told.append(Shift("", REST, *(sum(column) for column in zip(*of_rest, strict=True))))
    return tuple(told)
