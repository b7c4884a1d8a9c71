"""Some rows of many, and whether two such shares differ by more than chance would make them."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple


class Share(NamedTuple):
    """`some` of `of`."""

    some: int
    of: int

    @property
    def rate(self) -> float | None:
        """The share as a number; None where there is nothing to be a part of."""
        return self.some / self.of if self.of else None

    def said(self) -> str:
        """In per cent, with a decimal under ten; a dash where there is nothing.

        >>> Share(2, 5).said(), Share(1, 200).said(), Share(0, 5).said(), Share(0, 0).said()
        ('40%', '0.5%', '0%', '–')
        """
        if self.rate is None:
            return "–"
        return f"{self.rate:.0%}" if self.rate >= 0.0995 or not self.some else f"{self.rate:.1%}"


def together(shares: Iterable[Share]) -> Share:
    """Several as one.

    >>> together([Share(1, 10), Share(4, 10)])
    Share(some=5, of=20)
    """
    some = of = 0
    for share in shares:
        some, of = some + share.some, of + share.of
    return Share(some, of)


def apart(now: Share, often: Share, *, least: float) -> float:
    """By how much a share differs from the usual one; 0 if by less than `least`, or by no more than chance.

    Chance is three standard deviations of the difference, or three rows; a rate is never taken for quite 0
    or 1, of which there is no deviation.

    >>> apart(Share(40, 100), Share(80, 800), least=0.1), apart(Share(2, 5), Share(80, 800), least=0.1)
    (0.30000000000000004, 0.0)
    """
    if now.rate is None or often.rate is None:
        return 0.0
    both = together([now, often])
    about = (both.some + 1) / (both.of + 2)
    by_chance = 3 * max(sqrt(about * (1 - about) * (1 / now.of + 1 / often.of)), 1 / now.of)
    difference = now.rate - often.rate
    return difference if abs(difference) >= least and abs(difference) > by_chance else 0.0
