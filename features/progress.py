"""How long work says where it is: a function that takes one short sentence per stage."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]


def quiet(sentence: str) -> None:
    """Say nothing; the default."""
