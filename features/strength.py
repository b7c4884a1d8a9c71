"""How sure we are that a subject is the person it was joined to.

A subject is as sure as the weakest pair on the best way from it to the core of its person, the largest
part that pairs at or above `SHOW` hold together. What hangs on a weaker pair may be somebody else's: it
is not put in front of anybody as a reason.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from features.graphs import Edges, components, least_tree
from features.untroubled import Pairs

SHOW = 0.99
"""The probability from which what hangs on a pair may be shown."""


def strengths(cluster: np.ndarray, pairs: Pairs, *, show: float = SHOW) -> np.ndarray:
    """(n,) of every subject, 0 to 1; 1 of whoever is joined to nobody, and of an identifier's word.

    cluster: (n,) the person of each subject, by its smallest. pairs across two people count for nothing.
    The core is the part of most subjects, of equals that with the smallest.
    """
    within = cluster[pairs.l] == cluster[pairs.r]
    l, r = pairs.l[within], pairs.r[within]  # noqa: E741
    sure = np.where(pairs.sure, 1.0, pairs.probability)[within]
    starts = _cores(cluster, l[sure >= show], r[sure >= show])
    return _from(starts, l, r, sure, subjects=len(cluster))


def _cores(cluster: np.ndarray, l: np.ndarray, r: np.ndarray) -> np.ndarray:  # noqa: E741
    """The smallest subject of each person's core, by the pairs that hold a core together."""
    part, size = np.unique(components(len(cluster), l, r), return_counts=True)
    order = np.lexsort((part, -size, cluster[part]))
    return part[order][np.unique(cluster[part][order], return_index=True)[1]]


def _from(
    starts: np.ndarray,
    l: np.ndarray,  # noqa: E741
    r: np.ndarray,
    sure: np.ndarray,
    *,
    subjects: int,
) -> np.ndarray:
    """(n,) the weakest pair on the best way from a start to each subject: the way along the tree of the
    surest pairs. One tree from a root beside all the starts is walked instead of many."""
    given, rank = np.unique(np.concatenate([[-1.0], -sure]), return_inverse=True)
    root = np.full(len(starts), subjects)
    beside = Edges(
        np.concatenate([root, l]),
        np.concatenate([starts, r]),
        np.concatenate([np.zeros(len(starts), dtype=int), rank[1:]]),
    )
    tree = least_tree(subjects + 1, beside)
    ends = np.concatenate([tree.one, tree.other]), np.concatenate([tree.other, tree.one])
    both_ways = csr_array((np.ones(len(ends[0])), ends), shape=(subjects + 1, subjects + 1))
    walk, before = breadth_first_order(both_ways, subjects)
    child = np.where(before[tree.other] == tree.one, tree.other, tree.one)
    step = np.ones(subjects + 1)
    step[child] = -given[tree.rank]
    found, steps, came = [1.0] * (subjects + 1), step.tolist(), before.tolist()
    for subject in walk[1:].tolist():
        found[subject] = min(steps[subject], found[came[subject]])
    return np.array(found[:subjects])
