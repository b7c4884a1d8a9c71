"""Whether a file has the columns it was declared with, and whose it may be if it has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from features.declaration import Extract
from features.errors import DataRefused

MOST_COLUMNS = 5_000
"""No agency's extract has as many; a file that has is not one, or was made to do harm."""


def check_header(
    name: str,
    header: Sequence[str],
    extract: Extract,
    extracts: Mapping[str, Extract],
    *,
    found_in: str,
    ask: str = "",
) -> None:
    """Raises DataRefused if declared columns are missing or named twice, or if there are far too many.

    found_in: how the header is said to stand in the file: 'divided by a comma'. ask: what else may be the
    matter with a file that lacks columns.
    Names that are not declared are never repeated: without a header, they are somebody's data.
    """
    if len(header) > MOST_COLUMNS:
        raise DataRefused(
            f"{name} has too many columns.",
            problems=[
                f"it names more than {MOST_COLUMNS:,}; no extract has as many, so its header is damaged"
            ],
        )
    there = set(header)
    missing = [column for column in extract.columns if column not in there]
    if missing:
        found = [column for column in extract.columns if column in there]
        problems = [
            f"missing: {listed(missing)}",
            f"found: {listed(found)}, among {len(header)} columns {found_in}"
            if found
            else f"none of the declared columns is among the {len(header)} cells of its first line",
        ]
        fits = sorted(whose for whose, other in extracts.items() if set(other.columns) <= there)
        if fits:
            problems.append(f"it has the columns of {listed(fits)}: is it named as another agency's file?")
        problems += [ask] if ask else []
        raise DataRefused(f"{name} does not have the columns it was declared with.", problems=problems)
    twice = [column for column in extract.columns if header.count(column) > 1]
    if twice:
        raise DataRefused(
            f"{name} names a column more than once.",
            problems=[f"{listed(twice)}: which of them is meant cannot be known; ask the sender"],
        )


def listed(names: Iterable[str]) -> str:
    """'a', 'b'"""
    return ", ".join(repr(name) for name in names)
