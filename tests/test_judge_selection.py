"""Choosing between kinds over folds, by hand and against rules written out in loops."""

from __future__ import annotations

from math import isnan, nan
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.selection import best_less_spread, choices, most_often_near_best, regret

STEADY = {
    "wild": [0.60, 0.20, 0.62, 0.21],
    "steady": [0.40, 0.39, 0.41, 0.40],
    "near": [0.58, 0.38, 0.59, 0.25],
}
figure = st.one_of(st.just(nan), st.integers(0, 20).map(lambda n: n / 20))
tables = st.integers(1, 5).flatmap(
    lambda folds: st.dictionaries(
        st.sampled_from(["trees", "logistic", "contacts", "rule"]),
        st.lists(figure, min_size=folds, max_size=folds),
        min_size=1,
    )
)


def test_most_often_near_the_best_by_hand() -> None:
    told = most_often_near_best(STEADY)
    assert told.by == {"wild": 2, "steady": 2, "near": 2}
    assert told.kind == "near", "of equals the one with the higher average"
    assert told.said == "near was within 2 points of the best on 2 of 4 folds"
    assert most_often_near_best(STEADY, within=0.0).kind == "wild"
    assert told.to_json()["rule"] == "most often within 2 points of the best"


def test_best_average_less_its_spread_by_hand() -> None:
    told = best_less_spread(STEADY)
    assert told.kind == "steady"
    assert told.by["steady"] == pytest.approx(0.40 - pstdev(STEADY["steady"]))
    assert told.said == "steady had the best average less its spread: 0.400 − 0.007 over 4 folds"


def naive_near(figures: dict[str, list[float]]) -> str | None:
    best = [
        max((row[i] for row in figures.values() if not isnan(row[i])), default=None)
        for i in range(len(next(iter(figures.values()))))
    ]
    if all(b is None for b in best):
        return None
    near = {
        k: sum(b is not None and row[i] >= b - 0.02 - 1e-9 for i, b in enumerate(best))
        for k, row in figures.items()
    }
    mean = {
        k: fmean(known) if (known := [v for v in row if not isnan(v)]) else -1.0 for k, row in figures.items()
    }
    return max(figures, key=lambda k: (near[k], round(mean[k], 12), -list(figures).index(k)))


def naive_spread(figures: dict[str, list[float]]) -> str | None:
    judged = [
        i for i in range(len(next(iter(figures.values())))) if not all(isnan(r[i]) for r in figures.values())
    ]
    rows = {k: [r[i] for i in judged] for k, r in figures.items()}
    whole = {k: r for k, r in rows.items() if r and not any(map(isnan, r))}
    if not whole:
        return None
    return max(
        whole,
        key=lambda k: (
            round(fmean(whole[k]) - pstdev(whole[k]), 9),
            round(fmean(whole[k]), 9),
            -list(figures).index(k),
        ),
    )


@given(tables)
@settings(max_examples=80, deadline=None)
def test_rules_against_loops(figures: dict[str, list[float]]) -> None:
    near, spread = most_often_near_best(figures), best_less_spread(figures)
    assert near.kind == naive_near(figures)
    expected = naive_spread(figures)
    if spread.kind != expected:  # equal but for rounding
        assert None not in (spread.kind, expected)
        assert spread.by[spread.kind] == pytest.approx(spread.by[expected])
    assert (near.kind is None) == all(isnan(v) for row in figures.values() for v in row)


def test_regret_is_what_the_choice_of_before_cost_on_the_next_fold() -> None:
    chosen = choices(STEADY, lambda figures: most_often_near_best(figures, within=0.0))
    assert chosen == ["wild", "wild", "wild"]  # after fold 2 wild and steady were best once each
    told = regret(STEADY, chosen)
    assert told.by_fold == pytest.approx((0.19, 0.0, 0.19))
    assert (told.mean, told.worst) == (pytest.approx(0.38 / 3), pytest.approx(0.19))
    assert told.said == (
        "chosen by the folds before, it would have been 12.7 points from the best of the next on average, "
        "19 points at worst, over 3 folds"
    )
    chosen = choices(STEADY, best_less_spread)
    assert chosen == ["wild", "steady", "near"]  # one fold has no spread; then .39 against .38; then .39, .42
    assert regret(STEADY, chosen).by_fold == pytest.approx((0.19, 0.21, 0.15))


def test_what_cannot_be_chosen_or_looked_back_on_says_so() -> None:
    nothing = {"trees": [nan, nan], "rule": [nan, nan]}
    for rule in (most_often_near_best, best_less_spread):
        assert rule(nothing).kind is None and "nothing to choose by" in rule(nothing).said
    told = regret(nothing, choices(nothing, most_often_near_best)).to_json()
    assert (told["kinds"], told["by_fold"], told["mean"]) == ([None], [None], None)
    assert regret({"trees": [0.3]}, []).to_json()["mean"] is None
    gaps = {"trees": [0.3, nan], "rule": [nan, 0.2]}
    assert best_less_spread(gaps).kind is None and most_often_near_best(gaps).kind == "trees"
    with pytest.raises(ValueError, match="every fold but the first"):
        regret(STEADY, ["wild"])
    with pytest.raises(ValueError, match="a figure for each fold"):
        most_often_near_best({"trees": [0.1], "rule": [0.1, 0.2]})
