"""Where those with the outcome are starred, no other figure of the papers gives away how many they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from models.disclosure import SMALLEST_SHOWN
from models.fairness import TOO_FEW
from models.judge import Scored, judge
from models.paired import AVERAGE_SAID, paired
from models.paper import Paper
from models.papers import PAPERS, WRITERS
from models.plain import plain
from models.reliability import reliability
from models.resample import intervals_of, redraw
from models.verdict import verdict
from tests.answered import audited
from tests.test_papers import FULL, JUDGED, every, field, told

ROWS, CAPACITY = 27, 5
TITLES = {"lightgbm": "gradient-boosted trees", "calls": "calls in 90 days"}


def run_of(positives: int) -> dict[str, Any]:
    """The card of a run on 27 rows of which so many have the outcome: all have one chance by the trees, and
    the calls, which those with the outcome made, come first by the other."""
    y = (np.arange(ROWS)[::-1] < positives).astype(float)
    ids = np.array([f"P{i:04}" for i in range(ROWS)])
    chance = np.full(ROWS, np.log(positives / (ROWS - positives)))
    made = {
        kind: [Scored(date(2024, 12, 1), ids, log_odds, y, np.arange(ROWS))]
        for kind, log_odds in (("lightgbm", chance), ("calls", np.where(y == 1, 1.0, -np.arange(ROWS) / 9)))
    }
    own, other = (judge(dates, capacity=CAPACITY) for dates in made.values())
    apart = paired(made["lightgbm"], made["calls"], capacity=CAPACITY, draws=20)
    share = positives / ROWS
    lost = {"without": other.average_precision, "lost": own.average_precision - other.average_precision}
    by_person = intervals_of(redraw(made, capacity=CAPACITY, draws=20, seed=1)["lightgbm"])
    card = {
        **{key: value for key, value in FULL.items() if key not in ("audit", "verdict", "lead_time")},
        "test": own.to_json(),
        "beside": {"calls": other.to_json()},
        "paired": {"calls": apart.to_json()},
        "by_person": by_person.to_json(),
        "reliability": reliability(made["lightgbm"]).to_json(),
        "calibrated_on": {"rows": ROWS, "positives": positives},
        "parts": {"fire": {"title": "a fire", "positives": positives, "n": ROWS, "base_rate": share}},
        "later_links": {**FULL["later_links"], "then": own.to_json(), "later": other.to_json()},
        "on_folds": [{"fold": 1, **own.to_json(), "estimable": True}],
        "selection": {},
        "worth": {
            "precision": own.precision,
            "average_precision": own.average_precision,
            "parts": [{"title": "the calls", "precision": lost, "average_precision": lost}],
        },
        "audit": audited(),
        "titles": TITLES,
    }
    return plain(card | {"verdict": asdict(verdict({"lightgbm": card}))})


def all_said(card: Mapping[str, Any]) -> dict[str, str]:
    model = replace(told(dict(card)), run=(card,))
    made: list[Paper] = [make(model) for make in PAPERS.values()]
    return {f"{paper.kind} as {form}": write(paper) for paper in made for form, write in WRITERS.items()}


def test_of_one_to_seven_with_the_outcome_the_papers_read_the_same() -> None:
    """Word for word: so they tell a reader nothing of which of the seven it is."""
    first, *others = (all_said(run_of(positives)) for positives in range(1, SMALLEST_SHOWN))
    for other in others:
        for name, text in other.items():
            assert text == first[name], name
    assert all_said(run_of(SMALLEST_SHOWN)) != first


def test_what_is_not_made_of_those_with_the_outcome_is_still_told() -> None:
    """Found are too few to show, those with the outcome are not: the order as a whole is told."""
    card = every({**FULL, "test": {**JUDGED, "found": 3, "precision": 0.033}, "later_links": None})
    table = field(card["model card"], "The list, beside what it could be sorted by instead").table
    assert table and table.rows[0][1:] == (*[TOO_FEW] * 4, "0.213", "0.78")
    assert FULL["paired"]["calls"]["of"] == AVERAGE_SAID
    compared = field(card["model card"], "Is it better?").table
    assert compared and compared.rows[0][2] == "+7.2 (+3.1 to +11.3)"


@pytest.mark.parametrize(("without", "lost"), [(0.0333, 0.3843), (0.4176, -0.3846)], ids=["without", "with"])
def test_what_a_list_of_few_found_is_worth_is_not_told(without: float, lost: float) -> None:
    """Of 91 listed three are found by the trees with the police or without them."""
    part = {
        **FULL["worth"]["parts"][0],
        "precision": {"without": without, "lost": lost, "low": -0.5, "high": 0.5},
    }
    table = field(
        every({**FULL, "worth": {"parts": [part]}})["model card"], "What each source is worth"
    ).table
    assert table and table.rows[0][1:3] == (TOO_FEW, "+2.0, interval not estimable")
    whole = {"precision": without + lost, "average_precision": 0.2107, "parts": [part]}
    said = field(every({**FULL, "worth": whole})["model card"], "What each source is worth").said[1]
    assert (f"at {told().capacity} of {TOO_FEW}" in said) == (without + lost < 0.08) and "0.211" in said


def test_of_many_intervals_it_is_said_how_many_leave_out_nought_by_chance() -> None:
    """Of 21 parts two intervals each, one of which could not be made: 41, of which 2.05."""
    part = FULL["worth"]["parts"][0]
    both = {**part, "average_precision": part["precision"], "recall": []}
    for parts, said in (
        ([both] * 20 + [part], "Of 41 intervals of 95% about 2 leave out nought by chance alone"),
        ([both], "Of 2 intervals of 95% about 1 "),
        ([part], ""),
    ):
        worth = field(every({**FULL, "worth": {"parts": parts}})["model card"], "What each source is worth")
        assert said in str(worth.said) and ("by chance" in str(worth.said)) == bool(said)
