"""Settings of the trees, searched for with Optuna: a search that was stopped goes on where it was.

Every trial has a sampler of its own, whose seed is a hash of the search's seed and of how many trials
are done. What it proposes depends on these and on the trials before, all of which are kept in a file:
a search taken up again proposes what an undisturbed one would have. What is asked, rows and all, has a
hash, which names the study: other rows or another space begin another search.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.errors import UserMistake
from features.progress import Tell, quiet
from models.spec_candidates import LightGBM, Search, Space
from training.trees import Fold, Setting, best_first, tried, try_out, untried, written

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

AREAS = "areas"
"""What a trial keeps: its area under the curve, by fold and number of trees."""


def search(
    specification: LightGBM,
    names: Sequence[str],
    folds: Sequence[Fold],
    *,
    storage: Path,
    trials: int | None = None,
    threads: int,
    seed: int,
    tell: Tell = quiet,
) -> list[Setting]:
    """The settings written out and those that a search proposes, tried on every fold, the best first.

    trials: how many are proposed; default, as many as the specification says. storage: the file, made if
    need be, in which they are kept; one process at a time. A setting is as good as the mean over folds
    of its area under the curve, at its best number of trees. Without folds to try on the first setting
    stands, untried.

    The earlier rows of every fold are held in their bins, a byte or less a number; the later ones are
    gone through once a trial. Raises UserMistake where LightGBM does not take what was proposed, and
    where the file cannot be read or written.
    """
    usable, rounds = [fold for fold in folds if fold.can_be_judged], specification.rounds
    if not usable:
        return [untried(specification)]
    asked = specification.search or Search(trials=trials or 1)
    count, given = trials or asked.trials, written(specification)

    def areas_of(settings: Sequence[Setting]) -> np.ndarray:
        """(folds, settings, numbers of trees)."""
        return np.stack(
            [try_out(settings, names, fold, rounds, threads=threads, seed=seed) for fold in usable]
        )

    def proposed(parameters: Mapping[str, float | int | bool]) -> Setting:
        own = {name: parameters[name] for name in asked.space}
        return replace(given[0], parameters=specification.parameters | own)

    tell("trying the settings written out")
    found = tried(given, rounds, areas_of(given))
    question = _question(specification, asked, names, usable, threads=threads, seed=seed)
    with _kept_in(storage):
        study = _study(storage, question)
        done = _done(study)[:count]
        for kept in done:
            found += tried([proposed(kept.params)], rounds, np.array(kept.user_attrs[AREAS]))
        for number in range(len(done), count):
            study.sampler = _sampler(seed, number)
            trial = study.ask(_distributions(asked.space))
            tell(f"trying setting {number + 1} of {count} that the search proposes")
            areas = areas_of([proposed(trial.params)])
            trial.set_user_attr(AREAS, areas.tolist())
            study.tell(trial, float(areas.mean(axis=0).max()))
            found += tried([proposed(trial.params)], rounds, areas)
    return best_first(found)


@contextmanager
def _kept_in(storage: Path) -> Iterator[None]:
    """What goes wrong with the file of trials as a sentence."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OSError, SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        raise UserMistake(
            f"The search cannot keep its trials in {storage}.",
            problems=[
                str(getattr(cause, "orig", cause)).splitlines()[0],
                "what is done is kept; make room, or take the file away to begin anew",
            ],
        ) from None


def _study(storage: Path, question: str) -> Study:
    """The study of a question; trials that were going on when a search was stopped have failed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{storage}", study_name=question, direction="maximize", load_if_exists=True
    )
    unfinished = (optuna.trial.TrialState.RUNNING, optuna.trial.TrialState.WAITING)
    for trial in study.get_trials(states=unfinished):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _done(study: Study) -> list:
    import optuna

    return study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))


def _sampler(seed: int, number: int):  # type: ignore[no-untyped-def]
    """Parzen estimators, as Optuna has them by default, with the seed of one trial."""
    import optuna

    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    return optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"))


def _distributions(space: Mapping[str, Space]) -> dict[str, BaseDistribution]:
    return {name: _distribution(where) for name, where in space.items()}


def _distribution(where: Space) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if where.choices is not None:
        return CategoricalDistribution(where.choices)
    low, high = where.low, where.high
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=where.log)
    if low is None or high is None:
        raise ValueError("neither choices nor low and high")
    return FloatDistribution(low, high, log=where.log)


def _question(
    specification: LightGBM,
    asked: Search,
    names: Sequence[str],
    folds: Sequence[Fold],
    *,
    threads: int,
    seed: int,
) -> str:
    """A hash of all that the areas under the curve follow from, the rows included."""
    whole = hashlib.sha256()
    given = {
        "parameters": specification.parameters,
        "rounds": specification.rounds,
        "monotone": specification.monotone,
        "space": {name: where.model_dump() for name, where in asked.space.items()},
        "names": list(names),
        "threads": threads,
        "seed": seed,
        "made_by": {package: version(package) for package in ("lightgbm", "optuna")},
    }
    whole.update(json.dumps(given).encode())
    for fold in folds:
        for examples in (fold.fit, fold.later):
            for X in examples.blocks:
                whole.update(X.astype(np.float32).tobytes())
            whole.update(examples.y.astype(float).tobytes())
    return whole.hexdigest()
