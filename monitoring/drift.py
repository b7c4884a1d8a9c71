"""Whether the people scored this week look like the people the model was judged on.

Evidently measures, for the score and the features that weigh most, how far this week's distribution
lies from the reference that travels with the model: the distance of Wasserstein over the reference's
standard deviation, its condition being under 0.1. The measure is named, not left to Evidently's choice
by size, so that a small council and a large one are told the same thing.

Evidently drops empty cells before it measures. A feed that dries up shows exactly there, so the share
of people about whom nothing is held is compared first, by itself; a column that is empty on one side
cannot be measured and is listed as such. It takes about 66 ms a column, hence 40 columns and 20,000
people at most. It is never used for fairness: its `GroupBy` gives every group the overall rate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.disclosure import Shown, show

SCORE = "score"
MOST_PEOPLE = 20_000
MOST_COLUMNS = 40
METHOD, THRESHOLD = "wasserstein", 0.1
LEAST_FILLED = 10
"""With fewer cells filled than this on either side a column is not measured."""


@dataclass(frozen=True)
class ColumnDrift:
    """One column. distance: None where it could not be measured; empty_before, empty_now: the shares
    of people without a value, in the reference and this week."""

    name: str
    distance: float | None
    drifted: bool
    empty_before: float
    empty_now: float


@dataclass(frozen=True)
class Drift:
    """What was compared and what was found. columns: the score first, then by weight in the model.
    failed: the conditions that do not hold, in words; not_measured: columns empty on one side. The
    numbers of people are as shown."""

    as_of: date
    people: Shown
    reference_people: Shown
    method: str
    threshold: float
    chosen_by: str
    columns: tuple[ColumnDrift, ...]
    failed: tuple[str, ...]
    not_measured: tuple[str, ...]
    evidently: dict[str, Any] = field(repr=False)

    @property
    def drifted_share(self) -> float:
        """Of the columns measured, the score not among them, the share that has drifted."""
        measured = [c.drifted for c in self.columns if c.name != SCORE and c.distance is not None]
        return sum(measured) / len(measured) if measured else 0.0

    def column(self, name: str) -> ColumnDrift:
        """One column by name. Raises KeyError if it was not among those compared."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Plain values; Evidently's own report under `evidently`."""
        return {**asdict(self), "as_of": str(self.as_of), "drifted_share": self.drifted_share}


def weightiest(weight: Mapping[str, float], most: int = MOST_COLUMNS) -> list[str]:
    """The columns that move the score most, ties by name; those that move nothing are left out.

    weight: column → the mean size of its contribution.
    """
    return sorted((name for name in weight if weight[name] > 0), key=lambda n: (-weight[n], n))[:most]


def sample(rows: int, *, most: int, seed: int) -> np.ndarray:
    """Positions of at most `most` of so many rows, in order; all of them if they are not more."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))


def drift(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    as_of: date,
    seed: int,
    chosen_by: str,
    html: Path | None = None,
) -> Drift:
    """Compare this week's columns with the reference's.

    reference, current: the same float columns, `score` among them, NaN where nothing is held; cut to
    20,000 people. chosen_by: how the columns were chosen, for the report. html: where to write
    Evidently's own page (about 5 MB). Raises ValueError if either has no row or a column is missing.
    """
    if not len(reference) or not len(current):
        raise ValueError("drift needs somebody on both sides")
    names = [SCORE, *(name for name in reference.columns if name != SCORE)]
    reference = reference[names].iloc[sample(len(reference), most=MOST_PEOPLE, seed=seed)]
    current = current[names].iloc[sample(len(current), most=MOST_PEOPLE, seed=seed)]
    filled = np.minimum(reference.notna().sum(), current.notna().sum())
    measured = [name for name in names if filled[name] >= min(LEAST_FILLED, len(current), len(reference))]
    result = _evidently(reference[measured], current[measured], as_of=as_of) if measured else None
    if result is not None and html is not None:
        result.save_html(str(html))
    told = json.loads(result.json()) if result is not None else {}
    distance = {m["config"]["column"]: float(m["value"]) for m in told.get("metrics", [])}
    broken = [test for test in told.get("tests", []) if str(test["status"]).endswith("FAIL")]
    drifted = {test["metric_config"]["params"]["column"] for test in broken}
    return Drift(
        as_of=as_of,
        people=show(len(current)),
        reference_people=show(len(reference)),
        method=METHOD,
        threshold=THRESHOLD,
        chosen_by=chosen_by,
        columns=tuple(
            ColumnDrift(
                name=name,
                distance=distance.get(name),
                drifted=name in drifted,
                empty_before=float(reference[name].isna().mean()),
                empty_now=float(current[name].isna().mean()),
            )
            for name in names
        ),
        failed=tuple(test["description"] for test in broken),
        not_measured=tuple(name for name in names if name not in measured),
        evidently=told,
    )


def _evidently(reference: pd.DataFrame, current: pd.DataFrame, *, as_of: date) -> Any:
    """Run Evidently, imported here: its import alone takes seconds, and its telemetry is off first."""
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift
    from evidently.tests import lt

    columns = list(reference.columns)
    definition = DataDefinition(numerical_columns=columns)
    report = Report(
        [
            ValueDrift(column=column, method=METHOD, threshold=THRESHOLD, tests=[lt(THRESHOLD)])
            for column in columns
        ]
    )
    return report.run(
        Dataset.from_pandas(current.reset_index(drop=True), data_definition=definition),
        Dataset.from_pandas(reference.reset_index(drop=True), data_definition=definition),
        timestamp=datetime(as_of.year, as_of.month, as_of.day),
    )
