"""Contributions by quadrature are LightGBM's own, and those of the definition, whatever the trees."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb, prod
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.contributions import run as benchmark
from features.errors import UserMistake
from models.contributions import LANES, TASK, _explain, contributions, prepare
from models.forest import read_forest


def people(n: int, columns: int, *, empty: float, seed: int) -> np.ndarray:
    """Counts and amounts, a column without a spread and one that is mostly nought; a share is empty."""
    rng = np.random.default_rng(seed)
    amounts, counts = rng.lognormal(0, 2, (n, columns)), rng.poisson(2, (n, columns))
    X = np.where(np.arange(columns) % 3 == 1, amounts, counts)
    X[:, 0] = 1.0
    X[:, -1] = np.where(rng.random(n) < 0.9, 0, rng.normal(0, 1, n))
    X[rng.random(X.shape) < empty] = np.nan
    return X.astype(np.float32)


def fitted(X: np.ndarray, *, rounds: int = 10, seed: int = 1, **parameters: Any) -> lightgbm.Booster:
    likely = np.nan_to_num(X).clip(0, 5).sum(axis=1) / X.shape[1] - 1
    y = np.random.default_rng(seed).random(len(X)) < 1 / (1 + np.exp(-likely))
    settings = {"objective": "binary", "num_threads": 1, "verbosity": -1, "seed": seed}
    settings |= {"min_data_in_leaf": 1, "min_data_in_bin": 1, **parameters}
    data = lightgbm.Dataset(
        X, label=y, params=settings, categorical_feature=settings.pop("by_category", "auto")
    )
    return lightgbm.train(settings, data, num_boost_round=rounds)


def on_the_edge(booster: lightgbm.Booster, X: np.ndarray, *, seed: int) -> np.ndarray:
    """Rows at the trees' thresholds and the numbers next to them, at nought, next to nought, at nothing."""
    rng, forest = np.random.default_rng(seed), read_forest(booster)
    rows = X[rng.integers(0, len(X), 80)].copy()
    at = forest.threshold[np.isfinite(forest.threshold)].astype(np.float32)
    edges = np.concatenate([at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf))])
    column = np.concatenate([forest.column[np.isfinite(forest.threshold)]] * 3)
    for row in rows[:40] if len(edges) else ():
        chosen = rng.integers(0, len(edges), 4)
        row[column[chosen]] = edges[chosen]
    odd = np.array([0, -0.0, 1e-35, -1e-35, 1e-40, 9e-36, -1e30, np.inf, -np.inf, np.nan], np.float32)
    rows[60:] = np.where(rng.random(rows[60:].shape) < 0.5, rng.choice(odd, rows[60:].shape), rows[60:])
    return rows


def agrees(booster: lightgbm.Booster, X: np.ndarray) -> None:
    found = contributions(prepare(booster), X)
    np.testing.assert_allclose(found, booster.predict(X, pred_contrib=True), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-10)


@given(
    rows=st.integers(20, 400),
    columns=st.integers(1, 12),
    empty=st.sampled_from([0.0, 0.05, 0.4, 0.9]),
    leaves=st.sampled_from([2, 3, 7, 31, 90]),
    depth=st.sampled_from([-1, 3]),
    rate=st.sampled_from([0.1, 1.0]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    bagging=st.sampled_from([1.0, 0.6]),
    seed=st.integers(0, 10_000),
)
@settings(deadline=None, max_examples=60)
def test_any_trees_are_explained_as_lightgbm_explains_them(
    rows: int,
    columns: int,
    empty: float,
    leaves: int,
    depth: int,
    rate: float,
    bagging: float,
    seed: int,
    **missing: bool,
) -> None:
    X = people(rows, columns, empty=empty, seed=seed)
    booster = fitted(
        X,
        rounds=6,
        seed=seed,
        num_leaves=leaves,
        max_depth=depth,
        learning_rate=rate,
        bagging_fraction=bagging,
        bagging_freq=1,
        **missing,
    )
    agrees(booster, on_the_edge(booster, X, seed=seed))


def expected(node: dict[str, Any], x: np.ndarray, known: frozenset[int]) -> float:
    """What a tree says of a person of whom some columns are known; at others as the rows fitted on went."""
    if "split_feature" not in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        value = x[node["split_feature"]]
        goes_left = node["default_left"] if np.isnan(value) else value <= node["threshold"]
        return expected(left if goes_left else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    said = [expected(child, x, known) for child in (left, right)]
    return sum(n * value for n, value in zip(counts, said, strict=True)) / sum(counts)


def by_definition(booster: lightgbm.Booster, x: np.ndarray) -> list[float]:
    """Shapley's values: over all sets of the other columns, what a column's becoming known adds."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    everything = set(range(len(x)))

    def margin(known: set[int]) -> float:
        return sum(expected(tree, x, frozenset(known)) for tree in trees)

    found = []
    for column in sorted(everything):
        others = everything - {column}
        found.append(
            sum(
                (margin({*some, column}) - margin(set(some))) / comb(len(others), size) / len(x)
                for size in range(len(others) + 1)
                for some in combinations(sorted(others), size)
            )
        )
    return [*found, margin(set())]


def test_they_are_shapley_values_by_the_definition() -> None:
    X = people(300, 5, empty=0.2, seed=4)
    booster = fitted(X, rounds=3, num_leaves=15)
    assert set(read_forest(booster).column.tolist()) == set(range(5))
    found = contributions(prepare(booster), X[:6])
    np.testing.assert_allclose(found, [by_definition(booster, x) for x in X[:6]], rtol=0, atol=1e-12)


def test_a_tree_of_one_leaf_is_base_alone() -> None:
    X = people(50, 3, empty=0.1, seed=1)
    booster = fitted(X, min_data_in_leaf=1000)
    found = contributions(prepare(booster), X)
    assert (found[:, :-1] == 0).all()
    np.testing.assert_allclose(found[:, -1], booster.predict(X, raw_score=True), rtol=0, atol=1e-12)


def leaf_by_leaf(booster: lightgbm.Booster, x: np.ndarray) -> list[float]:
    """The formula of `models.contributions` in whole fractions, its integral as a sum; nothing is empty."""
    found = [Fraction(0)] * (len(x) + 1)
    waiting = [(tree["tree_structure"], {}) for tree in booster.dump_model()["tree_info"]]
    while waiting:
        node, path = waiting.pop()
        if "split_feature" not in node:
            value = Fraction(node["leaf_value"])
            found[-1] += value * prod(share for _, share in path.values())
            for column, (on, share) in path.items():
                by_size = [Fraction(1)]  # of the other columns: the sum over sets of so many that are on
                for other, (other_on, other_share) in path.items():
                    if other != column:
                        more = [Fraction(0), *(term * other_on for term in by_size)]
                        by_size = [
                            a * other_share + b for a, b in zip([*by_size, Fraction(0)], more, strict=True)
                        ]
                weighed = (term / comb(len(path) - 1, size) for size, term in enumerate(by_size))
                found[column] += value * (on - share) * sum(weighed) / len(path)
            continue
        column, children = node["split_feature"], (node["left_child"], node["right_child"])
        counts = [child.get("internal_count", child.get("leaf_count")) for child in children]
        goes = 0 if x[column] <= node["threshold"] else 1
        for side, child in enumerate(children):
            on, share = path.get(column, (1, Fraction(1)))
            here = (on * (side == goes), share * Fraction(counts[side], sum(counts)))
            waiting.append((child, {**path, column: here}))
    return [float(part) for part in found]


def test_a_path_through_many_columns_is_exact() -> None:
    """Each column splits off one more corner, so that one leaf's path asks for all of them. LightGBM's own
    arithmetic has lost a third of its digits there."""
    X = (np.random.default_rng(1).random((4000, 24)) < 0.93).astype(np.float32)
    booster = lightgbm.train(
        {
            "objective": "regression",
            "num_leaves": 25,
            "min_data_in_leaf": 1,
            "verbosity": -1,
            "num_threads": 1,
        },
        lightgbm.Dataset(X, label=np.cumprod(X, axis=1).sum(axis=1)),
        num_boost_round=1,
    )
    assert read_forest(booster).columns_above.max() == 24
    found = contributions(prepare(booster), X[:2])
    np.testing.assert_allclose(found, [leaf_by_leaf(booster, x) for x in X[:2]], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found, booster.predict(X[:2], pred_contrib=True), rtol=0, atol=1e-8)


def test_a_row_has_the_same_bits_whoever_else_is_explained() -> None:
    X = people(2 * TASK + LANES + 7, 9, empty=0.2, seed=3)
    ready = prepare(fitted(X, num_leaves=31))
    whole = contributions(ready, X, threads=2)
    for first, last in ((0, 1), (5, 6), (0, LANES - 1), (3, TASK + 50), (TASK + 1, len(X))):
        np.testing.assert_array_equal(contributions(ready, X[first:last]), whole[first:last])
    shuffled = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(contributions(ready, X[shuffled], threads=3), whole[shuffled])


def test_rows_may_lie_in_memory_as_they_like() -> None:
    X = people(60, 4, empty=0.2, seed=3)
    ready, locked = prepare(fitted(X)), X.copy()
    locked.flags.writeable = False
    for other in (locked, np.asfortranarray(X), X.astype(np.float64), np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_array_equal(contributions(ready, other), contributions(ready, X))
    assert len(_explain.signatures) == 1  # compiled once, which takes seconds


def test_nobody_and_columns_of_another_model() -> None:
    X = people(60, 4, empty=0.2, seed=3)
    ready = prepare(fitted(X))
    assert contributions(ready, X[:0]).shape == (0, 5)
    with pytest.raises(ValueError, match="4 columns"):
        contributions(ready, X[:, :3])


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"linear_tree": True}, "linear_tree"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "random forest"),
        ({"objective": "multiclass", "num_class": 3}, "several classes"),
        ({"by_category": [1], "cat_smooth": 0, "min_data_per_group": 1}, "by category"),
    ],
)
def test_what_they_cannot_be_had_for_is_refused(parameters: dict[str, Any], problem: str) -> None:
    X = np.random.default_rng(1).integers(0, 3, (300, 3)).astype(np.float32)
    booster = fitted(X, rounds=2, num_leaves=4, **parameters)
    with pytest.raises(UserMistake, match="cannot be explained") as refused:
        prepare(booster)
    assert problem in str(refused.value)


def test_the_bench_compares_what_it_times() -> None:
    lightgbms, ours, *others = benchmark(rows=700, compared=300, trees=8)
    assert (lightgbms.rows, ours.rows) == (300, 700)
    assert max(ours.difference, ours.apart, lightgbms.apart) < 1e-10
    assert all(other.rows == 700 for other in others)
    with pytest.raises(ValueError, match="too few"):
        benchmark(rows=10, compared=20)
