"""What turns a person's numbers into a margin: trees, or a weighted sum. Both explain themselves.

A scorer takes columns by name in its own order, gives a margin in raw log-odds per row, and splits
every margin into one contribution per column and a base. Baselines and the logistic model are
weighted sums, so that they can serve in a model's place; so is a rule, a sum of the conditions met.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """Columns `names` (p) of float32 X (n, p), NaN where nothing is held → margins, contributions."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def margin(self, X: np.ndarray) -> np.ndarray:
        """(n,) float64, raw log-odds."""

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """(n, p + 1) float64; the last column is the base, every row adds up to its margin."""

    def contributions_of_many(self, X: np.ndarray, *, threads: int) -> np.ndarray:
        """The same within 1e-9 by whatever is fastest for thousands of rows; the same bits of a row
        whichever others are asked for, by however many threads."""

    def save(self, folder: Path) -> None:
        """Write the scorer into a folder, as text."""


@dataclass(frozen=True)
class TreeScorer:
    """A LightGBM booster, kept as its text, which is the same for the same fit."""

    text: str

    FILE = "booster.txt"

    @cached_property
    def _booster(self):  # type: ignore[no-untyped-def]
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self._booster.feature_name())

    def margin(self, X: np.ndarray) -> np.ndarray:
        if not len(X):
            return np.zeros(0)
        return self._booster.predict(X, raw_score=True, num_threads=1)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        if not len(X):
            return np.zeros((0, len(self.names) + 1))
        return self._booster.predict(X, pred_contrib=True, num_threads=1)

    @cached_property
    def _prepared(self):  # type: ignore[no-untyped-def]
        from models.contributions import prepare

        return prepare(self._booster)

    def contributions_of_many(self, X: np.ndarray, *, threads: int) -> np.ndarray:
        from models.contributions import contributions

        return contributions(self._prepared, X, threads=threads)

    def save(self, folder: Path) -> None:
        (folder / self.FILE).write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class Term:
    """One column of a weighted sum: weight * (t(value) - centre) / spread.

    fill: what stands for NaN. log: t is log(1 + value) of the value, never below 0; else as it is.
    """

    name: str
    weight: float
    fill: float = 0.0
    log: bool = False
    centre: float = 0.0
    spread: float = 1.0

    def standing(self, values: np.ndarray) -> np.ndarray:
        """t(value), filled: what centre and spread are taken of."""
        filled = np.where(np.isnan(values), self.fill, values.astype(float))
        return np.log1p(np.maximum(filled, 0.0)) if self.log else filled

    def adds(self, values: np.ndarray) -> np.ndarray:
        """(n,) float64: what a column's values (n,) add to the margin."""
        return self.weight * (self.standing(values) - self.centre) / self.spread


@dataclass(frozen=True)
class Step:
    """One column of a rule: adds `weight` where every bound that is given is met, else nothing.

    What is missing meets no bound. Bounds are rounded to float32, as the columns are: a share of 0.2 is
    not above 0.2.
    """

    name: str
    weight: float = 1.0
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def adds(self, values: np.ndarray) -> np.ndarray:
        """(n,) float64: what a column's values (n,) add to the margin."""
        values, met = values.astype(np.float32), np.ones(len(values), bool)
        for bound, holds in (
            (self.at_least, np.greater_equal),
            (self.above, np.greater),
            (self.at_most, np.less_equal),
            (self.below, np.less),
        ):
            if bound is not None:
                met &= holds(values, np.float32(bound))
        return self.weight * met


@dataclass(frozen=True)
class LinearScorer:
    """A weighted sum of a few columns."""

    terms: tuple[Term | Step, ...]
    intercept: float = 0.0

    FILE = "linear.json"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(term.name for term in self.terms)

    def margin(self, X: np.ndarray) -> np.ndarray:
        # The sum of contributions, not a matrix product: a row scored alone gives the same bits.
        return self.contributions(X).sum(axis=1)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        parts = np.empty((len(X), len(self.terms) + 1))
        for j, term in enumerate(self.terms):
            parts[:, j] = term.adds(X[:, j])
        parts[:, -1] = self.intercept
        return parts

    def contributions_of_many(self, X: np.ndarray, *, threads: int) -> np.ndarray:
        return self.contributions(X)

    def save(self, folder: Path) -> None:
        given = {"intercept": self.intercept, "terms": [asdict(term) for term in self.terms]}
        (folder / self.FILE).write_text(json.dumps(given, indent=1), encoding="utf-8")


def load_scorer(folder: Path) -> Scorer:
    """The scorer that `save` wrote into a folder."""
    if (folder / TreeScorer.FILE).is_file():
        return TreeScorer((folder / TreeScorer.FILE).read_text(encoding="utf-8"))
    given = json.loads((folder / LinearScorer.FILE).read_text(encoding="utf-8"))
    terms = tuple(Step(**term) if "at_least" in term else Term(**term) for term in given["terms"])
    return LinearScorer(terms, given["intercept"])
