"""What each source is worth, as plain lines for a terminal and a card: the dearest first."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from features.wording import counted
from training.worth import Lost, Without, Worth


def worth_text(worth: Worth) -> str:
    """A table of what is lost without each part; what cannot be told says so."""
    return "\n".join(_lines(worth))


def _lines(worth: Worth) -> Iterator[str]:
    yield "What the list would lose without"
    title = max((len(part.title) for part in worth.parts), default=0)
    points = f"precision at {worth.capacity}, points"
    yield f"  {'':<{title}}  {points:>26}  {'average precision':>24}  recall of"
    for part in worth.parts:
        yield (
            f"  {part.title:<{title}}  {_said(part.precision, 100, 1):>26}  "
            f"{_said(part.average_precision, 1, 3):>24}  {_most_lost(part)}"
        )
    yield (
        f"Of trees fitted on {worth.rows:,} rows, {worth.positives:,} with the outcome, whose lists of "
        f"{counted(len(worth.dates), 'date', 'dates')} have a precision of {_share(worth.precision)} and an "
        f"average precision of {_figure(worth.average_precision, 3)} with nothing left out; in brackets 95 % "
        "intervals by person. Below nought the list would do better without. Sources that say the same "
        "stand in for each other."
    )
    if len(worth.parts) > 1:
        chance = 0.05 * len(worth.parts)
        yield f"Of {len(worth.parts)} intervals about {chance:.1f} would leave out nought by chance alone."


def _said(lost: Lost, times: int, places: int) -> str:
    if isnan(lost.lost):
        return "not estimable"
    if isnan(lost.low):
        return f"{times * lost.lost:+.{places}f}"
    low, high = times * lost.low, times * lost.high
    return f"{times * lost.lost:+.{places}f} ({low:+.{places}f} to {high:+.{places}f})"


def _most_lost(part: Without) -> str:
    """The group whose recall falls most, of those of which it may be told."""
    known = [(each.lost, each) for each in part.recall if each.lost is not None and each.lost > 0]
    if not known:
        return "—"
    lost, most = max(known, key=lambda each: each[0])
    return f"{most.characteristic.replace('_', ' ')} {most.group}: {100 * lost:.0f} points"


def _share(value: float) -> str:
    return "—" if isnan(value) else f"{value:.1%}"


def _figure(value: float, places: int) -> str:
    return "—" if isnan(value) else f"{value:.{places}f}"
