"""What a group's recall would lose has an interval by person, and is told where the counts behind it are."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from models.disclosure import show
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.judge import Scored
from models.paper_worth import not_judged, who_loses
from models.plain import plain
from training.recall_lost import RecallLost, difference, recall_lost

DAY = date(2026, 1, 5)


def by_rows(both: int, first: int, second: int, people: int, *, draws: int) -> np.ndarray:
    """The oracle: of some counts that would be shown as these, everybody a row; rows drawn with replacement,
    both recalls counted again. (draws,)"""
    rng, drawn = np.random.default_rng(5), list[float]()
    for _ in range(draws):
        a, b, c, n = (x + int(rng.integers(-2, 3)) * (x > 0) for x in (both, first, second, people))
        one, other = max(b - a, 0), max(c - a, 0)
        kinds = np.repeat([0, 1, -1, 0], [a, one, other, max(n - a - one - other, 0)])
        drawn.append(kinds[rng.integers(0, len(kinds), len(kinds))].mean())
    return np.array(drawn)


@pytest.mark.parametrize(
    "counts", [(40, 50, 60, 100), (10, 60, 15, 120), (200, 220, 205, 400), (0, 20, 20, 80)]
)
def test_counts_give_the_interval_that_resampled_people_give(counts: tuple[int, int, int, int]) -> None:
    expected = np.quantile(by_rows(*counts, draws=4000), (0.025, 0.975))
    assert difference(*counts) == pytest.approx(tuple(expected), abs=0.015)


def test_lists_of_the_same_people_are_known_apart_better_than_lists_of_others() -> None:
    low, high = difference(90, 100, 95, 200)
    apart_low, apart_high = difference(0, 100, 95, 200)
    assert high - low < 0.5 * (apart_high - apart_low)
    same_low, same_high = difference(30, 30, 30, 60)
    assert same_low < 0 < same_high, "two lists alike may differ for the next people"


@pytest.mark.parametrize(
    ("people", "shares"), [(80, (0.3, 0.15, 0.05)), (60, (0.3, 0.02, 0.02)), (50, (0.25, 0.1, 0.02))]
)
def test_the_interval_holds_what_is_true_as_often_as_it_says(
    people: int, shares: tuple[float, float, float]
) -> None:
    """Shares of those with the outcome whom both lists find, the first alone, the second alone. Two that
    hardly differ are the second case: rounded, they seem to differ by five people. With counts as shown taken
    for the truth these come to 87, 77 and 71 %."""
    rng, held, worlds = np.random.default_rng(3), 0, 400
    for both, one, other, _ in rng.multinomial(people, [*shares, 1 - sum(shares)], worlds).tolist():
        counts = [show(n) for n in (both, both + one, both + other, people)]
        low, high = difference(*(0 if isinstance(n, str) else n for n in counts))
        held += low <= shares[1] - shares[2] <= high
    print(f"the interval held the true difference in {held / worlds:.1%} of {worlds} worlds")
    assert held / worlds >= 0.9


def lists(*groups: tuple[str, int, int, int, int]) -> tuple[dict[str, list[Scored]], dict, int]:
    """One date's lists of two kinds, cut behind whoever is found. groups: name, people with the outcome (and
    as many without), found by the whole, found without, found by both."""
    y, whole, part, names = [], [], [], []
    for name, positives, first, second, both in groups:
        at = np.arange(2 * positives)
        y.append((at < positives).astype(float))
        whole.append(at < first)
        part.append((at >= first - both) & (at < first - both + second))
        names += [name] * (2 * positives)
    n, ids = len(names), np.array([f"P{i:05}" for i in range(len(names))])
    found = {"nothing": np.concatenate(whole), "part": np.concatenate(part)}
    capacity = max(int(each.sum()) for each in found.values())
    assert {int(each.sum()) for each in found.values()} == {capacity}
    scored = {
        kind: [Scored(DAY, ids, each.astype(float), np.concatenate(y), np.arange(n))]
        for kind, each in found.items()
    }
    return scored, {DAY: {"sex": np.array(names, dtype=object)}}, capacity


def lost(*groups: tuple[str, int, int, int, int]) -> dict[str, RecallLost]:
    scored, of, capacity = lists(*groups)
    return {each.group: each for each in recall_lost(scored, "nothing", of, capacity=capacity)["part"]}


def test_each_group_has_its_own_and_what_may_not_be_told_has_none() -> None:
    found = lost(
        ("a", 50, 20, 20, 20),
        ("f", 100, 60, 40, 40),
        ("m", 100, 40, 60, 30),
        ("x", 20, 15, 15, 15),
        ("z", 60, 3, 3, 3),
    )
    f, m, x, z = (found[name] for name in "fmxz")
    assert (f.with_all, f.without, f.lost) == (0.6, 0.4, pytest.approx(0.2))
    assert f.low is not None and f.high is not None and 0.1 < f.low < 0.2 < f.high < 0.3
    assert m.lost == pytest.approx(-0.2) and m.high is not None and m.high < 0
    assert x == RecallLost("sex", "x", None, None, None, None, None, NOT_ESTIMABLE)
    assert (z.lost, z.low, z.verdict) == (None, None, TOO_FEW)
    assert found["a"].verdict == TOO_FEW, "or z could be worked out from the total"
    told = plain(list(found.values()))
    assert who_loses(told).startswith("sex: f, +20.0 (+1") and "sex: m" not in who_loses(told)
    assert who_loses(plain([m])) == "no group" and who_loses(plain([x])) == "no group that can be judged"
    assert not_judged([told]) == f"Of these groups what they would lose is {NOT_ESTIMABLE}: sex: x."


@pytest.mark.parametrize("both", [1, 4, 7])
def test_an_interval_tells_no_more_of_those_found_by_both_than_the_counts_do(both: int) -> None:
    """One to seven are a star each, and the interval is the same, as wide as if there were none."""
    f = lost(("f", 100, 40, 40, both), ("m", 100, 40, 40, 38))["f"]
    assert (f.low, f.high) == difference(0, 40, 40, 100)
    close = lost(("f", 101, 41, 41, 38), ("m", 99, 39, 39, 36))["f"]
    assert (close.low, close.high) == difference(40, 40, 40, 100), "of counts as shown"
