"""Binning block by block: the trees are those of the same rows in one array, and the rows are never held."""

import tracemalloc
import weakref
from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import chance
from training import binned
from training.binned import dataset, dataset_of

NAMES = [f"f{j}" for j in range(8)]
PARAMETERS = {
    "objective": "binary",
    "seed": 5,
    "data_random_seed": 5,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "verbosity": -1,
    "feature_pre_filter": False,
    "max_bin": 31,
    "min_data_in_leaf": 5,
    "bin_construct_sample_cnt": 400,
}


def rows(n: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """X (n, 8) float32: counts, amounts that may be missing, and a column that never changes; y (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(0.4, (n, len(NAMES))).astype(np.float32)
    X[:, 2:5] = np.where(rng.random((n, 3)) < 0.6, np.nan, rng.normal(40, 15, (n, 3)))
    X[:, 7] = 3
    log_odds = X[:, 0] - 1 + 0.03 * np.nan_to_num(X[:, 3])
    return X, (rng.random(n) < chance(log_odds)).astype(float)


X, Y = rows(1500)


def text(data: lightgbm.Dataset, **setting: Any) -> str:
    return lightgbm.train(PARAMETERS | setting, data, num_boost_round=8).model_to_string()


DENSE = text(lightgbm.Dataset(X, label=Y, feature_name=NAMES, params=dict(PARAMETERS)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(X)), max_size=6), st.sampled_from([64, 1000, binned.BATCH]))
def test_however_the_rows_are_cut_the_trees_are_those_of_one_array(cuts: list[int], batch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binned._Rows, "batch_size", batch)
        assert text(dataset(np.split(X, sorted(cuts)), NAMES, PARAMETERS, labels=Y)) == DENSE


def test_rows_of_one_array_are_in_the_same_bins() -> None:
    assert text(dataset_of(X.copy(), NAMES, PARAMETERS, labels=Y)) == DENSE


def test_the_sample_is_one_of_all_rows() -> None:
    """Other rows are looked at with another seed: the test above would not see a sample of the first."""
    other = PARAMETERS | {"data_random_seed": 6}
    dense = lightgbm.train(other, lightgbm.Dataset(X, label=Y, feature_name=NAMES, params=dict(other)), 8)
    ours = lightgbm.train(other, dataset(np.split(X, [700]), NAMES, other, labels=Y), 8)
    assert ours.model_to_string() == dense.model_to_string()
    assert ours.model_to_string().split("parameters:")[0] != DENSE.split("parameters:")[0]


class Made:
    """Blocks that are made while somebody goes through them, and watched."""

    def __init__(self, count: int, size: int, width: int) -> None:
        self.count, self.size, self.width = count, size, width
        self.went_through, self.made, self.most = 0, 0, 0
        self.alive: weakref.WeakSet[Block] = weakref.WeakSet()

    def __iter__(self) -> Iterator[np.ndarray]:
        self.went_through += 1
        for at in range(self.count):
            rng = np.random.default_rng(at)
            block = rng.poisson(0.3, (self.size, self.width)).astype(np.float32).view(Block)
            self.alive.add(block)
            self.made, self.most = self.made + 1, max(self.most, len(self.alive))
            yield block
            del block


class Block(np.ndarray):
    """An array that can be watched, and found by what it is rather than by what is in it."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__  # type: ignore[assignment]


def test_blocks_are_gone_through_twice_and_hardly_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binned._Rows, "batch_size", 256)  # reaches over the end of one block, not of two
    blocks = Made(count=12, size=300, width=8)
    y = np.arange(12 * 300) % 2.0
    data = dataset(blocks, NAMES, PARAMETERS, labels=y)
    assert blocks.went_through == 2
    assert blocks.made <= 24
    assert blocks.most <= 2
    assert not blocks.alive
    assert data.num_data() == len(y)
    np.testing.assert_array_equal(data.get_label(), y)


def test_a_single_block_is_made_once() -> None:
    blocks = Made(count=1, size=900, width=8)
    dataset(blocks, NAMES, PARAMETERS, labels=np.arange(900) % 2.0)
    assert blocks.made == 1


def most_held(dates: int) -> int:
    """Bytes held at the worst moment of binning so many dates of 2,000 rows of 60 numbers; LightGBM's
    own, which are the bins, are not among them."""
    names = [f"f{j}" for j in range(60)]
    tracemalloc.start()
    dataset(Made(dates, 2000, 60), names, PARAMETERS, labels=np.arange(dates * 2000) % 2.0)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def test_memory_does_not_grow_with_the_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binned._Rows, "batch_size", 1024)
    few, many = most_held(3), most_held(30)
    dense, labels = 27 * 2000 * 60 * 4, 27 * 2000 * 8
    print(
        f"\nbinning 3 dates holds {few / 1e6:.1f} MB, 30 dates {many / 1e6:.1f}; their rows {dense / 1e6:.0f}"
    )
    assert many - few < 4 * labels < dense / 5


def test_lightgbm_prints_nothing_of_it(capfd: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    """Of more than 100,000 rows it would warn that few are looked at, and say when it saves."""
    lightgbm.Dataset(X, label=Y, params={"verbosity": 1}).construct()  # as LightGBM is at first
    many = [X[:, :2]] * 80
    dataset(many, NAMES[:2], PARAMETERS, labels=np.tile(Y, 80)).save_binary(tmp_path / "bins")
    assert capfd.readouterr() == ("", "")


def test_settings_share_the_bins() -> None:
    data = dataset([X], NAMES, PARAMETERS, labels=Y)
    for setting in ({"num_leaves": 4, "min_data_in_leaf": 20}, {"num_leaves": 15, "lambda_l2": 3.0}):
        own = dataset([X], NAMES, PARAMETERS | setting, labels=Y)
        assert text(data, **setting) == text(own, **setting)


def test_bins_can_be_kept_in_a_file(tmp_path: Any) -> None:
    dataset(np.split(X, 5), NAMES, PARAMETERS, labels=Y).save_binary(tmp_path / "bins")
    assert text(lightgbm.Dataset(tmp_path / "bins", params=dict(PARAMETERS))) == DENSE


@pytest.mark.parametrize("labels", [299, 301, 700])
def test_as_many_rows_as_labels(labels: int) -> None:
    with pytest.raises(ValueError, match=f"the labels are {labels}"):
        dataset([X[:200], X[200:300]], NAMES, PARAMETERS, labels=np.arange(labels) % 2.0)


def test_what_can_only_be_gone_through_once_is_refused() -> None:
    with pytest.raises(ValueError, match="blocks hold 0 rows, the labels are 300"):
        dataset(iter([X[:200], X[200:300]]), NAMES, PARAMETERS, labels=Y[:300])
