"""The figures of some lists where every person weighs so much: what a bootstrap asks a thousand times.

A whole weight w stands for w copies of a person, on every date on which the person stands. The list of a date
is still the `capacity` highest, now of copies: the one at the cut may be on it with some of theirs only.
Rows are sorted once. What a list holds is decided among its top rows, and average precision needs only sums
of weights between one positive and the next, so that one draw of 600,000 rows takes about a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.judge import Scored, ranking

FIGURES = ("precision", "recall", "average_precision", "lift")
NAN = float("nan")


@dataclass(frozen=True)
class Top:
    """The top rows of a date, the highest first: whose they are (m,), whether they can be judged, had the
    outcome, and are the first such row of their person (m,) bool each."""

    person: np.ndarray
    judged: np.ndarray
    positive: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class Weighed:
    """Lists of some dates, ready to be weighed.

    flagged: people on them who are judged. labelled: (P,) rows that each of the P people has among those
    judged. met: (Q,) the person, for each time that one had the outcome after a date. order: whose the
    judged rows of all dates are, the highest first, as far down as the last positive reaches; hits: whose
    the positive ones are. blocks, hit_blocks: where begins, in either, what reaches down to the next
    log-odds of a positive.
    """

    capacity: int
    flagged: int
    tops: tuple[Top, ...]
    labelled: np.ndarray
    met: np.ndarray
    order: np.ndarray
    hits: np.ndarray
    blocks: np.ndarray
    hit_blocks: np.ndarray

    def figures(self, weight: np.ndarray) -> tuple[float, float, float, float]:
        """`FIGURES` of people of these weights (P,), whole numbers from 0 on; NaN where there is none."""
        flagged = found = people_found = 0
        for top in self.tops:
            w = weight[top.person].astype(np.int64)
            listed = np.clip(self.capacity - (np.cumsum(w) - w), 0, w)
            flagged += int(listed @ top.judged)
            found += int(listed @ top.positive)
            people_found += int(listed @ top.first)  # the first row is the highest: as many copies as any
        precision, met = found / flagged if flagged else NAN, int(weight[self.met].sum())
        positives = int(weight[self.hits].sum())
        return (
            precision,
            people_found / met if met else NAN,
            self._average_precision(weight) if positives else NAN,
            precision * int(weight @ self.labelled) / positives if positives else NAN,
        )

    def _average_precision(self, weight: np.ndarray) -> float:
        light = weight.astype(np.float32)  # half as wide, and exact up to 16 million in a block
        rows = np.cumsum(np.add.reduceat(light.take(self.order), self.blocks), dtype=float)
        hits = np.add.reduceat(weight[self.hits], self.hit_blocks)
        gains = hits * (np.cumsum(hits) / np.maximum(rows, 1))  # no `@`: BLAS would wake its threads for this
        return float(gains.sum() / hits.sum())


def weigh(dates: Sequence[Scored], people: Sequence[np.ndarray], *, capacity: int) -> Weighed:
    """Make lists ready. people: for each date (n,) whose the rows are, as `models.one_person` says."""
    count = max((int(of.max()) + 1 for of in people if len(of)), default=0)
    known = [~np.isnan(scored.y) for scored in dates]
    nobody = np.empty(0, np.int64)
    person = np.concatenate([nobody, *(of[k] for of, k in zip(people, known, strict=True))])
    y = np.concatenate([nobody, *(s.y[k] for s, k in zip(dates, known, strict=True))])
    log_odds = np.concatenate([nobody, *(s.log_odds[k] for s, k in zip(dates, known, strict=True))])
    met = [
        of[np.flatnonzero(s.y == 1)[np.unique(s.same_as[s.y == 1], return_index=True)[1]]]
        for s, of in zip(dates, people, strict=True)
    ]

    order = np.argsort(-log_odds, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(log_odds[order])), len(order) - 1) + 1
    hits = np.flatnonzero(y[order] == 1)
    ends = np.unique(ends[np.searchsorted(ends, hits, side="right")])
    last = int(ends[-1]) if len(ends) else 0
    blocks = np.append(0, ends[:-1]) if len(ends) else nobody
    tops = tuple(_top(s, of, capacity) for s, of in zip(dates, people, strict=True))
    return Weighed(
        capacity=capacity,
        flagged=sum(int(top.judged[:capacity].sum()) for top in tops),
        tops=tops,
        labelled=np.bincount(person, minlength=count),
        met=np.concatenate([nobody, *met]),
        order=person[order][:last],
        hits=person[order][hits],
        blocks=blocks,
        hit_blocks=np.searchsorted(hits, blocks),
    )


def _top(scored: Scored, people: np.ndarray, capacity: int) -> Top:
    """The rows that a list of resampled people may reach. As weights are 1 each on average, that it needs
    more than these to be full has a chance of less than 1 in 10^12; it would be a little short then."""
    rows = ranking(scored.person_ids, scored.log_odds)[: 2 * capacity + 100]
    positive = scored.y[rows] == 1
    first = np.zeros(len(rows), bool)
    hits = np.flatnonzero(positive)
    first[hits[np.unique(scored.same_as[rows][hits], return_index=True)[1]]] = True
    return Top(people[rows], ~np.isnan(scored.y[rows]), positive, first)
