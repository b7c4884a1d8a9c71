"""Rows of people: whatever order they arrive in, they leave in one order, which takes in all they say."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import OPEN
from features.rows import Rows, sort_rows

TYPES = {
    "signal": np.uint16,
    "occurred": np.int32,
    "minute": np.int16,
    "ended": np.int32,
    "amount": np.float64,
    "known_on": np.int32,
    "known_until": np.int32,
}


class Row(NamedTuple):
    """A row; its own order is that of `Rows`. No amount is less than any."""

    person: int
    occurred: int
    minute: int
    signal: int
    amount: float = -np.inf
    known_on: int = 0
    ended: int = OPEN
    known_until: int = OPEN


# Few values, so that rows tie in some of what they say; days before 1970, the last signal there can be.
rows_of_people = st.lists(
    st.builds(
        Row,
        person=st.integers(0, 5),
        occurred=st.sampled_from([-400, -1, 0, 20_000, 20_001]),
        minute=st.sampled_from([-1, 0, 1439]),
        signal=st.sampled_from([0, 1, 300, 65_535]),
        amount=st.sampled_from([-np.inf, -2.5, 0.0, 7.0]),
        known_on=st.sampled_from([-3, 20_000]),
        ended=st.sampled_from([20_005, OPEN]),
        known_until=st.sampled_from([20_009, OPEN]),
    ),
    max_size=80,
)


def put_in_order(
    rows: list[Row], people: int = 6, *, keep: list[bool] | None = None, threads: int = 1
) -> dict[str, np.ndarray]:
    columns = {name: np.array([getattr(r, name) for r in rows], kind) for name, kind in TYPES.items()}
    columns["amount"][np.isneginf(columns["amount"])] = np.nan
    return sort_rows(
        np.array([r.person for r in rows], np.int32),
        people,
        **columns,
        keep=None if keep is None else np.array(keep, bool),
        threads=threads,
    )


def read_back(found: dict[str, np.ndarray]) -> list[Row]:
    person = np.repeat(np.arange(len(found["start"]) - 1), np.diff(found["start"]))
    amount = np.where(np.isnan(found["amount"]), -np.inf, found["amount"])
    columns = {**found, "amount": amount, "person": person}
    return [Row(*row) for row in zip(*(columns[name].tolist() for name in Row._fields), strict=True)]


def the_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


@settings(max_examples=100, deadline=None)
@given(rows_of_people)
def test_each_person_has_their_rows_in_order(rows: list[Row]) -> None:
    found = read_back(put_in_order(rows))
    assert Counter(found) == Counter(rows)
    assert [row[:5] for row in found] == sorted(row[:5] for row in rows)


@settings(max_examples=60, deadline=None)
@given(rows_of_people, st.randoms(use_true_random=False), st.integers(1, 5))
def test_neither_the_order_given_nor_the_threads_matter(
    rows: list[Row], chance: random.Random, threads: int
) -> None:
    shuffled = chance.sample(rows, len(rows))
    assert the_same(put_in_order(rows), put_in_order(shuffled, threads=threads))


@settings(max_examples=40, deadline=None)
@given(rows_of_people, st.integers(1, 3), st.data())
def test_rows_not_kept_are_as_if_never_given(rows: list[Row], threads: int, data: st.DataObject) -> None:
    keep = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    kept = [row for row, taken in zip(rows, keep, strict=True) if taken]
    assert the_same(put_in_order(rows, keep=keep, threads=threads), put_in_order(kept))


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("people", [1, 3, 2000])
def test_a_crowd_is_sorted(people: int, threads: int) -> None:
    """Long runs of one person, which are merged, and many short ones, with ties everywhere."""
    chance = random.Random(people)
    rows = [
        Row(chance.randrange(people), chance.randrange(-50, 50), chance.randrange(-1, 3), chance.randrange(9))
        for _ in range(5_000)
    ]
    rows = [row._replace(amount=float(chance.randrange(3)), known_on=chance.randrange(9)) for row in rows]
    found = put_in_order(rows, people, threads=threads)
    assert read_back(found) == sorted(rows)
    assert the_same(found, put_in_order(rows[::-1], people))


def test_what_is_left_out_is_open() -> None:
    columns = {name: np.zeros(3, kind) for name, kind in TYPES.items()}
    del columns["ended"], columns["known_until"]
    found = sort_rows(np.zeros(3, np.int32), 1, **columns)
    assert set(found["ended"].tolist()) == set(found["known_until"].tolist()) == {OPEN}


@pytest.mark.parametrize(("people", "threads"), [(0, 1), (0, 3), (4, 1), (4, 3)])
def test_nobody_and_nothing(people: int, threads: int) -> None:
    found = put_in_order([], people, threads=threads)
    assert found["start"].tolist() == [0] * (people + 1)
    assert set(found) == set(Rows._fields[: Rows._fields.index("held_start")])
    assert {name: found[name].dtype.type for name in TYPES} == TYPES
    assert all(len(found[name]) == 0 for name in TYPES)


def test_people_without_rows_have_none_wherever_they_stand() -> None:
    found = put_in_order([Row(1, 5, -1, 0), Row(3, 5, -1, 0), Row(1, 4, -1, 0)], 5, threads=2)
    assert found["start"].tolist() == [0, 0, 2, 2, 3, 3]
    assert found["occurred"].tolist() == [4, 5, 5]
