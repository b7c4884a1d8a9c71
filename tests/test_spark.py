"""Spark gives the panel and the scores of one machine to the last bit, or says what it lacks."""

from __future__ import annotations

import shutil
from datetime import date, time, timedelta
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from features import shards as shards_module
from features import spark_session as session_module
from features.errors import UserMistake
from features.panel import Panel, read_panel, store_panels
from features.panel_files import panel_files
from features.shards import shards_of
from features.spark import store_panels_with_spark
from features.spark_session import NO_JAVA, NO_PYSPARK, missing_for_spark, spark_session
from models.calibration import Platt
from models.candidate import Candidate
from models.score_with_spark import score_with_spark
from models.scorer import LinearScorer, Scorer, Term, TreeScorer
from tests.town import Town

AS_OF, EARLIER = date(2026, 3, 1), date(2025, 12, 8)
PEOPLE = 300


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """300 people with what may happen to them, in four shards."""
    monkeypatch.setattr(shards_module, "_enough", lambda events: 4)
    town, random = Town(tmp_path / "a town"), np.random.default_rng(5)
    people = [f"p{at:03}" for at in range(PEOPLE)]
    town.person(*people)

    def some_day() -> date:
        return AS_OF - timedelta(days=int(random.integers(1, 900)))

    for at, who in enumerate(people):
        home = f"U{at // 3}"
        town.lives(who, home, "1 Jan 2018")
        town.registered("schools", who, "1 Sep 2020")
        for _ in range(random.poisson(6)):
            on = some_day()
            known = on + timedelta(days=int(random.integers(1, 60)))
            hour = time(int(random.integers(24))) if random.random() < 0.5 else None
            town.event(who, random.choice(["police.incident", "schools.absence"]), on, known=known, at=hour)
        if random.random() < 0.3:
            town.event(who, "missing.episode", some_day())
        if random.random() < 0.3:
            town.registered("rents", None, "1 Jan 2018", place=home)
            amount = round(float(random.lognormal(5)), 2)
            town.event(None, "rents.arrears_letter", some_day(), place=home, amount=amount)
    return town


def candidate(panel: Panel, town: Town, scorer: Scorer) -> Candidate:
    return Candidate("", "any", None, town.catalogue, None, scorer, Platt(0.83, -0.4), {})  # type: ignore[arg-type]


def trees(panel: Panel) -> TreeScorer:
    """Ten trees on labels at random; the model knows the columns by name, in an order of its own."""
    order = np.random.default_rng(1).permutation(len(panel.names))
    labels = np.random.default_rng(2).random(len(panel.X)) < 0.3
    data = lightgbm.Dataset(panel.X[:, order], labels, feature_name=[panel.names[at] for at in order])
    return TreeScorer(lightgbm.train({"verbose": -1, "objective": "binary"}, data, 10).model_to_string())


def sums(panel: Panel) -> LinearScorer:
    return LinearScorer(tuple(Term(name, 1 / (at + 3), log=True) for at, name in enumerate(panel.names)))


@pytest.mark.skipif(bool(missing_for_spark()), reason="; ".join(missing_for_spark()))
def test_spark_gives_the_bits_of_one_machine(town: Town, tmp_path: Path) -> None:
    snapshot, catalogue, dates = town.snapshot, town.catalogue, [AS_OF, EARLIER]
    people = store_panels(snapshot, catalogue, dates)
    shards = shards_of(snapshot, catalogue)
    panel = read_panel(snapshot, catalogue, AS_OF)
    assert len(shards) == 4 and min(people.values()) > 200
    assert np.isnan(panel.X).any() and (panel.X == 0).any() and (panel.X > 0).any()

    def stored() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (town.workspace.data / "panels").rglob("*.parquet")}

    on_one_machine = stored()
    shutil.rmtree(town.workspace.data / "panels")
    elsewhere = tmp_path / "an object store"
    shutil.copytree(shards.folder, elsewhere)
    with spark_session(town.workspace) as spark:
        assert store_panels_with_spark(snapshot, catalogue, dates) == people
        assert stored() == on_one_machine, "every file is the same, byte for byte"

        lost = panel_files(snapshot, catalogue, AS_OF).path(2)
        stamps = {path: path.stat().st_mtime_ns for path in on_one_machine if path != lost}
        lost.unlink()
        at = f"file://{elsewhere}"
        assert store_panels_with_spark(snapshot, catalogue, dates, shards_at=at) == people
        assert stored() == on_one_machine
        assert stamps == {path: path.stat().st_mtime_ns for path in stamps}, "what was there stayed"

        for scorer in (trees(panel), sums(panel)):
            model = candidate(panel, town, scorer)
            expected = model.log_odds(panel)
            assert len(np.unique(expected)) > 20
            scores = score_with_spark(spark, snapshot, model, AS_OF).toArrow().sort_by("person_id")
            assert scores["person_id"].to_pylist() == panel.person_ids.tolist()
            assert scores["log_odds"].to_numpy().tobytes() == expected.tobytes()


def test_all_that_is_missing_is_said_at_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "find_spec", lambda name: None)
    monkeypatch.setattr(session_module.shutil, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UserMistake) as refused:
        store_panels_with_spark(town.snapshot, town.catalogue, [AS_OF])
    assert refused.value.problems == [NO_PYSPARK, NO_JAVA]
