"""Drift on frames made by hand: what moved is found, what dried up is found, nothing else is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitoring.drift import SCORE, Drift, drift, sample, weightiest

AS_OF = date(2026, 6, 29)


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """800 people then, 600 now: `moved` went up by one, `dried` lost its values, `never` never had any,
    `still` is the same to the digit, `constant` is nought throughout."""
    rng = np.random.default_rng(7)
    then, now = 800, 600

    def people(n: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "moved": rng.poisson(1, n).astype(np.float32),
                "dried": rng.poisson(2, n).astype(np.float32),
                "never": np.full(n, np.nan, np.float32),
                "still": np.resize(np.arange(50, dtype=np.float32), n),
                "constant": np.zeros(n, np.float32),
                SCORE: np.resize(np.linspace(-6, 0, 100), n),
            }
        )

    reference, current = people(then), people(now)
    current["moved"] += 1
    current.loc[3:, "dried"] = np.nan
    return reference, current


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drift, Path]:
    reference, current = frames()
    page = tmp_path_factory.mktemp("drift") / "drift.html"
    return drift(reference, current, as_of=AS_OF, seed=1, chosen_by="hand", html=page), page


def test_what_moved_is_found_and_nothing_else(found: tuple[Drift, Path]) -> None:
    told = found[0]
    assert told.columns[0].name == SCORE
    assert [c.name for c in told.columns if c.drifted] == ["moved"]
    # Where one distribution lies above the other throughout, their distance is that of the means.
    reference, current = (frame["moved"].astype(float) for frame in frames())
    apart = (current.mean() - reference.mean()) / reference.std(ddof=0)
    assert told.column("moved").distance == pytest.approx(apart, rel=0.01)
    assert told.column("still").distance == pytest.approx(0, abs=0.01)
    assert told.column("constant").distance == 0
    assert len(told.failed) == 1
    assert "moved" in told.failed[0]
    assert told.drifted_share == 1 / 3


def test_what_dried_up_is_listed_not_dropped(found: tuple[Drift, Path]) -> None:
    told = found[0]
    assert told.not_measured == ("dried", "never")
    assert told.column("dried").distance is None
    assert told.column("dried").empty_before == 0
    assert told.column("dried").empty_now == pytest.approx(597 / 600)
    assert told.column("never").empty_before == told.column("never").empty_now == 1


def test_the_report_is_json_and_the_page_is_one_file(found: tuple[Drift, Path]) -> None:
    told, page = found
    again = json.loads(json.dumps(told.to_json()))
    assert again["as_of"] == "2026-06-29"
    assert len(again["evidently"]["metrics"]) == 4
    assert again["people"] == 600
    assert "<html" in page.read_text(encoding="utf-8")[:2000].lower()


def test_a_column_missing_on_one_side_is_our_mistake() -> None:
    reference, current = frames()
    with pytest.raises(KeyError, match="moved"):
        drift(reference, current.drop(columns="moved"), as_of=AS_OF, seed=1, chosen_by="hand")
    with pytest.raises(ValueError, match="both sides"):
        drift(reference, current.iloc[:0], as_of=AS_OF, seed=1, chosen_by="hand")


def test_the_weightiest_columns_move_something_and_ties_go_by_name() -> None:
    weight = {"a": 0.1, "d": 0.3, "b": 2.0, "c": 0.0, "e": 0.1}
    assert weightiest(weight) == ["b", "d", "a", "e"]
    assert weightiest(weight, most=1) == ["b"]
    assert weightiest({"a": 0.0}) == []


def test_a_sample_is_of_the_seed_and_in_order() -> None:
    assert sample(3, most=5, seed=1).tolist() == [0, 1, 2]
    taken = sample(1000, most=100, seed=1)
    assert len(np.unique(taken)) == 100
    assert (np.diff(taken) > 0).all()
    assert (
        taken.tolist() == sample(1000, most=100, seed=1).tolist() != sample(1000, most=100, seed=2).tolist()
    )
