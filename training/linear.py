"""What a model has to beat: the sums a manager would sort by, the rules a team already uses, and a
logistic model of a few features.

A rule is the number of its conditions that are met: whoever meets all comes first, then who meets more.
The others are weighted sums whose terms know what stands for "nothing is held": the longest window for
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
from models.scorer import LinearScorer, Step, Term
from models.spec_candidates import Baseline, Condition

COUNTED = ("count", "days", "repeats_7", "repeats_28", "signals", "agencies", "amount_sum", "after")
LONG = ("days_since", "days_since_first", "gap_mean")
LIKE_OTHERS = ("amount_max", "amount_mean", "amount_latest", "gap_spread", "night_share", "weekend_share")

NEGATIVES = 200_000
"""Rows without the outcome that the logistic model is fitted on; of more, so many are drawn and weighted."""


def fit_baselines(
    catalogue: Catalogue,
    baselines: Sequence[Baseline],
    columns: Mapping[str, np.ndarray],
    y: np.ndarray,
) -> dict[str, LinearScorer]:
    """kind → its scorer; the list of some days before has none, see `training.last_week`.

    columns: those of the sums; see `fit_baseline`. Of a rule nothing is learned.
    """
    sums = {b.name: fit_baseline(catalogue, b.features, columns, y) for b in baselines if b.features}
    rules = {b.name: rule_scorer(b.rule) for b in baselines if b.rule}
    return {b.name: (sums | rules)[b.name] for b in baselines if b.days_before is None}


def rule_scorer(rule: Sequence[Condition]) -> LinearScorer:
    """The number of conditions met: a rule is what the team says it is."""
    steps = ({"name": condition.feature, **condition.model_dump(exclude={"feature"})} for condition in rule)
    return LinearScorer(tuple(Step(**step) for step in steps))


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
    catalogue: Catalogue,
    names: Sequence[str],
    columns: Mapping[str, np.ndarray],
    y: np.ndarray,
    *,
    seed: int = 0,
    negatives: int = NEGATIVES,
) -> LinearScorer:
    """A logistic regression, with scikit-learn's default ridge, of standardised terms; see `fit_baseline`.

    Of more than `negatives` rows without the outcome so many are drawn, by the seed, and each stands for
    as many as were left out: chances stay those of all rows (weighting by the inverse of the share drawn:
    King and Zeng 2001, *Logistic regression in rare events data*). A column that is the same
    for everybody gets no weight. Raises ValueError unless there are rows with the outcome and without.
    """
    from sklearn.linear_model import LogisticRegression

    terms = [_standardised(catalogue, name, columns[name]) for name in names]
    rows, weights = _drawn(y, negatives=negatives, seed=seed)
    Z = np.column_stack([t.standing(columns[t.name][rows]) for t in terms])
    for j, term in enumerate(terms):
        Z[:, j] = (Z[:, j] - term.centre) / term.spread
    fitted = LogisticRegression(max_iter=1000).fit(Z, y[rows], sample_weight=weights)
    weighted = [replace(t, weight=float(w)) for t, w in zip(terms, fitted.coef_[0], strict=True)]
    return LinearScorer(tuple(weighted), float(fitted.intercept_[0]))


def _drawn(y: np.ndarray, *, negatives: int, seed: int) -> tuple[np.ndarray | slice, np.ndarray | None]:
    """Rows to fit on, in order, and how many each stands for; all of them and None if they are few."""
    without = np.flatnonzero(y == 0)
    if len(without) <= negatives:
        return slice(None), None
    kept = np.random.default_rng(seed).choice(without, negatives, replace=False)
    rows = np.sort(np.concatenate([np.flatnonzero(y == 1), kept]))
    return rows, np.where(y[rows] == 1, 1.0, len(without) / negatives)


def _standardised(catalogue: Catalogue, name: str, values: np.ndarray) -> Term:
    term = _term(catalogue, name, values, log=_feature(catalogue, name).measure in COUNTED)
    standing = term.standing(values)
    if standing.min() == standing.max():  # a sum of squares would be rounding alone
        return replace(term, centre=float(standing[0]))
    return replace(term, centre=float(standing.mean()), spread=float(standing.std()))


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
