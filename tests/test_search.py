"""Settings are searched for: a search that was stopped, or killed, proposes what an undisturbed one would."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sqlalchemy import Engine, event

from features.errors import UserMistake
from models.calibration import chance
from models.judge import auc
from models.spec_candidates import LightGBM, directions
from training.examples import Examples
from training.search import search
from training.trees import Fold, Setting, choose, chosen_before, fit_trees, try_out, written

NAMES = ("calls", "visits", "days_since", "never")
FORK = multiprocessing.get_context("fork")
TRIALS = 12
"""More than the 10 that Optuna draws at random before it learns from those that are done."""

SPECIFICATION = LightGBM.model_validate(
    {
        "parameters": {"min_data_in_leaf": 5, "max_bin": 31, "learning_rate": 0.2},
        "settings": [{"num_leaves": 3}, {"num_leaves": 4}],
        "rounds": [3, 6],
        "search": {
            "trials": TRIALS,
            "space": {
                "num_leaves": {"low": 2, "high": 15, "log": True},
                "lambda_l2": {"low": 0.0, "high": 20.0},
                "extra_trees": {"choices": [True, False]},
            },
        },
    }
)


class Held(list[np.ndarray]):
    """Blocks in memory."""

    def columns(self, names: Sequence[str]) -> "Held":
        return Held(X[:, [NAMES.index(name) for name in names]] for X in self)


def examples(n: int, *, seed: int) -> Examples:
    """n people whose chance rises with calls up to four, falls from there, and falls with days since."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(2.0, (n, len(NAMES))).astype(np.float32)
    X[:, 2] = np.where(rng.random(n) < 0.3, np.nan, rng.integers(1, 90, n))
    X[:, 3] = 7
    log_odds = -1.5 + 0.7 * (2 - np.abs(X[:, 0] - 4)) - 0.02 * np.nan_to_num(X[:, 2], nan=90)
    return Examples(Held(np.array_split(X, 3)), (rng.random(n) < chance(log_odds)).astype(float))


def table(given: Examples) -> np.ndarray:
    return np.concatenate(list(given.blocks))


def without_outcome(given: Examples) -> Examples:
    return Examples(given.blocks, np.zeros(len(given.y)))


FOLDS = [(examples(400, seed=1), examples(300, seed=2)), (examples(700, seed=3), examples(300, seed=4))]
UNUSABLE = [
    (without_outcome(examples(50, seed=5)), examples(50, seed=6)),
    (examples(50, seed=5), without_outcome(examples(50, seed=6))),
]
"""Nobody to learn from, nobody to judge by."""


Pairs = Sequence[tuple[Examples, Examples]]


def folded(pairs: Pairs = FOLDS) -> list[Fold]:
    """Folds whose bins nobody has laid out yet."""
    return [Fold(fit, later) for fit, later in pairs]


def searched(storage: Path, *, folds: Pairs = FOLDS, **given: Any) -> list[Setting]:
    return search(SPECIFICATION, NAMES, folded(folds), storage=storage, threads=1, **{"seed": 5, **given})


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


def stopping_at(number: int, stop: Callable[[], None]) -> Callable[[str], None]:
    def tell(sentence: str) -> None:
        if sentence.startswith(f"trying setting {number} of"):
            stop()

    return tell


def stop() -> None:
    raise Stopped


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def counted(storage: Path) -> dict[str, int]:
    """How many trials the file holds, by what became of them."""
    with sqlite3.connect(storage) as file:
        return dict(file.execute("SELECT state, count(*) FROM trials GROUP BY state").fetchall())


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed") / "search.db"


@pytest.fixture(scope="module")
def undisturbed(storage: Path) -> list[Setting]:
    return searched(storage)


def test_written_and_proposed_settings_are_tried_with_every_number_of_trees(
    undisturbed: list[Setting],
) -> None:
    assert len(undisturbed) == (2 + TRIALS) * 2
    areas = [setting.auc for setting in undisturbed]
    assert areas == sorted(areas, key=lambda area: -(area or 0))
    assert sum("lambda_l2" not in setting.parameters for setting in undisturbed) == 2 * 2
    for setting in undisturbed:
        leaves = setting.parameters["num_leaves"]
        assert isinstance(leaves, int) and 2 <= leaves <= 15
        assert setting.parameters["min_data_in_leaf"] == 5
        assert setting.auc == np.mean(setting.auc_by_fold) and len(setting.auc_by_fold) == len(FOLDS)


def test_a_setting_is_as_good_as_its_own_trees_are_on_every_fold(undisturbed: list[Setting]) -> None:
    for setting in (undisturbed[0], undisturbed[-1]):
        for (fit, later), area in zip(FOLDS, setting.auc_by_fold, strict=True):
            scorer = fit_trees(setting, NAMES, fit, threads=1, seed=5)
            assert area == pytest.approx(auc(scorer.margin(table(later)), later.y), abs=1e-12)


def in_a_process_that_is_killed(storage: Path, known: list[Setting]) -> int:
    """How one ended that was killed at its second trial. It is told what trees are worth and grows none: it
    is forked, since to load all that grows them takes longer than the rest of this file."""
    areas = {(str(s.parameters), s.rounds): s.auc_by_fold for s in known}

    def as_known(
        settings: Sequence[Setting], names: Any, fold: Fold, rounds: Sequence[int], **given: Any
    ) -> np.ndarray:
        at = next(i for i, (fit, _) in enumerate(FOLDS) if fit is fold.fit)
        return np.array([[areas[str(s.parameters), trees][at] for trees in rounds] for s in settings])

    def search_until_killed() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.search.try_out", as_known)
            searched(storage, tell=stopping_at(2, kill))

    process = FORK.Process(target=search_until_killed)
    process.start()
    process.join(60)
    return process.exitcode or 0


def full(connection: Any, cursor: Any, statement: str, *given: Any) -> None:
    """SQLite's words for a disk without room, where a trial is to be told its worth."""
    if statement.startswith("INSERT INTO trial_values"):
        raise sqlite3.OperationalError("database or disk is full")


def test_killed_without_room_and_stopped_a_search_finds_what_an_undisturbed_one_would(
    undisturbed: list[Setting], tmp_path: Path
) -> None:
    storage = tmp_path / "search.db"
    assert in_a_process_that_is_killed(storage, undisturbed) == -signal.SIGKILL
    assert counted(storage) == {"COMPLETE": 1, "RUNNING": 1}
    event.listen(Engine, "before_cursor_execute", full)
    try:
        with pytest.raises(UserMistake, match="disk is full"):
            searched(storage)
    finally:
        event.remove(Engine, "before_cursor_execute", full)
    with pytest.raises(Stopped):
        searched(storage, tell=stopping_at(TRIALS - 1, stop))
    assert counted(storage) == {"COMPLETE": TRIALS - 2, "RUNNING": 1, "FAIL": 2}
    assert searched(storage) == undisturbed
    assert counted(storage) == {"COMPLETE": TRIALS, "FAIL": 3}


def test_fewer_trials_than_are_kept_are_the_first_of_them(
    undisturbed: list[Setting], storage: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    few = searched(storage, trials=2, tell=told.append)
    assert told == ["trying the settings written out"]
    assert len(few) == (2 + 2) * 2
    assert searched(tmp_path / "search.db", trials=2) == few


def test_a_trial_is_worth_its_mean_over_folds_at_its_best_number_of_trees(
    undisturbed: list[Setting], storage: Path
) -> None:
    best: dict[float, float] = {}  # trials are told apart by their ridge
    for setting in undisturbed:
        if ridge := setting.parameters.get("lambda_l2"):
            best[ridge] = max(best.get(ridge, 0.0), setting.auc or 0.0)
    with sqlite3.connect(storage) as file:
        assert sorted(best.values()) == sorted(v for (v,) in file.execute("SELECT value FROM trial_values"))


def test_other_rows_another_seed_or_another_space_begin_another_search(tmp_path: Path) -> None:
    storage = tmp_path / "search.db"
    searched(storage, trials=1, folds=FOLDS[:1])
    searched(storage, trials=1, folds=[(FOLDS[0][0], FOLDS[1][1])])
    searched(storage, trials=1, folds=FOLDS[:1], seed=6)
    space = {"num_leaves": {"low": 2, "high": 9}}
    other = LightGBM.model_validate(SPECIFICATION.model_dump() | {"search": {"trials": 1, "space": space}})
    search(other, NAMES, folded(FOLDS[:1]), storage=storage, threads=1, seed=5)
    with sqlite3.connect(storage) as file:
        assert file.execute("SELECT count(*) FROM studies").fetchone() == (4,)
    told: list[str] = []
    in_one = [(Examples(Held([table(fit)]), fit.y), later) for fit, later in FOLDS[:1]]
    searched(storage, trials=1, folds=in_one, tell=told.append)
    assert told == ["trying the settings written out"], "however the rows are cut, they are the same"


def test_without_a_space_the_usual_one_is_searched(tmp_path: Path) -> None:
    plain = LightGBM(settings=[{"num_leaves": 3}], rounds=[2])
    found = search(plain, NAMES, folded(), storage=tmp_path / "s.db", trials=2, threads=1, seed=5)
    proposed = [setting for setting in found if len(setting.parameters) > 1]
    assert len(proposed) == 2
    assert all(50 <= setting.parameters["min_data_in_leaf"] <= 400 for setting in proposed)


def test_folds_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    whole = choose(SPECIFICATION, NAMES, folds=folded([*UNUSABLE, *FOLDS]), threads=1, seed=5)
    assert whole == choose(SPECIFICATION, NAMES, folds=folded(), threads=1, seed=5)
    (untried,) = choose(SPECIFICATION, NAMES, folds=folded(UNUSABLE), threads=1, seed=5)
    assert untried.auc is None and untried.rounds == 6 and untried.parameters["num_leaves"] == 3
    assert searched(tmp_path / "search.db", folds=UNUSABLE) == [untried]
    assert not (tmp_path / "search.db").exists()


def test_bins_are_laid_out_once_a_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training import binned

    laid_out: list[int] = []
    real = binned.dataset_of

    def watched(*given: Any, **named: Any) -> Any:
        laid_out.append(1)
        return real(*given, **named)

    monkeypatch.setattr(binned, "dataset_of", watched)
    searched(tmp_path / "search.db", trials=3)
    assert len(laid_out) == len(FOLDS)


@pytest.mark.parametrize("rounds", [[2, 5, 9], [9, 2, 2], [40]])
def test_a_number_of_trees_is_tried_as_if_no_more_had_been_grown(rounds: list[int]) -> None:
    fold, specification = (
        Fold(*FOLDS[0]),
        LightGBM(settings=[{"num_leaves": 3}, {"num_leaves": 5}], rounds=rounds),
    )
    found = try_out(written(specification), NAMES, fold, rounds, threads=1, seed=5)
    for setting, areas in zip(written(specification), found, strict=True):
        for trees, area in zip(rounds, areas, strict=True):
            grown = fit_trees(replace(setting, rounds=trees), NAMES, fold.fit, threads=1, seed=5)
            margins = np.concatenate([grown.margin(X) for X in fold.later.blocks])
            assert area == pytest.approx(auc(margins, fold.later.y), abs=1e-9)
            again = fit_trees(replace(setting, rounds=trees), NAMES, fold, threads=1, seed=5)
            kept = np.concatenate([again.margin(X) for X in fold.later.blocks])
            np.testing.assert_array_equal(kept, margins)


def test_what_lightgbm_does_not_take_is_told(tmp_path: Path) -> None:
    wrong = LightGBM(settings=[{"num_leaves": 1}], rounds=[2])
    with pytest.raises(UserMistake, match=r"'num_leaves': 1.*num_leaves"):
        choose(wrong, NAMES, folds=folded(), threads=1, seed=5)


def test_a_file_that_cannot_keep_trials_is_told(tmp_path: Path) -> None:
    (tmp_path / "rubbish.db").write_text("no database at all, but a long enough text " * 40)
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "file").write_text("")
    for name, said in (
        ("rubbish.db", "not a database"),
        ("folder.db", "unable to open"),
        ("file/s.db", "File exists|Not a directory"),
    ):
        with pytest.raises(UserMistake, match=rf"cannot keep its trials in .*{name}\.(\n|.)*{said}"):
            searched(tmp_path / name, trials=1, folds=FOLDS[:1])


@given(areas=arrays(float, (5, 4), elements=st.integers(0, 4).map(float)))
def test_a_fold_is_shown_with_what_the_folds_before_it_chose(areas: np.ndarray) -> None:
    """And with nothing that it, or a later one, says of the settings."""
    settings = [Setting({"lambda_l2": i}, 10 - i, None, tuple(of)) for i, of in enumerate(areas.tolist())]
    first = Setting({}, 1)
    assert chosen_before(settings, 0, otherwise=first) is first
    for fold in (1, 2, 3):
        chosen = chosen_before(settings, fold, otherwise=first)
        before = {setting.rounds: np.mean(setting.auc_by_fold[:fold]) for setting in settings}
        assert before[chosen.rounds] == max(before.values())
        other = [replace(s, auc_by_fold=(*s.auc_by_fold[:fold], 4 - s.rounds, 0)) for s in settings[::-1]]
        assert chosen_before(other, fold, otherwise=first).rounds == chosen.rounds


# --- directions ------------------------------------------------------------------------------------


def held_to(monotone: dict[str, Any], names: Sequence[str] = NAMES) -> Setting:
    given = LightGBM(
        settings=[{"num_leaves": 12, "learning_rate": 0.3, "min_data_in_leaf": 5}],
        rounds=[40],
        monotone=monotone,
    )
    (setting,) = choose(given, names, folds=[], threads=1, seed=5)
    return setting


def along(setting: Setting, name: str) -> Iterator[np.ndarray]:
    """What the trees say of people who differ in one column alone, from least to most of it."""
    training = FOLDS[1][0]
    scorer = fit_trees(setting, NAMES, training, threads=1, seed=5)
    place, values = NAMES.index(name), np.unique(table(training)[:, NAMES.index(name)])
    for row in table(training)[:40]:
        rows = np.tile(row, (len(values[~np.isnan(values)]), 1))
        rows[:, place] = values[~np.isnan(values)]
        yield scorer.margin(rows)


def test_trees_keep_to_their_directions() -> None:
    free, bound = held_to({}), held_to({"c*": "increasing", "days_since": "decreasing"})
    for name, sign in (("calls", 1), ("days_since", -1)):
        assert any((sign * np.diff(margins) < 0).any() for margins in along(free, name))
        assert all((sign * np.diff(margins) >= 0).all() for margins in along(bound, name))
        assert any((sign * np.diff(margins) > 0).any() for margins in along(bound, name))


def test_directions_follow_the_models_own_order() -> None:
    monotone: dict[str, Any] = {"days_*": "decreasing", "calls": "increasing"}
    assert directions(monotone, NAMES) == [1, 0, -1, 0]
    assert directions(monotone, NAMES[::-1]) == [0, -1, 0, 1]


def test_settings_that_are_chosen_and_searched_for_keep_to_them_too(tmp_path: Path) -> None:
    monotone: dict[str, Any] = {"calls": "decreasing"}
    bound = SPECIFICATION.model_copy(update={"monotone": monotone})
    found = search(bound, NAMES, folded(), storage=tmp_path / "s.db", trials=2, threads=1, seed=5)
    assert all(setting.monotone == monotone for setting in found)
    free = choose(SPECIFICATION, NAMES, folds=folded(), threads=1, seed=5)[0]
    tried = choose(bound, NAMES, folds=folded(), threads=1, seed=5)[0]
    assert (tried.auc or 0) < (free.auc or 0) - 0.03
