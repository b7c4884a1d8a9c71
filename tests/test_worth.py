"""What each source is worth: leaving one out is not having had it, and the same people are asked about."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import derive_catalogue
from features.happenings import base_of
from features.panel import read_panel
from features.read_declaration import read_sources
from features.snapshot import open_snapshot
from features.workspace import TEMPLATES
from models.judge import judge
from models.spec import Specification
from tests.harmed_town import AGENCIES, SPECIFICATION, make_town
from training.asked import Asked, ask
from training.calendar import Fold
from training.examples import room
from training.parts import HOUSEHOLD, POVERTY, parts
from training.plan import Plan, lay_plan
from training.question import PanelRows
from training.trees import Setting, untried
from training.without import rows_again, without
from training.worth import Lost, Worth, _sample, _scored, what_each_is_worth
from training.worth_text import worth_text

SOURCES = read_sources(TEMPLATES)
SETTING = untried(Specification.model_validate(SPECIFICATION).lightgbm)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Asked]:
    workspace = make_town(tmp_path_factory.mktemp("town") / "w", people=1500, capacity=60)
    plan = lay_plan(workspace, "escalation")
    return plan, ask(plan.question, plan.calendar)


@pytest.fixture(scope="module")
def found(asked: tuple[Plan, Asked]) -> Worth:
    return what_each_is_worth(*asked, SETTING, draws=200)


# ---- what is left


@pytest.mark.parametrize("source", ["police_records", "rents", "missing"])
def test_a_catalogue_without_a_source_measures_what_one_of_the_other_declarations_does(source: str) -> None:
    whole = derive_catalogue(SOURCES, windows=(90, 730))
    of_source = {s for c in whole.channels if c.kind == "signal" for s in c.signals if c.sources == (source,)}
    left = without(whole, of_source)
    fewer = {name: declared for name, declared in SOURCES.items() if name != source}
    derived = derive_catalogue(fewer, windows=(90, 730))
    there = {feature.name: feature for feature in left.features}
    for feature in derived.features:
        assert there[feature.name] == feature
        mine, its = left.channel(feature.channel), derived.channel(feature.channel)
        assert (mine.parts, mine.household) == (its.parts, its.household)
        # two that are one happening by what the source said of both are so whoever is left out
        assert {base_of(code) for code in mine.once} >= {base_of(code) for code in its.once}
    assert left.signals == whole.signals
    assert not any(source in left.channel(feature.channel).sources for feature in left.features)
    # what is left over says what another channel says: of a pair one is gone, and the pair is one signal
    assert {left.channel(there[name].channel).kind for name in set(there) - set(derived.names)} <= {
        "agency",
        "theme",
    }


def test_without_a_signal_rows_are_those_of_a_town_where_nobody_sent_it(
    asked: tuple[Plan, Asked], tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan, all_asked = asked
    silent = make_town(
        tmp_path_factory.mktemp("silent") / "w", people=1500, capacity=60, silent="police.incident"
    )
    day = plan.calendar.test[0]
    there = read_panel(open_snapshot(silent), plan.catalogue, day)
    morning = all_asked.lists[day].morning
    left = without(plan.catalogue, {"police.incident"})
    assert isinstance(morning.known, PanelRows)
    X = np.concatenate([some for _, some in rows_again(plan.snapshot, left, [morning.known])])
    both = np.isin(morning.person_ids, there.person_ids)
    assert 100 < both.sum() < len(both)  # whoever only the police tell of has a row all the same
    np.testing.assert_array_equal(X[both], there.columns(left.names)[there.rows_of(morning.person_ids[both])])
    whole = np.concatenate(list(morning.known))
    same = [plan.catalogue.names.index(name) for name in left.names]
    assert not np.array_equal(X[both], whole[both][:, same], equal_nan=True)


def test_nothing_left_out_is_the_panel(asked: tuple[Plan, Asked]) -> None:
    plan, all_asked = asked
    known = [each.morning.known for each in all_asked.reported]
    again = list(rows_again(plan.snapshot, plan.catalogue, known))
    for at, rows in enumerate(known):
        X = np.concatenate([some for of, some in again if of == at])
        np.testing.assert_array_equal(X, np.concatenate(list(rows)))


# ---- what that costs


def test_trees_without_the_household_are_trees_of_the_other_columns(asked: tuple[Plan, Asked]) -> None:
    plan, all_asked = asked
    (household,) = [part for part in parts(plan.catalogue) if part.kind == HOUSEHOLD]
    rows, y = _sample(plan, all_asked, most=500)
    setting = Setting(SETTING.parameters | {"feature_fraction": 0.4, "num_leaves": 7}, 20)
    scored = _scored(plan, all_asked, setting, without(plan.catalogue, household.signals), rows, y)
    kept = [at for at, name in enumerate(plan.catalogue.names) if not name.startswith("household.")]
    X = np.concatenate([block for blocks in rows for block in blocks])[:, kept]
    given = {"objective": "binary", "seed": plan.seed, "data_random_seed": plan.seed, "verbosity": -1}
    given |= {"deterministic": True, "force_col_wise": True, "num_threads": 1, "feature_pre_filter": False}
    booster = lightgbm.train(setting.parameters | given, lightgbm.Dataset(X, y), num_boost_round=20)
    for s in scored:
        panel = read_panel(plan.snapshot, plan.catalogue, s.as_of)
        of_day = panel.X[panel.rows_of(s.person_ids)][:, kept]
        np.testing.assert_array_equal(s.log_odds, booster.predict(of_day, raw_score=True))


def test_the_sample_has_everybody_with_the_outcome_and_is_the_same_again(asked: tuple[Plan, Asked]) -> None:
    plan, all_asked = asked
    positives = int(all_asked.training.y.sum())
    rows, y = _sample(plan, all_asked, most=2 * positives + 100)
    assert (len(y), int(y.sum())) == (2 * positives + 100, positives)
    assert [sum(map(len, each.rows)) for each in rows] and sum(
        sum(map(len, each.rows)) for each in rows
    ) == len(y)
    again, _ = _sample(plan, all_asked, most=2 * positives + 100)
    for one, other in zip(rows, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.rows, other.rows, strict=True))


def test_an_outcome_that_is_common_leaves_room_for_those_without_it(asked: tuple[Plan, Asked]) -> None:
    plan, all_asked = asked
    most = int(all_asked.training.y.sum()) // 2
    _, y = _sample(plan, all_asked, most=most)
    assert (len(y), int(y.sum())) == (most, most // 2)
    fold = Fold(plan.calendar.train, (plan.calendar.train_judged_on,))
    y = all_asked.fit(fold, most=most, seed=1).y
    assert 0.35 < y.mean() < 0.65 and 0.7 * most < len(y) < 1.3 * most
    whole = all_asked.fit(fold, most=len(all_asked.training.y), seed=1).y
    np.testing.assert_array_equal(whole, all_asked.training.y)


@given(*[st.integers(0, 60)] * 3)
def test_there_is_room_for_both(positives: int, others: int, most: int) -> None:
    kept, rest = room(positives, others, most=most)
    assert kept + rest == min(positives + others, most) and 0 <= kept <= positives and 0 <= rest <= others
    assert kept >= min(positives, most // 2) and rest >= min(others, most // 2)


def test_what_tells_of_harm_is_worth_most_and_what_tells_of_nothing_little(found: Worth) -> None:
    by = {part.name: part for part in found.parts}
    assert set(by) == {*AGENCIES, POVERTY, HOUSEHOLD}
    police, fire = by["police"], by["fire"]
    assert police.average_precision.lost > 0.05 > abs(fire.average_precision.lost)
    assert police.average_precision.low > 0 > fire.average_precision.low
    # what the rents send is all that tells of poverty and all that reaches people at home
    assert by["rents"].average_precision == by[POVERTY].average_precision == by[HOUSEHOLD].average_precision
    assert by["rents"].features == by[HOUSEHOLD].features > 0


def test_the_dearest_comes_first_and_figures_add_up(found: Worth, asked: tuple[Plan, Asked]) -> None:
    assert found.capacity == 60 and len(found.dates) == 2
    by_ap = [part.average_precision.lost for part in found.parts]  # 120 flags are few
    assert by_ap == sorted(by_ap, reverse=True)
    for part in found.parts:
        for figure, whole in (("precision", found.precision), ("average_precision", found.average_precision)):
            lost: Lost = getattr(part, figure)
            assert lost.without + lost.lost == pytest.approx(whole)
            assert lost.low <= lost.lost <= lost.high
    plan, all_asked = asked
    rows, y = _sample(plan, all_asked, most=40_000)
    as_it_is = judge(_scored(plan, all_asked, SETTING, plan.catalogue, rows, y), capacity=60)
    assert as_it_is.precision == found.precision
    assert as_it_is.average_precision == pytest.approx(found.average_precision)


def test_of_groups_only_rates_made_of_shown_counts_leave(found: Worth) -> None:
    told = json.dumps(found.to_json(), allow_nan=False)
    assert "found" not in told and re.search(r"P[0-9a-f]{8}", told) is None
    for part in found.parts:
        groups = {(each.characteristic, each.group) for each in part.recall}
        assert ("group", "x") in groups and ("group", "y") in groups
        for each in part.recall:
            known = each.with_all is not None and each.without is not None
            assert (each.lost is not None) == known == (each.verdict == "")
            if each.lost is not None and each.low is not None and each.high is not None:
                assert each.low <= each.lost <= each.high and each.low < each.high
            for rate in (each.with_all, each.without):
                assert rate is None or rate == 0 or rate > 0.01
    police = next(part for part in found.parts if part.name == "police")
    assert any(each.lost is not None and each.lost > 0 for each in police.recall)


def test_the_table_has_a_line_for_each_and_says_what_cannot_be_told(found: Worth) -> None:
    text = worth_text(found.to_json())
    lines = [line for line in text.splitlines() if line.startswith("  ")][1:]
    assert [line.strip().split("  ")[0] for line in lines] == [part.title for part in found.parts]
    assert "nan" not in text
    none = Lost(float("nan"), float("nan"), float("nan"), float("nan"))
    dumb = replace(found, parts=tuple(replace(part, precision=none) for part in found.parts))
    said = worth_text(dumb.to_json())
    assert "not estimable" in said and "nan" not in said


def test_what_tells_of_poverty_among_the_shipped_declarations() -> None:
    given = {part.name: part.signals for part in parts(derive_catalogue(SOURCES))}
    poor = given[POVERTY]
    assert {"rents.arrears", "rents.arrangement", "council_tax.reminder", "benefits.sanction"} <= poor
    assert "food_bank.parcel" in poor or any(name.startswith("food_bank.") for name in poor)
    assert {name.split(".")[0] for name in poor} == {"rents", "council_tax", "benefits", "food_bank"}
    assert all(name in given[HOUSEHOLD] for name in ("rents.arrears", "council_tax.reminder"))
    assert not given[HOUSEHOLD] & given["missing"]
