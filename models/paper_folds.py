"""How every candidate did on earlier dates, whom two rules would have put forward there, and at what cost.

The best on the dates judged may be so by chance; by these figures a board can see whether it was so before.
Where so few were found that a rate is not told, nor is what it could be worked out from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from features.wording import counted
from models.estimable import not_estimable
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.paper import NOT_MEASURED, Field, Table
from models.paper_figures import between, days_said, few, few_with_outcome, number, optional
from models.told import Told

CHOSEN = "Which kind would have been chosen before?"
ON_FOLDS = "On earlier dates, fold by fold"
UNTOLD = (TOO_FEW, NOT_ESTIMABLE, NOT_MEASURED)

Figures = Mapping[str, Sequence[Mapping[str, Any]]]
"""Title of a candidate → its figures on each fold that could be judged, in order of time."""


def folds(told: Told) -> Iterator[Field]:
    """The figures on each fold, and what the two rules would have chosen by them."""
    if sentence := not_estimable(told.card) if told.card.get("on_folds") else "":
        yield Field(ON_FOLDS, (sentence[0].upper() + sentence[1:] + ".",))
        return
    figures = {
        told.title_of(str(card.get("kind"))): card["on_folds"]
        for card in told.run or (told.card,)
        if card.get("on_folds")
    }
    yield _on_folds(told, figures)
    yield _chosen(told, figures)


def _on_folds(told: Told, figures: Figures) -> Field:
    dates = told.card.get("dates") or {}
    asked, possible = dates.get("folds_asked"), len(dates.get("folds") or ())
    trimmed = (f"{asked} folds asked, {possible or 'none'} possible.",) if asked and possible < asked else ()
    if not figures:
        return Field(ON_FOLDS, (NOT_MEASURED, *trimmed))
    own = next(iter(figures.values()))
    heads = ("Sorted by", *map(_when, own))
    rows = tuple((title, *map(_figure, of)) for title, of in figures.items())
    apart = counted(dates.get("apart_days", 0), "day", "days")
    about = (
        f"Precision at {told.capacity} with its 95% interval, and average precision (AP). For each fold "
        f"candidates were fitted anew, on dates at least {apart} before those that head its column."
    )
    return Field(ON_FOLDS, (about, *trimmed), Table(heads, rows))


def _chosen(told: Told, figures: Figures) -> Field:
    """Which kind two rules would put forward over earlier folds, and what each rule would have cost."""
    found = optional(told, "selection")
    if not found:
        return Field(CHOSEN, (NOT_MEASURED,))
    said, rows = ["On earlier dates, by two rules that can be told to a board."], list[tuple[str, ...]]()
    for rule in found.values():
        of_rule = list(_costs(rule, figures))
        rows += of_rule
        untold = any(cost in UNTOLD for *_, cost in of_rule)
        chosen = rule["said"]
        if any(_figure(fold) in UNTOLD for fold in figures.get(told.title_of(rule.get("kind") or ""), ())):
            chosen = f"{told.title_of(rule['kind'])}, partly by figures that cannot be told"
        said.append(f"By {rule['rule']}: {chosen}" + ("." if untold else f"; {rule['regret']['said']}."))
    heads = ("Chosen for", "Rule", "Who, by the folds before", "Short of the best of it, points")
    return Field(CHOSEN, tuple(said), Table(heads, tuple(rows)) if rows else None)


def _costs(rule: Mapping[str, Any], figures: Figures) -> Iterator[tuple[str, ...]]:
    """Fold by fold but for the first: whom a rule would have chosen by those before, and its regret."""
    kinds, lost = rule["regret"].get("kinds") or (), rule["regret"].get("by_fold") or ()
    for at, (title, short) in enumerate(zip(kinds, lost, strict=True), start=1):
        of_fold = {name: of[at] for name, of in figures.items()}
        when = _when(next(iter(of_fold.values())))
        yield when, rule["rule"], title or "nobody", _cost(of_fold.get(title or ""), of_fold, short)


def _cost(
    chosen: Mapping[str, Any] | None, of_fold: Mapping[str, Mapping[str, Any]], short: float | None
) -> str:
    """A regret in points; it is the difference of two rates, and is told where both are."""
    if short is None:
        return NOT_ESTIMABLE
    if chosen is None:
        return NOT_MEASURED
    best = max(of_fold.values(), key=lambda figures: figures["precision"] or 0.0)
    untold = [said for said in (_figure(chosen), _figure(best)) if said in UNTOLD]
    return untold[0] if untold else f"{100 * short:.1f}"


def _figure(fold: Mapping[str, Any]) -> str:
    """A candidate on a fold; nothing where too few had the outcome or were found."""
    if not fold.get("estimable") or fold.get("precision") is None:
        return NOT_ESTIMABLE
    if few((fold.get("found"), fold.get("flagged"))) or few_with_outcome(fold):
        return TOO_FEW
    precision = between(fold["precision"], fold.get("precision_interval"))
    return f"{precision}; AP {number(fold.get('average_precision'), 3)}"


def _when(fold: Mapping[str, Any]) -> str:
    return days_said(fold.get("dates") or ()).removeprefix("on ")
