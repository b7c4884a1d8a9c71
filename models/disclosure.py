"""The one door for counts that leave the team.

A count of 1 to 7 people is shown as `*`, nought as 0, and every other count to the nearest 5 (the
rule of NHS Digital's hospital statistics). Rates and their intervals are computed from the counts
as shown, never from the true ones, and only where at least 10 stand below the line: so they can
tell nobody more than the counts do.

One `*` in a column is no secret to somebody who knows the column's total, and the total is often
known: everybody knows how many names a list has. So a column with a small number has at least two
stars, the second on the next group's count. Then `could_be` takes the part of a reader who knows
every total to the unit, which counts are parts of which, and even which stars are small numbers;
counts are starred until such a reader is left with at least three values for each small number.
`tests/test_disclosure.py` tries every small table there is against a reader who knows these rules too.

Of a table crossed two ways such a reader knows the total of every line, from the tables that are not
crossed. Then each line is held to the same, by itself, and noughts are starred too: with a nought in one
line and a total in another a star is soon worked out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from models.judge import wilson

STAR = "*"
SMALLEST_SHOWN = 8
ROUNDED_TO = 5
LEAST_BELOW_THE_LINE = 10
VALUES_LEFT_OPEN = 3

Shown = int | str
"""A count as it leaves: a whole number, or `*`."""

Cell = tuple[str, str]
"""Group, column."""

Parts = Sequence[tuple[str, str]]
"""Pairs of columns (part, whole): the people of the part are counted in the whole too."""


@dataclass(frozen=True)
class Table:
    """Counts fit to leave the team: group → column → count as shown; and each column's total."""

    rows: dict[str, dict[str, Shown]]
    totals: dict[str, Shown]


def show(count: int) -> Shown:
    """One count that stands alone.

    >>> show(0), show(7), show(8), show(1023)
    (0, '*', 10, 1025)
    """
    if count < 0:
        raise ValueError("a count of people cannot be negative")
    if 0 < count < SMALLEST_SHOWN:
        return STAR
    return ROUNDED_TO * ((count + ROUNDED_TO // 2) // ROUNDED_TO)


def publish(
    counts: Mapping[str, Mapping[str, int]], *, parts: Parts = (), lines: Sequence[Collection[str]] = ()
) -> Table:
    """A table of counts, with as many of them starred as it takes.

    counts: group → column → people; the groups of a column add up to its total, nobody in two.
    lines: groups that add up to a known total of their own; by default all of them are one line.
    Raises ValueError if a part is greater than its whole.
    """
    cells = {(group, column): n for group, row in counts.items() for column, n in row.items()}
    for group, row in counts.items():
        for part, whole in parts:
            if row[part] > row[whole]:
                raise ValueError(f"{part} of {group!r} is more than its {whole}")
    starred = {cell for cell, n in cells.items() if show(n) == STAR or (lines and not n)}
    of_lines = [{cell: n for cell, n in cells.items() if cell[0] in line} for line in lines] or [cells]
    before = -1
    while before < len(starred):
        before = len(starred)
        for line in of_lines:
            starred |= _hide(line, starred & set(line), parts)
    return Table(
        rows={
            group: {column: STAR if (group, column) in starred else show(n) for column, n in row.items()}
            for group, row in counts.items()
        },
        totals={column: show(total) for column, total in _totals(cells).items()},
    )


def _hide(cells: Mapping[Cell, int], starred: set[Cell], parts: Parts) -> set[Cell]:
    """What is starred of one line of groups once no small number of it can be worked out."""
    while (exposed := _exposed(cells, starred, parts)) and (more := _more(cells, starred, exposed, parts)):
        starred = starred | more
    return starred


def rate(part: Shown, whole: Shown) -> float | None:
    """Part / whole from counts as shown; None where either is starred or the whole is under 10."""
    if isinstance(part, str) or isinstance(whole, str) or whole < LEAST_BELOW_THE_LINE:
        return None
    return min(part / whole, 1.0)


def interval(part: Shown, whole: Shown) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a rate, from counts as shown; None where the rate is."""
    if rate(part, whole) is None:
        return None
    return wilson(min(int(part), int(whole)), int(whole))


def could_be(cells: Mapping[Cell, int], starred: set[Cell], parts: Parts) -> dict[Cell, tuple[int, int]]:
    """The least and the greatest value each count could have, for the reader described above.

    Drawn from: its rounding; the column's total less what the others could be; no part is greater
    than its whole. Repeated until no bound moves.
    """
    totals = _totals(cells)
    bounds = {cell: _by_itself(n, cell in starred, totals[cell[1]]) for cell, n in cells.items()}
    before: dict[Cell, tuple[int, int]] = {}
    while before != bounds:
        before = dict(bounds)
        least = _totals({cell: low for cell, (low, _) in bounds.items()})
        most = _totals({cell: high for cell, (_, high) in bounds.items()})
        for (group, column), (low, high) in before.items():
            least_of_others, most_of_others = least[column] - low, most[column] - high
            if totals[column] >= SMALLEST_SHOWN:  # a smaller total is itself not shown
                low = max(low, totals[column] - most_of_others)
                high = min(high, totals[column] - least_of_others)
            for part, whole in parts:
                low = max(low, bounds[group, part][0]) if column == whole else low
                high = min(high, bounds[group, whole][1]) if column == part else high
            bounds[group, column] = low, high
    return bounds


def _by_itself(n: int, starred: bool, total: int) -> tuple[int, int]:
    """The bounds that one count has before any other is looked at."""
    if 0 < n < SMALLEST_SHOWN:
        return 1, SMALLEST_SHOWN - 1
    if starred:
        return (SMALLEST_SHOWN, total) if n else (0, SMALLEST_SHOWN - 1)
    rounded = int(show(n))
    return (max(SMALLEST_SHOWN, rounded - 2), rounded + 2) if n else (0, 0)


def _exposed(cells: Mapping[Cell, int], starred: set[Cell], parts: Parts) -> Cell | None:
    """A star that stands alone in its column, or a small number that could very nearly be worked out."""
    bounds = could_be(cells, starred, parts)
    for cell in (c for c in cells if c in starred):
        low, high = bounds[cell]
        nearly_known = show(cells[cell]) == STAR and high - low + 1 < VALUES_LEFT_OPEN
        if nearly_known or _alone(cells, starred, cell):
            return cell
    return None


def _alone(cells: Mapping[Cell, int], starred: set[Cell], cell: Cell) -> bool:
    """Whether a cell's star is the only one of a column whose total is shown."""
    stars = sum(column == cell[1] for _, column in starred)
    return stars == 1 and _totals(cells)[cell[1]] >= SMALLEST_SHOWN


def _more(cells: Mapping[Cell, int], starred: set[Cell], exposed: Cell, parts: Parts) -> set[Cell]:
    """What to star for an exposed cell: for a lone star the next group's count, else the whole column,
    else the columns that it is part of or that are part of it. Noughts stay.

    The next in the table's order and never by size: which was chosen must not say how great it is.
    """
    group, column = exposed
    groups = list(dict.fromkeys(g for g, _ in cells))
    after = groups[groups.index(group) + 1 :] + groups[: groups.index(group)]
    left = [(g, column) for g in after if cells[g, column] and (g, column) not in starred]
    if left:
        return {left[0]} if _alone(cells, starred, exposed) else set(left)
    kin = {w for p, w in parts if p == column} | {p for p, w in parts if w == column}
    return {cell for cell, n in cells.items() if n and cell[1] in kin and cell not in starred}


def _totals(cells: Mapping[Cell, int]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (_, column), n in cells.items():
        totals[column] = totals.get(column, 0) + n
    return totals
