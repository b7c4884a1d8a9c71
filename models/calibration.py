"""From a margin to a chance, by Platt's two numbers, so that an explanation stays exact.

A calibrated log-odds is `slope * margin + intercept`. As the slope is above 0 the order of people
never changes, and contributions scale by it. Isotonic regression would tie people and could not be
explained.

Platt, J. (1999), *Probabilistic outputs for support vector machines*, with its smoothed targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEAST_SLOPE = 1e-3
"""The slope where the calibration dates say that a higher margin means less risk: nearly flat, order kept.
Of margins that spread wider than 1, such as sums of pounds, it is the slope per spread."""


@dataclass(frozen=True)
class Platt:
    """slope > 0 and intercept; `held` says that the data asked for one still flatter."""

    slope: float
    intercept: float
    held: bool = False


def chance(log_odds: ArrayLike) -> np.ndarray:
    """1 / (1 + exp(-log_odds)), elementwise, without overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(log_odds, dtype=float)))


def fit_platt(margin: np.ndarray, y: np.ndarray) -> Platt:
    """Fit slope and intercept on margins (n,) and outcomes (n,) of 0 and 1.

    Raises ValueError where there is no outcome, or nothing else, to calibrate on.
    """
    positives = float(y.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        raise ValueError("calibration needs people with and without the outcome")
    smoothed = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    least = LEAST_SLOPE / max(1.0, float(np.std(margin)))
    slope, intercept = logistic_line(margin, smoothed)
    if slope >= least:
        return Platt(slope, intercept)
    _, intercept = logistic_line(np.zeros_like(margin), smoothed, offset=least * margin)
    return Platt(least, intercept, held=True)


def logistic_line(
    x: np.ndarray, y: np.ndarray, *, offset: np.ndarray | float = 0.0, rounds: int = 100
) -> tuple[float, float]:
    """Slope and intercept of a logistic regression of y (n,), in [0, 1], on one x (n,).

    Newton's method with halved steps on a standardised x; (nan, nan) where it does not settle, as
    when the two outcomes are separated. A constant x gets slope 0.
    """
    x = np.asarray(x, dtype=float)
    centre, spread = float(x.mean()), float(x.std())
    z = (x - centre) / spread if spread > 0 else np.zeros_like(x)
    base = float(np.clip(y.mean(), 1e-9, 1 - 1e-9))
    at = np.array([0.0, np.log(base / (1 - base)) - float(np.mean(offset))])

    def loss(b: np.ndarray) -> float:
        eta = b[0] * z + b[1] + offset
        return float(np.mean(np.logaddexp(0.0, eta) - y * eta))

    best = loss(at)
    for _ in range(rounds):
        p = chance(at[0] * z + at[1] + offset)
        gradient = np.array([np.mean((p - y) * z), np.mean(p - y)])
        if np.abs(gradient).max() < 1e-10:
            break
        w = p * (1 - p)
        cross = np.mean(w * z)
        curvature = np.array([[np.mean(w * z * z) + 1e-12, cross], [cross, np.mean(w) + 1e-12]])
        step, share = np.linalg.solve(curvature, gradient), 1.0
        while loss(at - share * step) > best and share > 1e-6:
            share /= 2
        at = at - share * step
        best = min(best, loss(at))
    else:
        return float("nan"), float("nan")
    slope = float(at[0]) / spread if spread > 0 else 0.0
    return slope, float(at[1]) - slope * centre
