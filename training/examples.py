"""Labelled rows, gone through block by block: a model learns from them without their all being held.

What followed is kept for every row. What was known is read again whenever somebody goes through it,
so that memory does not grow with the number of mornings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.errors import UserMistake
from models.candidate import columns_by_name
from models.scorer import Scorer


class Blocks(Protocol):
    """Rows of X, float32 (n_k, p) each: the same in the same order as often as they are gone through."""

    def __iter__(self) -> Iterator[np.ndarray]: ...

    def columns(self, names: Sequence[str]) -> Blocks:
        """A few columns of the same rows, read by themselves."""


@dataclass(frozen=True)
class Examples:
    """blocks: the rows' X, n in all. y: (n,) of 0.0 and 1.0, in their order."""

    blocks: Blocks
    y: np.ndarray

    def columns(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """name → (n,) float32 of a few columns."""
        few = np.concatenate(list(self.blocks.columns(names)))
        return dict(zip(names, few.T, strict=True))


@dataclass(frozen=True)
class InTurn:
    """The blocks of several, one after another."""

    several: Sequence[Blocks]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (X for blocks in self.several for X in blocks)

    def columns(self, names: Sequence[str]) -> InTurn:
        return InTurn([blocks.columns(names) for blocks in self.several])


def join(several: Iterable[Examples]) -> Examples:
    """The rows of several one after another."""
    given = list(several)
    y = np.concatenate([np.zeros(0), *(examples.y for examples in given)])
    return Examples(InTurn([examples.blocks for examples in given]), y)


def room(positives: int, others: int, *, most: int) -> tuple[int, int]:
    """How many with the outcome and how many others there is room for among `most` rows: each half of it at
    least, and what the rest leave, so that there are both however many of one there are."""
    kept = min(positives, max(most // 2, most - others))
    return kept, min(others, most - kept)


def margins_of(scorers: Mapping[str, Scorer], names: Sequence[str], blocks: Blocks) -> dict[str, np.ndarray]:
    """kind → (n,) margins of rows whose columns are `names`, of every scorer in one go."""
    margins: dict[str, list[np.ndarray]] = {kind: [np.zeros(0)] for kind in scorers}
    for X in blocks:
        for kind, scorer in scorers.items():
            margins[kind].append(scorer.margin(columns_by_name(X, names, scorer.names)))
    return {kind: np.concatenate(found) for kind, found in margins.items()}


def draw(blocks: Iterable[np.ndarray], n: int, *, most: int, seed: int) -> np.ndarray:
    """(m, p) float32: m = min(n, most) of the n rows of some blocks, at random and in random order."""
    drawn = np.random.default_rng(seed).permutation(n)[:most]
    found, end = [], 0
    for X in blocks:
        start, end = end, end + len(X)
        found.append(X[np.sort(drawn[(drawn >= start) & (drawn < end)]) - start])
    return np.concatenate(found)[np.argsort(np.argsort(drawn))]


def need_both_outcomes(examples: Examples, to_do: str, block: str) -> None:
    """Raises UserMistake where nobody on these dates had the outcome, or everybody, or there is nobody."""
    y = examples.y
    if not 0 < y.sum() < len(y):
        raise UserMistake(
            f"There is nothing to {to_do} on.",
            problems=[
                f"of {len(y):,} rows (a person on a date) of the {block} dates {int(y.sum()):,} had the "
                "outcome; "
                f"give the calendar more {block} dates, or check the outcome's signals"
            ],
        )
