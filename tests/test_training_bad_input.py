"""Whatever an outcome is like, training ends with a sentence, and says where figures would say nothing; and
what was trained already is not trained again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from features.errors import UserMistake
from features.workspace import Workspace, open_workspace
from models import registry
from models.approvals import decide
from models.candidate import load_candidate, newest_candidate
from models.gates import BETTER, gates_of
from models.resample import redraw
from models.scorer import LinearScorer
from models.spec import NEEDED_TO_FIT
from tests.town import Town
from tests.trained_town import CALIBRATE, DAYS, RECEIVED, TEST, TRAIN, WEIGHT, on, specify, trained_town
from training.already import key_of
from training.plan import lay_plan
from training.run import TrainingReport, train
from training.text import training_text
from training.trees import Setting


def registered(workspace: Workspace, found: Mapping[str, Any], **rest: Any) -> dict[str, int]:
    (workspace.root / "mlflow.db").touch()
    return dict.fromkeys(found, 1)


@pytest.fixture(autouse=True)
def without_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow has tests of its own; most of the draws of people are left out."""
    monkeypatch.setattr("training.run.check_log", lambda workspace: None)
    monkeypatch.setattr("training.run.register", registered)
    monkeypatch.setattr("training.judged.redraw", partial(redraw, draws=40))
    monkeypatch.setattr("training.run.give_back", lambda: None)


def trained(town: Town, **given: Any) -> tuple[TrainingReport, str, list[str]]:
    """The report, what is printed of it, and what was said on the way."""
    said: list[str] = []
    report = train(town.workspace, "missing", tell=said.append, **given)
    return report, training_text(report), said


SAID = {
    "schools.absence": "of 60 rows (a person on a date) of the training dates 60 had the outcome",
    "fire.visit": "of 60 rows (a person on a date) of the training dates 0 had the outcome",
    "missing.episode": "of 30 rows (a person on a date) of the calibration dates 0 had the outcome",
}


@pytest.fixture(scope="module")
def one_class(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Thirty people: absences of everybody after every date, visits to every second one
    after the dates to calibrate and to test on, and episodes after all but those to calibrate on."""
    town = trained_town(tmp_path_factory.mktemp("town") / "w", people=30, chances=on(*TRAIN, TEST))
    for day in DAYS:
        for who in range(30):
            town.event(f"p{who:04}", "schools.absence", day + timedelta(days=who % 20))
            if day in (CALIBRATE, TEST) and who % 2:
                town.event(f"p{who:04}", "fire.visit", day + timedelta(days=who % 20))
    return town


@pytest.mark.parametrize("signal", SAID)
def test_with_one_class_only_there_is_a_sentence_and_no_model(signal: str, one_class: Town) -> None:
    parts = [{"name": "it", "title": "it", "signals": [signal]}]
    specify(one_class, outcome={"horizon_days": 30, "parts": parts})
    with pytest.raises(UserMistake, match="There is nothing to") as mistake:
        trained(one_class, snapshot=one_class.now)
    assert SAID[signal] in mistake.value.problems[0]
    kept = one_class.workspace.root / "data" / "runs"
    assert not list(one_class.workspace.models.glob("*")) and not kept.exists()


def as_few_as(number: int) -> Any:
    """So many have the outcome after a date, those with the most incidents."""
    return lambda as_of, incidents: np.isin(np.arange(len(incidents)), np.argsort(-incidents)[:number])


def test_a_specification_that_names_an_unknown_signal_is_told(earlyhelp_command: Any, tmp_path: Path) -> None:
    town = trained_town(tmp_path, people=1)
    parts = [{"name": "episode", "title": "an episode", "signals": ["missing.epsiode"]}]
    specify(town, outcome={"horizon_days": 30, "parts": parts})
    code, _, said = earlyhelp_command("--workspace", tmp_path, "train", "--model", "missing")
    assert code == 2
    near = "no source declares the signal 'missing.epsiode'; near it are missing.episode"
    assert near in " ".join(said.split())


def nothing_can_be_approved(cards: Mapping[str, Any], few: str) -> None:
    assert {card["verdict"]["kind"] for card in cards.values()} == {None}
    for card in cards.values():
        gate = next(gate for gate in gates_of(card) if gate.name == BETTER)
        assert not gate.met and few in gate.said and few in card["verdict"]["said"]


def test_under_50_to_fit_on_it_is_not_estimable_whatever_the_features(
    earlyhelp_command: Any, tmp_path: Path
) -> None:
    """One fold has nobody to fit on; one feature is 0 for everybody, and nothing is held on another. There
    are enough to judge by, so that nothing else stands in the way."""
    each = NEEDED_TO_FIT - 1
    town = trained_town(tmp_path, people=90, chances=on(TRAIN[1], CALIBRATE, TEST, chances=as_few_as(each)))
    empty = ["missing.episode.count_30", "fire.visit.count_30"]
    specify(
        town,
        features={"windows": [30, 365], "include": ["police.*", *empty]},
        logistic=[WEIGHT, *empty],
        baselines=[{"name": "nothing", "title": "nothing", "features": empty}],
    )
    code, told, said = earlyhelp_command("--workspace", tmp_path, "train", "--model", "missing")
    assert code == 0
    assert "fold 1 of 1 is left out: its dates have nobody with the outcome, or all" in said
    few = f"not estimable: not quite the {NEEDED_TO_FIT} rows with the outcome that fitting takes"
    assert few in told and "AUC" not in told and "nan" not in told

    found = [load_candidate(path) for path in town.workspace.models.iterdir() if path.is_dir()]
    cards = {candidate.kind: candidate.card for candidate in found}
    assert cards["logistic"]["fitted_on"]["positives"] == each and cards["logistic"]["test"]["estimable"]
    assert cards["logistic"]["on_folds"] == []
    nothing_can_be_approved(cards, few)
    [logistic] = (candidate.scorer for candidate in found if candidate.kind == "logistic")
    assert isinstance(logistic, LinearScorer)
    assert [term.weight != 0 for term in logistic.terms] == [True, False, False]


def test_twelve_people_with_no_outcome_to_judge_by_are_not_estimable(tmp_path: Path) -> None:
    town = trained_town(tmp_path, people=12, chances=on(TRAIN[0], CALIBRATE, chances=as_few_as(3)))
    report, told, said = trained(town)
    few = f"fewer than 10 of the {NEEDED_TO_FIT} rows with the outcome that fitting takes and none of the 20"
    assert told.count(few) == 2 and "AUC" not in told and "nan" not in told
    assert [sentence for sentence in said if "fold 1 of 1 is left out" in sentence]
    nothing_can_be_approved(report.cards, few)


def test_what_was_trained_already_is_found_and_a_change_of_anything_trains_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = trained_town(tmp_path, people=60)
    first, _, _ = trained(town)
    before = files(town.workspace)
    with monkeypatch.context() as patch:
        patch.setattr("training.run.ask", never_called)
        again, told, said = trained(town)
    assert again.already and not first.already and said == []
    assert (again.models, again.versions, again.cards) == (first.models, first.versions, first.cards)
    assert "This run was made already" in told
    assert files(town.workspace) == before

    class Trained(Exception):
        """Training was begun."""

    def begun(*given: Any, **named: Any) -> None:
        raise Trained

    monkeypatch.setattr("training.run.ask", begun)

    def trains(workspace: Workspace = town.workspace, **given: Any) -> bool:
        try:
            return not train(workspace, "missing", **{"snapshot": town.now, **given}).already
        except Trained:
            return True

    assert not trains()
    assert trains(again=True) and trains(trials=2)
    specify(town, capacity=21)
    assert trains()
    specify(town)
    registry.record(town.workspace.models, registry.Entry("f" * 64, "lightgbm", "missing", 1, 1))
    assert not trains(), "the same words again are the same specification"
    newest = {kind: newest_candidate(town.workspace, "missing", kind).sha256 for kind in first.models}
    assert newest == first.models, "what was asked for last makes the lists, be it made or found"
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"seed": 7}))
    assert trains(open_workspace(tmp_path))
    (tmp_path / "settings.yaml").write_text("")
    assert not trains(open_workspace(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("training.already.code_version", lambda folders: "other code")
        assert trains()
    (tmp_path / "settings.yaml").write_text("link_show: 0.9")
    assert trains(open_workspace(tmp_path)), "links are surer elsewhere"
    monkeypatch.setenv("LOG", "sqlite:////tmp/a.db")
    (tmp_path / "settings.yaml").write_text("mlflow_uri: $LOG")
    one = key_of(lay_plan(open_workspace(tmp_path), "missing", snapshot=town.now))
    monkeypatch.setenv("LOG", "sqlite:////tmp/b.db")
    assert key_of(lay_plan(open_workspace(tmp_path), "missing", snapshot=town.now)) != one, (
        "it is to be logged elsewhere"
    )
    (tmp_path / "settings.yaml").write_text("")
    with monkeypatch.context() as patch:
        patch.setattr("training.already.version", lambda package: "99")
        assert trains(), "LightGBM is another"
    declared = tmp_path / "sources" / "missing.yaml"
    source = yaml.safe_load(words := declared.read_text())
    source["signals"]["episode"]["service"] = True
    declared.write_text(yaml.safe_dump(source))
    assert trains(open_workspace(tmp_path)), "who has an episode is helped already"
    declared.write_text(words)
    held = town.workspace.models / first.models["logistic"]
    (held / "card.json").write_text((card := (held / "card.json").read_text()) + " ")
    assert trains(), "one of its models has been changed"
    (held / "card.json").write_text(card)
    aside = held.rename(tmp_path / "aside")
    assert trains(), "one of its models is gone"
    aside.rename(held)
    assert not trains()
    model, at = first.models["logistic"], datetime(2026, 7, 1, tzinfo=UTC)
    why = {"by": "Anna Bright", "role": "data analyst", "because": "it is not what we asked for"}
    decide(town.workspace, "reject", model, at=at, **why)
    assert f"({model[:12]}) was rejected on 1 July 2026\n" in trained(town)[1], "what stands, not what stood"
    monkeypatch.setattr(TrainingReport, "verdict", "logistic")
    assert trained(town)[0].to_approve == model, "what is rejected may be approved anew"
    decide(town.workspace, "retire", model, at=at, **why)
    assert trained(town)[0].to_approve is None, "what is retired never comes back"
    log = tmp_path / "mlflow.db"
    log.unlink()
    assert trains(), "its log is gone"
    log.touch()
    town.event("p0001", "police.incident", RECEIVED)
    assert trains(snapshot=town.snapshot), "a delivery has come"


def test_a_run_that_tells_more_is_the_run_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = trained_town(tmp_path, people=60)
    plain, _, _ = trained(town)
    more, _, _ = trained(town, ablate=True)
    assert not more.already, "what each source is worth was not told before"
    assert plain.models.items().isdisjoint(more.models.items())
    monkeypatch.setattr("training.run.ask", never_called)
    for asked in ({"ablate": True}, {}):
        again, _, _ = trained(town, **asked)
        assert again.already and again.models == more.models
    newest = {kind: newest_candidate(town.workspace, "missing", kind).sha256 for kind in more.models}
    assert newest == more.models, "and nothing has taken its place"


def test_trees_are_shown_on_the_first_fold_as_nobody_chose_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen on that fold, the worse of two settings would not be shown on it."""
    town = trained_town(tmp_path)
    useless = {"min_data_in_leaf": 10_000}
    lightgbm = {"settings": [useless, {"min_data_in_leaf": 20}], "rounds": [2, 5]}
    specify(town, lightgbm=lightgbm)
    fitted: list[Setting] = []

    class Fitted(Exception):
        """A first fit of all candidates."""

    def fit(plan: Any, setting: Setting, training: Any) -> None:
        fitted.append(setting)
        raise Fitted

    monkeypatch.setattr("training.run.fit_all", fit)
    with pytest.raises(Fitted):
        trained(town)
    assert [(setting.parameters, setting.rounds) for setting in fitted] == [(useless, 5)]


def never_called(*given: Any, **named: Any) -> None:
    raise AssertionError


def files(workspace: Workspace) -> dict[str, int]:
    """Every file of the workspace, and when it was last written."""
    return {str(path): path.stat().st_mtime_ns for path in workspace.root.rglob("*") if path.is_file()}
