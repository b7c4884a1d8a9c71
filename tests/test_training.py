"""Fitting: baselines learn their direction, settings are chosen on earlier dates, the same rows give
the same model; and on the session's county, what a training run leaves behind."""

import json
import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from earlyhelp import answer
from features.catalogue import Catalogue, SourceFacts
from features.errors import UserMistake
from features.feature import Channel, Feature, Signal
from features.panel import Panel, read_panel
from features.snapshot import open_snapshot
from features.workspace import Workspace
from models import registry
from models.calibration import chance
from models.candidate import NOT_APPROVED, load_candidate
from models.judge import Scored, auc, judge
from models.lead_time import lead_time
from models.nobody_yet import nobody_yet
from models.paired import paired
from models.reliability import reliability
from models.resample import intervals
from models.scorer import LinearScorer
from models.spec import LightGBM
from models.verdict import verdict
from training.calendar import Calendar
from training.examples import Examples, draw, join, margins_of, need_both_outcomes
from training.judged import Judged
from training.linear import fit_baseline, fit_logistic
from training.question import Question
from training.run import TrainingReport
from training.text import training_text
from training.trees import Fold, choose, fit_trees

SIGNAL = Signal("fire.call", "fire", "call", "calls")
NAMES = ("fire.call.count_90", "fire.call.days_since", "fire.call.amount_mean_90")
CATALOGUE = Catalogue(
    features=tuple(
        Feature(name, "fire.call", measure, 90)
        for name, measure in zip(NAMES, ("count", "days_since", "amount_mean"), strict=True)
    ),
    channels=(Channel("fire.call", "signal", False, (SIGNAL,), "call", "calls"),),
    windows=(90,),
    facts=(SourceFacts("fire", "Fire", date(2015, 1, 1), False),),
)


class Held(list[np.ndarray]):
    """Blocks in memory, their columns those of the catalogue."""

    def columns(self, names: Sequence[str]) -> "Held":
        place = [NAMES.index(name) for name in names]
        return Held(X[:, place] for X in self)


def held(X: np.ndarray, y: np.ndarray, *, blocks: int = 1) -> Examples:
    return Examples(Held(np.array_split(X.astype(np.float32), blocks)), y)


def examples(n: int, *, seed: int, weights: tuple[float, float, float] = (0.9, -0.02, 0.0)) -> Examples:
    """n people whose chance rises with calls and falls with days since the last one."""
    rng = np.random.default_rng(seed)
    calls = rng.poisson(1.5, n).astype(np.float32)
    since = np.where(calls > 0, rng.integers(1, 90, n), np.nan)
    mean = np.where(calls > 0, rng.normal(50, 10, n), np.nan)
    log_odds = -2 + weights[0] * calls + weights[1] * np.nan_to_num(since, nan=90) + weights[2] * calls
    y = (rng.random(n) < chance(log_odds)).astype(float)
    return held(np.column_stack([calls, since, mean]), y, blocks=3)


def table(given: Examples) -> np.ndarray:
    return np.concatenate(list(given.blocks))


def baseline_of(names: Sequence[str], *training: Examples) -> LinearScorer:
    given = join(training)
    return fit_baseline(CATALOGUE, names, given.columns(names), given.y)


def logistic_of(names: Sequence[str], *training: Examples) -> LinearScorer:
    given = join(training)
    return fit_logistic(CATALOGUE, names, given.columns(names), given.y)


@pytest.mark.parametrize(("j", "sign"), [(0, 1.0), (1, -1.0)])
def test_a_baseline_learns_which_way_it_points(j: int, sign: float) -> None:
    baseline = baseline_of([NAMES[j]], examples(2000, seed=1), examples(2000, seed=2))
    assert [term.weight for term in baseline.terms] == [sign]
    later = examples(2000, seed=3)
    assert auc(baseline.margin(table(later)[:, [j]]), later.y) > 0.55


def test_nobody_heard_of_counts_as_the_longest_ago() -> None:
    baseline = baseline_of([NAMES[1]], examples(500, seed=1))
    never, long_ago = baseline.margin(np.array([[np.nan], [90]], np.float32))
    assert never == long_ago


def test_an_amount_nobody_gave_counts_as_the_mean_of_those_given() -> None:
    training = examples(500, seed=1)
    model = logistic_of(NAMES, training)
    fill = {term.name: term.fill for term in model.terms}
    assert fill[NAMES[2]] == pytest.approx(np.nanmean(table(training)[:, 2]), rel=1e-6)
    assert (fill[NAMES[0]], fill[NAMES[1]]) == (0, 90)


def test_the_logistic_model_is_scikit_learns() -> None:
    training = join([examples(1500, seed=4), examples(1500, seed=5)])
    X, y = table(training).astype(float), training.y
    filled = np.column_stack([np.log1p(X[:, 0]), np.where(np.isnan(X[:, 1]), 90, X[:, 1])])
    Z = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    reference = LogisticRegression(max_iter=1000).fit(Z, y)
    model = logistic_of(NAMES[:2], training)
    np.testing.assert_allclose(model.margin(X[:, :2]), reference.decision_function(Z), atol=1e-9)


SETTINGS = LightGBM(
    parameters={"min_data_in_leaf": 5},
    settings=[{"learning_rate": 1e-9}, {"learning_rate": 0.1}],
    rounds=[5, 20],
)


def test_the_setting_that_orders_later_dates_best_is_chosen() -> None:
    fit, validate = examples(1500, seed=6), join([examples(1500, seed=7), examples(500, seed=8)])
    tried = choose(SETTINGS, NAMES, folds=[Fold(fit, validate)], threads=1, seed=1)
    assert len(tried) == 4
    assert [s.auc for s in tried] == sorted((s.auc for s in tried), reverse=True)
    scorer = fit_trees(tried[0], NAMES, fit, threads=1, seed=1)
    assert tried[0].auc == pytest.approx(auc(scorer.margin(table(validate)), validate.y))


def without_outcome(given: Examples) -> Examples:
    return Examples(given.blocks, np.zeros(len(given.y)))


@pytest.mark.parametrize(
    ("fit", "validate"),
    [
        (join([]), join([])),
        (examples(50, seed=1), without_outcome(examples(50, seed=1))),
        (without_outcome(examples(50, seed=1)), examples(50, seed=1)),
    ],
)
def test_without_anything_to_choose_on_the_first_setting_stands_untried(
    fit: Examples, validate: Examples
) -> None:
    (only,) = choose(SETTINGS, NAMES, folds=[Fold(fit, validate)], threads=1, seed=1)
    assert only.parameters["learning_rate"] == 1e-9
    assert (only.rounds, only.auc) == (20, None)


@pytest.mark.parametrize(
    "given", [without_outcome(examples(1_200, seed=1)), held(np.empty((0, 3)), np.empty(0))]
)
def test_without_outcomes_there_is_a_sentence(given: Examples) -> None:
    with pytest.raises(UserMistake, match="nothing to fit on") as mistake:
        need_both_outcomes(given, "fit", "training")
    (said,) = mistake.value.problems
    assert said.startswith(f"of {'1,200' if len(given.y) else 0} rows (a person on a date) of the training")
    assert "had the outcome; give the calendar more training dates" in said


def test_the_same_rows_give_the_same_bytes_however_they_are_cut() -> None:
    one, other = examples(800, seed=1), examples(400, seed=2)
    both = join([one, other])
    setting = choose(SETTINGS, NAMES, folds=[Fold(both, examples(300, seed=3))], threads=1, seed=1)[0]
    whole = fit_trees(setting, NAMES, held(table(both), both.y), threads=1, seed=1)
    assert fit_trees(setting, NAMES, both, threads=1, seed=1).text == whole.text
    assert fit_trees(setting, NAMES, one, threads=1, seed=1).text != whole.text


def test_every_scorers_margins_come_in_one_go_in_the_order_of_the_rows() -> None:
    given = examples(90, seed=1)
    scorers = {"calls": baseline_of(NAMES[:1], given), "both": logistic_of((NAMES[1], NAMES[0]), given)}
    margins = margins_of(scorers, NAMES, given.blocks)
    np.testing.assert_array_equal(margins["calls"], scorers["calls"].margin(table(given)[:, :1]))
    np.testing.assert_array_equal(margins["both"], scorers["both"].margin(table(given)[:, [1, 0]]))


@pytest.mark.parametrize("most", [1, 40, 1000])
def test_rows_are_drawn_as_from_one_array(most: int) -> None:
    whole = np.arange(300, dtype=np.float32).reshape(100, 3)
    drawn = draw(np.split(whole, [0, 10, 10, 75]), 100, most=most, seed=4)
    np.testing.assert_array_equal(drawn, whole[np.random.default_rng(4).permutation(100)[:most]])


@dataclass(frozen=True)
class Read:
    """Blocks that are not held: so many dates of 1,500 people with 60 numbers, made when gone through."""

    dates: int
    wide: int = 60

    def __iter__(self) -> Iterator[np.ndarray]:
        for at in range(self.dates):
            yield np.random.default_rng(at).integers(0, 4, (1500, self.wide)).astype(np.float32)

    def columns(self, names: Sequence[str]) -> "Read":
        return Read(self.dates, len(names))


def most_held(dates: int) -> int:
    """Bytes that Python holds at the worst moment of choosing, fitting, scoring and drawing; the bins,
    which are LightGBM's, are not among them."""
    names, n = [f"f{j}" for j in range(60)], dates * 1500
    given = Examples(Read(dates), (np.arange(n) % 9 == 0).astype(float))
    drawn = Examples(Read(2), given.y[:3000])  # what a fold is fitted on is drawn, so many rows and no more
    tracemalloc.start()
    setting = choose(SETTINGS, names, folds=[Fold(drawn, given)], threads=1, seed=1)[0]
    trees = fit_trees(setting, names, given, threads=1, seed=1)
    given.columns(names[:3])
    margins_of({"trees": trees}, names, given.blocks)
    draw(given.blocks, n, most=500, seed=1)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def test_memory_does_not_grow_with_the_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.trees.SAMPLE", 1000)
    monkeypatch.setattr("training.binned._Rows.batch_size", 500)
    few, many = most_held(2), most_held(22)
    rows, labels = 20 * 1500 * 60 * 4, 20 * 1500 * 8
    print(
        f"\ntraining on 2 dates holds {few / 1e6:.1f} MB, on 22 {many / 1e6:.1f}; their rows {rows / 1e6:.0f}"
    )
    assert (
        many - few < 12 * labels < rows / 2
    )  # a margin for each setting tried, and what ordering them takes


def nothing_followed() -> TrainingReport:
    """The report of a run on whose test dates nobody had the outcome."""
    days = tuple(date(2025, month, 1) for month in (1, 4, 7))
    train, calibrate, test = ((day,) for day in days)
    calendar = Calendar(
        (), train, calibrate, test, (), days[1], days[2], date(2025, 10, 1), horizon_days=60, lag_days=5
    )
    nobody = Scored(days[2], np.array(["Pa"]), np.zeros(1), np.zeros(1), np.zeros(1, int))
    lists = [nobody]
    judged = Judged(
        figures=judge(lists, capacity=30),
        intervals=intervals(lists, capacity=30, draws=20),
        against={"latest": paired(lists, lists, capacity=30, draws=20)},
        lead_time=lead_time(lists, [np.full(1, np.nan)], capacity=30),
        nobody_yet=nobody_yet(lists, [np.zeros(1, bool)], capacity=30),
        overlap=(),
        reliability=reliability(lists),
    )
    card = {
        "kind": "lightgbm",
        "title": "trees",
        "titles": {"lightgbm": "trees", "latest": "most recent contact"},
        "fitted_on": {"rows": 1, "positives": 49},
        "people": {"learned_from": 1, "learned_from_positive": 1, "judged_on": 1, "both": 1},
        "flow": {str(days[2]): [{"why": "already there", "left_out": 1, "left": 1}]},
        "parts": {},
        **judged.to_json(),
        "beside": {"latest": judged.figures.to_json()},
        "cannot_serve": {},
        "also_report": {},
        "on_folds": [],
        "selection": {},
    }
    card |= {"verdict": asdict(verdict({"lightgbm": card}))}
    return TrainingReport("fires", "A fire at home", calendar, {"lightgbm": card}, {}, {})


def test_what_cannot_be_estimated_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    text = training_text(nothing_followed())
    assert "1 row judged, 0 with the outcome" in text and "nan" not in text and "None" not in text
    few = "not quite the 50 rows with the outcome that fitting takes"
    none = "none of the 20 people with the outcome that judging takes"
    assert text.count(f"not estimable: {few} and {none}") == 2
    assert "AUC" not in text and "The lists of" not in text
    lines = text.splitlines()
    step = lines.index("Who was asked about on 2025-07-01") + 1
    assert lines[step : step + 2] == [
        "         2 known on that morning",
        "         1 left         1 left out: already there",
    ]
    assert "Nothing of this run can be approved: not estimable" in text
    answer(nothing_followed())
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told["cards"]["lightgbm"]["test"]["auc"] is None


def test_what_each_source_is_worth_is_printed_where_it_was_asked_and_can_be_told() -> None:
    nothing = {"without": None, "lost": None, "low": None, "high": None}
    lost = {"without": 0.2, "lost": 0.1, "low": 0.02, "high": 0.18}
    of_group = {"characteristic": "sex", "group": "f", "lost": 0.2, "low": 0.1, "high": 0.3, "verdict": ""}
    part = {"title": "the police", "precision": nothing, "average_precision": lost, "recall": [of_group]}
    worth = {"capacity": 30, "dates": ["2026-01-01"], "rows": 900, "positives": 90, "parts": [part]}
    worth |= {"precision": 0.4, "average_precision": 0.3}
    report = nothing_followed()
    card = {**report.cards["lightgbm"], "worth": worth}
    few = training_text(replace(report, cards={"lightgbm": card}))
    assert "lose without" not in few, "figures of too few people"
    card |= {"fitted_on": {"positives": 99}, "test": {**card["test"], "estimable": True}}
    card |= {"people": {**card["people"], "learned_from_positive": 99}}
    text = training_text(replace(report, cards={"lightgbm": card}))
    (line,) = (line for line in text.splitlines() if line.startswith("  the police"))
    assert "not estimable" in line and "+0.100 (+0.020 to +0.180)" in line
    assert line.endswith("sex: f, +20.0 (+10.0 to +30.0)") and "precision of 40.0% " in text


def test_a_training_run_says_that_nobody_has_approved_it() -> None:
    assert NOT_APPROVED in training_text(nothing_followed())
    assert nothing_followed().approval == NOT_APPROVED


def test_exact_counts_say_at_their_head_that_they_stay_with_the_data_team(
    capsys: pytest.CaptureFixture[str],
) -> None:
    head = training_text(nothing_followed()).partition("\n")[0]
    assert "Exact counts" in head and "pass none on" in head and "earlyhelp papers" in head
    answer(nothing_followed())
    told = json.loads(capsys.readouterr().out)
    assert next(iter(told.items())) == ("note", head)


def test_the_candidate_to_approve_is_named_with_its_hash_and_the_commands() -> None:
    report = replace(nothing_followed(), models={"lightgbm": "3fa94b12c07d" + "0" * 52, "latest": "f" * 64})
    assert "earlyhelp approve" not in training_text(report), "nothing of it can be approved"
    text = training_text(replace(report, to_approve=report.models["lightgbm"]))
    assert "To put it to people: lightgbm, 3fa94b12c07d\n  earlyhelp papers 3fa94b12c07d " in text
    assert "\n  earlyhelp approve 3fa94b12c07d --by" in text and "ffff" not in text


# --- a training run of the session's county, and what it leaves behind -------------------------------------


@pytest.fixture(scope="module")
def trained(county: Any) -> Workspace:
    return county.workspace


def kinds(workspace: Workspace) -> dict[str, Any]:
    """kind → candidate, of the newest training run."""
    return {e.kind: load_candidate(workspace.models / e.sha256) for e in registry.entries(workspace.models)}


@pytest.fixture(scope="module")
def asked(trained: Workspace) -> Question:
    model = kinds(trained)["lightgbm"]
    return Question(open_snapshot(trained), model.catalogue, model.eligibility, model.outcome)


def in_parts(monkeypatch: pytest.MonkeyPatch, cut: Callable[[Panel], Iterator[Panel]]) -> None:
    """Panels come to training cut in another way."""

    def parts(
        *given: Any, columns: Sequence[str] | None = None, rows: Sequence[np.ndarray] | None = None
    ) -> Iterator[Panel]:
        for at, part in enumerate(cut(read_panel(*given, columns=columns))):
            some = slice(None) if rows is None else rows[at]
            yield replace(part, person_ids=part.person_ids[some], X=part.X[some])

    monkeypatch.setattr("training.question.panel_parts", parts)


def thirds(whole: Panel) -> Iterator[Panel]:
    for third in range(3):
        here = np.arange(len(whole.person_ids)) % 3 == third
        yield replace(whole, person_ids=whole.person_ids[here], X=whole.X[here])


@pytest.mark.parametrize("cut", [None, thirds])
def test_the_cohorts_rows_are_found_in_whatever_parts_the_panel_comes(
    trained: Workspace, asked: Question, cut: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kinds(trained)["lightgbm"]
    as_of, judged_on = (date.fromisoformat(model.card["dates"][key][0]) for key in ("train", "test"))
    panel = read_panel(asked.snapshot, asked.catalogue, as_of)
    if cut:
        in_parts(monkeypatch, cut)
    morning = asked.morning(as_of)
    assert set(morning.person_ids) == set(model.cohort(asked.snapshot, as_of).person_ids)
    assert len(list(morning.known)) == (3 if cut else 1)
    expected = panel.X[panel.rows_of(morning.person_ids)]
    for _ in range(2):  # as often as one likes
        np.testing.assert_array_equal(np.concatenate(list(morning.known)), expected)

    followed = asked.labels(morning, judged_on)
    given = asked.rows(morning, followed).examples
    assert 0 < len(given.y) < len(expected)
    np.testing.assert_array_equal(given.y, followed.y[followed.labelled])
    np.testing.assert_array_equal(table(given), expected[followed.labelled])
    few = ["police.count_90", "all.agencies_365"]
    columns = np.column_stack([given.columns(few)[name] for name in few])
    np.testing.assert_array_equal(
        columns, panel.columns(few)[panel.rows_of(morning.person_ids)][followed.labelled]
    )


def test_of_many_rows_everybody_with_the_outcome_is_kept_and_some_of_the_others(
    asked: Question,
) -> None:
    morning = asked.morning(date(2025, 6, 1))
    rows = asked.rows(morning, asked.labels(morning, date(2026, 6, 1)))
    drawn, half = rows.draw(1, 0.3, seed=4), rows.draw(0.5, 0, seed=4)
    others, positives = (rows.y == 0).sum(), int(rows.y.sum())
    assert drawn.y.sum() == positives > half.y.sum() > 0 and half.y.all()
    assert 0.2 * others < (drawn.y == 0).sum() < 0.4 * others
    assert table(drawn.examples).shape == (len(drawn.y), len(asked.catalogue.names))
    again, other = rows.draw(1, 0.3, seed=4), rows.draw(1, 0.3, seed=5)
    np.testing.assert_array_equal(table(again.examples), table(drawn.examples))
    assert len(other.y) != len(drawn.y) or (table(other.examples) != table(drawn.examples)).any()


def test_somebody_without_a_row_stops_the_run(asked: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, lambda whole: iter([replace(whole, person_ids=whole.person_ids[:-5])]))
    with pytest.raises(KeyError, match="people have no row on 2025-06-01"):
        asked.morning(date(2025, 6, 1))


def test_a_model_a_logistic_and_three_baselines_are_exported(trained: Workspace) -> None:
    found = kinds(trained)
    assert {"lightgbm", "logistic"} < set(found) and len(found) == 5
    assert len(found["logistic"].names) == 5
    assert all(candidate.slope > 0 for candidate in found.values())


def test_blocks_lie_apart_and_the_card_says_how_the_test_went(trained: Workspace) -> None:
    card = kinds(trained)["lightgbm"].card
    days = {
        name: [date.fromisoformat(d) for d in card["dates"][name]] for name in ("train", "calibrate", "test")
    }
    apart = card["horizon_days"] + card["lag_days"]
    assert (days["calibrate"][0] - days["train"][-1]).days >= apart
    assert (days["test"][0] - days["calibrate"][-1]).days >= apart
    test = card["test"]
    low, high = test["precision_interval"]
    assert low <= test["precision"] <= high
    assert 0 < test["base_rate"] < 0.1
    assert set(card["beside"]) == {*kinds(trained), "last_week"} - {"lightgbm"}
    assert set(card["cannot_serve"]) == {"last_week"} and "last_week" not in card["paired"]
    # What was made from the model, such as a list, may not give the same model another hash.
    assert not {"flags", "backlists", "quarantine", "characteristics"} & set(card["tables"])
    for part in card["parts"].values():
        assert part["base_rate"] == part["positives"] / part["n"] <= test["base_rate"]


def test_the_cohorts_flow_adds_up_to_those_scored(trained: Workspace) -> None:
    card = kinds(trained)["lightgbm"].card
    for day, flow in card["flow"].items():
        lefts = [step["left"] for step in flow]
        assert all(a - step["left_out"] == step["left"] for a, step in zip(lefts, flow[1:], strict=False))
        assert lefts[-1] == sum(card["followed"][day].values())
    assert sum(flow[-1]["left"] for flow in card["flow"].values()) == card["test"]["n"]


def test_the_model_orders_people_better_than_chance(trained: Workspace) -> None:
    test = kinds(trained)["lightgbm"].card["test"]
    assert test["auc"] > 0.6
    assert test["lift"] > 1


def test_every_candidate_is_registered_and_predicts_the_same(trained: Workspace) -> None:
    import mlflow

    mlflow.set_tracking_uri(trained.mlflow_uri)
    client = mlflow.MlflowClient()
    versions = client.search_model_versions("name = 'escalation'")
    found = kinds(trained)
    assert {version.tags["kind"]: version.tags["sha256"] for version in versions} == {
        kind: candidate.sha256 for kind, candidate in found.items()
    }
    newest = next(version for version in versions if version.tags["kind"] == "lightgbm")
    model = found["lightgbm"]
    assert newest.tags["catalogue"] == model.catalogue.hash
    parameters = client.get_run(newest.run_id).data.params
    assert int(parameters["table.events"]) == model.card["tables"]["events"]
    logged = mlflow.pyfunc.load_model(f"models:/escalation/{newest.version}")
    assert logged.metadata.signature.inputs.input_names() == list(model.names)
    people = model.reference().slice(0, 50)
    expected = chance(people["score"].to_numpy().astype(float))
    frame: pd.DataFrame = people.drop_columns(["score"]).to_pandas()
    np.testing.assert_allclose(logged.predict(frame), expected, rtol=1e-5)


def test_nothing_that_training_kept_names_a_person(trained: Workspace) -> None:
    person = re.compile(rb"\bP[0-9a-f]{11}\b")
    kept = [trained.root / "mlflow.db", *_files(trained.root / "mlartifacts"), *_files(trained.models)]
    assert len(kept) > 30
    assert [path.name for path in kept if person.search(path.read_bytes())] == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
