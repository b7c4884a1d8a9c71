"""What must be so before anybody can approve a candidate.

A gate is a function of the candidate's card and of what people wrote about it (`models.human`), and of
nothing else; what neither tells is not met. Further gates are added to `GATES`. What they read of a card:

    test.calibration_slope   1 where chances are as they are told
    fitted_on, people, test  whether there were enough people with the outcome, see `models.estimable`
    paired                   baseline → of (such as "precision at 30"), difference, low and high: this
                             candidate's figure less the baseline's, from the same people, 95 %
    audit                    recall by group, as `models.audit.ThresholdAudit.to_json` has it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.estimable import not_estimable
from models.human import ASKED, NOTHING, Human

SLOPE = (0.8, 1.2)
FITTED = ("lightgbm", "logistic")
"""The kinds that have to beat a baseline; the others are baselines."""

BETTER, CALIBRATION = "better than the best baseline", "calibration"
GROUPS, WRITTEN = "no group is missed too often", "what people must write"

Card = Mapping[str, Any]


@dataclass(frozen=True)
class Gate:
    """One condition, whether it is met, and what the card says of it."""

    name: str
    met: bool
    said: str


def gates_of(card: Card, human: Human = NOTHING) -> list[Gate]:
    """Every gate, met or not, in one order."""
    return [gate(card, human) for gate in GATES]


def better_than_baselines(card: Card, human: Human = NOTHING) -> Gate:
    """The best baseline is the one that comes nearest; a baseline itself must be the best of them."""
    if few := not_estimable(card):
        return Gate(BETTER, False, few)
    if card.get("kind") not in FITTED:
        return _best_baseline(card)
    paired = _baselines(card)
    if not paired or any(each.get("low") is None for each in paired.values()):
        return Gate(BETTER, False, "the card does not tell: not estimable, or not compared")
    nearest = min(paired, key=lambda baseline: paired[baseline]["difference"])
    found = paired[nearest]
    said = (
        f"{found['of']} less that of {title_of(card, nearest)} is {found['difference']:+.3f} "
        f"({found['low']:+.3f} to {found['high']:+.3f}); its lower bound has to be above 0"
    )
    return Gate(BETTER, found["low"] > 0, said)


def _best_baseline(card: Card) -> Gate:
    """A baseline is held against the other baselines that could serve alone, with no interval: one of them
    has to be the best, and where they are alike it does not matter which; the only one is the best."""
    paired = _baselines(card)
    if paired and all(each.get("difference") is not None for each in paired.values()):
        nearest = min(paired, key=lambda baseline: paired[baseline]["difference"])
        found = paired[nearest]
        less = f"{found['of']} less that of {title_of(card, nearest)} is {found['difference']:+.3f}"
        return Gate(BETTER, found["difference"] >= 0, f"it is a baseline; {less}")
    own, no_rivals = card.get("test", {}).get("precision"), {*FITTED, *(card.get("cannot_serve") or {})}
    others = [
        figures.get("precision") for kind, figures in card.get("beside", {}).items() if kind not in no_rivals
    ]
    if own is None or None in others:
        return Gate(BETTER, False, "the card does not tell: not estimable, or not compared")
    best = max([own, *others])
    return Gate(BETTER, own >= best, f"it is a baseline, of precision {own:.3f}; the best has {best:.3f}")


def _baselines(card: Card) -> dict[str, Any]:
    """What this candidate was compared with, as far as that are other baselines."""
    paired = card.get("paired") or {}
    return {kind: found for kind, found in paired.items() if kind not in (*FITTED, card.get("kind"))}


def title_of(card: Card, kind: str) -> str:
    """What a kind of the same run is called."""
    return str((card.get("titles") or {}).get(kind, kind))


def calibrated(card: Card, human: Human = NOTHING) -> Gate:
    """Chances that are told as they are."""
    low, high = SLOPE
    slope = card.get("test", {}).get("calibration_slope")
    if slope is None:
        return Gate(CALIBRATION, False, "the card does not tell a calibration slope: not estimable")
    said = f"the slope is {slope:.2f}; it has to be {low} to {high}"
    return Gate(CALIBRATION, low <= slope <= high, said)


def groups_alike(card: Card, human: Human = NOTHING) -> Gate:
    """No group is missed too often, and of each that nobody can judge somebody said why that is accepted."""
    from models.audit import gate_said

    told = card.get("audit")
    if not told:
        return Gate(GROUPS, False, "the card does not tell: nobody looked who is missed")
    return Gate(GROUPS, *gate_said(told, human.reasons))


def written(card: Card, human: Human = NOTHING) -> Gate:
    """Every question that only a person can answer."""
    if not human.sha256:
        return Gate(WRITTEN, False, "nobody has written anything; `earlyhelp papers` lays out the questions")
    if missing := human.missing:
        return Gate(WRITTEN, False, f"empty: {', '.join(missing)}")
    return Gate(WRITTEN, True, f"all {len(ASKED)} questions are answered")


GATES: tuple[Callable[[Card, Human], Gate], ...] = (better_than_baselines, calibrated, groups_alike, written)
