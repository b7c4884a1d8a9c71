"""Exact contributions of a forest for everybody: Shapley values by quadrature, many people at a time.

What a leaf gives to the columns that its path asks for is a game of those columns. Column k is *on* for
a person if all its splits on the path send them towards the leaf; z[k] is the share of the rows fitted
on that went that way at these splits. With v the leaf's value, column j receives exactly

    v * (on[j] - z[j]) * ∫ over t from 0 to 1 of ∏ over k ≠ j of (z[k] * (1 - t) + on[k] * t)

LightGBM's `pred_contrib` (path-dependent TreeSHAP) unfolds the polynomial under the integral and folds
it up again for each column. Its degree is known, so that a few points after Gauss and Legendre give the
integral itself, half as many as the path has columns. ("Quadrature-TreeSHAP",
2026, arXiv 2605.04497.)

A tree is walked once down, each node holding the product over its path at every point, and once up,
each holding the sum of the leaves under it. A split after others on the same column replaces their
factor. Every step is done for LANES people before the next, which is what processors are good at;
nobody's numbers meet another's, so that they are the same bits whoever else is explained.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from features.in_step import in_step_with
from models import forest
from models.forest import NAN_LEFT, NAN_RIGHT, ZERO_LEFT, Forest, forest_of, read_forest

LANES, TASK = 64, 256
ZERO = np.float32(1e-35)
"""LightGBM takes what is as near to nought as this for nought."""


class Prepared(NamedTuple):
    """A forest and all that does not depend on the person, per tree (T,) or per node and point, flat.

    A node's factors lie at[tree] + points[tree] * (node - first of the tree); by them the product above
    is multiplied: `on` where the column stays on, `off` where this split turns it off, the node's share
    where it was off before. By the weights the sum below is multiplied for what the column receives,
    less what the split above on the same column would give; a column off before receives nothing.
    """

    forest: Forest
    points: np.ndarray
    at: np.ndarray
    on: np.ndarray
    off: np.ndarray
    was_off: np.ndarray
    on_weight: np.ndarray
    off_weight: np.ndarray


def prepare(booster: Any) -> Prepared:
    """A LightGBM booster, made ready. Raises UserMistake for trees that are not supported."""
    return _prepare(read_forest(booster))


def _prepare(forest: Forest) -> Prepared:
    scale = np.where(np.isnan(forest.value), 1.0, forest.value)
    points, at, tables = [], [0], [np.zeros((4, 0))]
    for first, last in zip(forest.start[:-1], forest.start[1:], strict=True):
        points.append((int(forest.columns_above[first:last].max()) + 1) // 2)
        at.append(at[-1] + points[-1] * (last - first))
        tables.append(_tables(forest, scale, slice(first, last), points[-1]))
    on, off, on_weight, off_weight = np.concatenate(tables, axis=1)
    places = np.array(points, np.int64), np.array(at, np.int64)
    return Prepared(forest, *places, on, off, forest.share * scale, on_weight, off_weight)


def _tables(forest: Forest, scale: np.ndarray, tree: slice, points: int) -> np.ndarray:
    """(4, nodes * points): a tree's factors on and off, its weights on and off."""
    t, w = np.polynomial.legendre.leggauss(points)
    t, w = (t + 1) / 2, w / 2
    above = forest.above[tree] - tree.start
    z = forest.share[tree].copy()
    for node in range(1, len(z)):
        z[node] *= z[above[node]]
    z = z[:, None]
    factor, scale = z + (1 - z) * t, scale[tree, None]
    factor_above, given_above = factor[above], ((1 - z) / factor)[above]
    tables = (
        scale * factor / factor_above,
        scale * z * (1 - t) / factor_above,
        w * ((1 - z) / factor - given_above),
        w * (-1 / (1 - t) - given_above),
    )
    return np.stack([table.ravel() for table in tables])


def contributions(prepared: Prepared, X: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """(n, p + 1) float64: what each column adds to a person's margin, the base last.

    X: (n, p) float32, the booster's columns in its order, NaN where nothing is held. Raises ValueError
    for another number of columns.
    """
    width = prepared.forest.width
    if X.ndim != 2 or X.shape[1] != width:
        raise ValueError(f"the trees take {width} columns, not {X.shape}")
    # Numba compiles once more for arrays that cannot be written to, such as Arrow's.
    X = np.require(X, np.float32, requirements=["C", "W"])
    parts = np.empty((len(X), width + 1))

    def explain(first: int) -> None:
        _explain(prepared, X[first : first + TASK], parts[first : first + TASK])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(explain, range(0, len(X), TASK)))
    return parts


def compile_ahead() -> None:
    """Compile and keep the result, so that nobody waits for it later."""
    contributions(_prepare(forest_of([], width=1)), np.zeros((1, 1), np.float32))


@njit(cache=True, nogil=True)
def _explain(prepared: Prepared, X: np.ndarray, parts: np.ndarray) -> None:
    """Fill parts (n, p + 1) for the rows of X (n, p). No fast mathematics: order and rounding are fixed."""
    forest, points, n = prepared.forest, prepared.points, len(X)
    blocks = (n + LANES - 1) // LANES
    columns = np.empty((blocks, forest.width, LANES), np.float32)
    for row in range(n):
        for column in range(forest.width):
            x = X[row, column]
            columns[row // LANES, column, row % LANES] = np.float32(0) if abs(x) <= ZERO else x
    sums = np.zeros((blocks, forest.width, LANES))
    largest, most = 1, 1
    for tree in range(len(points)):
        largest = max(largest, forest.start[tree + 1] - forest.start[tree])
        most = max(most, points[tree])
    product = np.empty((largest, most, LANES))
    is_on = np.empty((largest, LANES), np.bool_)
    for tree in range(len(points)):
        for block in range(blocks):
            lanes = min(LANES, n - block * LANES)
            _down(prepared, tree, lanes, columns[block], product, is_on)
            _up(prepared, tree, lanes, product, is_on, sums[block])
    for row in range(n):
        for column in range(forest.width):
            parts[row, column] = sums[row // LANES, column, row % LANES]
        parts[row, forest.width] = forest.base


@njit(cache=True, nogil=True)
def _down(
    prepared: Prepared, tree: int, lanes: int, columns: np.ndarray, product: np.ndarray, is_on: np.ndarray
) -> None:
    """Walk a tree from its root: whether each node's column is on, and the product over its path."""
    forest, points = prepared.forest, prepared.points[tree]
    root = forest.start[tree]
    product[0] = 1.0
    is_on[0] = True
    for node in range(root + 1, forest.start[tree + 1]):
        here, parent, above = node - root, forest.parent[node] - root, forest.above[node] - root
        x, threshold, left = columns[forest.column[node]], forest.threshold[node], forest.left[node]
        empty = forest.empty[node]
        if empty == NAN_LEFT:
            for lane in range(lanes):
                is_on[here, lane] = is_on[above, lane] & ((not x[lane] > threshold) == left)
        elif empty == NAN_RIGHT:
            for lane in range(lanes):
                is_on[here, lane] = is_on[above, lane] & ((x[lane] <= threshold) == left)
        else:
            for lane in range(lanes):
                missing = x[lane] == 0 or np.isnan(x[lane])
                goes_left = empty == ZERO_LEFT if missing else x[lane] <= threshold
                is_on[here, lane] = is_on[above, lane] & (goes_left == left)
        at, was_off = prepared.at[tree] + points * here, prepared.was_off[node]
        for point in range(points):
            on, off = prepared.on[at + point], prepared.off[at + point]
            for lane in range(lanes):
                factor = on if is_on[here, lane] else (off if is_on[above, lane] else was_off)
                product[here, point, lane] = product[parent, point, lane] * factor


@njit(cache=True, nogil=True)
def _up(
    prepared: Prepared, tree: int, lanes: int, product: np.ndarray, is_on: np.ndarray, sums: np.ndarray
) -> None:
    """Walk back: what each node's column receives of the leaves under it. Products become sums."""
    forest, points = prepared.forest, prepared.points[tree]
    root = forest.start[tree]
    received = np.empty(LANES)
    for node in range(forest.start[tree + 1] - 1, root, -1):
        here, parent, above = node - root, forest.parent[node] - root, forest.above[node] - root
        if not forest.left[node]:  # the first of its parent's two that is met on the way back
            product[parent, :points] = 0.0
        received[:] = 0.0
        at = prepared.at[tree] + points * here
        for point in range(points):
            on, off = prepared.on_weight[at + point], prepared.off_weight[at + point]
            for lane in range(lanes):
                below = product[here, point, lane]
                weight = on if is_on[here, lane] else (off if is_on[above, lane] else 0.0)
                product[parent, point, lane] += below
                received[lane] += below * weight
        column = forest.column[node]
        for lane in range(lanes):
            sums[column, lane] += received[lane]


in_step_with(globals(), forest)
