"""A specification says everything that is wrong with it at once, and where."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.association import Association
from features.catalogue import Catalogue
from features.errors import UserMistake
from features.workspace import TEMPLATES as SOURCES
from features.workspace import Workspace, init_workspace, open_workspace
from models.spec import TEMPLATES, Specification, catalogue_of, read_spec, sensitive_signals
from models.spec_candidates import BINS, OURS

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
        (changed("capacity", to=None) | {"capcity": 30}, "capcity: is not a key that is known here"),
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
            "lightgbm.monotone: 'polcie.*' matches no feature",
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
            "features.sequences.0.within: Input should be a valid integer",
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
