"""A specification says everything that is wrong with it at once, and where."""

import contextlib
import copy
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from features.association import Association
from features.catalogue import Catalogue
from features.errors import UserMistake
from features.workspace import TEMPLATES as SOURCES
from features.workspace import Workspace, init_workspace, open_workspace
from models.spec import (
    TEMPLATES,
    ExplicitCalendar,
    Specification,
    catalogue_of,
    read_spec,
    sensitive_signals,
)
from models.spec_candidates import BINS, OURS
from models.spec_errors import EXAMPLES, models_at, spec_problems

GIVEN = yaml.safe_load((TEMPLATES / "escalation.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("specified")
    init_workspace(root, sources=SOURCES, specs=TEMPLATES)
    return open_workspace(root)


def changed(*keys: str, to: Any) -> dict[str, Any]:
    """The template with one key changed, or taken out."""
    given = copy.deepcopy(GIVEN)
    within = given
    for key in keys[:-1]:
        within = within[int(key)] if isinstance(within, list) else within[key]
    if to is None:
        del within[keys[-1]]
    else:
        within[keys[-1]] = to
    return given


OWN_RULE = {"name": "own_rule", "title": "a rule of our own"}


def searched(**space: dict[str, Any]) -> dict[str, Any]:
    """The template with a search in a space."""
    return changed("lightgbm", "search", to={"trials": 5, "space": space})


def taken(workspace: Workspace, given: Any) -> Catalogue:
    """The features of a specification, as read from the workspace."""
    path = workspace.specs_folder / "escalation.yaml"
    kept = path.read_text(encoding="utf-8")
    path.write_text(given if isinstance(given, str) else yaml.safe_dump(given), encoding="utf-8")
    try:
        return catalogue_of(workspace, read_spec(workspace, "escalation"))
    finally:
        path.write_text(kept, encoding="utf-8")


def refused(workspace: Workspace, given: Any) -> str:
    """What reading a specification, and deriving its features, says is wrong."""
    with pytest.raises(UserMistake) as mistake:
        taken(workspace, given)
    return str(mistake.value)


def test_the_template_can_be_used_as_it_is(workspace: Workspace) -> None:
    specification = read_spec(workspace, "escalation")
    catalogue = catalogue_of(workspace, specification)
    eligibility = specification.to_eligibility(workspace, catalogue)
    assert [part.under_age for part in specification.to_outcome().parts] == [18, 18, 18, None]
    assert len(specification.logistic) == 5 and len(specification.baselines) == 4
    assert eligibility.sources == catalogue.sources
    assert set(eligibility.exits).isdisjoint(catalogue.signals)
    assert "social_care.early_help" not in eligibility.signals
    assert catalogue.association is None, "other people's events are off unless they are asked for"


def test_sequences_and_association_are_asked_for_in_the_specification(workspace: Workspace) -> None:
    given = changed(
        "features",
        to={
            "windows": [30, 90, 180, 365, 730],
            "sequences": [{"first": "police", "then": "social_care.contact", "within": 30}],
            "association": {"signals": ["missing.episode"], "within_days": 120},
        },
    )
    catalogue = taken(workspace, given)
    assert catalogue.names[-4:] == (
        "social_care.contact.after_police_within_30",
        "association.missing.episode.count_30",
        "association.missing.episode.count_90",
        "association.missing.episode.days_since",
    )
    assert catalogue.association == Association(("missing.episode",), 120)
    eligibility = Specification.model_validate(given).to_eligibility(workspace, catalogue)
    assert "missing.episode" in eligibility.signals
    assert not [s for s in eligibility.signals if s.startswith("association.")], (
        "what happened to others makes nobody eligible"
    )


def test_no_name_of_a_parameter_gets_past_the_rule() -> None:
    from lightgbm.basic import _ConfigAliases

    for names in (OURS, BINS):
        assert set(names) == {alias for name in names for alias in _ConfigAliases.get(name)}


def test_a_sensitive_signal_is_used_only_where_it_is_named_and_justified(workspace: Workspace) -> None:
    path = workspace.sources_folder / "social_care.yaml"
    words = "contact: {one: contact with children's services,"
    text = path.read_text("utf-8")
    assert text.count(words) == 1
    path.write_text(text.replace(words, f"{words} sensitive: disability,"), "utf-8")
    again = Workspace(workspace.root)
    try:
        whole = {"windows": [30, 90, 180, 365, 730]}
        silent = taken(again, changed("features", to=whole))
        why = "Contacts are what the question is about, and the audit watches recall by disability."
        rule = {"signal": "social_care.contact", "why": why}
        named = taken(again, changed("features", to=whole | {"sensitive": [rule]}))
        assert "social_care.contact" not in silent.signals
        assert not [name for name in silent.names if name.startswith("social_care.contact.")]
        assert "social_care.contact" in named.signals and named.hash != silent.hash
        assert sensitive_signals(again)["social_care.contact"] == "disability"
    finally:
        path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            changed("features", to={"sensitive": [{"signal": "police.alcohol", "why": "w" * 40}]}),
            "no source declares 'police.alcohol' as sensitive",
        ),
        (
            changed("features", to={"sensitive": [{"signal": "police.alcohol", "why": "because"}]}),
            "features.sensitive.0.why",
        ),
        (changed("capacity", to=0), "capacity"),
        (
            changed("capacity", to=None) | {"capcity": 30},
            "capcity: is not a key that is known here: did you mean capacity?",
        ),
        (
            changed("features", "sensitive", to={"signal": "health.self_harm"}),
            "features.sensitive: is a list, such as [{signal: schools.send_support, why: ",
        ),
        (
            changed("outcome", "parts", to={"eviction": ["rents.eviction"]}),
            "outcome.parts: is a list, such as [{name: eviction, title: an eviction, signals: ",
        ),
        (
            changed("outcome", "parts", to=["rents.eviction"]),
            "outcome.parts.0: is a map with the keys name, title, signals, under_age, at_least; "
            "given 'rents.eviction'",
        ),
        (changed("outcome", "parts", "0", "at_least", to=181), "cannot come within a horizon of 180"),
        (
            changed("calendar", "train", to=["2025-01-06"]),
            "calendar.train: dates are written out or counted back, not both: take it out, or the others "
            "(every_days, history_days, ",
        ),
        (
            changed("calendar", "every_days", to=None),
            "calendar.every_days: is missing",
        ),
        (
            changed("calendar", "test_date", to=3),
            "calendar.test_date: is not a key that is known here: did you mean test_dates",
        ),
        (changed("title", to=None), "title: is missing"),
        (changed("outcome", "horizon_days", to=-1), "outcome.horizon_days"),
        (
            changed("outcome", "service_spells", to=["social_care.in_care"]),
            "no source declares the signal 'social_care.in_care'",
        ),
        (changed("eligible", "seen_within_days", to=731), "more than the longest"),
        (
            changed("outcome", "parts", "0", "at_least", to=0),
            "outcome.parts.0.at_least: Input should be greater than 0; given 0",
        ),
        (changed("outcome", "parts", "0", "at_least", to=2.5), "outcome.parts.0.at_least"),
        (changed("outcome", "parts", "0", "signals", to=["social_care.section_74"]), "section_47"),
        (
            changed("eligible", "not_open", to=["social_care.earlyhelp"]),
            "eligible.not_open: no source declares the signal 'social_care.earlyhelp'; near it are "
            "social_care.early_help",
        ),
        (changed("eligible", "not_open", to=["social_care.contact"]), "is no spell"),
        (
            changed(
                "eligible",
                to={"open_spell": ["social_care.early_help"], "not_open": ["social_care.early_help"]},
            ),
            "'social_care.early_help' is asked for in eligible.open_spell",
        ),
        (changed("eligible", to={"at_least_age": 18, "under_age": 18}), "18 leaves nobody who is under 18"),
        (changed("eligible", "under_age", to=0), "eligible.under_age"),
        (changed("gates", "recall_gap", to=15), "gates.recall_gap: Input should be less than 1; given 15"),
        (changed("gates", "slope", to=1), "gates.slope: is not a key that is known here"),
        (changed("logistic", to=["police.count_365", "police.count_366"]), "near it are police.count_365"),
        (changed("logistic", to=["police.count_365", "police.count_365"]), "is named twice"),
        (changed("baselines", "0", "name", to="logistic"), "is the name of another model"),
        (changed("baselines", "0", "features", to=["age"]), "baselines.contacts: there is no feature 'age'"),
        (
            changed("baselines", to=[OWN_RULE | {"rule": [{"feature": "police.count_91", "above": 1}]}]),
            "baselines.own_rule: there is no feature 'police.count_91'; near it are police.count_90",
        ),
        (
            changed("baselines", to=[OWN_RULE | {"rule": [{"feature": "police.count_90"}]}]),
            "baselines.0.rule.0: say what 'police.count_90' must be: at_least, above, at_most or below",
        ),
        (
            changed("baselines", to=[OWN_RULE]),
            "baselines.0: 'own_rule' needs one of features, rule and days_before",
        ),
        (
            changed("lightgbm", "monotone", to={"polcie.*": "increasing", "police.count_*": "increasing"}),
            "lightgbm.monotone: 'polcie.*' matches no feature: did you mean 'police.*'?",
        ),
        (
            changed("lightgbm", "monotone", to={"police.antisocal_behaviour.count_*": "increasing"}),
            "'police.antisocal_behaviour.count_*' matches no feature: did you mean "
            "'police.antisocial_behaviour.count_*'?",
        ),
        (
            changed("lightgbm", "monotone", to={"police.*": "increasing", "*.count_90": "decreasing"}),
            "lightgbm.monotone: 'police.count_90' is held both increasing and decreasing",
        ),
        (changed("lightgbm", "monotone", to={"police.*": "up"}), "'increasing' or 'decreasing'; given 'up'"),
        (searched(num_threads={"choices": [1, 2]}), "num_threads cannot be set"),
        (searched(max_bin={"low": 15, "high": 255}), "max_bin: settings share their bins"),
        (searched(num_leaves={"low": 7}), "lightgbm.search.space.num_leaves: needs low and high, or choices"),
        (searched(num_leaves={"low": 31, "high": 7}), "low, 31, has to be below high, 7"),
        (searched(lambda_l2={"low": 0, "high": 9, "log": True}), "low has to be above 0, not 0"),
        (searched(num_leaves={"choices": [7, 15], "log": True}), "choices go without low, high and log"),
        (changed("lightgbm", "search", to={"trials": 0}), "lightgbm.search.trials"),
        (changed("lightgbm", "parameters", to={"num_threads": 8}), "num_threads cannot be set"),
        (changed("lightgbm", "settings", to=[{"max_bin": 31}]), "max_bin: settings share their bins"),
        (changed("lightgbm", "settings", to=[]), "lightgbm.settings"),
        (changed("calendar", "history_days", to=-1), "history_days"),
        (changed("calendar", to={"train": ["2024-01-01"]}), "calibrate: is missing"),
        (changed("calendar", to={"train": ["31/02/2024"], "calibrate": [], "test": []}), "31/02/2024"),
        (changed("calendar", to=30), "calendar"),
        (changed("name", to="evictions"), "should be the file's own, 'escalation'"),
        (
            changed("features", "sequences", to=[{"first": "police", "then": "fire", "within": 30}]),
            "sequence 'police' then 'fire': there is no channel 'fire'",
        ),
        (
            changed("features", "sequences", to=[{"first": "police", "then": "missing", "within": "soon"}]),
            "features.sequences.0.within: is a whole number, without quotes; given 'soon'",
        ),
        (
            changed("features", "sequences", to=[{"first": "police", "within": 30}]),
            "features.sequences.0.then: is missing",
        ),
        (
            changed("features", "association", to={"signals": ["rents.notice"], "within_days": 90}),
            "'rents.notice' is shared",
        ),
        (changed("features", "association", to={"signals": ["police.alcohol"]}), "within_days: is missing"),
        ("- a list", "is not a map of keys"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_key(workspace: Workspace, given: Any, said: str) -> None:
    assert said in refused(workspace, given)


def everywhere(given: Any, *at: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each number, text, truth and day of a specification, with where it stands."""
    if isinstance(given, dict | list):
        for key, value in given.items() if isinstance(given, dict) else enumerate(given):
            yield from everywhere(value, *at, key)
    elif given is not None:
        yield at, given


WHOLE = {
    **GIVEN,
    "eligible": {"held": True, "at_least_age": 10, "under_age": 18, "open_spell": ["social_care.early_help"]},
    "gates": {"recall_gap": 0.02},
    "baselines": [
        {"name": "rule", "title": "a rule", "rule": [{"feature": "police.count_90", "at_least": 2}]},
        {"name": "before", "title": "the list before", "days_before": 7},
    ],
    "features": {
        "windows": [30, 730],
        "include": ["police.*"],
        "sequences": [{"first": "police", "then": "social_care.contact", "within": 30}],
        "association": {"signals": ["missing.episode"], "within_days": 120},
        "sensitive": [{"signal": "schools.send_support", "why": "w" * 40}],
    },
    "lightgbm": {
        "parameters": {"learning_rate": 0.05},
        "settings": [{"num_leaves": 7}],
        "rounds": [40],
        "search": {"trials": 3, "space": {"num_leaves": {"low": 2, "high": 31, "log": True}}},
        "monotone": {"police.*": "increasing"},
    },
}
WRITTEN_OUT = {**WHOLE, "calendar": {key: [date(2025, 1, 6)] for key in ("train", "calibrate", "test")}}


@pytest.mark.parametrize("whole", [WHOLE, WRITTEN_OUT])
def test_no_number_text_truth_or_day_is_taken_for_another(whole: dict[str, Any]) -> None:
    """Each of them in turn is replaced by what it resembles, and refused at its own place."""
    Specification.model_validate(whole)
    for at, value in everywhere(whole):
        parameter = at[:2] in (("lightgbm", "parameters"), ("lightgbm", "settings"))  # may be true or false
        wrong: dict[type, list[Any]] = {
            bool: [1, "yes", None],
            int: [str(value), float("nan"), 10**30, *([] if parameter else [True])],
            float: [str(value), float("inf"), *([] if parameter else [True])],
            str: ["", " ", 5, True],
            date: [20250106, "2025-1-6", 1736121600, True],
        }
        for instead in wrong[type(value)]:
            given = copy.deepcopy(whole)
            within: Any = given
            for key in at[:-1]:
                within = within[key]
            within[at[-1]] = instead
            if instead == 10**30 and (parameter or "low" in at or "high" in at or at[-1] == "at_least"):
                continue  # LightGBM's own, or a bound that a feature may have
            with pytest.raises(ValidationError) as error:
                Specification.model_validate(given)
            told = spec_problems(error.value, Specification)
            assert any(said.startswith(".".join(map(str, at))) for said in told), (at, instead, told)


def test_what_a_list_is_like_is_shown_by_what_would_do() -> None:
    """Wherever a list or a map is asked for, the example that is shown could stand there."""
    seen = set()
    for model in (Specification, *models_below(Specification)):
        for name, field in model.model_fields.items():
            adapter = TypeAdapter(field.annotation)
            with contextlib.suppress(ValidationError):
                adapter.validate_python("text", strict=True)
                continue
            if name in EXAMPLES and not isinstance(field.annotation, type):
                adapter.validate_python(yaml.safe_load(EXAMPLES[name]), strict=True)
                seen.add(name)
    assert seen == set(EXAMPLES)


def models_below(of: type[BaseModel]) -> set[type[BaseModel]]:
    inner = {model for name in of.model_fields for model in models_at(of, [name])}
    return inner | {below for model in inner for below in models_below(model)}


def test_a_quoted_day_is_a_day() -> None:
    days = {key: ["2025-01-06"] for key in ("train", "calibrate", "test")}
    calendar = Specification.model_validate(changed("calendar", to=days)).calendar
    assert isinstance(calendar, ExplicitCalendar) and calendar.train == [date(2025, 1, 6)]


def test_all_mistakes_are_told_at_once(workspace: Workspace) -> None:
    given = changed("capacity", to=0) | {"logistic": [], "titel": "x"}
    told = refused(workspace, given)
    assert all(key in told for key in ("capacity", "logistic", "titel"))


def test_a_specification_that_is_not_there_is_told_with_those_that_are(workspace: Workspace) -> None:
    with pytest.raises(UserMistake, match="there are: child_protection, escalation, "):
        read_spec(workspace, "flooding")


def test_specifications_are_read_from_the_workspace_alone(tmp_path: Path) -> None:
    init_workspace(tmp_path, sources=SOURCES, specs=None)
    with pytest.raises(UserMistake, match="there are: none"):
        read_spec(open_workspace(tmp_path), "escalation")
