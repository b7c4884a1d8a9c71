"""Small numbers stay hidden from somebody who knows the rules, the totals and some arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.disclosure import STAR, Table, interval, publish, rate, show

Counts = dict[str, dict[str, int]]
NESTED = (("selected", "n"), ("found", "selected"), ("positives", "n"), ("found", "positives"))


def one_column(*counts: int) -> Counts:
    return {f"group {i}": {"n": n} for i, n in enumerate(counts)}


def shown(table: Table, column: str = "n") -> list[int | str]:
    return [row[column] for row in table.rows.values()]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, 0), (1, "*"), (7, "*"), (8, 10), (12, 10), (13, 15), (1022, 1020), (1023, 1025)],
)
def test_a_count_is_starred_or_rounded(count: int, expected: int | str) -> None:
    assert show(count) == expected


def test_a_count_below_nought_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        show(-1)


@pytest.mark.parametrize(
    ("counts", "expected", "why"),
    [
        ((40, 60), [40, 60], "nothing is small"),
        ((3, 60), ["*", "*"], "one star would be the total less the other"),
        ((60, 0, 3), ["*", 0, "*"], "nought hides nothing, so it stays"),
        ((3, 60, 50), ["*", "*", 50], "the next group is starred, not the smallest"),
        ((60, 50, 3), ["*", 50, "*"], "and after the last comes the first"),
        ((3, 4, 60), ["*", "*", 60], "two small ones hide each other"),
        ((1, 1, 28), ["*", "*", "*"], "28 is shown as 30, of 30 in all: so both would have to be 1"),
        ((4, 0, 0), ["*", 0, 0], "the total is not shown either"),
    ],
)
def test_secondary_suppression(counts: tuple[int, ...], expected: list[int | str], why: str) -> None:
    assert shown(publish(one_column(*counts))) == expected, why


def test_totals_leave_by_the_same_door() -> None:
    assert publish(one_column(2, 3)).totals == {"n": STAR}
    assert publish(one_column(20, 33)).totals == {"n": 55}


def test_a_part_that_exceeds_its_whole_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="more than"):
        publish({"a": {"n": 10, "selected": 11}}, parts=[("selected", "n")])


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (20, 40, 0.5),
        ("*", 40, None),
        (5, "*", None),
        (0, 5, None),
        (0, 10, 0.0),
        (10, 10, 1.0),
        (15, 10, 1.0),
    ],
)
def test_a_rate_is_of_counts_as_shown(part: int | str, whole: int | str, expected: float | None) -> None:
    assert rate(part, whole) == expected
    bounds = interval(part, whole)
    assert (bounds is None) == (expected is None)
    if bounds and expected is not None:
        assert 0 <= bounds[0] <= expected <= bounds[1] + 1e-12 <= 1 + 2e-12


def adding_up_to(groups: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way to share out at most `most` people among some groups."""
    if groups == 0:
        yield ()
        return
    for first in range(most + 1):
        for rest in adding_up_to(groups - 1, most - first):
            yield first, *rest


def given_away(
    tables: Iterable[Counts], *, most: int, totals_known: bool, parts: tuple[tuple[str, str], ...] = ()
) -> tuple[int, list[Table]]:
    """How many stars all these tables have, and the published ones in which a star has but one value.

    The reader has made this very list: every table there is, and what becomes of it. A published
    table tells what all the tables that end in it have in common. `totals_known`: totals of 8 and
    more are known to the unit, not only as shown. Tables in which somebody outside the list
    (more than `most` people) could be are not judged.
    """
    made: dict[str, tuple[Table, list[Counts]]] = {}
    for counts in tables:
        table = publish(counts, parts=parts)
        total = sum(row["n"] for row in counts.values())
        sums = {c: sum(row[c] for row in counts.values()) for c in table.totals}
        known = {c: n for c, n in sums.items() if n >= 8} if totals_known else {}
        if totals_known or table.totals["n"] == STAR or int(table.totals["n"]) + 2 <= most:
            assert total <= most
            made.setdefault(str((table, known)), (table, []))[1].append(counts)
    stars, told = 0, []
    for table, behind in made.values():
        for group, row in table.rows.items():
            for column, count in row.items():
                if count == STAR:
                    stars += 1
                    told += [table] if len({counts[group][column] for counts in behind}) < 2 else []
    return stars, told


@pytest.mark.parametrize("totals_known", [True, False])
@pytest.mark.parametrize(("groups", "most"), [(2, 60), (3, 36), (4, 18)])
def test_no_star_can_be_computed_from_any_table_of_one_column(
    groups: int, most: int, totals_known: bool
) -> None:
    tables = (one_column(*counts) for counts in adding_up_to(groups, most))
    stars, told = given_away(tables, most=most, totals_known=totals_known)
    assert stars > 15
    assert told == []


def test_no_star_can_be_computed_from_any_table_with_a_part() -> None:
    most = 24
    tables = (
        {"a": {"n": a, "selected": x}, "b": {"n": b, "selected": y}}
        for a, b in adding_up_to(2, most)
        for x, y in product(range(a + 1), range(b + 1))
    )
    stars, told = given_away(tables, most=most, totals_known=False, parts=(("selected", "n"),))
    assert stars > 100
    assert told == []


@cache
def margin(*counts: int) -> str:
    """A table that is not crossed, as published."""
    return str(publish(one_column(*counts)).rows)


def crossed_tables(most: int) -> Iterator[tuple[Counts, str, str]]:
    """Every table of two groups by two others with up to `most` people in a line, and its two margins."""
    for (a, b), (c, d) in product(adding_up_to(2, most), repeat=2):
        if a + c <= most and b + d <= most:
            cells = {"aA": {"n": a}, "aB": {"n": b}, "bA": {"n": c}, "bB": {"n": d}}
            yield cells, margin(a + b, c + d), margin(a + c, b + d)


@pytest.mark.parametrize("totals_known", [True, False])
def test_no_small_number_of_a_crossed_table_can_be_computed_with_its_margins(totals_known: bool) -> None:
    """The reader has both margins as published, and the total to the unit or as shown. A nought that a
    margin shows is no news, so only 1 to 7 count."""
    most, lines = 13, [{"aA", "aB"}, {"bA", "bB"}, {"aA", "bA"}, {"aB", "bB"}]
    made: dict[str, tuple[Table, list[Counts]]] = {}
    for cells, *beside in crossed_tables(most):
        table, total = publish(cells, lines=lines), sum(row["n"] for row in cells.values())
        known = total if totals_known and total >= 8 else table.totals
        made.setdefault(str((table.rows, beside, known)), (table, []))[1].append(cells)
    stars, told = 0, []
    for table, behind in made.values():
        if any(sum(cells[g]["n"] for g in line) > most - 3 for cells in behind for line in lines):
            continue  # a table that is not on this reader's list could be behind it too
        for group, row in table.rows.items():
            stars += row["n"] == STAR
            if row["n"] == STAR and len(values := {cells[group]["n"] for cells in behind}) == 1:
                told += [table] if values <= set(range(1, 8)) else []
    assert stars > 30
    assert told == []


def test_the_reader_above_does_find_what_plain_starring_gives_away() -> None:
    """Without secondary suppression the same reader computes stars: the test can fail."""
    behind = defaultdict(set)
    for a, b in adding_up_to(2, 30):
        behind[show(a), show(b), a + b].add(a)
    alone = [key for key, values in behind.items() if key[0] == STAR and key[1] != STAR and len(values) == 1]
    assert alone


audits = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 400)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(audits)
def test_an_audit_shows_no_small_number_and_no_lone_star(rows: list[tuple[int, int, int, int]]) -> None:
    """found, selected only, positive only, neither → n, positives, selected, found by group."""
    counts = {
        str(i): {"n": f + s + p + n, "positives": f + p, "selected": f + s, "found": f}
        for i, (f, s, p, n) in enumerate(rows)
    }
    table = publish(counts, parts=NESTED)
    for column, total in table.totals.items():
        stars = [group for group, row in table.rows.items() if row[column] == STAR]
        assert all(1 <= counts[group][column] <= 7 for group in stars) or len(stars) >= 2
        if len(stars) == 1:
            assert total == STAR
        for group, row in table.rows.items():
            if row[column] != STAR:
                n = counts[group][column]
                assert n == 0 or n >= 8
                assert row[column] == 5 * round(n / 5)
