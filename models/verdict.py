"""What can be approved of a run's candidates, as far as their figures go; every output of the run says it.

Only a person approves, and only where every gate is met (`models.gates`). What people have yet to write or
to sign is left out here: this is what the figures alone come to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from models.estimable import not_estimable
from models.gates import FITTED, Card, better_than_baselines, calibrated, groups_alike, title_of
from models.human import Human, Signature, to_sign

NOBODY_KNOWN = (
    "Nothing of this run can be approved: nothing fitted is shown to beat the best baseline, and no "
    "baseline that could serve is known to be the best of them."
)


@dataclass(frozen=True)
class Verdict:
    """What a run comes to, for `verdict` of each of its cards. kind: the candidate that can be approved as
    far as its figures go, or None; said: some sentences for every output."""

    kind: str | None
    said: str


def verdict(cards: Mapping[str, Card]) -> Verdict:
    """The fitted model that beats the best baseline; else the best baseline. One that its own figures stop is
    passed over, and it is said why. Of several the one that more rules chose on earlier folds (`selection`
    of a card), since to choose by the test dates would be to choose by luck; then the one first named.

    cards: kind → card. None where nothing is left, or where baselines were not compared.
    """
    if few := next(filter(None, map(not_estimable, cards.values())), ""):
        return Verdict(None, f"Nothing of this run can be approved: {few}.")
    titles = {kind: str(card.get("title", kind)) for kind, card in cards.items()}
    card = next(iter(cards.values()))  # every card of a run tells the same of what its folds chose
    rules = _chosen_on_folds(card)
    votes = Counter(rules.values())
    first = [kind for kind, card in cards.items() if better_than_baselines(card).met]
    first.sort(key=lambda kind: (kind not in FITTED, -votes[kind]))
    if not first:
        return Verdict(None, NOBODY_KNOWN)
    best, stopped = first[0], {kind: why for kind in first if (why := stopped_by(cards[kind]))}
    kind = next((kind for kind in first if kind not in stopped), None)
    if better := [titles[each] for each in first if each in FITTED]:
        said = [f"Shown to beat the best baseline: {' and '.join(better)}."]
    else:
        can = "" if best in stopped else ": that is what can be approved"
        said = [f"Nothing is shown to beat the best baseline, {titles[best]}{can}."]
    others = [f"{rule!r} chose {title_of(card, each)}" for rule, each in rules.items() if each != best]
    if others:
        said.append(f"On earlier folds {' and '.join(others)}.")
    for each, why in stopped.items():
        if each in FITTED or kind not in FITTED:  # a baseline that nobody would put forward is not told of
            said.append(f"{titles[each]} cannot be approved, whatever people write: {why}.")
    if kind is None:
        said.append("Nothing of this run can be approved.")
    elif best in stopped or len(better) > 1:
        chosen = ", which earlier folds chose" if votes[kind] else ""
        said.append(f"What can be approved is {titles[kind]}{chosen}.")
    return Verdict(kind, " ".join(said))


def _chosen_on_folds(card: Card) -> dict[str, str]:
    """Rule → the kind that it chose on earlier folds, if any."""
    found = (card.get("selection") or {}).values()
    return {each["rule"]: each["kind"] for each in found if each["kind"]}


def stopped_by(card: Card) -> str:
    """What in a candidate's own figures no words of people get past; empty where nothing does."""
    signed = Human(signed={group: Signature("anybody", "any reason") for group in to_sign(card)})
    gates = calibrated(card), groups_alike(card, signed)
    return "; ".join(gate.said for gate in gates if not gate.met)


def advised_against(card: Card) -> str:
    """What a run's verdict has to say of a model that is not the one it names; else empty."""
    found = card.get("verdict")
    return str(found["said"]) if found and found["kind"] != card.get("kind") else ""
