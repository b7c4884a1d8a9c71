"""Figures of people who are drawn again, against rows that really are drawn again and judged as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import chance
from models.judge import Scored, judge
from models.one_person import people_of
from models.paired import LEAST_FLAGS, Paired, figure_of, paired, paired_of
from models.resample import DRAWS, intervals, redraw
from models.weighed import FIGURES, weigh

MONDAY = date(2026, 1, 5)

row = st.tuples(
    st.sampled_from("abcdefgh"),
    st.integers(-2, 2),
    st.sampled_from([0.0, 1.0, 1.0, np.nan]),
    st.integers(0, 3),
)
a_date = st.lists(row, min_size=1, max_size=8, unique_by=lambda r: r[0])
some_dates = st.lists(a_date, min_size=1, max_size=3)


def dates_of(drawn: list[list[tuple[str, int, float, int]]]) -> list[Scored]:
    """Hypothesis's rows as dates; a few of a date's people turned out to be one."""
    return [
        Scored(
            MONDAY + timedelta(days=60 * i),
            np.array([f"{who}" for who, *_ in rows]),
            np.array([float(score) for _, score, *_ in rows]),
            np.array([y for _, _, y, _ in rows]),
            np.array([same for *_, same in rows]),
        )
        for i, rows in enumerate(drawn)
    ]


def slowly_people(dates: list[Scored]) -> list[list[int]]:
    """Who is one person, by joining sets until nothing joins."""
    groups: list[set[tuple[object, object]]] = []
    for at, d in enumerate(dates):
        for who, same in zip(d.person_ids, d.same_as, strict=True):
            groups.append({("id", str(who)), (at, int(same))})
    joined = True
    while joined:
        joined = False
        for one in groups:
            for other in groups:
                if one is not other and one & other:
                    one |= other
                    groups.remove(other)
                    joined = True
                    break
            if joined:
                break
    return [
        [next(g for g, group in enumerate(groups) if ("id", str(who)) in group) for who in d.person_ids]
        for d in dates
    ]


def copies(scored: Scored, weights: np.ndarray, people: np.ndarray) -> Scored:
    """A date on which every person is there as often as they weigh, each copy a person by itself."""
    at = np.repeat(np.arange(len(scored.y)), weights[people])
    number = np.concatenate([np.arange(weights[p]) for p in people]) if len(people) else at
    names = [f"{scored.person_ids[i]}{n:02}" for i, n in zip(at, number, strict=True)]
    return Scored(
        scored.as_of,
        np.array(names, dtype=str),
        scored.log_odds[at],
        scored.y[at],
        scored.same_as[at] * 100 + number,
    )


@given(some_dates)
@settings(max_examples=60, deadline=None)
def test_people_are_those_who_hang_together_over_all_dates(drawn: list) -> None:
    dates = dates_of(drawn)
    found = np.concatenate(people_of(dates))
    expected = np.concatenate(slowly_people(dates))
    assert sorted(set(found)) == list(range(len(set(expected))))
    assert ((found[:, None] == found) == (expected[:, None] == expected)).all()


@given(some_dates, st.integers(1, 6), st.data())
@settings(max_examples=80, deadline=None)
def test_weights_say_what_copies_of_people_say(drawn: list, capacity: int, data: st.DataObject) -> None:
    dates = dates_of(drawn)
    people = people_of(dates)
    count = int(max(of.max() for of in people)) + 1
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    found = weigh(dates, people, capacity=capacity).figures(weights)
    really = judge([copies(d, weights, of) for d, of in zip(dates, people, strict=True)], capacity=capacity)
    np.testing.assert_allclose(found, [getattr(really, figure) for figure in FIGURES], atol=1e-12)


def crowd(n: int, *, seed: int, noise: float, dates: int = 3, base: float = -2.5) -> list[Scored]:
    """The same people on every date, at the same risk, whom a score knows more or less well; some merged."""
    risk = np.random.default_rng(1).normal(base, 1.2, n)
    truth, score = np.random.default_rng(seed), np.random.default_rng([seed, int(100 * noise)])
    ids = np.array([f"P{i:05}" for i in range(n)])
    known = risk + score.normal(0, noise, n)
    return [
        Scored(
            MONDAY + timedelta(days=60 * i),
            ids,
            known + score.normal(0, 0.1, n),
            np.where(truth.random(n) < 0.03, np.nan, (truth.random(n) < chance(risk)).astype(float)),
            np.arange(n) // np.where(np.arange(n) < 40, 2, 1),
        )
        for i in range(dates)
    ]


def slowly_drawn(dates: list[Scored], draws: int, seed: int, capacity: int) -> list[list[float]]:
    """Rows drawn and judged: for each draw, `FIGURES`."""
    people, random = people_of(dates), np.random.default_rng(seed)
    count, found = max(of.max() for of in people) + 1, []
    for _ in range(draws):
        weights = np.bincount(random.integers(count, size=count), minlength=count)
        really = judge(
            [copies(d, weights, of) for d, of in zip(dates, people, strict=True)], capacity=capacity
        )
        found.append([getattr(really, figure) for figure in FIGURES])
    return found


def test_draws_are_those_of_rows_really_drawn() -> None:
    dates = crowd(400, seed=2, noise=0.5)
    drawn = redraw({"a": dates}, capacity=20, draws=12, seed=9)["a"].drawn
    np.testing.assert_allclose(drawn, slowly_drawn(dates, 12, 9, 20), atol=1e-12)


def test_undrawn_the_figures_are_the_judgement() -> None:
    dates = crowd(1500, seed=3, noise=1.0)
    of, judged = redraw({"a": dates}, capacity=30, draws=2)["a"], judge(dates, capacity=30)
    assert of.values == pytest.approx([getattr(judged, figure) for figure in FIGURES])
    assert of.flagged == judged.flagged


def test_an_interval_is_the_middle_of_the_draws_and_as_wide_as_people_vary() -> None:
    dates, once = crowd(3000, seed=4, noise=0.5), crowd(3000, seed=4, noise=0.5, dates=1)
    three = intervals(dates, capacity=60, draws=400)
    low, high = np.quantile(redraw({"": dates}, capacity=60, draws=400)[""].drawn[:, 2], [0.025, 0.975])
    assert three.average_precision == (low, high)
    judged = judge(dates, capacity=60)
    for figure in FIGURES:
        low, high = getattr(three, figure)
        assert low < getattr(judged, figure) < high
    # the same people three times: outcomes are drawn anew, but who is on the list is not
    wide = judged.precision_interval[1] - judged.precision_interval[0]
    assert 0.8 * wide < three.precision[1] - three.precision[0] < 1.8 * wide
    alone = intervals(once, capacity=60, draws=400)
    of_one = judge(once, capacity=60).precision_interval
    assert alone.precision[1] - alone.precision[0] == pytest.approx(of_one[1] - of_one[0], rel=0.25)


def test_three_equal_dates_say_no_more_than_one() -> None:
    one = crowd(2000, seed=5, noise=0.5, dates=1)
    thrice = [replace(one[0], as_of=MONDAY + timedelta(days=60 * i)) for i in range(3)]
    a, b = intervals(one, capacity=40, draws=300), intervals(thrice, capacity=40, draws=300)
    assert a.precision == pytest.approx(b.precision)
    assert a.recall == pytest.approx(b.recall)


def test_what_cannot_vary_has_no_interval() -> None:
    nobody = crowd(300, seed=6, noise=0.5, base=-60.0)
    told = intervals(nobody, capacity=10, draws=30).to_json()
    assert told == {f: [None, None] for f in FIGURES} | {"draws": 30}


def two(better: float, worse: float, *, seed: int = 7, n: int = 3000) -> tuple[list[Scored], list[Scored]]:
    """Two candidates for the same people, one knowing their risk better."""
    first, second = crowd(n, seed=seed, noise=better), crowd(n, seed=seed, noise=worse)
    return first, [replace(s, y=f.y) for f, s in zip(first, second, strict=True)]


def test_two_candidates_are_judged_by_the_same_draws() -> None:
    mine, theirs = two(0.2, 3.0)
    found = paired(mine, theirs, capacity=100, draws=200)
    assert found.of == "precision at 100"
    a, b = judge(mine, capacity=100), judge(theirs, capacity=100)
    assert found.difference == pytest.approx(a.precision - b.precision)
    assert 0 < found.low < found.difference < found.high
    apart = [slowly_drawn(d, 5, 20_261_122, 100) for d in (mine, theirs)]
    redrawn = redraw({"a": mine, "b": theirs}, capacity=100, draws=5)
    together = redrawn["a"].drawn - redrawn["b"].drawn
    np.testing.assert_allclose(together, np.subtract(*apart), atol=1e-12)


def test_where_few_flags_are_judged_average_precision_stands_for_precision() -> None:
    mine, theirs = two(0.2, 3.0)
    few = paired(mine, theirs, capacity=60, draws=100)
    assert few.of == "average precision"
    a, b = judge(mine, capacity=60), judge(theirs, capacity=60)
    assert few.difference == pytest.approx(a.average_precision - b.average_precision)
    ready = redraw({"mine": mine, "theirs": theirs}, capacity=80, draws=2)
    for flags, of in ((LEAST_FLAGS - 1, "average precision"), (LEAST_FLAGS, "precision at 80")):
        fewer = replace(ready["theirs"], flagged=flags)
        figure = figure_of([ready["mine"], fewer])
        assert paired_of(ready["mine"], fewer, figure=figure).of == of
        assert paired_of(fewer, ready["mine"], figure=figure).of == of
        third = figure_of([ready["mine"], ready["theirs"], fewer])
        assert paired_of(ready["mine"], ready["theirs"], figure=third).of == of, "one figure for a whole run"


def test_a_candidate_against_itself_is_no_better() -> None:
    mine, _ = two(0.5, 1.0, n=500)
    assert paired(mine, mine, capacity=20, draws=30).to_json() == {
        "of": "average precision",
        "difference": 0.0,
        "low": None,
        "high": None,
    }


def test_other_people_or_another_order_cannot_be_paired() -> None:
    mine, theirs = two(0.5, 1.0, n=50)
    turned = [replace(s, person_ids=s.person_ids[::-1]) for s in theirs]
    for others in (turned, theirs[:2], [*theirs[1:], theirs[0]]):
        with pytest.raises(ValueError, match="not of the same people"):
            paired(mine, others, capacity=10, draws=2)


def test_the_seed_and_nothing_else_decides_the_draws() -> None:
    mine, theirs = two(0.5, 1.0, n=300)
    first, again, other = (paired(mine, theirs, capacity=20, draws=50, seed=s) for s in (1, 1, 2))
    assert first == again != other
    assert isinstance(first, Paired)


@pytest.mark.nightly
@pytest.mark.parametrize(("capacity", "of"), [(30, "average precision"), (100, "precision at 100")])
def test_19_in_20_intervals_hold_the_truth(capacity: int, of: str) -> None:
    """The truth: the mean difference over many populations; a fresh population each time."""

    def population(seed: int) -> tuple[list[Scored], list[Scored]]:
        random, n = np.random.default_rng(seed), 2000
        risk, ids = random.normal(-2.5, 1.2, n), np.array([f"P{i:05}" for i in range(n)])
        y = [(random.random(n) < chance(risk)).astype(float) for _ in range(3)]
        scores = [risk + random.normal(0, noise, n) for noise in (0.7, 1.0)]
        return tuple(  # type: ignore[return-value]
            [Scored(MONDAY + timedelta(days=60 * i), ids, s, y[i], np.arange(n)) for i in range(3)]
            for s in scores
        )

    truth = np.mean(
        [paired(*population(10_000 + i), capacity=capacity, draws=1).difference for i in range(1500)]
    )
    held = []
    for seed in range(300):
        found = paired(*population(seed), capacity=capacity, draws=400, seed=seed)
        assert found.of == of
        held.append(found.low <= truth <= found.high)
    print(f"{of}: {np.mean(held):.1%} of {len(held)} intervals hold the true difference, {truth:+.4f}")
    assert 0.92 <= np.mean(held) <= 0.99


def test_a_thousand_draws_are_the_usual() -> None:
    assert DRAWS == 1000
