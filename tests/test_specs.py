"""The specifications that are shipped can be used as they are, and their outcomes happen in a county."""

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.cohort import HELPED, cohort
from features.outcomes import labels, reporting_lag
from features.snapshot import open_snapshot
from features.workspace import TEMPLATES as SOURCES
from features.workspace import Workspace, init_workspace, open_workspace
from models.spec import (
    NEEDED_TO_FIT,
    TEMPLATES,
    EligibleRule,
    ExplicitCalendar,
    FeatureRule,
    GatesRule,
    OutcomeRule,
    Part,
    RollingCalendar,
    Specification,
    catalogue_of,
    read_spec,
    sensitive_signals,
)
from models.spec_candidates import Baseline, LightGBM
from tests.conftest import PEOPLE, CountyOnDisk

SHIPPED = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("specified")
    init_workspace(root, sources=SOURCES, specs=TEMPLATES)
    return open_workspace(root)


def test_six_are_shipped_and_the_first_to_serve_is_the_one_of_the_demo(workspace: Workspace) -> None:
    six = ["child_protection", "escalation", "high_frequency_contact", "losing_home"]
    assert [*six, "missing_and_exploitation", "police_custody"] == SHIPPED
    assert workspace.settings.model == "escalation"


def test_a_workspace_of_before_gains_those_it_lacks_and_keeps_its_own(tmp_path: Path) -> None:
    init_workspace(tmp_path, sources=SOURCES, specs=TEMPLATES)
    own, gone = tmp_path / "specs" / "escalation.yaml", tmp_path / "specs" / "police_custody.yaml"
    own.write_text(own.read_text("utf-8").replace("capacity: 30", "capacity: 12"), "utf-8")
    gone.unlink()
    assert init_workspace(tmp_path, sources=SOURCES, specs=TEMPLATES) == ["specs/police_custody.yaml"]
    assert read_spec(open_workspace(tmp_path), "escalation").capacity == 12


@pytest.fixture(scope="module")
def read(workspace: Workspace) -> dict[str, tuple[Specification, Catalogue]]:
    specifications = [read_spec(workspace, name) for name in SHIPPED]
    return {each.name: (each, catalogue_of(workspace, each)) for each in specifications}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_one_can_be_used_as_it_is(
    workspace: Workspace, read: dict[str, tuple[Specification, Catalogue]], name: str
) -> None:
    specification, catalogue = read[name]
    sensitive, used = sensitive_signals(workspace), {rule.signal for rule in specification.features.sensitive}
    assert not set(catalogue.signals) & set(sensitive) - used, "nothing sensitive without a reason"
    ours = {"social_care.early_help", "ecins.our_involvement", "ecins.our_handoff"}
    assert not set(catalogue.signals) & ours, "help given never raises a score"
    assert 0 < specification.gates.recall_gap < 0.05, "a list of 30 finds few: the limit lies below that"
    assert any(baseline.rule for baseline in specification.baselines) or name == "escalation"
    assert specification.to_outcome().service_spells
    asked = specification.to_eligibility(workspace, catalogue)
    assert (asked.not_open == ()) == (name == "escalation")


def test_their_outcomes_happen_in_the_county(
    workspace: Workspace, read: dict[str, tuple[Specification, Catalogue]], county: CountyOnDisk
) -> None:
    """A hundred in 180 days of 20,000 people, on the mean of three mornings; each flow adds up."""
    held = open_snapshot(open_workspace(county.root))
    found: dict[str, list[int]] = {name: [] for name in SHIPPED}
    rules = {name: s.to_eligibility(workspace, c) for name, (s, c) in read.items()}
    asked = {name: (read[name][0].to_outcome(rule.happenings), rule) for name, rule in rules.items()}
    longest = max(outcome.horizon_days + reporting_lag(held, outcome) for outcome, _ in asked.values())
    for days in (0, 300, 600):
        day = held.morning_after - timedelta(longest + days)
        for name, (outcome, rule) in asked.items():
            people = cohort(held, eligibility=rule, outcome=outcome, as_of=day)
            followed = labels(
                held,
                outcome,
                as_of=day,
                judged_on=held.morning_after,
                person_ids=people.person_ids,
                eligibility=rule,
            )
            found[name].append(int(np.nansum(followed.y)))
            lefts = [left for _, _, left in people.flow]
            assert lefts[-1] == len(people.person_ids) and lefts == sorted(lefts, reverse=True)
            assert (HELPED in [why for why, _, _ in people.flow]) == (name != "escalation")
            assert np.isnan(followed.days_until).sum() == len(followed.y) - found[name][-1]
    print(f"with the outcome in 180 days, of {PEOPLE} people: {found}")
    assert {outcome.horizon_days for outcome, _ in asked.values()} == {180}
    assert {name for name, n in found.items() if sum(n) / len(n) < 100 * PEOPLE / 20_000} == set()


def test_every_key_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "specifications.md").read_text("utf-8")
    rules = (Specification, OutcomeRule, Part, EligibleRule, GatesRule, FeatureRule, RollingCalendar)
    keys = {key for rule in (*rules, ExplicitCalendar, Baseline, LightGBM) for key in rule.model_fields}
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()
    assert {name for name in SHIPPED if f"| `{name}` |" not in page} == set()
    defaults = f"`seen_within_days` ({EligibleRule().seen_within_days})", f"({GatesRule().recall_gap})"
    assert [text for text in defaults if text not in page] == []
    assert f"Under {NEEDED_TO_FIT} people" in page
