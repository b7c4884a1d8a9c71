"""Whether the list treats groups of people alike: rates per group, from counts of people alone.

What is asked, and who stands below the line of each:

- *recall*: of those for whom the outcome followed, what share had been on a list? For an offer of
  help the harm is being missed, so this one leads;
- *false omission*: of those on no list, for what share did the outcome follow?
- *false positive*: of those for whom it did not follow, what share was on a list?
- *precision*: of those on a list, for what share did the outcome follow?
- *selection*: of the people scored, what share is on the list? A difference is a fact to explain.

Counts are people, each once, as `models.pooled` has them. Every count passes through
`models.disclosure`; rates, intervals, gaps and verdicts are made from what comes out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from models.disclosure import STAR, Shown, Table, interval, publish, rate
from models.gaps import Gap, gaps
from models.groups import CROSS
from models.pooled import CONTACTED, FOUND, OMITTED, POSITIVES, SELECTED, N

UNLISTED, NEGATIVES, IN_VAIN = "unlisted", "negatives", "in vain"
"""Those on no list, those for whom the outcome did not follow, and the listed among these: differences
of counts, never shown."""
NESTED = (
    *((POSITIVES, N), (SELECTED, N), (FOUND, POSITIVES), (FOUND, SELECTED)),
    *((OMITTED, POSITIVES), (CONTACTED, N)),
)
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


RECALL = Measure("recall", FOUND, POSITIVES, "of those for whom the outcome followed, the share listed")
FALSE_OMISSION = Measure(
    "false omission", OMITTED, UNLISTED, "of those never listed, the share for whom the outcome followed"
)
FALSE_POSITIVE = Measure(
    "false positive", IN_VAIN, NEGATIVES, "of those for whom no outcome followed, the share listed"
)
PRECISION = Measure("precision", FOUND, SELECTED, "of those listed, the share for whom the outcome followed")
SELECTION = Measure("selection", SELECTED, N, "of the people scored, the share on the list")
OUTCOME = Measure("outcome", POSITIVES, N, "of the people scored, the share for whom the outcome followed")
CONTACT = Measure("contact", CONTACTED, N, "of the people scored, the share that agencies met often")
AT_THE_THRESHOLD = (RECALL, FALSE_OMISSION, FALSE_POSITIVE, PRECISION, SELECTION)
"""What is looked at before anybody approves a model, the gravest harm first."""
WITHOUT_RECALL = (SELECTION, OUTCOME, CONTACT)
"""Rates of everybody scored, for which it does not take 30 people with the outcome."""
NEEDED_BY = {OMITTED: (FALSE_OMISSION, FALSE_POSITIVE), CONTACTED: (CONTACT,)}
"""Columns that are shown only where one of these measures is asked for."""


@dataclass(frozen=True)
class Estimate:
    """A rate with its 95 % interval, what may be said of it, and how far everybody's rate lies above it;
    None where it may not be given."""

    rate: float | None
    interval: tuple[float, float] | None
    verdict: str
    gap: Gap | None = None


@dataclass(frozen=True)
class Group:
    """One group: its counts as shown, and an estimate per measure."""

    name: str
    counts: dict[str, Shown]
    estimates: dict[str, Estimate]


@dataclass(frozen=True)
class Audit:
    """The groups of one characteristic, or of two crossed; `everybody` holds the totals."""

    characteristic: str
    groups: tuple[Group, ...]
    everybody: Group


def audit(characteristic: str, counts: Mapping[str, Mapping[str, int]], measures: Sequence[Measure]) -> Audit:
    """Rates, gaps and verdicts per group, from true counts of people; only counts fit to be shown come out.

    counts: as `models.pooled.tally` gives them. Raises ValueError if there is no group.
    """
    if not counts:
        raise ValueError(f"there is nobody to audit {characteristic} of")
    there = [
        c for c in next(iter(counts.values())) if not set(NEEDED_BY.get(c, measures)).isdisjoint(measures)
    ]
    table = publish(
        {name: {column: row[column] for column in there} for name, row in counts.items()},
        parts=[pair for pair in NESTED if set(pair) <= set(there)],
        lines=lines(counts),
    )
    totals = with_differences(table.totals)
    everybody = {m.name: _estimate(m, totals, None) for m in measures}
    of_measures = {m.name: _of_groups(m, table, everybody[m.name].rate) for m in measures}
    return Audit(
        characteristic=characteristic,
        groups=tuple(
            Group(name, row, {measure: of[name] for measure, of in of_measures.items()})
            for name, row in table.rows.items()
        ),
        everybody=Group(EVERYBODY, table.totals, everybody),
    )


def lines(names: Collection[str]) -> list[set[str]]:
    """Groups of two characteristics crossed, by each value of either: the totals of these are known.
    Groups that are not crossed stand in no line but that of all."""
    halves = {name: tuple(enumerate(name.split(CROSS))) for name in names}
    values = {half for of in halves.values() if len(of) > 1 for half in of}
    return [{name for name, of in halves.items() if half in of} for half in sorted(values)]


def with_differences(counts: Mapping[str, Shown]) -> dict[str, Shown]:
    """Counts, and those that are differences of them. Of a star a star; never under 0, which the
    differences of rounded counts may be."""

    def sum_of(*signed: tuple[int, str]) -> Shown:
        known = [sign * count for sign, column in signed if not isinstance(count := counts[column], str)]
        return max(sum(known), 0) if len(known) == len(signed) else STAR

    told = dict(counts)
    if OMITTED in counts:
        told[UNLISTED] = sum_of((1, N), (-1, SELECTED))
        told[NEGATIVES] = sum_of((1, N), (-1, POSITIVES))
        told[IN_VAIN] = sum_of((1, SELECTED), (-1, POSITIVES), (1, OMITTED))
    return told


def estimable(measure: Measure, counts: Mapping[str, Shown]) -> bool:
    """Whether there are enough people for a rate, by counts as shown; a star says nothing against it."""
    return all(isinstance(count, str) or count >= least for count, least in _needed(measure, counts))


def gaps_of(
    measure: Measure, groups: Sequence[Mapping[str, Shown]], everybody: Mapping[str, Shown]
) -> list[Gap]:
    """The gap of each group from everybody, all counts known. Rounding may leave the others with less
    than nobody, or with more of a part than of its whole; then they have nobody, or all of it."""
    cells = []
    for counts in groups:
        part, whole = min(int(counts[measure.part]), int(counts[measure.whole])), int(counts[measure.whole])
        others_part = max(int(everybody[measure.part]) - part, 0)
        cells.append((part, whole, others_part, max(int(everybody[measure.whole]) - whole, others_part)))
    return gaps(*zip(*cells, strict=True)) if cells else []


def _of_groups(measure: Measure, table: Table, everybody: float | None) -> dict[str, Estimate]:
    """Group → estimate, with gaps where there is a rate."""
    rows = {name: with_differences(row) for name, row in table.rows.items()}
    found = {name: _estimate(measure, row, everybody) for name, row in rows.items()}
    given = [name for name in rows if found[name].rate is not None] if everybody is not None else []
    apart = gaps_of(measure, [rows[name] for name in given], with_differences(table.totals))
    return found | {name: replace(found[name], gap=gap) for name, gap in zip(given, apart, strict=True)}


def _estimate(measure: Measure, shown: Mapping[str, Shown], everybody: float | None) -> Estimate:
    """A rate from counts as shown, held against everybody's."""
    if not estimable(measure, shown):
        return Estimate(None, None, NOT_ESTIMABLE)
    part, whole = shown[measure.part], shown[measure.whole]
    value, bounds = rate(part, whole), interval(part, whole)
    if value is None or bounds is None or any(count == STAR for count, _ in _needed(measure, shown)):
        return Estimate(None, None, TOO_FEW)
    return Estimate(value, bounds, _verdict(value, bounds, everybody))


def _needed(measure: Measure, counts: Mapping[str, Shown]) -> list[tuple[Shown, int]]:
    """Counts that a rate of people depends on, each with the least it takes."""
    whole = [(counts[measure.whole], LEAST_WHOLE)]
    return whole if measure in WITHOUT_RECALL else [*whole, (counts[POSITIVES], LEAST_POSITIVES)]


def _verdict(value: float, bounds: tuple[float, float], everybody: float | None) -> str:
    """Lower or higher only where chance would not do it and a fifth or more lies between."""
    if everybody is None:
        return ""
    if bounds[1] < everybody and value < MATERIAL * everybody:
        return LOWER
    if bounds[0] > everybody and everybody < MATERIAL * value:
        return HIGHER
    return ALIKE
