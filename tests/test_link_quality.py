"""Links against a truth: counts against every pair written down, a table by hand, what is said of groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.judge import wilson
from monitoring.link_figures import by_group
from monitoring.link_quality import (
    bcubed,
    by_source_pair,
    drawn_again,
    ends,
    ends_without_ids,
    exact,
    missed_with,
    pair_sums,
    pairwise,
    subject_sums,
)

World = list[tuple[int, int, int, int, int, bool]]

subjects = st.tuples(
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 2),
    st.integers(-1, 2),
    st.integers(-1, 2),
    st.booleans(),
)


def columns(world: World) -> tuple[np.ndarray, ...]:
    """person (numbered without gaps), cluster, source, ids, planted."""
    person, cluster, source, one, other, planted = map(np.array, zip(*world, strict=True))
    return np.unique(person, return_inverse=True)[1], cluster, source, np.stack([one, other], axis=1), planted


@given(st.lists(subjects, min_size=1, max_size=14))
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_every_pair_written_down(world: World) -> None:
    person, cluster, source, ids, planted = columns(world)
    pairs = list(combinations(range(len(world)), 2))
    true = {p for p in pairs if person[p[0]] == person[p[1]]}
    linked = {p for p in pairs if cluster[p[0]] == cluster[p[1]]}
    both = true & linked
    every = ends(person, cluster)
    assert every.pairs() == {"true": len(true), "linked": len(linked), "found": len(both)}

    share = {(i, j) for i, j in pairs if ((ids[i] == ids[j]) & (ids[i] >= 0)).any()}
    without = ends_without_ids(person, cluster, ids)
    assert without.pairs() == {
        "true": len(true - share),
        "linked": len(linked - share),
        "found": len(both - share),
    }
    for one in range(len(world)):
        assert without.linked[one] == sum(one in pair for pair in linked - share)

    crossed = by_source_pair(person, cluster, source)
    for name, chosen in (("true", true), ("linked", linked), ("found", both)):
        for a, b in combinations(range(len(crossed[name])), 2):
            assert crossed[name][a, b] == sum({source[i], source[j]} == {a, b} for i, j in chosen)
        for a in range(len(crossed[name])):
            assert crossed[name][a, a] == sum(source[i] == source[j] == a for i, j in chosen)

    assert missed_with(planted, person, cluster) == sum(planted[i] or planted[j] for i, j in true - linked)

    whole = [
        {j for j in range(len(world)) if person[j] == p}
        == {j for j in range(len(world)) if cluster[j] in set(cluster[person == p].tolist())}
        and len(set(cluster[person == p].tolist())) == 1
        for p in range(person.max() + 1)
    ]
    assert exact(pair_sums(person, every)).value == pytest.approx(np.mean(whole))


@given(st.lists(subjects, min_size=1, max_size=14))
@settings(max_examples=60, deadline=None)
def test_rates_are_those_of_the_definition(world: World) -> None:
    person, cluster, _, _, group = columns(world)
    n = range(len(world))
    people = [{j for j in n if person[j] == person[i]} for i in n]
    clusters = [{j for j in n if cluster[j] == cluster[i]} for i in n]
    every = ends(person, cluster)
    told = bcubed(subject_sums(person, every))
    p = np.mean([len(people[i] & clusters[i]) / len(clusters[i]) for i in n])
    r = np.mean([len(people[i] & clusters[i]) / len(people[i]) for i in n])
    assert told["precision"].value == pytest.approx(p) and told["recall"].value == pytest.approx(r)
    assert told["f1"].value == pytest.approx(2 * p * r / (p + r))

    # Of a group: wrong pairs count half at each of their ends.
    mine = np.array([group[person == one][0] for one in range(person.max() + 1)])
    rates = pairwise(pair_sums(person, every)[mine])
    at = [(i, j) for i in n for j in n if i != j and mine[person[i]]]
    found = sum(j in people[i] & clusters[i] for i, j in at)
    for name, sets in (("recall", people), ("precision", clusters)):
        below = sum(j in sets[i] for i, j in at)
        assert rates[name].value == (pytest.approx(found / below) if below else None)
        if below:
            low, high = rates[name].interval or (1, 0)
            assert 0 <= low <= high <= 1


def test_by_hand() -> None:
    """Ann is known four times, linked as 3 + 1, the three with one of Bob's two; Cai once, alone."""
    person = np.array([0, 0, 0, 0, 1, 1, 2])
    cluster = np.array([10, 10, 10, 11, 10, 12, 13])
    every = ends(person, cluster)
    assert every.pairs() == {"true": 7, "linked": 6, "found": 3}
    pairs = pairwise(pair_sums(person, every))
    values = {name: rate.value for name, rate in pairs.items()}
    assert values == pytest.approx({"precision": 3 / 6, "recall": 3 / 7, "f1": 6 / 13})
    cubed = bcubed(subject_sums(person, every))
    assert cubed["precision"].value == pytest.approx((3 * 3 / 4 + 1 + 1 / 4 + 1 + 1) / 7)
    assert cubed["recall"].value == pytest.approx((3 * 3 / 4 + 1 / 4 + 2 * 1 / 2 + 1) / 7)
    assert exact(pair_sums(person, every)).value == pytest.approx(1 / 3)
    assert by_source_pair(person, cluster, np.array([0, 1, 1, 0, 1, 0, 0]))["true"].tolist() == [
        [1, 5],
        [0, 1],
    ]


def test_intervals_come_from_drawing_people() -> None:
    random = np.random.default_rng(5)
    true = random.integers(0, 30, 400) * 2
    found = random.binomial(true, 0.9)
    people = np.stack([true, true, found], axis=1)
    rows = people[random.integers(0, 400, (3000, 400))].sum(axis=1)
    again = drawn_again(people, draws=3000)
    assert again.mean(axis=0) == pytest.approx(rows.mean(axis=0), rel=0.005)
    assert again.std(axis=0) == pytest.approx(rows.std(axis=0), rel=0.08)
    naive = np.quantile(rows[:, 2] / rows[:, 0], (0.025, 0.975))
    assert pairwise(people)["recall"].interval == pytest.approx(naive, abs=0.004)
    nobody_missed = pairwise(np.full((40, 3), 6))["recall"]
    assert (nobody_missed.value, nobody_missed.interval) == (1.0, wilson(40, 40))
    assert pairwise(np.zeros((9, 3), int))["recall"].interval is None


def test_groups_are_published_and_held_against_the_best() -> None:
    """100 people of two subjects each; of B's, one in four is missed; of C there are too few."""
    group = np.array(["A"] * 100 + ["B"] * 100 + ["C"] * 20 + ["D"] * 3 + ["unknown"] * 50)
    found = np.full(len(group), 2)
    found[100:200:4] = 0
    told = by_group(group, np.stack([np.full(len(group), 2), found, found], axis=1))
    rows = told["groups"]
    assert list(rows) == ["A", "B", "C", "D", "unknown"]
    assert rows["B"]["recall"] == 0.75 and rows["B"]["gap"] == 0.25 and told["best_recall"] == 1.0
    low, high = rows["B"]["recall_interval"]
    assert 0.65 < low < 0.75 < high < 0.85
    assert rows["C"]["note"] == "not estimable" and rows["C"]["gap"] is None
    assert (
        rows["D"]["people"] == "*" and rows["D"]["recall"] is None and rows["D"]["note"] == "too few to show"
    )
