"""What explaining everybody costs: ours for a whole county against LightGBM's `pred_contrib`.

    python -m benchmarks.contributions [--rows 400000]

One model as large as any that is likely to serve, 500 trees of 31 leaves on 350 features, fitted on a
made-up county. LightGBM is timed on 20,000 people, since it would take most of an hour for all, and
all of their contributions are compared. Both have two threads. `woodelf-explainer` is timed beside
them where it is installed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import lightgbm
import numpy as np

from models.contributions import compile_ahead, contributions, prepare

FITTED, BLOCK, THREADS = 100_000, 16_384, 2
SIGNALS, WINDOWS = 50, (30, 90, 180, 365, 730)
EVENTS = 7
"""Events of the last two years per person."""


@dataclass(frozen=True)
class Result:
    """One way to explain people. difference: the largest from LightGBM's, of the contributions of the
    people compared; apart: the largest between a person's contributions in all and their score."""

    what: str
    rows: int
    seconds: float
    difference: float
    apart: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def run(rows: int = 400_000, *, compared: int = 20_000, trees: int = 500, repeats: int = 1) -> list[Result]:
    """LightGBM on the people compared, ours on all rows, then others that are installed, on all rows.

    Seconds are the median of `repeats`. Raises ValueError if fewer people are asked for than compared.
    """
    if rows < compared:
        raise ValueError(f"{rows} people are too few to compare {compared}")
    X, y = county(rows)
    booster = fitted(X[:FITTED], y[:FITTED], trees=trees)
    few = X[:compared]
    theirs: list[np.ndarray] = []
    results: list[Result] = []

    def add(what: str, explain: Callable[[np.ndarray], np.ndarray], of: np.ndarray) -> None:
        timings = []
        for _ in range(repeats):
            started = time.perf_counter()
            found = explain(of)
            timings.append(time.perf_counter() - started)
        theirs.append(found)
        difference = float(np.abs(found - theirs[0]).max())
        margin = booster.predict(few, raw_score=True, num_threads=THREADS)
        apart = float(np.abs(found.sum(axis=1, dtype=float) - margin).max())
        results.append(Result(what, len(of), statistics.median(timings), difference, apart))

    def by_lightgbm(of: np.ndarray) -> np.ndarray:
        return booster.predict(of, pred_contrib=True, num_threads=THREADS)

    def by_quadrature(of: np.ndarray) -> np.ndarray:
        """Block by block as a candidate does it; the trees are made ready within the time."""
        ready, kept = prepare(booster), []
        for first in range(0, len(of), BLOCK):
            block = contributions(ready, of[first : first + BLOCK], threads=THREADS)
            kept += [block] if first < compared else []
        return np.concatenate(kept)[:compared]

    def by_woodelf(of: np.ndarray) -> np.ndarray:
        import pandas as pd
        from woodelf import WoodelfExplainer

        frame = pd.DataFrame(of, columns=booster.feature_name())
        found = WoodelfExplainer(booster).shap_values(frame, verbose=False)[:compared]
        return np.column_stack([found, theirs[0][:, -1]])

    compile_ahead()
    add("LightGBM pred_contrib", by_lightgbm, few)
    add("by quadrature", by_quadrature, X)
    if find_spec("woodelf"):
        add("woodelf-explainer", by_woodelf, X)
    return results


def county(rows: int, *, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """X (rows, 350) float32 and y: counts of 50 signals in five windows, days since the latest, the
    largest amount; few people have many events and most have few."""
    rng = np.random.default_rng(seed)
    weight = np.cumsum(rng.lognormal(0, 1.2, rows))
    person = np.searchsorted(weight, rng.random(rows * EVENTS) * weight[-1])
    cell = person * SIGNALS + rng.choice(SIGNALS, len(person), p=rng.dirichlet(np.full(SIGNALS, 2.0)))
    ago, amount = rng.random(len(cell)) * WINDOWS[-1], rng.lognormal(4, 1, len(cell))
    since, largest = np.full(rows * SIGNALS, np.inf), np.full(rows * SIGNALS, -np.inf)
    np.minimum.at(since, cell, ago)
    np.maximum.at(largest, cell, amount)
    counts = [np.bincount(cell[ago < window], minlength=rows * SIGNALS) for window in WINDOWS]
    X = np.stack([*counts, since, largest], axis=1, dtype=np.float32, casting="unsafe")
    X[np.isinf(X)] = np.nan
    X = X.reshape(rows, -1)
    grave = np.nan_to_num(X[:, 4::28]).sum(axis=1) + 30 / (30 + np.nan_to_num(X[:, 5::35], nan=1e9)).min(
        axis=1
    )
    chance = 1 / (1 + np.exp(3.5 - 0.6 * grave - 0.1 * X[:, 1::7].sum(axis=1)))
    return X, (rng.random(rows) < chance).astype(np.float32)


def fitted(X: np.ndarray, y: np.ndarray, *, trees: int) -> lightgbm.Booster:
    parameters = {"objective": "binary", "num_leaves": 31, "num_threads": THREADS, "verbosity": -1, "seed": 1}
    return lightgbm.train(parameters, lightgbm.Dataset(X, label=y), num_boost_round=trees)


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.contributions", description=__doc__)
    given.add_argument("--rows", type=int, default=400_000)
    given.add_argument("--repeats", type=int, default=1)
    asked = given.parse_args()
    results = run(asked.rows, repeats=asked.repeats)
    print(f"{'':<24}{'people':>9}{'seconds':>9}{'per second':>12}{'ratio':>7}{'difference':>12}{'apart':>10}")
    for r in results:
        ratio = r.rows_per_second / results[0].rows_per_second
        print(
            f"{r.what:<24}{r.rows:>9,}{r.seconds:>9.1f}{r.rows_per_second:>12,.0f}{ratio:>7.1f}"
            f"{r.difference:>12.1e}{r.apart:>10.1e}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.1f} GB, the county's {asked.rows * SIGNALS * 7 * 4 / 1e9:.1f} GB included")


if __name__ == "__main__":
    main()
