"""A booster's trees as arrays, for whoever has to walk them all for everybody.

Only what LightGBM itself explains: numbers compared with a threshold, one margin, leaves that hold
one value. Anything else is refused, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from features.errors import UserMistake

NAN_LEFT, NAN_RIGHT, ZERO_LEFT, ZERO_RIGHT = range(4)
"""Where a split sends what is empty: NaN alone, or NaN and zero where zero was declared to be missing."""

ENDLESS = 1e300
"""What `dump_model` writes for an infinite threshold: everything that is not empty goes left."""


class Forest(NamedTuple):
    """T trees of more than one leaf, N nodes in all: (T + 1,) or (N,) arrays.

    Tree t has the nodes start[t] to start[t + 1], its root first, every node after its parent and the
    left one of two children right after it. What is said of a node is said of the split that leads to
    it; a root's is never read.
    """

    width: int
    """Columns of the rows."""
    base: float
    """The mean margin of the rows that the trees were fitted on."""
    start: np.ndarray
    parent: np.ndarray
    """int64, a node."""
    above: np.ndarray
    """int64: the nearest node further up whose split asks for the same column, else the root."""
    column: np.ndarray
    threshold: np.ndarray
    """float64: a value that is not more goes left."""
    empty: np.ndarray
    """int8: where what is empty goes."""
    left: np.ndarray
    """bool: whether this is the left child."""
    share: np.ndarray
    """float64: of the rows fitted on at the parent, those that went here."""
    columns_above: np.ndarray
    """int64: how many columns the splits from the root to this node ask for."""
    value: np.ndarray
    """float64: a leaf's value, NaN of a node that splits."""


def read_forest(booster: Any) -> Forest:
    """The trees of a LightGBM booster. Raises UserMistake naming everything in it that is not supported."""
    told = booster.dump_model()
    problems = []
    if told["num_tree_per_iteration"] != 1:
        problems.append("it has a margin for each of several classes")
    if told.get("average_output"):
        problems.append("it is a random forest, whose trees are averaged: fit it without boosting: rf")
    trees = [_nodes(tree["tree_structure"]) for tree in told["tree_info"]]
    splits = [node for tree in trees for _, node in tree if "split_feature" in node]
    if any("leaf_coeff" in node for tree in trees for _, node in tree):
        problems.append("its leaves are linear models: fit it without linear_tree")
    if any(split["decision_type"] != "<=" for split in splits):
        problems.append("it splits by category, not by number")
    if problems:
        raise UserMistake("The trees of this model cannot be explained.", problems=problems)
    return forest_of(trees, width=told["max_feature_idx"] + 1)


def _nodes(root: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """(position of the parent in the list, node): each after its parent, left before right."""
    found: list[tuple[int, dict[str, Any]]] = []
    waiting = [(0, root)]
    while waiting:
        parent, node = waiting.pop()
        found.append((parent, node))
        if "split_feature" in node:
            at = len(found) - 1
            waiting += [(at, node["right_child"]), (at, node["left_child"])]
    return found


class _Node(NamedTuple):
    """One node, as the arrays of a Forest have it."""

    parent: int
    above: int
    column: int
    threshold: float
    empty: int
    left: bool
    share: float
    columns_above: int
    value: float


TYPES = (np.int64, np.int64, np.int64, np.float64, np.int8, np.bool_, np.float64, np.int64, np.float64)


def forest_of(trees: Sequence[Sequence[tuple[int, dict[str, Any]]]], *, width: int) -> Forest:
    """Trees as `dump_model` tells them, each node with its parent's position, the parent before it."""
    base, start = 0.0, [0]
    nodes: list[_Node] = []
    for tree in trees:
        if len(tree) == 1:
            base += tree[0][1]["leaf_value"]
            continue
        root, reach = len(nodes), [1.0]  # reach: of the rows fitted on, the share that came to a node
        nodes.append(_Node(root, root, 0, 0.0, NAN_LEFT, False, 1.0, 0, np.nan))
        for parent, told in tree[1:]:
            split = tree[parent][1]
            share = _rows(told) / _rows(split) if _rows(split) else 0.0
            reach.append(share * reach[parent])
            value = told.get("leaf_value", np.nan)
            base += 0.0 if np.isnan(value) else reach[-1] * value
            above = root + parent
            while above != root and nodes[above].column != split["split_feature"]:
                above = nodes[above].parent
            nodes.append(
                _Node(
                    parent=root + parent,
                    above=above,
                    column=split["split_feature"],
                    threshold=split["threshold"] if split["threshold"] < ENDLESS else np.inf,
                    empty=_empty(split),
                    left=root + parent + 1 == len(nodes),
                    share=share,
                    columns_above=nodes[root + parent].columns_above + (above == root),
                    value=value,
                )
            )
        start.append(len(nodes))
    fields = list(zip(*nodes, strict=True)) or [()] * len(TYPES)
    arrays: list[Any] = [np.array(field, kind) for field, kind in zip(fields, TYPES, strict=True)]
    return Forest(width, float(base), np.array(start, np.int64), *arrays)


def _rows(node: dict[str, Any]) -> int:
    """How many of the rows fitted on came to a node."""
    return node["internal_count"] if "split_feature" in node else node["leaf_count"]


def _empty(split: dict[str, Any]) -> int:
    """Where a split sends NaN; where nothing was missing when it was fitted, NaN counts as zero."""
    if split["missing_type"] == "Zero":
        return ZERO_LEFT if split["default_left"] else ZERO_RIGHT
    left = split["default_left"] if split["missing_type"] == "NaN" else split["threshold"] >= 0
    return NAN_LEFT if left else NAN_RIGHT
