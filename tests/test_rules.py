"""What people go by today: a rule that a team already uses, and last week's list."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.workspace import Workspace
from models.calibration import chance
from models.candidate import export_candidate, reference_of
from models.judge import Scored
from models.spec_candidates import Baseline, Condition
from tests.test_candidate import CATALOGUE, draft, panel
from training.last_week import last_week
from training.linear import fit_baselines, rule_scorer

RULE = [
    Condition(feature="fire.call.count_90", at_least=2),
    Condition(feature="fire.visit.days_since", below=30),
    Condition(feature="fire.call.days_since", above=5, at_most=60),
]
NAMES = [condition.feature for condition in RULE]
VALUES = st.sampled_from([0.0, 1.0, 2.0, 5.0, 5.5, 29.0, 30.0, 60.0, 61.0, float("nan")])


def met(condition: Condition, value: float) -> bool:
    """A condition as a person would read it, one number at a time."""
    if value != value:
        return False
    return (
        (condition.at_least is None or value >= condition.at_least)
        and (condition.above is None or value > condition.above)
        and (condition.at_most is None or value <= condition.at_most)
        and (condition.below is None or value < condition.below)
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12))
def test_the_margin_is_the_number_of_conditions_met(rows: list[tuple[float, ...]]) -> None:
    scorer, X = rule_scorer(RULE), np.array(rows, np.float32)
    expected = [[met(c, v) for c, v in zip(RULE, row, strict=True)] for row in rows]
    np.testing.assert_array_equal(scorer.contributions(X)[:, :-1], expected)
    np.testing.assert_array_equal(scorer.margin(X), np.sum(expected, axis=1))
    assert not scorer.contributions(X)[:, -1].any()


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.7])
def test_a_share_is_not_above_itself(share: float) -> None:
    """0.2 as a feature has it is 0.20000000298."""
    held = np.array([[share]], np.float32)
    for bound, expected in (("at_least", 1), ("above", 0), ("at_most", 1), ("below", 0)):
        scorer = rule_scorer([Condition.model_validate({"feature": "x", bound: share})])
        assert scorer.margin(held)[0] == expected


def test_a_rule_explains_itself_and_serves_like_every_scorer(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    people, model = panel(400), draft(rule_scorer(RULE), slope=0.7, intercept=-2.0)
    parts = model.contributions(people)
    np.testing.assert_allclose(parts.sum(axis=1), model.log_odds(people), rtol=0, atol=1e-9)
    assert set(np.unique(parts[:, :-1])) == {0.0, 0.7}
    exported = export_candidate(Workspace(tmp_path), model, reference_of(model, people.X))
    assert exported.scorer == model.scorer
    np.testing.assert_array_equal(exported.contributions(people), parts)


def test_baselines_are_fitted_in_the_order_they_stand_in() -> None:
    columns = {"fire.call.count_90": np.array([0, 1, 2, 3], np.float32)}
    given = [
        Baseline(name="ours", title="our rule", rule=RULE),
        Baseline(name="before", title="last week's list", days_before=7),
        Baseline(name="calls", title="calls", features=["fire.call.count_90"]),
    ]
    fitted = fit_baselines(CATALOGUE, given, columns, np.array([0.0, 0.0, 1.0, 1.0]))
    assert list(fitted) == ["ours", "calls"]
    assert fitted["ours"] == rule_scorer(RULE)
    assert fitted["calls"].names == ("fire.call.count_90",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "needs one of features, rule and days_before"),
        ({"features": ["a"], "days_before": 7}, "needs one of features, rule and days_before"),
        ({"rule": []}, "needs one of features, rule and days_before"),
        ({"features": ["a", "a"]}, "names a twice"),
        ({"rule": [{"feature": "a", "above": 1}, {"feature": "a", "below": 3}]}, "names a twice"),
        ({"rule": [{"feature": "a"}]}, "say what 'a' must be: at_least, above, at_most or below"),
        ({"rule": [{"feature": "a", "at_least": 1, "above": 1}]}, "needs one of at_least and above"),
        ({"rule": [{"feature": "a", "at_least": 3, "below": 2}]}, "nothing is from 3 up and to 2 down"),
        ({"rule": [{"feature": "a", "more_than": 3}]}, "more_than"),
        ({"days_before": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_meant_is_told(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Baseline.model_validate({"name": "ours", "title": "our rule", **wrong})


# --- last week's list ------------------------------------------------------------------------------


def scored(log_odds: dict[str, float], *, as_of: date = date(2026, 1, 12)) -> Scored:
    ids = np.array(list(log_odds), dtype=str)
    values = np.array(list(log_odds.values()), float)
    return Scored(as_of, ids, values, np.zeros(len(ids)), np.arange(len(ids)))


PEOPLE = st.dictionaries(
    st.sampled_from([f"P{i}" for i in range(9)]), st.sampled_from([-6.0, -4.5, -3.0, -1.0, 0.5]), min_size=1
)


@settings(deadline=None, max_examples=80)
@given(PEOPLE, PEOPLE, st.integers(1, 6))
def test_whoever_was_listed_comes_first_in_the_lists_order(
    before: dict[str, float], now: dict[str, float], capacity: int
) -> None:
    found = last_week(scored(before), scored(now), capacity=capacity)
    score = dict(zip(found.person_ids.tolist(), found.log_odds.tolist(), strict=True))
    assert list(score) == list(now)
    listed = sorted(before, key=lambda p: (-before[p], p))[:capacity]
    still = [p for p in listed if p in now]
    assert [score[p] for p in still] == [before[p] for p in still]
    rest = {score[p] for p in now if p not in listed}
    assert len(rest) <= 1
    assert all(score[p] > value for p in still for value in rest)


def test_the_others_have_the_mean_chance_of_whom_the_list_left_out() -> None:
    before = {"A": 1.0, "B": -2.0, "C": -4.0}
    found = last_week(scored(before), scored({"C": 9.0, "A": 9.0, "new": 9.0}), capacity=1)
    assert found.log_odds[1] == 1.0
    expected = chance(np.array([-2.0, -4.0])).mean()
    np.testing.assert_allclose(chance(found.log_odds[[0, 2]]), expected, rtol=1e-12)


def test_what_followed_is_this_mornings() -> None:
    now = replace(scored({"A": 9.0, "B": 9.0}), y=np.array([1.0, np.nan]), same_as=np.array([4, 4]))
    found = last_week(scored({"B": 2.0}, as_of=date(2026, 1, 5)), now, capacity=30)
    assert found.as_of == now.as_of
    assert found.y is now.y and found.same_as is now.same_as
    assert found.log_odds[1] > found.log_odds[0]
