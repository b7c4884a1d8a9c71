"""Worst and best over ties, against every way there is to break them; and the rest that a judgement tells."""

from __future__ import annotations

from datetime import date
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.judge import TEST_POSITIVES, Scored, judge, wilson
from models.ties import over_ties

row = st.tuples(st.integers(0, 1), st.sampled_from([0.0, 1.0, np.nan]), st.integers(0, 3))
some_dates = st.lists(st.lists(row, max_size=5), min_size=1, max_size=2)


def dates_of(drawn: list[list[tuple[int, float, int]]]) -> list[Scored]:
    return [
        Scored(
            date(2026, 1, 5 + i),
            np.array([f"p{n}" for n in range(len(rows))], dtype=str),
            np.array([score for score, *_ in rows], float),
            np.array([y for _, y, _ in rows], float),
            np.array([same for *_, same in rows], int),
        )
        for i, rows in enumerate(drawn)
    ]


def every_list(scored: Scored, capacity: int) -> list[list[int]]:
    """Every list that has nobody on it while somebody higher is not."""
    rows, k = range(len(scored.y)), min(capacity, len(scored.y))
    return [
        list(chosen)
        for chosen in combinations(rows, k)
        if all(scored.log_odds[i] >= scored.log_odds[o] for i in chosen for o in set(rows) - set(chosen))
    ]


def every_way(dates: list[Scored], capacity: int) -> tuple[list[float], list[float]]:
    """Precision and recall of every way to break the ties of all dates."""
    precisions, recalls = [], []
    people = sum(len(set(s.same_as[s.y == 1])) for s in dates)
    for lists in product(*(every_list(s, capacity) for s in dates)):
        pairs = list(zip(dates, lists, strict=True))
        judged = sum((~np.isnan(s.y[on])).sum() for s, on in pairs)
        found = sum((s.y[on] == 1).sum() for s, on in pairs)
        met = sum(len({s.same_as[i] for i in on if s.y[i] == 1}) for s, on in pairs)
        precisions.append(found / judged if judged else np.nan)
        recalls.append(met / people if people else np.nan)
    return precisions, recalls


@given(some_dates, st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_bounds_are_those_of_every_way_to_break_the_ties(drawn: list, capacity: int) -> None:
    dates = dates_of(drawn)
    precisions, recalls = every_way(dates, capacity)
    found = over_ties(dates, capacity=capacity)
    assert found.recall == pytest.approx((min(recalls), max(recalls)), nan_ok=True)
    if not np.isnan(precisions).any():
        assert found.precision == pytest.approx((min(precisions), max(precisions)))
    else:  # a way leaves nobody to judge: what is told is a way that there is, or that one
        there = [*precisions, np.nan]
        assert all(any(end == pytest.approx(p, nan_ok=True) for p in there) for end in found.precision)
    told = judge(dates, capacity=capacity)
    for value, (low, high) in (
        (told.precision, found.precision),
        (told.recall, found.recall),
    ):
        assert np.isnan([value, low, high]).any() or low - 1e-12 <= value <= high + 1e-12


def one_date(y: list[float], log_odds: list[float], same: list[int] | None = None) -> list[Scored]:
    ids = np.array([f"p{i:03}" for i in range(len(y))])
    same_as = np.array(same if same is not None else range(len(y)))
    return [Scored(date(2026, 1, 5), ids, np.array(log_odds, float), np.array(y, float), same_as)]


def test_by_hand() -> None:
    """One sure hit; at the cut two hits who are one person, a miss and one never judged; room for two."""
    told = judge(one_date([1, 1, 1, 0, np.nan], [2, 1, 1, 1, 1], same=[0, 1, 1, 2, 3]), capacity=3)
    assert told.precision_over_ties == (1 / 2, 1.0)
    assert told.recall_over_ties == (1 / 2, 1.0)
    thrice = judge(one_date([1, 1, 1, 1], [1, 1, 1, 1], same=[0, 0, 0, 1]), capacity=2)
    assert thrice.recall_over_ties == (1 / 2, 1.0), "two places may go to two rows of one person"
    assert judge(one_date([1, 0, 0], [3, 2, 1]), capacity=2).precision_over_ties == (0.5, 0.5)


def test_recall_lift_and_the_number_to_review_tell_how_sure_they_are() -> None:
    y = [1] * 6 + [0] * 3 + [np.nan] + [1] * 4 + [0] * 36  # of the ten listed one is never judged
    told = judge(one_date(y, [-i for i in range(50)], same=[0, *range(49)]), capacity=10)
    assert (told.found, told.flagged, told.people_found, told.people) == (6, 9, 5, 9)
    assert told.precision_interval == wilson(6, 9) and told.recall_interval == wilson(5, 9)
    assert told.needed_to_review == pytest.approx(9 / 6)
    base_rate = 10 / 49
    assert told.lift == pytest.approx(6 / 9 / base_rate)
    assert told.lift_interval == pytest.approx([end / base_rate for end in wilson(6, 9)])
    nobody = judge(one_date([0] * 5 + [1], [-i for i in range(6)]), capacity=5).to_json()
    assert nobody["needed_to_review"] is None and nobody["precision"] == 0.0


@pytest.mark.parametrize(("positives", "estimable"), [(TEST_POSITIVES - 1, False), (TEST_POSITIVES, True)])
def test_under_20_people_with_the_outcome_it_is_not_estimable(positives: int, estimable: bool) -> None:
    """People, not rows: the same ones stand on a second date, and two rows of one person are one."""
    first = one_date([1] * positives + [0] * 9, [-i for i in range(positives + 9)])
    again = [
        Scored(date(2026, 3, 5), *(getattr(first[0], f) for f in ("person_ids", "log_odds", "y", "same_as")))
    ]
    told = judge([*first, *again], capacity=5)
    assert (told.positives, told.positive_people) == (2 * positives, positives)
    assert told.estimable is told.to_json()["estimable"] is estimable
    merged = one_date([1] * positives + [1], [0.0] * (positives + 1), same=[*range(positives), 0])
    assert judge(merged, capacity=5).positive_people == positives


def test_a_judgement_is_plain_in_json() -> None:
    told = judge(one_date([1, 0], [1, 0]), capacity=1).to_json()
    assert {type(value) for value in told.values()} <= {int, float, bool, list, type(None)}
    assert told["precision_interval"] == list(wilson(1, 1)) and told["recall_over_ties"] == [1.0, 1.0]
