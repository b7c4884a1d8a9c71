"""The card prints how each candidate did on earlier folds, whom two rules would have chosen, and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.judge import Judgement, Scored, judge
from models.model_card import model_card
from models.paper import Field, to_markdown
from models.paper_folds import CHOSEN, ON_FOLDS
from tests.test_papers import FULL, field, told
from training.card import _selection

CAPACITY = 60
PEOPLE = 600
TITLES = {"lightgbm": "gradient-boosted trees", "calls": "calls in 90 days"}
STARTS = (date(2024, 1, 1), date(2024, 5, 6), date(2024, 9, 2))


def judged(start: date, found: int, *, positives: int = 90) -> Judgement:
    """Two mornings, a month apart, on whose lists half of `found` stand each; who has the outcome stands
    behind everybody else where not listed."""
    dates = []
    for at, right in enumerate((found // 2, found - found // 2)):
        y = np.zeros(PEOPLE)
        y[:right] = 1
        y[PEOPLE - (positives // 2 - right) :] = 1
        ids = np.array([f"P{at}{i:04}" for i in range(PEOPLE)])
        log_odds = -np.arange(PEOPLE, dtype=float)
        dates.append(Scored(start + timedelta(28 * at), ids, log_odds, y, np.arange(PEOPLE) + PEOPLE * at))
    return judge(dates, capacity=CAPACITY)


def card_of(found: Mapping[str, Sequence[int]], *, positives: int = 90) -> list[dict[str, Any]]:
    """The cards of a run in which the candidates of some kinds found so many on each fold."""
    on_folds = [
        {kind: judged(start, of[at], positives=positives) for kind, of in found.items()}
        for at, start in enumerate(STARTS)
    ]
    shared = {**FULL, "titles": TITLES, "selection": _selection(on_folds, TITLES)}
    return [
        {
            **shared,
            "kind": kind,
            "title": TITLES[kind],
            "on_folds": [{"fold": n, **fold[kind].to_json()} for n, fold in enumerate(on_folds, 1)],
        }
        for kind in found
    ]


def printed(cards: list[dict[str, Any]]) -> tuple[Field, Field, str]:
    card = model_card(replace(told(cards[0]), run=tuple(cards)))
    return field(card, ON_FOLDS), field(card, CHOSEN), to_markdown(card)


def test_every_candidate_stands_on_every_fold_with_its_dates() -> None:
    on_folds, chosen, text = printed(card_of({"lightgbm": (36, 48, 60), "calls": (60, 24, 24)}))
    assert on_folds.table and on_folds.table.heads == (
        "Sorted by",
        "2 dates from 1 January 2024 to 29 January 2024",
        "2 dates from 6 May 2024 to 3 June 2024",
        "2 dates from 2 September 2024 to 30 September 2024",
    )
    rates = [[cell.split(" ")[0] for cell in row[1:]] for row in on_folds.table.rows]
    assert rates == [["30%", "40%", "50%"], ["50%", "20%", "20%"]]  # of 120 listed
    assert [row[0] for row in on_folds.table.rows] == list(TITLES.values())
    assert all("to " in cell and "; AP 0." in cell for row in on_folds.table.rows for cell in row[1:])
    # after the first fold calls look best, after the second the trees do: 20 points lost, then none
    assert chosen.table and [(row[0], row[2:]) for row in chosen.table.rows if "often" in row[1]] == [
        ("2 dates from 6 May 2024 to 3 June 2024", ("calls in 90 days", "20.0")),
        ("2 dates from 2 September 2024 to 30 September 2024", ("gradient-boosted trees", "0.0")),
    ]
    assert len(chosen.table.rows) == 4
    assert "gradient-boosted trees was within 2 points of the best on 2 of 3 folds" in text
    assert "10 points from the best of the next on average, 20 points at worst" in text


@pytest.mark.parametrize(("trees", "calls"), [(48, 3), (3, 0)], ids=["the chosen", "the best"])
def test_of_so_few_that_no_rate_is_told_nothing_is_that_it_could_be_worked_out_from(
    trees: int, calls: int
) -> None:
    """Calls, best on the first fold, are chosen for the second, on which they or the trees find three."""
    on_folds, chosen, text = printed(card_of({"lightgbm": (36, trees, 60), "calls": (60, calls, 24)}))
    assert on_folds.table and chosen.table
    second = {row[0]: row[2] for row in on_folds.table.rows}
    assert second[TITLES["calls" if calls == 3 else "lightgbm"]] == TOO_FEW
    assert [row[-1] for row in chosen.table.rows if row[0].startswith("2 dates from 6 May")] == [TOO_FEW] * 2
    assert "from the best of the next on average" not in text and "2.5%" not in str(on_folds)


def test_a_fold_or_a_run_with_too_few_people_with_the_outcome_says_so() -> None:
    cards = card_of({"lightgbm": (18, 18, 18), "calls": (9, 9, 9)}, positives=19)
    on_folds, chosen, text = printed(cards)
    assert on_folds.table and {cell for row in on_folds.table.rows for cell in row[1:]} == {NOT_ESTIMABLE}
    assert chosen.table and {row[-1] for row in chosen.table.rows} == {NOT_ESTIMABLE}
    assert "15%" not in str(on_folds) + str(chosen) and "0.150" not in text
    small = [{**card, "fitted_on": {"rows": 900, "positives": 4}} for card in cards]
    sections = model_card(replace(told(small[0]), run=tuple(small))).sections
    labels = [f.label for section in sections for f in section.fields]
    assert ON_FOLDS in labels and CHOSEN not in labels


def test_of_one_fold_there_is_nothing_to_look_back_on_and_of_none_nothing_at_all() -> None:
    cards = card_of({"lightgbm": (36, 48, 60), "calls": (60, 24, 24)})
    one = [{**card, "on_folds": card["on_folds"][:1]} for card in cards]
    figures = {kind: judged(STARTS[0], n) for kind, n in (("lightgbm", 36), ("calls", 60))}
    one = [{**card, "selection": _selection([figures], TITLES)} for card in one]
    _, chosen, text = printed(one)
    assert chosen.table is None and "there is no later fold to look back from" in text
    on_folds, chosen, _ = printed([{**card, "on_folds": [], "selection": {}} for card in cards])
    assert (on_folds.table, chosen.table) == (None, None) and "not measured" in on_folds.said[0]


@pytest.mark.parametrize(("asked", "said"), [(20, True), (3, False), (None, False)])
def test_fewer_folds_than_were_asked_for_are_told(asked: int | None, said: bool) -> None:
    dates = {**FULL["dates"], "folds_asked": asked, "folds": [{}] * 3}
    whole = [card | {"dates": dates} for card in card_of({"lightgbm": (60, 70, 80), "calls": (50, 50, 50)})]
    none = [card | {"dates": dates | {"folds": []}, "on_folds": [], "selection": {}} for card in whole]
    assert ("20 folds asked, 3 possible." in printed(whole)[2]) == said
    assert ("folds asked, none possible." in field(model_card(told(none[0])), ON_FOLDS).said[-1]) == bool(
        asked
    )
