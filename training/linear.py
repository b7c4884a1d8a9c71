"""What a model has to beat: the sums a manager would sort by, and a logistic model of a few features.

Both are weighted sums whose terms know what stands for "nothing is held": the longest window for
days since something or between, the mean of those who have one for an amount or a share, 0 for
anything that is counted.
The logistic model takes counts as log(1 + n), since the tenth contact says less than the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature
from models.judge import auc
from models.scorer import LinearScorer, Term

COUNTED = ("count", "days", "repeats_7", "repeats_28", "signals", "agencies", "amount_sum", "after")
LONG = ("days_since", "days_since_first", "gap_mean")
LIKE_OTHERS = ("amount_max", "amount_mean", "amount_latest", "gap_spread", "night_share", "weekend_share")


def fit_baseline(
    catalogue: Catalogue, names: Sequence[str], columns: Mapping[str, np.ndarray], y: np.ndarray
) -> LinearScorer:
    """The sum of some features, more or less of it meaning risk, whichever was so on training dates.

    columns: name → (n,) float32 of all training dates. y: (n,) of 0.0 and 1.0.
    """
    terms = [_term(catalogue, name, columns[name]) for name in names]
    total = sum((term.standing(columns[term.name]) for term in terms), np.zeros(len(y)))
    sign = 1.0 if auc(total, y) >= 0.5 else -1.0
    return LinearScorer(tuple(replace(term, weight=sign) for term in terms))


def fit_logistic(
    catalogue: Catalogue, names: Sequence[str], columns: Mapping[str, np.ndarray], y: np.ndarray
) -> LinearScorer:
    """A logistic regression, with scikit-learn's default ridge, of standardised terms; see `fit_baseline`."""
    from sklearn.linear_model import LogisticRegression

    terms = []
    for name in names:
        term = _term(catalogue, name, columns[name], log=_feature(catalogue, name).measure in COUNTED)
        values = term.standing(columns[name])
        terms.append(replace(term, centre=float(values.mean()), spread=float(values.std()) or 1.0))
    Z = np.column_stack([(t.standing(columns[t.name]) - t.centre) / t.spread for t in terms])
    fitted = LogisticRegression(max_iter=1000).fit(Z, y)
    weighted = [replace(t, weight=float(w)) for t, w in zip(terms, fitted.coef_[0], strict=True)]
    return LinearScorer(tuple(weighted), float(fitted.intercept_[0]))


def _term(catalogue: Catalogue, name: str, values: np.ndarray, *, log: bool = False) -> Term:
    feature = _feature(catalogue, name)
    if feature.measure in LONG:
        return Term(name, 1.0, fill=float(feature.window))
    if feature.measure in LIKE_OTHERS:
        there = values[~np.isnan(values)].astype(float)
        return Term(name, 1.0, fill=float(there.mean()) if len(there) else 0.0)
    return Term(name, 1.0, log=log)


def _feature(catalogue: Catalogue, name: str) -> Feature:
    return catalogue.features[catalogue.names.index(name)]
