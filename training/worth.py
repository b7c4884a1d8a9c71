"""What each source is worth: how much worse the list would be without it.

The trees are fitted again without each source, without what tells of poverty, without what reaches people
through their household, and asked about the same people on the test dates. All are fitted on one sample
of the training rows, the model that nothing is left out of among them, since only like is held against
like: so a figure here is not the one of the candidate. Rows with the outcome are in it first, up
to half of it and more where there is room; how many of either are drawn moves every margin alike (Prentice
and Pyke 1979, *Logistic disease incidence models and case-control studies*), and here only the order counts.

A source may be worth little beside others that say the same. Between 20 and 30 are looked at, so that one
interval or so lies on one side of nought by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.catalogue import Catalogue
from features.progress import Tell, quiet
from models.judge import Scored
from models.paired import LEAST_FLAGS
from models.plain import plain
from models.resample import Redrawn, middle, redraw
from models.spec_candidates import Direction, directions
from training.asked import Asked
from training.audited import Groups, groups_of
from training.examples import Examples, room
from training.parts import Part, parts
from training.plan import Plan
from training.question import PanelRows
from training.recall_lost import RecallLost, recall_lost
from training.trees import Setting, fit_trees
from training.without import rows_again, without

MOST_ROWS = 40_000
"""Training rows that the trees are fitted on: of 1,200 features 190 MB."""
DRAWS = 500


@dataclass(frozen=True)
class Lost:
    """A figure without a part, and what is lost: with all less without it, with its 95 % interval by
    person; NaN where it is not estimable."""

    without: float
    lost: float
    low: float
    high: float


@dataclass(frozen=True)
class Without:
    """What is lost without a part. features: how many are left out; recall: of each group that is lost."""

    kind: str
    name: str
    title: str
    features: int
    precision: Lost
    average_precision: Lost
    recall: tuple[RecallLost, ...]


@dataclass(frozen=True)
class Worth:
    """What every part is worth, the dearest first (by precision, or with few flags by average precision).
    rows, positives: of the sample fitted on. precision, average_precision: with
    nothing left out, of trees fitted on it."""

    capacity: int
    dates: tuple[str, ...]
    rows: int
    positives: int
    precision: float
    average_precision: float
    parts: tuple[Without, ...]

    def to_json(self) -> dict:
        """Plain values; what cannot be estimated or may not be shown is None."""
        return plain(self)


def what_each_is_worth(
    plan: Plan,
    asked: Asked,
    setting: Setting,
    *,
    of: Groups | None = None,
    most_rows: int = MOST_ROWS,
    draws: int = DRAWS,
    tell: Tell = quiet,
) -> Worth:
    """Fit the trees of a setting without each part, and judge their lists of the test dates.

    of: the groups of these dates, where they have been read. Raises ValueError without both outcomes
    among the training rows.
    """
    rows, y = _sample(plan, asked, most=most_rows)
    if not 0 < y.sum() < len(y):
        raise ValueError("to learn what a source is worth takes rows with the outcome and without")
    given = parts(plan.catalogue)
    scored = {}
    for number, part in enumerate([None, *given]):
        tell(f"what a source is worth: {number} of {len(given)}")
        catalogue = plan.catalogue if part is None else without(plan.catalogue, part.signals)
        if catalogue.features:
            scored[part] = _scored(plan, asked, setting, catalogue, rows, y)
    redrawn = redraw(
        {_key(part): dates for part, dates in scored.items()},
        capacity=plan.specification.capacity,
        draws=draws,
        seed=plan.seed,
    )
    whole = redrawn[_key(None)]
    recall = recall_lost(
        {_key(part): dates for part, dates in scored.items()},
        _key(None),
        groups_of(plan, asked) if of is None else of,
        capacity=plan.specification.capacity,
    )
    found = [
        Without(
            part.kind,
            part.name,
            part.title,
            len(plan.catalogue.names) - len(without(plan.catalogue, part.signals).names),
            _lost(whole, redrawn[_key(part)], "precision"),
            _lost(whole, redrawn[_key(part)], "average_precision"),
            recall[_key(part)],
        )
        for part in scored
        if part is not None
    ]
    return Worth(
        capacity=plan.specification.capacity,
        dates=tuple(str(day) for day in plan.calendar.test),
        rows=len(y),
        positives=int(y.sum()),
        precision=whole.of("precision")[0],
        average_precision=whole.of("average_precision")[0],
        parts=tuple(sorted(found, key=lambda each: _dearest(each, few=whole.flagged < LEAST_FLAGS))),
    )


def _sample(plan: Plan, asked: Asked, *, most: int) -> tuple[list[PanelRows], np.ndarray]:
    """Training rows, date by date, and what followed: those with the outcome first, as far as there is room
    for them, and others, drawn at random."""
    calendar = plan.calendar
    dates = [asked.rows[day, calendar.train_judged_on] for day in calendar.train]
    y = np.concatenate([examples.y for examples in dates])
    order = np.random.default_rng(plan.seed).permutation(len(y))
    kept = np.zeros(len(y), bool)
    positives = int(y.sum())
    with_it, others = room(positives, len(y) - positives, most=most)
    first = order[np.argsort(-y[order], kind="stable")]
    kept[np.concatenate([first[:with_it], first[positives : positives + others]])] = True
    ends = np.cumsum([len(examples.y) for examples in dates])[:-1]
    rows, followed = [], []
    for examples, stay in zip(dates, np.split(kept, ends), strict=True):
        rows.append(examples.known.only(stay))
        followed.append(examples.y[stay])
    return rows, np.concatenate(followed)


def _scored(
    plan: Plan,
    asked: Asked,
    setting: Setting,
    catalogue: Catalogue,
    rows: Sequence[PanelRows],
    y: np.ndarray,
) -> list[Scored]:
    """Everybody of the test dates, scored by trees that know only the features of a catalogue."""
    names = catalogue.names
    X = _together(rows_again(plan.snapshot, catalogue, rows), len(rows))
    own = replace(setting, monotone=_held(setting, names, plan.catalogue.names))
    scorer = fit_trees(own, names, Examples(_Held(X), y), threads=plan.threads, seed=plan.seed)
    del X
    lists = [asked.lists[day] for day in plan.calendar.test]
    margins: list[list[np.ndarray]] = [[np.zeros(0)] for _ in lists]
    known = [each.morning.known for each in lists]
    for at, some in rows_again(plan.snapshot, catalogue, known):
        margins[at].append(scorer.margin(some))
    return [
        Scored(each.morning.as_of, each.morning.person_ids, np.concatenate(m), each.followed.y, same)
        for each, m in zip(lists, margins, strict=True)
        for same in (each.followed.same_as,)
    ]


def _together(found: Iterator[tuple[int, np.ndarray]], dates: int) -> list[np.ndarray]:
    """Blocks by date, in the order of the shards, as `PanelRows` gives them."""
    blocks: list[list[np.ndarray]] = [[] for _ in range(dates)]
    for at, X in found:
        blocks[at].append(X)
    return [X for of_date in blocks for X in of_date]


class _Held(list[np.ndarray]):
    """Blocks that are in memory."""

    def columns(self, names: Sequence[str]) -> _Held:
        raise NotImplementedError("trees take all columns")


def _held(setting: Setting, names: Sequence[str], whole: Sequence[str]) -> dict[str, Direction]:
    """The directions of the features that are left, by name."""
    if not setting.monotone:
        return {}
    said = dict(zip(whole, directions(setting.monotone, whole), strict=True))
    ways: dict[int, Direction] = {1: "increasing", -1: "decreasing"}
    return {name: ways[said[name]] for name in names if said[name]}


def _lost(whole: Redrawn, part: Redrawn, figure: str) -> Lost:
    (with_all, all_draws), (without_it, draws) = whole.of(figure), part.of(figure)
    return Lost(without_it, with_all - without_it, *middle(with_all - without_it, all_draws - draws))


def _dearest(each: Without, *, few: bool) -> tuple[float, float, str]:
    """By precision, or by average precision where too few flags are judged for that, as at the gate."""
    precision, average = (
        np.inf if np.isnan(lost) else -lost for lost in (each.precision.lost, each.average_precision.lost)
    )
    return (average, precision, each.name) if few else (precision, average, each.name)


def _key(part: Part | None) -> str:
    return f"{part.kind}: {part.name}" if part else "nothing"
