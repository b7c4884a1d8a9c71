"""What features give away of a characteristic, and the chart of fairness against precision."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from models.audit_chart import Point, scatter
from models.audit_proxies import Proxy, auc_interval, proxies
from models.judge import auc

NAMES = [f"f{i}" for i in range(12)]


def world(*, told_by: str, n: int = 900) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Counts and empty places; sex shows in one feature, in its size or in whether it is held at all."""
    rng = np.random.default_rng(11)
    X = rng.poisson(2.0, (n, len(NAMES))).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    woman = rng.random(n) < 0.5
    if told_by == "size":
        X[:, 3] += np.where(woman, 4, 0)
    if told_by == "emptiness":
        X[woman & (rng.random(n) < 0.7), 3] = np.nan
    sex = np.where(woman, "f", "m").astype(object)
    sex[:10] = "unknown"
    return X, {"sex": sex, "area": rng.choice(["north", "south"], n).astype(object)}


@pytest.mark.parametrize("told_by", ["size", "emptiness"])
def test_a_planted_proxy_is_found_and_named(told_by: str) -> None:
    X, groups = world(told_by=told_by)
    found = {(p.characteristic, p.group): p for p in proxies(np.arange(len(X)), X, NAMES, groups, seed=1)}
    f, north = found["sex", "f"], found["area", "north"]
    assert f.auc is not None and f.auc > 0.8
    assert f.given_away
    assert f.features[0][0] == "f3" and f.features[0][1] > 0.8
    assert north.auc == pytest.approx(0.5, abs=0.06)
    assert not north.given_away
    assert found["sex", "unknown"] == Proxy("sex", "unknown", None, None)


def test_what_tells_who_is_unknown_does_not_tell_who_is_who() -> None:
    """Of adults nobody told the sex, and a school's absences tell who is an adult: not who is a girl."""
    rng = np.random.default_rng(4)
    X = rng.poisson(1.0, (1200, 6)).astype(np.float32)
    adult = rng.random(1200) < 0.5
    X[:, 2] = np.where(adult, 0, X[:, 2] + 5)
    sex = np.where(adult, "unknown", rng.choice(["f", "m"], 1200)).astype(object)
    f, m, unknown = proxies(np.arange(1200), X, NAMES[:6], {"sex": sex}, seed=1)
    assert f.auc == pytest.approx(0.5, abs=0.06) and m.auc == pytest.approx(0.5, abs=0.06)
    assert unknown.auc is not None and unknown.auc > 0.98 and unknown.features[0][0] == "f2"


def test_nothing_is_told_of_people_who_were_learned_from() -> None:
    """As many columns as people can learn anybody by heart; the AUC is of others, and is a half."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 200)).astype(np.float32)
    group = rng.choice(["a", "b"], 200).astype(object)
    names = [f"f{i}" for i in range(200)]
    (a, _) = proxies(np.arange(200), X, names, {"x": group}, seed=1)
    assert a.interval is not None and a.interval[0] < 0.5 < a.interval[1] + 0.05
    # The same people five times would be in several folds, if rows were people.
    again = proxies(np.tile(np.arange(200), 5), np.tile(X, (5, 1)), names, {"x": np.tile(group, 5)}, seed=1)
    assert again[0].auc == a.auc


def test_of_one_person_and_of_nobody_nothing_is_estimated() -> None:
    X = np.zeros((1, 2), np.float32)
    alone = {"sex": np.array(["f"], object)}
    assert proxies(np.array([1]), X, ["a", "b"], alone, seed=1) == [Proxy("sex", "f", None, None)]
    assert proxies(np.arange(0), X[:0], ["a", "b"], {"sex": np.zeros(0, object)}, seed=1) == []


def test_the_interval_of_an_auc_is_what_drawing_again_gives() -> None:
    rng = np.random.default_rng(2)
    y = np.repeat([1.0, 0.0], [60, 300])
    drawn = [auc(rng.normal(size=360) + 1.0 * y, y) for _ in range(600)]
    low, high = auc_interval(float(np.mean(drawn)), 60, 300)
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=0.015)


# ---- the chart

POINTS = [
    Point("Trees", 0.30, (0.24, 0.37), 0.12, "ethnicity: <b>"),
    Point("Contacts & days", 0.20, (0.15, 0.26), 0.03, simple=True),
    Point("Even", 0.25, None, -0.01),
    Point("Last list", None, None, None),
]


def test_the_chart_puts_the_more_precise_higher_and_the_fairer_further_left() -> None:
    svg = ElementTree.fromstring(scatter(POINTS))
    tag = "{http://www.w3.org/2000/svg}"
    trees, even = svg.findall(f"{tag}circle")
    (contacts,) = svg.findall(f"{tag}rect")
    assert float(trees.attrib["cy"]) < float(even.attrib["cy"]) < float(contacts.attrib["y"]) + 5
    assert float(even.attrib["cx"]) < float(contacts.attrib["x"]) + 5 < float(trees.attrib["cx"])


def test_the_chart_is_told_in_words() -> None:
    drawn = scatter(POINTS)
    said = ElementTree.fromstring(drawn).find("{http://www.w3.org/2000/svg}desc")
    assert said is not None and said.text is not None
    assert "Trees: precision 30% (24% to 37%), greatest gap 12 points, ethnicity: <b>" in said.text
    assert "Not estimable: Last list" in drawn and "<b>" not in drawn


@pytest.mark.parametrize("points", [[], POINTS[3:]])
def test_a_chart_of_nothing_says_so(points: list[Point]) -> None:
    assert "Nothing can be estimated" in scatter(points)
