"""What each source is worth, as plain lines for a terminal, from a card: the dearest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.wording import counted
from models.paper_worth import not_judged, who_loses

Told = Mapping[str, Any]


def worth_text(worth: Told) -> str:
    """A table of what is lost without each part; what cannot be told says so.

    worth: as a card has it, see `training.worth.Worth`.
    """
    return "\n".join(_lines(worth))


def _lines(worth: Told) -> Iterator[str]:
    parts = worth["parts"]
    yield "What the list would lose without"
    title = max((len(part["title"]) for part in parts), default=0)
    points = f"precision at {worth['capacity']}, points"
    yield f"  {'':<{title}}  {points:>26}  {'average precision':>24}  recall, points"
    for part in parts:
        yield (
            f"  {part['title']:<{title}}  {_said(part['precision'], 100, 1):>26}  "
            f"{_said(part['average_precision'], 1, 3):>24}  {who_loses(part['recall'])}"
        )
    yield (
        f"Of trees fitted on {worth['rows']:,} rows, {worth['positives']:,} with the outcome, whose lists of "
        f"{counted(len(worth['dates']), 'date', 'dates')} have a precision of {_share(worth['precision'])} "
        f"and an average precision of {_figure(worth['average_precision'], 3)} with nothing left out; in "
        "brackets 95 % intervals by person. Below nought the list would do better without. Sources that say "
        "the same stand in for each other."
    )
    if len(parts) > 1:
        chance = 0.05 * len(parts)
        yield (
            f"Of {len(parts)} intervals about {chance:.1f} would leave out nought by chance alone, and so "
            "would some of the groups'."
        )
    if few := not_judged([part["recall"] for part in parts]):
        yield few


def _said(lost: Told, times: int, places: int) -> str:
    if lost["lost"] is None:
        return "not estimable"
    if lost["low"] is None:
        return f"{times * lost['lost']:+.{places}f}"
    low, high = times * lost["low"], times * lost["high"]
    return f"{times * lost['lost']:+.{places}f} ({low:+.{places}f} to {high:+.{places}f})"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _figure(value: float | None, places: int) -> str:
    return "—" if value is None else f"{value:.{places}f}"
