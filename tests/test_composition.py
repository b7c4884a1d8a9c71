"""What scores are made of is what everybody's contributions come to, and its shifts are the mean score's."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.composition import Composition, Part, composition
from monitoring.shifts import MOST_CHANNELS, REST, shifts

CHANNEL_OF = {"a_30": "a", "b_30": "b", "a_90": "a", "c_30": "c"}


class Stand:
    """A candidate that adds each value times a weight, and 9.0."""

    names = tuple(CHANNEL_OF)
    catalogue: Any = SimpleNamespace(
        features=[SimpleNamespace(name=name, channel=channel) for name, channel in CHANNEL_OF.items()]
    )
    weights = np.array([1.0, -2.0, -1.0, 0.0, 9.0])

    def contributions_of_all(self, X: np.ndarray, *, threads: int) -> Iterator[np.ndarray]:
        for block in np.array_split(X, 3):
            yield np.column_stack([block, np.ones(len(block))]) * self.weights


def of(*rows: list[float]) -> Composition:
    return composition(Stand(), [np.array(rows[:2]), np.array(rows[2:]).reshape(-1, 4)])  # type: ignore[arg-type]


def test_a_channels_columns_are_summed_before_their_size_is_taken() -> None:
    made = of([3, 1, 3, 7], [1, 0, 5, 7], [0, 2, 0, 7], [2, 1, 0, 7])
    assert made.people == 4
    assert made.columns == {"a_30": 1.5, "b_30": 2.0, "a_90": 2.0, "c_30": 0.0}
    assert made.channels == {"a": Part(6 / 4, -2 / 4), "b": Part(2.0, -2.0), "c": Part(0.0, 0.0)}


def test_of_nobody_nothing_is_made() -> None:
    made = composition(Stand(), [])  # type: ignore[arg-type]
    assert made == Composition(0, dict.fromkeys(CHANNEL_OF, 0.0), {name: Part(0.0, 0.0) for name in "abc"})
    assert shifts(made, made, label=str) == ()


def test_shares_add_up_to_one_and_shifts_to_the_movement_of_the_mean_score() -> None:
    rng = np.random.default_rng(3)
    then, now = rng.poisson(2, (40, 4)).astype(float), rng.poisson(3, (30, 4)).astype(float)
    found = shifts(of(*then.tolist()), of(*now.tolist()), label=lambda name: f"channel {name}")
    assert [shift.label for shift in found] == ["channel b", "channel a", "channel c"]
    assert sum(shift.share_then for shift in found) == pytest.approx(1)
    assert sum(shift.share_now for shift in found) == pytest.approx(1)
    mean_then, mean_now = (float((X @ Stand.weights[:-1]).mean()) for X in (then, now))
    assert sum(shift.moved for shift in found) == pytest.approx(mean_now - mean_then)


def test_the_weightiest_of_either_side_are_told_and_the_rest_as_one() -> None:
    names = [f"c{at:02}" for at in range(MOST_CHANNELS + 5)]
    then = {name: Part(1.0, 0.0) for name in names} | {"c19": Part(50.0, 1.0)}
    now = {name: Part(1.0, 0.25) for name in names}
    found = shifts(Composition(10, {}, then), Composition(10, {}, now), label=str)
    assert [shift.channel for shift in found] == [*names[: MOST_CHANNELS - 1], "c19", ""]
    assert found[-1].label == REST
    assert found[-1].share_now == pytest.approx(5 / 20)
    assert found[-1].moved == pytest.approx(5 * 0.25)
    assert found[-2].moved == pytest.approx(-0.75)


def test_a_mean_of_few_people_is_not_told() -> None:
    many, few = Composition(10, {}, {"a": Part(1.0, 0.0)}), Composition(9, {}, {"a": Part(1.0, 0.0)})
    assert len(shifts(many, many, label=str)) == 1
    assert shifts(few, many, label=str) == shifts(many, few, label=str) == ()
    still = Composition(10, {}, {"a": Part(0.0, 0.0)})
    assert shifts(many, still, label=str) == ()
