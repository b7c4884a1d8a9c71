"""How a list is judged: against what followed, on dates the model has never seen.

A list is cut at capacity over everybody scored, before people whose outcome cannot be judged are
taken out, as the team would have met it. Recall counts people who turned out to be one person once.
Training, monitoring and the card use the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any

import numpy as np

from models.calibration import chance, logistic_line
from models.one_person import people_of
from models.plain import plain
from models.ties import over_ties

NAN = float("nan")
TEST_POSITIVES = 20
"""Under so many people with the outcome on the test dates, what a list is worth is not estimable."""


@dataclass(frozen=True)
class Scored:
    """Everybody scored on one date: ids (n,), log-odds (n,), y (n,) with NaN = left out, and
    same_as (n,), equal for people who turned out to be one person."""

    as_of: date
    person_ids: np.ndarray
    log_odds: np.ndarray
    y: np.ndarray
    same_as: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """The figures of one or several dates together; NaN where one cannot be estimated.

    n: people scored. labelled: those judged. flagged: those on the lists and judged. people, people_found:
    those with the outcome, and those of them on its list, once a date; positive_people: once over all dates,
    and `estimable` says whether they are enough. Intervals are Wilson's at 95 %, lift's that of precision
    over the base rate as it is; somebody standing on several dates counts each time, so that they are
    narrower than `models.resample` has them. needed_to_review: people talked to for one found. …_over_ties:
    (worst, best) over every way to choose among equals at the cut. Calibration slope and intercept are
    those of a logistic regression of the outcome on the log-odds: 1 and 0 are right.
    """

    dates: tuple[str, ...]
    n: int
    labelled: int
    positives: int
    positive_people: int
    estimable: bool
    base_rate: float
    auc: float
    average_precision: float
    capacity: int
    flagged: int
    found: int
    precision: float
    precision_interval: tuple[float, float]
    precision_over_ties: tuple[float, float]
    needed_to_review: float
    people: int
    people_found: int
    recall: float
    recall_interval: tuple[float, float]
    recall_over_ties: tuple[float, float]
    lift: float
    lift_interval: tuple[float, float]
    calibration_slope: float
    calibration_intercept: float
    brier: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what cannot be estimated is None."""
        return plain(self)


def ranking(person_ids: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Positions from the highest log-odds to the lowest; equal ones in order of person id."""
    return np.lexsort((np.asarray(person_ids), -np.asarray(log_odds)))


def judge(dates: Sequence[Scored], *, capacity: int) -> Judgement:
    """Judge the lists of some dates, each cut at `capacity`, and the scores behind them together."""
    flagged = found = people = people_found = 0
    for scored in dates:
        on_list = ranking(scored.person_ids, scored.log_odds)[:capacity]
        flagged += int((~np.isnan(scored.y[on_list])).sum())
        found += int((scored.y[on_list] == 1).sum())
        people += len(np.unique(scored.same_as[scored.y == 1]))
        people_found += len(np.unique(scored.same_as[on_list][scored.y[on_list] == 1]))
    known = [~np.isnan(scored.y) for scored in dates]
    y = np.concatenate([s.y[k] for s, k in zip(dates, known, strict=True)])
    log_odds = np.concatenate([s.log_odds[k] for s, k in zip(dates, known, strict=True)])
    positives = int(y.sum())
    both = 0 < positives < len(y)
    base_rate = positives / len(y) if len(y) else NAN
    precision, bounds = found / flagged if flagged else NAN, wilson(found, flagged)
    ties, standing = over_ties(dates, capacity=capacity), positive_people(dates)
    slope, intercept = logistic_line(log_odds, y) if both else (NAN, NAN)
    return Judgement(
        dates=tuple(str(scored.as_of) for scored in dates),
        n=sum(len(scored.y) for scored in dates),
        labelled=len(y),
        positives=positives,
        positive_people=standing,
        estimable=standing >= TEST_POSITIVES,
        base_rate=base_rate,
        auc=auc(log_odds, y),
        average_precision=average_precision(log_odds, y),
        capacity=capacity,
        flagged=flagged,
        found=found,
        precision=precision,
        precision_interval=bounds,
        precision_over_ties=ties.precision,
        needed_to_review=flagged / found if found else NAN,
        people=people,
        people_found=people_found,
        recall=people_found / people if people else NAN,
        recall_interval=wilson(people_found, people),
        recall_over_ties=ties.recall,
        lift=precision / base_rate if positives else NAN,
        lift_interval=(bounds[0] / base_rate, bounds[1] / base_rate) if positives else (NAN, NAN),
        calibration_slope=slope,
        calibration_intercept=intercept,
        brier=float(np.mean((chance(log_odds) - y) ** 2)) if len(y) else NAN,
    )


def positive_people(dates: Sequence[Scored]) -> int:
    """People with the outcome after any of the dates, each once."""
    hits = [
        Scored(s.as_of, s.person_ids[s.y == 1], s.log_odds[s.y == 1], s.y[s.y == 1], s.same_as[s.y == 1])
        for s in dates
    ]
    return len(np.unique(np.concatenate(people_of(hits))))


def auc(score: np.ndarray, y: np.ndarray) -> float:
    """The chance that a positive scores above a negative, a tie counting half; NaN without both."""
    positives = int(y.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return NAN
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(score: np.ndarray, y: np.ndarray) -> float:
    """The sum over thresholds of precision times the gain in recall, as scikit-learn has it."""
    positives = int(y.sum())
    if not positives:
        return NAN
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(y) - 1)
    found = np.cumsum(y[order])[last]
    return float((np.diff(found, prepend=0.0) / positives * found / (last + 1)).sum())


def wilson(found: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share found / n, at 95 % by default; NaN where n is 0.

    Wilson, E. B. (1927), *Probable inference, the law of succession, and statistical inference*.
    """
    if not n:
        return NAN, NAN
    share = found / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)
