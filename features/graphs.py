"""Who hangs together with whom, and by which of all ways: scipy's graphs over numbered subjects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree


class Edges(NamedTuple):
    """one and other: (k,) the ends, numbers of subjects; rank: (k,) whole numbers from 0, the least first."""

    one: np.ndarray
    other: np.ndarray
    rank: np.ndarray


def components(subjects: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) for each of 0..n-1 the smallest to whom a chain of edges joins it; itself where there is none."""
    edges = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(subjects, subjects))
    label = connected_components(edges, directed=False)[1]
    return np.unique(label, return_index=True)[1][label]


def least_tree(subjects: int, edges: Edges) -> Edges:
    """The edges of least rank that join whatever all edges join: a tree for each component.

    Whatever the edges up to a rank join, those of the tree up to it join.
    """
    low, high = np.minimum(edges.one, edges.other), np.maximum(edges.one, edges.other)
    order = np.lexsort((edges.rank, high, low))  # of several edges between two subjects the least
    low, high, rank = low[order], high[order], edges.rank[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    first &= low != high
    weights = rank[first] + 1.0  # scipy takes 0 for no edge
    tree = minimum_spanning_tree(coo_array((weights, (low[first], high[first])), shape=(subjects, subjects)))
    tree = tree.tocoo()
    return Edges(tree.row, tree.col, tree.data.astype(int) - 1)
