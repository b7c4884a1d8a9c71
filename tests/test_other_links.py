"""Other links in the place of those that stood: the rows are those of a town in which they did stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from features.asof import sql_known
from features.other_links import OtherLinks, links_of, rows_with
from features.panel import Panel, read_panel
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace
from models.calibration import Platt
from models.judge import judge
from models.scorer import LinearScorer, Term
from tests.harmed_town import make_town
from training.asked import Asked, ask
from training.audited import audit_run
from training.fitting import score_lists
from training.plan import Plan, lay_plan
from training.relinked import audited_again, by_surer_links, judged_twice

DAY, LATER = date(2026, 1, 19), date(2026, 3, 1)
NEVER = date(2099, 1, 1)
PEOPLE = 180

SCORER = LinearScorer((Term("police.incident.count_730", 0.2), Term("household.count_365", 0.1)), -3.0)
PLATT = Platt(1.5, 0.2)

Town = Callable[..., Workspace]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    made: dict[tuple, Workspace] = {}

    def make(**how: object) -> Workspace:
        key = tuple(sorted(how.items()))
        if key not in made:
            made[key] = make_town(tmp_path_factory.mktemp("town") / "w", people=PEOPLE, short=True, **how)  # type: ignore[arg-type]
        return made[key]

    return make


def opened(workspace: Workspace) -> tuple[Snapshot, Plan]:
    plan = lay_plan(workspace, "escalation")
    return plan.snapshot, plan


def agree(some: Panel, whole: Panel, people: list[str]) -> None:
    np.testing.assert_array_equal(some.X[some.rows_of(people)], whole.X[whole.rows_of(people)])


def test_the_same_links_give_everybody_the_rows_they_have(town: Town) -> None:
    snapshot, plan = opened(town(joined=LATER))
    whole = read_panel(snapshot, plan.catalogue, DAY)
    same = OtherLinks(DAY, links_of(DAY, DAY).links, "SELECT DISTINCT person_id FROM links")
    touched, some = rows_with(snapshot, plan.catalogue, same)
    assert some.person_ids.tolist() == whole.person_ids.tolist() and touched >= set(some.person_ids)
    agree(some, whole, whole.person_ids.tolist())


def test_todays_links_give_the_rows_of_a_town_that_always_had_them(town: Town) -> None:
    snapshot, plan = opened(town(joined=LATER))
    touched, some = rows_with(snapshot, plan.catalogue, links_of(plan.calendar.test_judged_on, DAY))
    always = read_panel(open_snapshot(town()), plan.catalogue, DAY)
    agree(some, always, some.person_ids.tolist())
    stood = read_panel(snapshot, plan.catalogue, DAY)
    others = sorted(set(always.person_ids) - touched)
    agree(stood, always, others)
    assert not any(person.endswith("b00") for person in some.person_ids)
    assert sum(person.endswith("b00") for person in stood.person_ids) > 30


def asked_in(workspace: Workspace) -> tuple[Plan, Asked]:
    plan = lay_plan(workspace, "escalation")
    return plan, ask(plan.question, plan.calendar)


def have_other_subjects(plan: Plan, asked: Asked) -> list[tuple[date, str]]:
    """Day and person of those asked about of whom any subject is somebody else's later, or who got another's,
    whether or not they kept their id."""

    def subjects(known: date) -> dict[str, set]:
        query = f"SELECT person_id, source, subject_key FROM links WHERE {sql_known(known)}"
        found: dict[str, set] = {}
        for person, *subject in plan.snapshot.con.execute(query).fetchall():
            found.setdefault(person, set()).add(tuple(subject))
        return found

    later = list(subjects(plan.calendar.test_judged_on).values())
    return [
        (day, person)
        for day in plan.calendar.test
        for then in [subjects(day)]
        for person in asked.lists[day].morning.person_ids.tolist()
        if then[person] not in later
    ]


def test_judged_with_todays_links_is_judged_as_in_a_town_that_always_had_them(town: Town) -> None:
    plan, asked = asked_in(town(joined=LATER))
    scorers, platts = {"sum": SCORER}, {"sum": PLATT}
    names = plan.catalogue.names
    scored = score_lists(scorers, names, asked.reported, platts=platts)
    before = [s.log_odds.copy() for s in scored["sum"]]
    twice = judged_twice(plan, asked, scorers, platts, scored)
    assert twice.then["sum"] == judge(scored["sum"], capacity=30)
    _, always = asked_in(town())
    rescored = score_lists(scorers, names, always.reported, platts=platts)
    assert twice.later["sum"] == judge(rescored["sum"], capacity=30)
    told = json.loads(json.dumps(twice.of("sum"), allow_nan=False))
    assert (
        told["later"]["n"] == twice.later["sum"].n < told["then"]["n"] and told["judged_on"] == "2026-06-21"
    )
    assert twice.later["sum"] != twice.then["sum"] and twice.relinked < twice.people
    assert twice.relinked == len(have_other_subjects(plan, asked))
    assert all(np.array_equal(s.log_odds, b) for s, b in zip(scored["sum"], before, strict=True))


def test_by_surer_links_people_have_the_scores_of_a_town_without_the_others(town: Town) -> None:
    plan, asked = asked_in(town(sure=0.97))
    scorers, platts = {"sum": SCORER}, {"sum": PLATT}
    scored = score_lists(scorers, plan.catalogue.names, asked.reported, platts=platts)
    surer, again = by_surer_links(plan, scorers, platts, scored, least=0.98)
    never = read_panel(open_snapshot(town(joined=NEVER, every=1)), plan.catalogue, DAY)
    first = surer["sum"][0]
    there = np.isin(first.person_ids, never.person_ids)
    X = never.columns(SCORER.names)[never.rows_of(first.person_ids[there])]
    np.testing.assert_array_equal(first.log_odds[there], 1.5 * SCORER.margin(X) + 0.2)
    if not there.all():
        assert first.log_odds[~there].max() < first.log_odds[there].min()
    assert again > 200
    same, none = by_surer_links(plan, scorers, platts, scored, least=0.9)
    assert none == 0 and np.array_equal(same["sum"][0].log_odds, scored["sum"][0].log_odds)
    two = audited_again(plan, asked, scorers, platts, scored, least=0.98)
    every = audit_run(plan, asked, scored)["sum"].everybody.counts
    by_surer = two.surer["sum"].everybody.counts
    assert (every["n"], every["positives"]) == (by_surer["n"], by_surer["positives"])
    told = two.of("sum")
    assert told["least"] == 0.98 and told["audit"]["by_one"] == two.surer["sum"].to_json()["by_one"]
