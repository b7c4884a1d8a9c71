"""What a candidate's card must say before anybody can approve it.

A gate is a function of the card and nothing else; what the card does not tell is not met. Further gates are
added to `GATES`. What they read:

    test.calibration_slope   1 where chances are as they are told
    paired                   baseline → of (such as "precision at 30"), difference, low and high: this
                             candidate's figure less the baseline's, from the same people, 95 %
    human                    what a person has to write, by name
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SLOPE = (0.8, 1.2)
FITTED = ("lightgbm", "logistic")
"""The kinds that have to beat a baseline; the others are baselines."""

Card = Mapping[str, Any]


@dataclass(frozen=True)
class Gate:
    """One condition, whether it is met, and what the card says of it."""

    name: str
    met: bool
    said: str


def gates_of(card: Card) -> list[Gate]:
    """Every gate, met or not, in one order."""
    return [gate(card) for gate in GATES]


def better_than_baselines(card: Card) -> Gate:
    """The best baseline is the one that comes nearest; a baseline itself must be the best of them."""
    name, kind = "better than the best baseline", card.get("kind")
    if kind not in FITTED:
        return _best_baseline(name, card)
    paired = card.get("paired") or {}
    if not paired or any(each.get("low") is None for each in paired.values()):
        return Gate(name, False, "the card does not tell: not estimable, or not compared")
    nearest = min(paired, key=lambda baseline: paired[baseline]["difference"])
    found = paired[nearest]
    said = (
        f"{found['of']} less that of {nearest!r} is {found['difference']:+.3f} "
        f"({found['low']:+.3f} to {found['high']:+.3f}); its lower bound has to be above 0"
    )
    return Gate(name, found["low"] > 0, said)


def _best_baseline(name: str, card: Card) -> Gate:
    own = card.get("test", {}).get("precision")
    others = [
        figures.get("precision") for kind, figures in card.get("beside", {}).items() if kind not in FITTED
    ]
    if own is None or None in others:
        return Gate(name, False, "the card does not tell: not estimable, or not compared")
    best = max([own, *others])
    return Gate(name, own >= best, f"it is a baseline, of precision {own:.3f}; the best has {best:.3f}")


def calibrated(card: Card) -> Gate:
    """Chances that are told as they are."""
    name, (low, high) = "calibration", SLOPE
    slope = card.get("test", {}).get("calibration_slope")
    if slope is None:
        return Gate(name, False, "the card does not tell a calibration slope: not estimable")
    return Gate(name, low <= slope <= high, f"the slope is {slope:.2f}; it has to be {low} to {high}")


def written(card: Card) -> Gate:
    """Every field that a person has to fill."""
    name, fields = "what people must write", card.get("human") or {}
    empty = [field for field, text in fields.items() if not str(text or "").strip()]
    if not fields:
        return Gate(name, False, "the card has nothing that a person wrote")
    return Gate(name, not empty, f"empty: {', '.join(empty)}" if empty else "every field is filled")


GATES: tuple[Callable[[Card], Gate], ...] = (better_than_baselines, calibrated, written)
