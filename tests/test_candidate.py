"""A candidate takes columns by name, explains itself exactly, and is what was exported or nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import derive_catalogue
from features.cohort import Eligibility
from features.declaration import Source
from features.errors import UserMistake
from features.panel import Panel
from features.workspace import Workspace
from models import registry
from models.calibration import Platt, chance
from models.candidate import (
    Candidate,
    InexactExplanation,
    export_candidate,
    load_candidate,
    newest_candidate,
    reference_of,
)
from models.scorer import LinearScorer, Scorer, Term, TreeScorer
from models.spec import Specification

SOURCE = Source.model_validate(
    {
        "source": "fire",
        "title": "Fire and rescue",
        "owner": "a team",
        "legal_gateway": "an Act",
        "agreement": {"reference": "A1", "review_by": "2030-01-01"},
        "covers_from": "2015-01-01",
        "typical_delay_days": 0,
        "schedule": {"every": "day"},
        "extracts": {
            "calls": {
                "files": "calls.csv",
                "delivery": "full",
                "record_key": "id",
                "columns": {"id": {}, "at": {"type": "date", "format": "%d/%m/%Y"}},
                "subjects": [{"key": "id"}],
                "events": [{"signal": "call", "occurred": "at"}, {"signal": "visit", "occurred": "at"}],
            }
        },
        "signals": {"call": {"one": "call", "many": "calls"}, "visit": {"one": "visit", "many": "visits"}},
    }
)
CATALOGUE = derive_catalogue({"fire": SOURCE}, windows=(30, 90))
SPECIFICATION = Specification.model_validate(
    {
        "name": "fires",
        "title": "A fire at home within 90 days",
        "outcome": {
            "horizon_days": 90,
            "parts": [{"name": "fire", "title": "a fire", "signals": ["fire.call"]}],
        },
        "eligible": {"seen_within_days": 90},
        "features": {"windows": [30, 90]},
        "baselines": [{"name": "calls", "title": "calls", "features": ["fire.call.count_90"]}],
        "logistic": ["fire.call.count_90"],
        "calendar": {"train": ["2024-01-01"], "calibrate": ["2024-06-01"], "test": ["2024-12-01"]},
        "lightgbm": {"settings": [{}]},
    }
)
CARD = {"last_delivery": 3, "link_run": 2}


def panel(n: int, *, seed: int = 1) -> Panel:
    """n people, a third of their numbers not held."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(2, (n, len(CATALOGUE.names))).astype(np.float32)
    X[rng.random(X.shape) < 0.3] = np.nan
    ids = np.array([f"P{i:05}" for i in range(n)])
    return Panel(date(2026, 1, 5), ids, X, CATALOGUE.names, CATALOGUE.hash, 3, 2)


def trees() -> TreeScorer:
    """A booster on half of the catalogue's columns, in an order of its own."""
    names = CATALOGUE.names[::-2]
    training = panel(3000, seed=2)
    X = training.columns(names)
    rng = np.random.default_rng(7)
    y = rng.random(len(X)) < chance(np.nan_to_num(X[:, 0]) - 0.5 * np.nan_to_num(X[:, 1]) - 1)
    data = lightgbm.Dataset(X, label=y, feature_name=list(names))
    parameters = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "verbosity": -1, "seed": 1}
    return TreeScorer(lightgbm.train(parameters, data, num_boost_round=30).model_to_string())


def sums() -> LinearScorer:
    return LinearScorer(
        (
            Term("fire.visit.days_since", -0.7, fill=90, centre=40, spread=25),
            Term("fire.call.count_90", 0.4, log=True, centre=0.6, spread=0.5),
        ),
        intercept=-3.2,
    )


def draft(scorer: Scorer, *, slope: float = 0.83, intercept: float = -0.4) -> Candidate:
    kind = "lightgbm" if isinstance(scorer, TreeScorer) else "logistic"
    eligible = Eligibility(CATALOGUE.signals, CATALOGUE.sources, 90, True, (), ("fire.moved",))
    return Candidate("", kind, SPECIFICATION, CATALOGUE, eligible, scorer, Platt(slope, intercept), CARD)


TREES = trees()
BOTH = pytest.mark.parametrize("scorer", [TREES, sums()], ids=["trees", "sums"])


def shuffled(given_panel: Panel, seed: int) -> Panel:
    """The same panel with its columns in another order."""
    order = np.random.default_rng(seed).permutation(len(given_panel.names))
    return replace(given_panel, X=given_panel.X[:, order], names=tuple(given_panel.names[j] for j in order))


@BOTH
def test_contributions_add_up_on_every_row(scorer: Scorer) -> None:
    model, people = draft(scorer), panel(500)
    parts = model.contributions(people)
    assert parts.shape == (500, len(model.names) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), model.log_odds(people), rtol=0, atol=1e-9)
    assert np.ptp(parts[:, -1]) == 0


@BOTH
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_columns_are_taken_by_name_whatever_their_order(scorer: Scorer, seed: int) -> None:
    model, people = draft(scorer), panel(50)
    other = shuffled(people, seed)
    np.testing.assert_array_equal(model.log_odds(other), model.log_odds(people))
    np.testing.assert_array_equal(model.contributions(other), model.contributions(people))


@BOTH
def test_a_person_scored_alone_gets_the_same_bits(scorer: Scorer) -> None:
    model, people = draft(scorer), panel(40)
    together, explained = model.log_odds(people), model.contributions(people)
    for row in range(40):
        alone = np.array([row])
        assert model.log_odds(people, alone)[0] == together[row]
        np.testing.assert_array_equal(model.contributions(people, alone)[0], explained[row])


@BOTH
def test_nobody_is_scored_and_explained_without_error(scorer: Scorer) -> None:
    model, nobody = draft(scorer), panel(0)
    assert model.log_odds(nobody).shape == (0,)
    assert model.contributions(nobody).shape == (0, len(model.names) + 1)


def test_a_panel_of_another_model_is_refused_by_the_names_it_lacks() -> None:
    people = panel(5)
    other = replace(people, X=people.X[:, 1:], names=people.names[1:])
    model = draft(LinearScorer((Term(people.names[0], 1.0),)))
    with pytest.raises(UserMistake, match=people.names[0]):
        model.log_odds(other)


def test_an_explanation_that_does_not_add_up_is_never_shown() -> None:
    class Boasting(LinearScorer):
        def margin(self, X: np.ndarray) -> np.ndarray:
            return super().margin(X) + 1e-6

    with pytest.raises(InexactExplanation, match="5 rows"):
        draft(Boasting(sums().terms)).contributions(panel(5))
    with pytest.raises(InexactExplanation, match="5 rows"):
        list(draft(Boasting(sums().terms)).contributions_of_all(panel(5).columns(sums().names)))


@BOTH
def test_everybody_is_explained_as_the_few_are(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    model, people = draft(scorer), panel(1000)
    X = model.columns(people)
    (at_once,) = model.contributions_of_all(X, threads=2)
    np.testing.assert_allclose(at_once, model.contributions(people), rtol=0, atol=1e-9)
    np.testing.assert_allclose(at_once.sum(axis=1), model.log_odds(people), rtol=0, atol=1e-9)
    monkeypatch.setattr("models.candidate.BLOCK", 300)
    blocks = list(model.contributions_of_all(X))
    assert [len(block) for block in blocks] == [300, 300, 300, 100]
    np.testing.assert_array_equal(np.concatenate(blocks), at_once)
    assert list(model.contributions_of_all(X[:0])) == []


def test_what_is_not_held_counts_as_its_term_declares() -> None:
    scorer = sums()
    X = np.array([[np.nan, np.nan], [90, 0]], np.float32)
    np.testing.assert_array_equal(*scorer.margin(X)[:, None])
    expected = -3.2 - 0.7 * (90 - 40) / 25 + 0.4 * (np.log1p(0) - 0.6) / 0.5
    assert scorer.margin(X)[0] == pytest.approx(expected)


# --- what is exported ------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "models").mkdir()
    return Workspace(tmp_path)


def export(workspace: Workspace, scorer: Scorer, **platt: float) -> Candidate:
    model = draft(scorer, **platt)
    return export_candidate(workspace, model, reference_of(model, panel(300).X))


@BOTH
def test_an_export_loads_as_it_was(workspace: Workspace, scorer: Scorer) -> None:
    made = export(workspace, scorer)
    loaded = load_candidate(workspace.models / made.sha256)
    people = panel(200, seed=9)
    np.testing.assert_array_equal(loaded.log_odds(people), draft(scorer).log_odds(people))
    assert (loaded.eligibility, loaded.outcome) == (draft(scorer).eligibility, SPECIFICATION.to_outcome())
    assert loaded.specification == SPECIFICATION
    assert loaded.catalogue.hash == CATALOGUE.hash
    assert loaded.names == scorer.names


@BOTH
def test_the_same_model_exported_twice_is_one_folder(workspace: Workspace, scorer: Scorer) -> None:
    assert export(workspace, scorer).sha256 == export(workspace, scorer).sha256
    assert len([path for path in workspace.models.iterdir() if path.is_dir()]) == 1
    assert len(registry.entries(workspace.models)) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("booster.txt", "calibration.json", "catalogue.json", "card.json", "eligibility.json"),
        *("specification.yaml", "reference.parquet"),
    ],
)
def test_a_folder_that_was_changed_does_not_load(workspace: Workspace, name: str) -> None:
    folder = workspace.models / export(workspace, TREES).sha256
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(UserMistake, match="have been changed"):
        load_candidate(folder)


def test_training_again_mends_a_folder_that_was_changed(workspace: Workspace) -> None:
    made = export(workspace, TREES)
    (workspace.models / made.sha256 / "card.json").write_text("{}")
    again = export(workspace, TREES)
    assert again.sha256 == made.sha256
    assert load_candidate(workspace.models / made.sha256).card == CARD


def test_a_file_put_beside_the_others_is_noticed(workspace: Workspace) -> None:
    folder = workspace.models / export(workspace, TREES).sha256
    (folder / "linear.json").write_text(json.dumps({"intercept": 0, "terms": []}))
    with pytest.raises(UserMistake, match="have been changed"):
        load_candidate(folder)


def test_the_reference_holds_numbers_and_nothing_else(workspace: Workspace) -> None:
    reference = export(workspace, TREES).reference()
    assert reference.column_names == [*TREES.names, "score"]
    assert set(reference.schema.types) == {pa.float32()}
    scores = np.sort(reference["score"].to_numpy())
    np.testing.assert_array_equal(scores, np.sort(draft(TREES).log_odds(panel(300)).astype(np.float32)))


def test_the_newest_of_a_kind_serves(workspace: Workspace) -> None:
    first, other_kind = export(workspace, TREES), export(workspace, sums())
    assert newest_candidate(workspace, "fires").sha256 == first.sha256
    assert newest_candidate(workspace, "fires", kind="logistic").sha256 == other_kind.sha256
    second = export(workspace, TREES, slope=0.9)
    assert newest_candidate(workspace, "fires").sha256 == second.sha256
    export(workspace, TREES)
    assert newest_candidate(workspace, "fires").sha256 == first.sha256
    with pytest.raises(UserMistake, match="earlyhelp train --model floods"):
        newest_candidate(workspace, "floods")


def test_a_slope_that_would_turn_the_order_round_is_not_exported(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="above 0"):
        export(workspace, TREES, slope=-0.1)
    assert registry.entries(workspace.models) == []


@pytest.mark.nightly
def test_contributions_are_shapley_values() -> None:
    import shap

    model, people = draft(TREES, slope=1.0, intercept=0.0), panel(200)
    booster = lightgbm.Booster(model_str=TREES.text)
    expected = shap.TreeExplainer(booster)(model.columns(people)).values
    np.testing.assert_allclose(model.contributions(people)[:, :-1], expected, rtol=0, atol=1e-12)


def test_two_runs_at_once_mix_no_model_and_lose_no_line_of_the_log(workspace: Workspace) -> None:
    slopes = [0.1 + number / 10 for number in range(12)]
    reference = reference_of(draft(TREES), panel(50).X)

    def export(slope: float) -> str:
        return export_candidate(workspace, draft(TREES, slope=slope), reference).sha256

    with ThreadPoolExecutor(4) as several:
        made = list(several.map(export, slopes))
    assert [load_candidate(workspace.models / sha256).slope for sha256 in made] == slopes
    assert {entry.sha256 for entry in registry.entries(workspace.models)} == set(made)
