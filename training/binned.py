"""LightGBM's binned form of more rows than would fit in memory as they are.

Rows come block by block: once for the sample that LightGBM lays out its bins from, and once to be put
into them. Of the numbers themselves no more than a block or two is held at any time; what stays is a
byte or less of each. The bins, and the trees grown on them, are those of the same rows in one array.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

BATCH = 16_384
"""Rows that are put into their bins at a time."""

NOTHING = np.empty((0, 0), np.float32)

# Where rows come one after another LightGBM is not told of `verbosity`, and would print what it does.
lightgbm.register_logger(logging.getLogger("lightgbm"))


def dataset(
    blocks: Iterable[np.ndarray],
    names: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    labels: np.ndarray,
) -> lightgbm.Dataset:
    """The binned Dataset of the rows of all blocks, made; the blocks are not needed any more.

    blocks: float32 (n_i, p) each, gone through twice, the same in the same order both times; a list, or
    an object whose `__iter__` makes or reads them. names: p names of the columns. labels: (n,) what
    followed, row by row, in the order of the blocks. Any number of settings may be fitted to it, as long
    as they agree on what lays out the bins. Raises ValueError where the blocks hold more or fewer than
    n rows in all.
    """
    rows = _Rows(blocks, len(labels))
    data = lightgbm.Dataset(rows, label=labels, feature_name=list(names), params=dict(parameters))
    data.construct()
    rows.finish()
    return data


def dataset_of(
    X: np.ndarray, names: Sequence[str], parameters: Mapping[str, Any], *, labels: np.ndarray
) -> lightgbm.Dataset:
    """The same of rows X, float32 (n, p), that are held as one array: LightGBM goes through that by itself,
    20,000 rows of 1,200 columns in a seventh of the time. X is not needed any more."""
    data = lightgbm.Dataset(X, label=labels, feature_name=list(names), params=dict(parameters))
    return data.construct()


class _Rows(lightgbm.Sequence):
    """n rows that are only ever asked for in order, from the first, as often as they are gone through.

    LightGBM asks for the sampled rows one by one, in float64, and then for all of them by slices.
    """

    batch_size = BATCH

    def __init__(self, blocks: Iterable[np.ndarray], n: int) -> None:
        self._blocks, self._n = blocks, n
        self._coming: Iterator[np.ndarray] = iter(())
        self._block, self._end = NOTHING, 0  # the block at hand, and where the row after its last would be

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int | slice | list[int]) -> np.ndarray:
        if isinstance(index, slice):
            return self._between(index.start, index.stop)
        if isinstance(index, list):
            raise TypeError("rows that are read block by block cannot be picked out by a list")
        return self._between(index, index + 1)[0].astype(np.float64)

    def finish(self) -> None:
        """Let go of the last block. Raises ValueError if there are rows beyond the n."""
        there = self._end + sum(len(block) for block in self._coming)
        self._block = NOTHING
        if there != self._n:
            raise ValueError(f"the blocks hold {there} rows, the labels are {self._n}")

    def _between(self, start: int, end: int) -> np.ndarray:
        """(end - start, p) float32, copied only where it reaches over the end of a block."""
        if start < self._end - len(self._block) or not self._end:
            self._coming, self._block, self._end = iter(self._blocks), NOTHING, 0
        pieces = []
        while start < end:
            while start >= self._end:
                self._next_block()
            first, here = self._end - len(self._block), min(end, self._end)
            pieces.append(self._block[start - first : here - first])
            start = here
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _next_block(self) -> None:
        self._block = NOTHING  # before the next is read, not after
        block = next(self._coming, None)
        if block is None:
            raise ValueError(f"the blocks hold {self._end} rows, the labels are {self._n}")
        self._block, self._end = block, self._end + len(block)
