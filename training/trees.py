"""Gradient-boosted trees with LightGBM: binned date by date, settings chosen on earlier dates only.

The same rows, settings, seed and number of threads give the same booster, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.errors import UserMistake
from models.judge import auc
from models.scorer import TreeScorer
from models.spec_candidates import Direction, LightGBM, directions
from training.examples import Examples

SAMPLE = 20_000
"""Rows that LightGBM looks at to lay out its bins; it holds them in float64 while it does."""


@dataclass
class Fold:
    """Rows to fit on, and later ones to try on. The bins of the first are laid out once and kept, for all
    settings that are tried: a byte or less a number. So are the trees that were grown of each."""

    fit: Examples
    later: Examples
    _data: Any = None
    _grown: dict[str, tuple[int, Any]] = field(default_factory=dict)

    @property
    def can_be_judged(self) -> bool:
        """Whether there are people with the outcome and without, to learn from and to judge by."""
        return all(0 < each.y.sum() < len(each.y) for each in (self.fit, self.later))

    def data(self, setting: Setting, names: Sequence[str], *, threads: int, seed: int) -> Any:
        """The bins of its rows to fit on, which are few enough to be held as they are for a moment."""
        if self._data is None:
            from training.binned import dataset_of

            given, X = (
                _ours(setting, names, threads=threads, seed=seed),
                np.concatenate(list(self.fit.blocks)),
            )
            with _takes(setting):
                self._data = dataset_of(X, names, given, labels=self.fit.y)
        return self._data

    def grow(self, setting: Setting, names: Sequence[str], *, threads: int, seed: int) -> Any:
        """A booster of the setting that begins with its trees: the first are the same however many follow."""
        asked_for = repr((setting.parameters, setting.monotone))
        rounds, booster = self._grown.get(asked_for, (0, None))
        if rounds < setting.rounds:
            data = self.data(setting, names, threads=threads, seed=seed)
            booster = _train(data, setting, threads=threads, seed=seed)
            self._grown[asked_for] = setting.rounds, booster
        return booster


@dataclass(frozen=True)
class Setting:
    """Parameters, directions (see `LightGBM.monotone`) and a number of trees. auc: on the dates it was
    tried on, the mean of those of the folds; None and none where it could not be tried."""

    parameters: dict[str, Any]
    rounds: int
    auc: float | None = None
    auc_by_fold: tuple[float, ...] = ()
    monotone: dict[str, Direction] = field(default_factory=dict)


def choose(
    specification: LightGBM,
    names: Sequence[str],
    *,
    folds: Sequence[Fold],
    threads: int,
    seed: int,
) -> list[Setting]:
    """Every setting that the specification writes out, tried on earlier dates, the best first.

    The area under the curve decides, which settles with few outcomes where precision at the top does
    not. Without dates to try on, or outcomes on them, the first setting stands, untried.
    """
    given, usable = written(specification), [fold for fold in folds if fold.can_be_judged]
    if not usable:
        return [untried(specification)]
    by_fold = [
        try_out(given, names, fold, specification.rounds, threads=threads, seed=seed) for fold in usable
    ]
    return best_first(tried(given, specification.rounds, np.stack(by_fold)))


def written(specification: LightGBM) -> list[Setting]:
    """The settings that a specification writes out, with as many trees as it allows."""
    given, most = specification.parameters, max(specification.rounds)
    return [Setting(given | own, most, monotone=specification.monotone) for own in specification.settings]


def untried(specification: LightGBM) -> Setting:
    """What stands where nothing can be tried."""
    return replace(written(specification)[0], rounds=specification.rounds[-1])


def try_out(
    settings: Sequence[Setting],
    names: Sequence[str],
    fold: Fold,
    rounds: Sequence[int],
    *,
    threads: int,
    seed: int,
) -> np.ndarray:
    """(settings, numbers of trees): the area under the curve on the later rows of a fold.

    Each is grown once; the later rows are gone through once, and a tree is asked once of each.
    """
    grown = [fold.grow(setting, names, threads=threads, seed=seed) for setting in settings]
    found = [[_margins(booster, X, rounds, threads=threads) for booster in grown] for X in fold.later.blocks]
    margins = np.concatenate(found, axis=-1)
    return np.array([[auc(of_rounds, fold.later.y) for of_rounds in of_setting] for of_setting in margins])


def _margins(booster: Any, X: np.ndarray, rounds: Sequence[int], *, threads: int) -> np.ndarray:
    """(numbers of trees, n): the margins of the first so many trees of a booster."""
    found, margin, before = {}, np.zeros(len(X)), 0
    for trees in sorted(set(rounds)):
        margin = margin + booster.predict(
            X, raw_score=True, start_iteration=before, num_iteration=trees - before, num_threads=threads
        )
        found[trees], before = margin, trees
    return np.stack([found[trees] for trees in rounds])


def tried(settings: Sequence[Setting], rounds: Sequence[int], by_fold: np.ndarray) -> list[Setting]:
    """Every setting with every number of trees. by_fold: (folds, settings, numbers of trees) areas."""
    return [
        replace(
            setting,
            rounds=trees,
            auc=float(by_fold[:, i, j].mean()),
            auc_by_fold=tuple(by_fold[:, i, j].tolist()),
        )
        for i, setting in enumerate(settings)
        for j, trees in enumerate(rounds)
    ]


def best_first(settings: Sequence[Setting]) -> list[Setting]:
    """By their area under the curve; equals as they come."""
    return sorted(settings, key=lambda setting: -(setting.auc or 0.0))


def chosen_before(tried: Sequence[Setting], fold: int, *, otherwise: Setting) -> Setting:
    """The best setting as the folds before a fold have it, counted from 0; on the first, `otherwise`.

    So no candidate is shown on a fold with settings that were chosen on it, or on a later one. Equals are
    told apart by what they are, since the order they come in is that of all folds.
    """
    if not fold:
        return otherwise
    return min(tried, key=lambda s: (-sum(s.auc_by_fold[:fold]), s.rounds, str(s.parameters)))


def fit_trees(
    setting: Setting, names: Sequence[str], training: Examples | Fold, *, threads: int, seed: int
) -> TreeScorer:
    """Fit the trees of a setting on labelled rows; of a fold, on those to fit on."""
    if isinstance(training, Fold):
        grown = training.grow(setting, names, threads=threads, seed=seed)
        return TreeScorer(grown.model_to_string(num_iteration=setting.rounds))
    data = bins(setting, names, training, threads=threads, seed=seed)
    return TreeScorer(_train(data, setting, threads=threads, seed=seed).model_to_string())


def bins(setting: Setting, names: Sequence[str], examples: Examples, *, threads: int, seed: int) -> Any:
    """The rows in their bins, for every setting that differs in neither bins nor directions."""
    from training.binned import dataset

    given = _ours(setting, names, threads=threads, seed=seed)
    with _takes(setting):
        return dataset(examples.blocks, names, given, labels=examples.y)


def _train(data: Any, setting: Setting, *, threads: int, seed: int) -> Any:
    import lightgbm

    given = _ours(setting, data.get_feature_name(), threads=threads, seed=seed)
    with _takes(setting):
        return lightgbm.train(given, data, num_boost_round=setting.rounds)


@contextmanager
def _takes(setting: Setting) -> Iterator[None]:
    """Raises UserMistake where LightGBM does not take the parameters of a setting."""
    import lightgbm

    try:
        yield
    except lightgbm.basic.LightGBMError as error:
        raise UserMistake(
            "LightGBM cannot be fitted with these parameters.",
            problems=[f"{setting.parameters}: {' '.join(str(error).split())}"],
        ) from None


def _ours(setting: Setting, names: Sequence[str], *, threads: int, seed: int) -> dict[str, Any]:
    """A setting with what the same fit needs to give the same bytes."""
    held = {"monotone_constraints": directions(setting.monotone, names)} if setting.monotone else {}
    return {
        **setting.parameters,
        **held,
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
