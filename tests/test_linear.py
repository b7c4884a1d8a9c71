"""A logistic model of drawn rows is that of all rows; what never changes weighs nothing."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.calibration import chance, fit_platt, logistic_line
from models.judge import auc
from models.scorer import LinearScorer
from tests.test_candidate import CATALOGUE
from training.linear import fit_baseline, fit_logistic

NAMES = ["fire.call.count_90", "fire.visit.count_90", "fire.call.days_since", "fire.visit.days_since"]


def rows(n: int, *, seed: int, rare: float = -4.0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """n people, of whom a few in a hundred have the outcome, at chances that a logistic model can tell."""
    rng = np.random.default_rng(seed)
    calls, visits = rng.poisson(1.0, n), rng.poisson(0.3, n)
    since = [np.where(count > 0, rng.integers(1, 90, n), np.nan) for count in (calls, visits)]
    X = np.column_stack([calls, visits, *since]).astype(np.float32)
    log_odds = rare + 1.2 * np.log1p(calls) + 0.8 * np.log1p(visits) - 0.01 * np.nan_to_num(since[0], nan=90)
    return dict(zip(NAMES, X.T, strict=True)), (rng.random(n) < chance(log_odds)).astype(float)


def table(columns: dict[str, np.ndarray], scorer: LinearScorer) -> np.ndarray:
    return np.column_stack([columns[name] for name in scorer.names])


def test_drawn_rows_give_the_chances_of_all_rows() -> None:
    columns, y = rows(60_000, seed=1)
    later, followed = rows(60_000, seed=2)
    whole = fit_logistic(CATALOGUE, NAMES, columns, y)
    drawn = [fit_logistic(CATALOGUE, NAMES, columns, y, seed=seed, negatives=8_000) for seed in range(4)]
    assert len({scorer.intercept for scorer in drawn}) == 4
    true = whole.margin(table(later, whole))
    slope, intercept = logistic_line(true, followed)
    for scorer in drawn:
        margin = scorer.margin(table(later, scorer))
        own_slope, own_intercept = logistic_line(margin, followed)
        assert own_slope == pytest.approx(slope, abs=0.06)
        assert own_intercept == pytest.approx(intercept, abs=0.2)
        assert np.abs(chance(margin) - chance(true)).mean() < 0.002 < followed.mean() / 5
        assert auc(margin, followed) == pytest.approx(auc(true, followed), abs=0.005)


def test_rows_that_are_few_are_all_used_and_the_seed_is_nothing_to_them() -> None:
    columns, y = rows(3_000, seed=3)
    negatives = int((y == 0).sum())
    whole = fit_logistic(CATALOGUE, NAMES, columns, y)
    assert fit_logistic(CATALOGUE, NAMES, columns, y, seed=9, negatives=negatives) == whole
    fewer = fit_logistic(CATALOGUE, NAMES, columns, y, seed=9, negatives=negatives - 1)
    assert fewer != whole
    assert fewer == fit_logistic(CATALOGUE, NAMES, columns, y, seed=9, negatives=negatives - 1)
    assert [(t.centre, t.spread) for t in fewer.terms] == [(t.centre, t.spread) for t in whole.terms]


def test_drawn_rows_stand_for_those_left_out() -> None:
    """Every positive once, every drawn negative for as many as were not: scikit-learn's own weights."""
    columns, y = rows(2_000, seed=4, rare=-2.0)
    scorer = fit_logistic(CATALOGUE, NAMES[:1], columns, y, seed=7, negatives=500)
    calls = np.log1p(columns[NAMES[0]].astype(float))
    without = np.flatnonzero(y == 0)
    kept = np.random.default_rng(7).choice(without, 500, replace=False)
    Z = ((calls - calls.mean()) / calls.std())[:, None]
    at = np.concatenate([np.flatnonzero(y == 1), kept])
    weights = np.where(y[at] == 1, 1.0, len(without) / 500)
    reference = LogisticRegression(max_iter=1000, tol=1e-10).fit(Z[at], y[at], sample_weight=weights)
    assert scorer.terms[0].weight == pytest.approx(reference.coef_[0, 0], abs=1e-3)
    assert scorer.intercept == pytest.approx(reference.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.0, 1e6, float("nan")])
def test_a_column_that_never_changes_weighs_nothing(constant: float) -> None:
    columns, y = rows(1_500, seed=5, rare=-2.0)
    columns[NAMES[1]] = np.full(len(y), constant, np.float32)
    with_it, without = (fit_logistic(CATALOGUE, names, columns, y) for names in (NAMES[:2], NAMES[:1]))
    assert with_it.terms[1].weight == 0.0
    np.testing.assert_allclose(
        with_it.margin(table(columns, with_it)), without.margin(table(columns, without)), atol=1e-6
    )


def test_where_nothing_ever_changes_everybody_has_the_same_chance() -> None:
    """Of a source that is new, or a rule that nobody meets: a candidate, and of no use."""
    columns, y = rows(1_500, seed=6, rare=-2.0)
    columns = {name: np.full(len(y), 0.1, np.float32) for name in columns}
    for scorer in (fit_logistic(CATALOGUE, NAMES, columns, y), fit_baseline(CATALOGUE, NAMES, columns, y)):
        margin = scorer.margin(table(columns, scorer))
        assert np.ptp(margin) == 0
        platt = fit_platt(margin, y)
        assert platt.slope > 0
        told = chance(platt.slope * margin[0] + platt.intercept)
        assert told == pytest.approx(y.mean(), abs=1e-3)
