"""Whether the list treats groups of people alike: rates per group, from counts of people alone.

Three questions, and who stands below the line of each:

- *selection*: of the people scored, what share is on the list? A difference is a fact to explain.
- *recall*: of those for whom the outcome followed, what share had been on a list? For an offer of
  help the harm is being missed, so this one leads.
- *precision*: of those on a list, for what share did the outcome follow?

Pooled over several lists, a person counts once: scored on any of them, on any of them, the outcome
following any of them, found if the outcome followed one that they were on. So the counts are people,
who differ from one another, and Wilson's interval of a rate is an honest one. (Pooled rows would
count somebody on six monthly lists six times; eight such rows may be two people.)

Every count passes through `models.disclosure`; rates, intervals and verdicts are made from what
comes out of it. No function here sees a person after `tally`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.disclosure import STAR, Shown, Table, interval, publish, rate
from models.groups import UNKNOWN, in_order

N, POSITIVES, SELECTED, FOUND = "n", "positives", "selected", "found"
NESTED = ((POSITIVES, N), (SELECTED, N), (FOUND, POSITIVES), (FOUND, SELECTED))
LEAST_POSITIVES = 30
"""Under so many people with the outcome, nothing is said about finding them …"""
LEAST_WHOLE = 30
"""… and no rate of any kind is given of fewer people than this."""
MATERIAL = 0.8
"""A rate under four fifths of everybody's, or everybody's under four fifths of it, is worth saying."""

NOT_ESTIMABLE = "not estimable"
TOO_FEW = "too few to show"
LOWER, HIGHER, ALIKE = "lower", "higher", "no clear difference"
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Measure:
    """A rate: column `part` over column `whole`."""

    name: str
    part: str
    whole: str
    question: str


SELECTION = Measure("selection", SELECTED, N, "of the people scored, the share on the list")
RECALL = Measure("recall", FOUND, POSITIVES, "of those for whom the outcome followed, the share listed")
PRECISION = Measure("precision", FOUND, SELECTED, "of those listed, the share for whom the outcome followed")


@dataclass(frozen=True)
class Estimate:
    """A rate with its 95 % interval, and what may be said of it; None where it may not be given."""

    rate: float | None
    interval: tuple[float, float] | None
    verdict: str


@dataclass(frozen=True)
class Group:
    """One group: its counts as shown, and an estimate per measure."""

    name: str
    counts: dict[str, Shown]
    estimates: dict[str, Estimate]


@dataclass(frozen=True)
class Audit:
    """The groups of one characteristic; `everybody` holds the totals."""

    characteristic: str
    groups: tuple[Group, ...]
    everybody: Group


@dataclass(frozen=True)
class Listing:
    """People of one list. person: (n,) any ids, equal ids are one person; selected: (n,) bool;
    positive: (n,) bool, or None where what followed is not known yet; groups: characteristic → (n,)."""

    person: np.ndarray
    selected: np.ndarray
    positive: np.ndarray | None
    groups: Mapping[str, np.ndarray]


def tally(listings: Sequence[Listing], characteristic: str) -> dict[str, dict[str, int]]:
    """Group → column → people, each once, in the group of the last list they were scored for.

    Columns n and selected, and, if it is known of every list what followed, positives and found.
    A list on which nobody has the characteristic leaves its people in `unknown`.
    """
    people, who = np.unique(np.concatenate([listing.person for listing in listings]), return_inverse=True)

    def ever(rows: Sequence[np.ndarray]) -> np.ndarray:
        return np.bincount(who, weights=np.concatenate(rows), minlength=len(people)) > 0

    counted = {N: np.ones(len(people), bool), SELECTED: ever([listing.selected for listing in listings])}
    positive = [listing.positive for listing in listings if listing.positive is not None]
    if len(positive) == len(listings):
        counted[POSITIVES] = ever(positive)
        counted[FOUND] = ever([p & listing.selected for p, listing in zip(positive, listings, strict=True)])
    group = np.empty(len(people), object)
    group[who] = np.concatenate([_named(listing, characteristic) for listing in listings])
    return {
        name: {column: int((yes & (group == name)).sum()) for column, yes in counted.items()}
        for name in in_order(set(group.tolist()))
    }


def _named(listing: Listing, characteristic: str) -> np.ndarray:
    told = listing.groups.get(characteristic)
    return np.full(len(listing.person), UNKNOWN, object) if told is None else told


def audit(characteristic: str, counts: Mapping[str, Mapping[str, int]], measures: Sequence[Measure]) -> Audit:
    """Rates and verdicts per group, from true counts of people; only counts fit to be shown come out.

    counts: as `tally` gives them. Raises ValueError if there is no group.
    """
    if not counts:
        raise ValueError(f"there is nobody to audit {characteristic} of")
    columns = next(iter(counts.values()))
    table = publish(counts, parts=[pair for pair in NESTED if set(pair) <= set(columns)])
    everybody = {m.name: _estimate(m, table.totals, None) for m in measures}
    return Audit(
        characteristic=characteristic,
        groups=tuple(_group(name, table, measures, everybody) for name in table.rows),
        everybody=Group(EVERYBODY, table.totals, everybody),
    )


def _group(name: str, table: Table, measures: Sequence[Measure], everybody: Mapping[str, Estimate]) -> Group:
    row = table.rows[name]
    return Group(name, row, {m.name: _estimate(m, row, everybody[m.name].rate) for m in measures})


def _estimate(measure: Measure, shown: Mapping[str, Shown], everybody: float | None) -> Estimate:
    """A rate from counts as shown, held against everybody's."""
    part, whole = shown[measure.part], shown[measure.whole]
    below = [(whole, LEAST_WHOLE)]
    if measure.part == FOUND:
        below.append((shown[POSITIVES], LEAST_POSITIVES))
    if any(count != STAR and int(count) < least for count, least in below):
        return Estimate(None, None, NOT_ESTIMABLE)
    value, bounds = rate(part, whole), interval(part, whole)
    if value is None or bounds is None or any(count == STAR for count, _ in below):
        return Estimate(None, None, TOO_FEW)
    return Estimate(value, bounds, _verdict(value, bounds, everybody))


def _verdict(value: float, bounds: tuple[float, float], everybody: float | None) -> str:
    """Lower or higher only where chance would not do it and a fifth or more lies between."""
    if everybody is None:
        return ""
    if bounds[1] < everybody and value < MATERIAL * everybody:
        return LOWER
    if bounds[0] > everybody and everybody < MATERIAL * value:
        return HIGHER
    return ALIKE
