"""Pictures of how a candidate did on the test dates, for the training log.

Pixels, in which nobody can be found again: the arrays behind them are kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration import chance
from models.candidate import Candidate
from models.judge import Scored
from models.reliability import Reliability, reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE = 500
"""Rows of the reference whose contributions are drawn."""
MOST = 15
"""Features that are drawn, the weightiest first."""
LAYERS = 100
"""Steps along the axis within which points lie beside each other."""
INK, PALE, BLUE = "#0b0c0c", "#b1b4b6", "#1d70b8"


@dataclass(frozen=True)
class Evidence:
    """What a candidate's pictures are drawn from: no ids, and no dates of anybody.

    y: (n,) 0 or 1, and chances: (n,) in the same order, of everybody judged on the test dates. values and
    contributions: (m, p) of rows of its reference, its columns in its own order, contributions in
    log-odds. calendar: an SVG, or nothing.
    """

    y: np.ndarray
    chances: np.ndarray
    reliability: Reliability
    values: np.ndarray
    contributions: np.ndarray
    calendar: str = ""


def evidence_of(candidate: Candidate, scored: Sequence[Scored], *, calendar: str = "") -> Evidence:
    """The evidence of a candidate on the dates it was judged on; calendar: see `calendar_svg`."""
    known = [~np.isnan(s.y) for s in scored]
    y = np.concatenate([np.empty(0), *(s.y[k] for s, k in zip(scored, known, strict=True))])
    log_odds = np.concatenate([np.empty(0), *(s.log_odds[k] for s, k in zip(scored, known, strict=True))])
    rows = candidate.reference(candidate.names).slice(0, SAMPLE)
    values = np.column_stack([rows[name].to_numpy() for name in candidate.names])
    parts = [block[:, :-1] for block in candidate.contributions_of_all(values)]
    return Evidence(
        y,
        chance(log_odds),
        reliability(scored),
        values,
        np.concatenate([np.empty((0, values.shape[1])), *parts]),
        calendar,
    )


def pictures(evidence: Evidence, *, title: str, names: Sequence[str]) -> dict[str, bytes]:
    """File name → contents, of what can be drawn; names: the candidate's columns in its own order."""
    drawn = {}
    if 0 < evidence.y.sum() < len(evidence.y):
        drawn["precision_recall.png"] = _png(_precision_recall(evidence, title))
        drawn["reliability.png"] = _png(_reliability(evidence, title))
    if len(evidence.values) and np.abs(evidence.contributions).any():
        drawn["contributions.png"] = _png(_beeswarm(evidence, title, names))
    if evidence.calendar:
        drawn["calendar.svg"] = evidence.calendar.encode()
    return drawn


def _precision_recall(evidence: Evidence, title: str) -> Figure:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(evidence.y, evidence.chances)
    figure, axes = _chart(title, "recall", "precision")
    axes.step(recall, precision, where="post", color=BLUE)
    axes.axhline(evidence.y.mean(), color=PALE, linestyle="--", label="base rate")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)
    return figure


def _reliability(evidence: Evidence, title: str) -> Figure:
    bins = evidence.reliability.bins
    told, share = np.array([b.chance for b in bins]), np.array([b.share for b in bins])
    around = np.abs(np.array([b.interval for b in bins]).T - share)
    figure, axes = _chart(title, "chance as told", "share with the outcome, 95 % interval")
    axes.errorbar(told, share, yerr=around, fmt="o", color=BLUE, ecolor=PALE)
    most = 1.05 * max(told.max(), (share + around[1]).max())
    axes.plot([0, most], [0, most], color=PALE, linestyle="--")
    return figure


def _beeswarm(evidence: Evidence, title: str, names: Sequence[str]) -> Figure:
    """A point per row and feature: to the right it raises the chance; dark where the value is high, pale
    where nothing is held."""
    weight = np.abs(evidence.contributions).mean(axis=0)
    shown = [j for j in np.argsort(-weight, kind="stable")[:MOST] if weight[j] > 0][::-1]
    figure, axes = _chart(
        title, "contribution to the log-odds", "", height=1.6 + 0.26 * len(shown), left=0.46
    )
    x = evidence.contributions[:, shown]
    y = np.arange(len(shown)) + np.column_stack([_beside(column) for column in x.T])
    rank = np.column_stack([_ranks(evidence.values[:, j]) for j in shown])
    held = ~np.isnan(rank)
    axes.scatter(x[~held], y[~held], s=4, c=PALE, linewidths=0)
    axes.scatter(x[held], y[held], s=4, c=rank[held], cmap="viridis_r", vmin=0, vmax=1, linewidths=0)
    axes.axvline(0, color=PALE, zorder=0)
    axes.set_yticks(range(len(shown)), [names[j] for j in shown], fontsize=7)
    return figure


def _beside(x: np.ndarray) -> np.ndarray:
    """(n,) how far from its line each point stands, so that those alike lie beside one another: within
    ±0.4, further out the more there are."""
    span = float(np.ptp(x)) or 1.0
    layer = np.round((x - x.min()) / span * LAYERS).astype(int)
    order = np.argsort(layer, kind="stable")
    first = np.searchsorted(layer[order], layer[order])
    place = np.empty(len(x))
    place[order] = np.arange(len(x)) - first
    out = np.ceil(place / 2) * np.where(place % 2, 1, -1)
    return 0.4 * out / max(1.0, np.abs(out).max())


def _ranks(values: np.ndarray) -> np.ndarray:
    """(n,) from 0, the lowest value, to 1; equal ones alike, NaN where nothing is held."""
    held = ~np.isnan(values)
    different, where = np.unique(values[held], return_inverse=True)
    ranks = np.full(len(values), np.nan)
    ranks[held] = where / max(1, len(different) - 1)
    return ranks


def _chart(title: str, x: str, y: str, *, height: float = 4.0, left: float = 0.12) -> tuple[Figure, Any]:
    """An empty chart; without pyplot, which keeps every figure and takes a second to import."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=90)
    axes = figure.add_axes((left, 0.5 / height, 0.96 - left, 1 - 0.85 / height))
    axes.set_title(title, loc="left", color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    """The same figure gives the same bytes."""
    held = BytesIO()
    figure.savefig(held, format="png", metadata={"Software": None})
    return held.getvalue()
