"""What a training run asks on every date: of whom, what was known of them, what followed.

Who was asked is kept as where they lie in the panel's parts. A date's numbers are read from there
whenever they are gone through, one part at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from features.catalogue import Catalogue
from features.cohort import Eligibility, cohort
from features.outcomes import Labels, Outcome, labels
from features.panel import panel_parts
from features.snapshot import Snapshot
from training.examples import Examples


@dataclass(frozen=True)
class Morning:
    """One date's cohort of n people and the flow that led to them.

    person_ids: (n,) str, part by part as the panel has them. known: their rows.
    """

    as_of: date
    person_ids: np.ndarray
    known: PanelRows
    flow: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Question:
    """What is asked on every date: of whom, with which features, about which outcome.

    objections_on: whoever objects on this morning, the newest, is left out of every date.
    """

    snapshot: Snapshot
    catalogue: Catalogue
    eligibility: Eligibility
    outcome: Outcome
    objections_on: date | None = None

    def morning(self, as_of: date) -> Morning:
        """The cohort of a date and what was known of it. Raises KeyError if some have no row."""
        people = cohort(
            self.snapshot,
            eligibility=self.eligibility,
            outcome=self.outcome,
            as_of=as_of,
            objections_on=self.objections_on,
        )
        rows, person_ids = [], [np.empty(0, dtype=str)]
        for part in panel_parts(self.snapshot, self.catalogue, as_of, columns=[]):
            rows.append(np.flatnonzero(np.isin(part.person_ids, people.person_ids)).astype(np.int32))
            person_ids.append(part.person_ids[rows[-1]])
        found = np.concatenate(person_ids)
        if absent := len(people.person_ids) - len(found):
            raise KeyError(f"{absent} of {len(people.person_ids)} people have no row on {as_of}")
        return Morning(as_of, found, PanelRows(self, as_of, tuple(rows)), people.flow)

    def labels(self, morning: Morning, judged_on: date) -> Labels:
        """What followed a date, as known on a later morning."""
        return labels(
            self.snapshot,
            self.outcome,
            as_of=morning.as_of,
            judged_on=judged_on,
            person_ids=morning.person_ids,
            eligibility=self.eligibility,
        )

    def rows(self, morning: Morning, followed: Labels) -> Rows:
        """The labelled rows of a date."""
        return Rows(morning.known.only(followed.labelled), followed.y[followed.labelled])


@dataclass(frozen=True)
class Rows:
    """Labelled rows of one date: what was known of n people, and y (n,) of 0.0 and 1.0."""

    known: PanelRows
    y: np.ndarray

    @property
    def examples(self) -> Examples:
        """The same as rows that a model learns from."""
        return Examples(self.known, self.y)

    def draw(self, positives: float, others: float, *, seed: int) -> Rows:
        """Each of those with the outcome, and each of the others, with a chance of their own."""
        random = np.random.default_rng([seed, self.known.as_of.toordinal()])
        kept = random.random(len(self.y)) < np.where(self.y == 1, positives, others)
        return Rows(self.known.only(kept), self.y[kept])


@dataclass(frozen=True)
class PanelRows:
    """Some rows of a date's panel, read block by block as often as they are gone through.

    rows: for each part of the panel, their positions (n_k,) in it. names: of columns; None for all.
    """

    question: Question
    as_of: date
    rows: tuple[np.ndarray, ...]
    names: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        asked = self.question
        parts = panel_parts(asked.snapshot, asked.catalogue, self.as_of, columns=self.names, rows=self.rows)
        for _ in self.rows:
            yield next(parts).X  # nobody holds the part while its rows are looked at

    def columns(self, names: Sequence[str]) -> PanelRows:
        """A few columns of the same rows."""
        return replace(self, names=tuple(names))

    def only(self, kept: np.ndarray) -> PanelRows:
        """Those of the rows that are kept, (n,) bool over all of them."""
        ends = np.cumsum([len(rows) for rows in self.rows])
        split = zip(self.rows, np.split(kept, ends[:-1]), strict=True)
        return replace(self, rows=tuple(rows[its] for rows, its in split))
