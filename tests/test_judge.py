"""How lists are judged, against scikit-learn and against lists small enough to judge by hand."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from models.calibration import LEAST_SLOPE, chance, fit_platt, logistic_line
from models.judge import Scored, auc, average_precision, judge, ranking, wilson

NAN = np.nan


def scored(y: list[float], *, log_odds: list[float] | None = None, same: list[int] | None = None) -> Scored:
    """A date on which people a, b, c, … were scored, the first highest unless given."""
    n = len(y)
    return Scored(
        date(2026, 1, 5),
        np.array([chr(97 + i) for i in range(n)]),
        np.array(log_odds or [-i for i in range(n)], float),
        np.array(y, float),
        np.array(same or range(n)),
    )


pairs = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60)


@given(pairs)
@settings(max_examples=50, deadline=None)
def test_areas_are_those_of_scikit_learn_ties_included(rows: list[tuple[int, bool]]) -> None:
    score, y = np.array([s for s, _ in rows], float), np.array([float(b) for _, b in rows])
    if 0 < y.sum() < len(y):
        assert auc(score, y) == pytest.approx(roc_auc_score(y, score))
        assert average_precision(score, y) == pytest.approx(average_precision_score(y, score))
    else:
        assert np.isnan(auc(score, y))


def test_a_list_is_cut_before_those_who_cannot_be_judged_are_taken_out() -> None:
    judged = judge([scored([1, NAN, 0, 1, 1])], capacity=3)
    assert (judged.n, judged.labelled, judged.flagged, judged.found) == (5, 4, 2, 1)
    assert judged.precision == 0.5
    assert judged.recall == pytest.approx(1 / 3)
    assert judged.base_rate == 0.75
    assert judged.lift == pytest.approx(0.5 / 0.75)


def test_recall_counts_somebody_with_two_rows_once() -> None:
    both_found = judge([scored([1, 1, 0, 1], same=[7, 7, 1, 2])], capacity=2)
    assert both_found.recall == 0.5
    assert both_found.precision == 1.0
    one_found = judge([scored([1, 0, 1, 0], same=[7, 1, 7, 2])], capacity=1)
    assert one_found.recall == 1.0


def test_each_date_has_its_own_list() -> None:
    judged = judge([scored([1, 0, 0]), scored([0, 1, 1])], capacity=1)
    assert (judged.flagged, judged.found, judged.precision) == (2, 1, 0.5)
    assert judged.recall == pytest.approx(1 / 3)


def test_equal_scores_stand_in_order_of_their_ids() -> None:
    assert ranking(np.array(["c", "a", "b"]), np.array([1.0, 1.0, 2.0])).tolist() == [2, 1, 0]


def test_what_cannot_be_estimated_is_none_in_json() -> None:
    nobody = judge([scored([0, 0, NAN])], capacity=1).to_json()
    assert [nobody[k] for k in ("auc", "average_precision", "recall", "lift")] == [None] * 4
    assert nobody["base_rate"] == 0.0
    assert nobody["dates"] == ["2026-01-05"]


def test_the_interval_is_wilsons() -> None:
    # Agresti and Coull (1998), the example of 0 of 20 and the symmetry of the interval.
    assert wilson(0, 20) == pytest.approx((0.0, 0.16113), abs=1e-5)
    low, high = wilson(7, 30)
    assert (1 - high, 1 - low) == pytest.approx(wilson(23, 30))
    assert all(np.isnan(wilson(0, 0)))


def noisy_line(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(-3, 2, n)
    return x, (rng.random(n) < chance(slope * x + intercept)).astype(float)


def test_the_calibration_line_is_that_of_an_unpenalised_logistic_regression() -> None:
    x, y = noisy_line(4000, 0.8, -0.5)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], y)
    slope, intercept = logistic_line(x, y)
    assert slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-5)


def test_brier_and_calibration_of_a_judged_list() -> None:
    x, y = noisy_line(2000, 1.0, 0.0)
    dates = [Scored(date(2026, 1, 5), np.arange(2000).astype(str), x, y, np.arange(2000))]
    judged = judge(dates, capacity=30)
    assert judged.brier == pytest.approx(brier_score_loss(y, chance(x)))
    assert judged.calibration_slope == pytest.approx(1, abs=0.15)
    assert judged.calibration_intercept == pytest.approx(0, abs=0.3)


def test_platt_gives_chances_that_come_true() -> None:
    margin, y = noisy_line(5000, 0.4, 1.0)
    platt = fit_platt(margin, y)
    chances = chance(platt.slope * margin + platt.intercept)
    assert chances.mean() == pytest.approx(y.mean(), abs=0.002)
    assert platt.slope == pytest.approx(0.4, abs=0.05)
    assert not platt.held


def test_a_margin_that_points_the_wrong_way_keeps_its_order_and_hardly_counts() -> None:
    margin, y = noisy_line(3000, -0.7, -3.0)
    platt = fit_platt(margin, y)
    assert platt.held and platt.slope == LEAST_SLOPE / margin.std()
    assert chance(platt.slope * margin + platt.intercept).mean() == pytest.approx(y.mean(), abs=0.002)


def test_a_margin_in_pounds_keeps_the_slope_it_needs() -> None:
    rng = np.random.default_rng(3)
    owed = rng.gamma(1, 2000, 20_000)
    y = (rng.random(len(owed)) < chance(-4 + 0.0005 * owed)).astype(float)
    platt = fit_platt(owed, y)
    assert not platt.held
    assert platt.slope == pytest.approx(0.0005, rel=0.1)


@pytest.mark.parametrize("y", [np.zeros(9), np.ones(9)])
def test_there_is_no_calibration_without_both_outcomes(y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="with and without"):
        fit_platt(np.arange(9.0), y)


def test_separated_outcomes_have_no_calibration_line_but_a_finite_platt() -> None:
    margin, y = np.arange(40.0), (np.arange(40) > 30).astype(float)
    platt = fit_platt(margin, y)
    assert np.isfinite([platt.slope, platt.intercept]).all() and platt.slope > 0


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_chances_never_leave_0_to_1_and_keep_the_order(log_odds: list[float]) -> None:
    chances = chance(np.sort(log_odds))
    assert ((chances >= 0) & (chances <= 1)).all()
    assert (np.diff(chances) >= 0).all()
