"""Gradient-boosted trees with LightGBM: binned date by date, settings chosen on earlier dates only.

The same rows, settings, seed and number of threads give the same booster, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.judge import auc
from models.scorer import TreeScorer
from models.spec import LightGBM
from training.examples import Examples

SAMPLE = 20_000
"""Rows that LightGBM looks at to lay out its bins; it holds them in float64 while it does."""


@dataclass(frozen=True)
class Setting:
    """Parameters and a number of trees; `auc` on the validation dates, None if there were none."""

    parameters: dict[str, Any]
    rounds: int
    auc: float | None = None


def choose(
    specification: LightGBM,
    names: Sequence[str],
    *,
    fit: Examples,
    validate: Examples,
    threads: int,
    seed: int,
) -> list[Setting]:
    """Every setting tried on earlier training dates, the best first.

    The area under the curve decides, which settles with few outcomes where precision at the top does
    not. Without dates to try on, or outcomes on them, the first setting stands, untried.
    """
    given = specification.parameters
    if not 0 < validate.y.sum() < len(validate.y) or not fit.y.any():
        return [Setting(given | specification.settings[0], specification.rounds[-1])]
    data, most = _dataset(names, fit, given, threads=threads, seed=seed), max(specification.rounds)
    grown = [_train(data, given | s, most, threads=threads, seed=seed) for s in specification.settings]
    del data
    tries = [(s, rounds) for s in range(len(grown)) for rounds in specification.rounds]
    margins: list[list[np.ndarray]] = [[] for _ in tries]
    for X in validate.blocks:
        for (s, rounds), found in zip(tries, margins, strict=True):
            found.append(grown[s].predict(X, raw_score=True, num_iteration=rounds, num_threads=threads))
    tried = [
        Setting(given | specification.settings[s], rounds, auc(np.concatenate(found), validate.y))
        for (s, rounds), found in zip(tries, margins, strict=True)
    ]
    return sorted(tried, key=lambda setting: -(setting.auc or 0.0))


def fit_trees(
    setting: Setting, names: Sequence[str], training: Examples, *, threads: int, seed: int
) -> TreeScorer:
    """Fit the trees of a setting on the labelled rows of all training dates."""
    data = _dataset(names, training, setting.parameters, threads=threads, seed=seed)
    booster = _train(data, setting.parameters, setting.rounds, threads=threads, seed=seed)
    return TreeScorer(booster.model_to_string())


def _dataset(
    names: Sequence[str], examples: Examples, parameters: dict[str, Any], *, threads: int, seed: int
) -> Any:
    from training.binned import dataset

    given = _ours(parameters, threads=threads, seed=seed)
    return dataset(examples.blocks, names, given, labels=examples.y)


def _train(data: Any, parameters: dict[str, Any], rounds: int, *, threads: int, seed: int) -> Any:
    import lightgbm

    return lightgbm.train(_ours(parameters, threads=threads, seed=seed), data, num_boost_round=rounds)


def _ours(parameters: dict[str, Any], *, threads: int, seed: int) -> dict[str, Any]:
    """A setting with what the same fit needs to give the same bytes."""
    return {
        **parameters,
        "objective": "binary",
        "seed": seed,
        "data_random_seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
        "feature_pre_filter": False,
        "bin_construct_sample_cnt": SAMPLE,
    }
