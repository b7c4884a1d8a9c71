"""The rows a model learns from and is judged on: who was asked about, what was known, what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from features.catalogue import Catalogue
from features.cohort import Eligibility, cohort
from features.errors import UserMistake
from features.outcomes import Labels, Outcome, labels
from features.panel import Panel, read_panel
from features.snapshot import Snapshot


@dataclass(frozen=True)
class Morning:
    """One date's cohort: the panel of its n people, and the flow that led to them."""

    as_of: date
    panel: Panel
    flow: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Examples:
    """Labelled rows of one date: X (n, p) float32, y (n,) of 0.0 and 1.0."""

    as_of: date
    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Question:
    """What is asked on every date: of whom, with which features, about which outcome."""

    snapshot: Snapshot
    catalogue: Catalogue
    eligibility: Eligibility
    outcome: Outcome

    def morning(self, as_of: date) -> Morning:
        """The cohort of a date and what was known of it."""
        people = cohort(self.snapshot, eligibility=self.eligibility, outcome=self.outcome, as_of=as_of)
        whole = read_panel(self.snapshot, self.catalogue, as_of)
        X = whole.X[whole.rows_of(people.person_ids)]
        return Morning(as_of, replace(whole, person_ids=people.person_ids, X=X), people.flow)

    def labels(self, morning: Morning, judged_on: date) -> Labels:
        """What followed a date, as known on a later morning."""
        return labels(
            self.snapshot,
            self.outcome,
            as_of=morning.as_of,
            judged_on=judged_on,
            person_ids=morning.panel.person_ids,
            exits=self.eligibility.exits,
        )

    def examples(self, morning: Morning, judged_on: date) -> Examples:
        """The labelled rows of a date, as known on a later morning."""
        followed = self.labels(morning, judged_on)
        return Examples(morning.as_of, morning.panel.X[followed.labelled], followed.y[followed.labelled])


def need_both_outcomes(dates: Sequence[Examples], to_do: str, block: str) -> None:
    """Raises UserMistake where nobody on these dates had the outcome, or everybody, or there is nobody."""
    y = np.concatenate([examples.y for examples in dates])
    if not 0 < y.sum() < len(y):
        raise UserMistake(
            f"There is nothing to {to_do} on.",
            problems=[
                f"of {len(y)} people judged on the {block} dates {int(y.sum())} had the outcome; "
                f"give the calendar more {block} dates, or check the outcome's signals"
            ],
        )
