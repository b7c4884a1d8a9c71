"""Gaps from everybody: the bootstrap of counts against resampled people, and groups of a few people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gaps import Gap, gaps


def by_rows(part: int, whole: int, others_part: int, others_whole: int, *, draws: int) -> np.ndarray:
    """The oracle: everybody a row, rows drawn with replacement, both rates counted again. (draws,)"""
    member = np.repeat([True, False], [whole, others_whole])
    found = np.concatenate([np.arange(whole) < part, np.arange(others_whole) < others_part])
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(draws):
        rows = rng.integers(0, len(found), len(found))
        drawn.append(found[rows].mean() - found[rows][member[rows]].mean())
    return np.array(drawn)


@pytest.mark.parametrize(
    "counts", [(40, 100, 300, 500), (90, 200, 45, 100), (30, 300, 20, 150), (100, 400, 0, 0)]
)
def test_counts_give_the_interval_that_resampled_people_give(counts: tuple[int, int, int, int]) -> None:
    part, whole, others_part, others_whole = counts
    (gap,) = gaps([part], [whole], [others_part], [others_whole], draws=4000)
    low, high = np.quantile(by_rows(*counts, draws=2000), (0.025, 0.975))
    assert gap.value == pytest.approx((part + others_part) / (whole + others_whole) - part / whole)
    assert gap.interval == pytest.approx((low, high), abs=0.008)


def test_a_group_that_is_everybody_has_no_gap() -> None:
    assert gaps([10], [40], [0], [0]) == [Gap(0.0, (0.0, 0.0))]


@pytest.mark.parametrize("found", [0, 30])
def test_of_whom_nobody_or_everybody_was_found_has_an_interval_all_the_same(found: int) -> None:
    """Resampled rows would all say 0 of 30, or 30 of 30, and the gap would seem to be known."""
    (gap,) = gaps([found], [30], [350], [1000])
    low, high = gap.interval
    assert high - low > 0.05
    assert low <= gap.value <= high


def test_the_interval_holds_what_is_true_as_often_as_it_says() -> None:
    rng, held, worlds = np.random.default_rng(3), 0, 300
    mine, others = rng.binomial(60, 0.2, worlds), rng.binomial(400, 0.35, worlds)
    truth = (60 * 0.2 + 400 * 0.35) / 460 - 0.2
    for gap in gaps(mine.tolist(), [60] * worlds, others.tolist(), [400] * worlds, draws=500):
        held += gap.interval[0] <= truth <= gap.interval[1]
    print(f"the interval held the true gap in {held / worlds:.1%} of {worlds} worlds")
    assert 0.91 <= held / worlds <= 0.99


def test_each_group_is_what_it_would_be_among_more_than_are_drawn_at_once() -> None:
    many = gaps([20] * 65 + [5], [50] * 66, [100] * 66, [300] * 66)
    assert many[64].interval == pytest.approx(many[0].interval, abs=0.01)
    assert many[65].value == pytest.approx(105 / 350 - 0.1)


cells = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 400), st.integers(0, 400)).filter(
    lambda c: c[0] + c[1] > 0
)


@settings(max_examples=40, deadline=None)
@given(cells)
def test_every_gap_lies_in_its_interval_and_the_interval_is_possible(c: tuple[int, int, int, int]) -> None:
    (gap,) = gaps([c[0]], [c[0] + c[1]], [c[2]], [c[2] + c[3]], draws=200)
    assert -1 <= gap.interval[0] <= gap.value <= gap.interval[1] <= 1


@pytest.mark.parametrize("counts", [(0, 0, 5, 10), (6, 5, 5, 10), (1, 5, 11, 10), (-1, 5, 5, 10)])
def test_counts_that_cannot_be_are_our_mistake(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"group|whole"):
        gaps(*([n] for n in counts))
