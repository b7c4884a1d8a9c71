"""Who is asked about on 1 February 2024, and what followed within 180 days: a table of people.

Every person of the table stands for one rule. A crowd of random people is then set against an oracle
in plain Python that uses nothing of ours.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.cohort import HELPED, Eligibility, cohort
from features.outcomes import (
    ALREADY,
    HAD_LEFT,
    LEFT,
    NOT_OPEN,
    OPEN,
    OTHER_AGE,
    Outcome,
    OutcomePart,
    labels,
    reporting_lag,
)
from features.snapshot import Snapshot, open_snapshot
from features.tables import SCHEMAS, Tables
from features.vital import exit_signals
from features.workspace import init_workspace, open_workspace

AS_OF, HORIZON = date(2024, 2, 1), 180
JUDGED = date(2024, 10, 1)

SOURCE = """
source: {name}
title: {name}
owner: a team
legal_gateway: an Act
agreement: {{reference: A1, review_by: 2030-01-01}}
covers_from: 2015-01-01
typical_delay_days: 0
schedule: {{every: day}}
extracts:
  rows:
    files: "{name}.csv"
    delivery: full
    record_key: id
    columns: {{id: {{}}, at: {{type: date, format: "%d/%m/%Y"}}, uprn: {{}}}}
    subjects: [{{key: id}}]
    events:
{events}
signals:
{signals}
"""
SIGNALS = {
    "care": {"contact": "", "section_47": "", "plan": "spell: true, ", "moved_away": "exit: true, "},
    "rents": {"eviction": "shared: true, "},
}
OUTCOME = Outcome(
    parts=(
        OutcomePart("section_47", "a section 47 enquiry", ("care.section_47",), under_age=18),
        OutcomePart("eviction", "an eviction", ("rents.eviction",)),
    ),
    horizon_days=HORIZON,
    service_spells=("care.plan",),
)
ELIGIBLE = Eligibility(
    signals=("care.contact", "care.section_47", "care.plan", "rents.eviction"),
    sources=("care",),
    exits=("care.moved_away",),
)


@dataclass
class Person:
    """happened: (signal, occurred, known, ended); days count from the as-of date, -1 = the day before.
    An event's known day is the day after it unless given."""

    happened: list[tuple] = field(default_factory=list)
    age: float | None = 10
    age_known: int = -3000
    died: tuple[int, int] | None = None  # on, known
    held: bool = True
    home: str = ""
    evicted: int | None = None
    ended: tuple[int, int] | None = None  # on, known: of what happened last
    was: str | None = None  # the person this one turns out to be, from day 100 on


def on(offset: int) -> date:
    return AS_OF + timedelta(days=offset)


def seen(*more: tuple) -> list[tuple]:
    """A contact 30 days ago, and what else happened."""
    return [("care.contact", -30), *more]


def make(root: Path, people: dict[str, Person]) -> Snapshot:
    """A workspace that holds these people, each as a subject of one agency under the person's name."""
    templates = root / "templates"
    templates.mkdir(parents=True)
    for name, signals in SIGNALS.items():
        events = "\n".join(f"      - {{signal: {s}, occurred: at, place: uprn}}" for s in signals)
        words = "\n".join(f"  {s}: {{{more}one: a, many: b}}" for s, more in signals.items())
        (templates / f"{name}.yaml").write_text(SOURCE.format(name=name, events=events, signals=words))
    init_workspace(root / "w", sources=templates)
    workspace = open_workspace(root / "w")
    rows: dict[str, list[dict]] = {
        name: [] for name in ("events", "identities", "registers", "links", "residences")
    }
    for name, person in people.items():
        base = {"source": "care", "revision": 1, "withdrawn": False, "delivery_id": 1, "subject_key": name}
        born = None if person.age is None else AS_OF - timedelta(days=round(person.age * 365.25))
        who = base | {"record_key": f"p/{name}", "known_on": on(person.age_known), "birth_date": born}
        rows["identities"].append(who)
        if person.died:
            died = {"record_key": f"d/{name}", "died_on": on(person.died[0]), "known_on": on(person.died[1])}
            rows["identities"].append(base | died)
        if person.held:
            held = {"record_key": f"r/{name}", "known_on": on(-2000), "start_on": on(-2000)}
            rows["registers"].append(base | held)
        for i, (signal, occurred, *more) in enumerate(person.happened):
            known, ended = [*more, None, None][:2]
            rows["events"].append(
                base
                | {
                    "record_key": f"e/{name}{i}",
                    "event_id": f"{name}{i}",
                    "source": signal.split(".")[0],
                    "signal": signal,
                    "occurred_at": datetime.combine(on(occurred), datetime.min.time()),
                    "has_time": False,
                    "known_on": on(occurred + 1 if known is None else known),
                    "ended_on": None if ended is None else on(ended),
                    "place": person.home or None,
                }
                | ({"subject_key": None} if signal == "rents.eviction" else {})
            )
        if person.ended:
            last = {"revision": 2, "ended_on": on(person.ended[0]), "known_on": on(person.ended[1])}
            rows["events"].append(rows["events"][-1] | last)
        link = {"link_run": 1, "subject_key": name}
        for source in SIGNALS:
            rows["links"].append(link | {"source": source, "person_id": f"P{name}", "known_on": on(-3000)})
            if person.was:
                rows["links"].append(
                    link | {"source": source, "person_id": f"P{person.was}", "known_on": on(100)}
                )
        if person.home:
            home = {"link_run": 1, "person_id": f"P{name}", "uprn": person.home}
            rows["residences"].append(home | {"start_on": on(-2500), "known_on": on(-2500)})
    tables = Tables(workspace.data)
    for name, given in rows.items():
        tables.append(name, pa.Table.from_pylist(given, schema=SCHEMAS[name]))
    run = {"link_run": 1, "last_delivery": 1}
    tables.append("link_runs", pa.Table.from_pylist([run], schema=SCHEMAS["link_runs"]))
    ledger = {"delivery_id": 1, "source": "care", "received_on": JUDGED}
    tables.append("deliveries", pa.Table.from_pylist([ledger], schema=SCHEMAS["deliveries"]))
    return open_snapshot(workspace)


NOBODY_HELD = {"held": False}
PEOPLE = {
    "ordinary": Person(seen()),
    "seen_long_ago": Person([("care.contact", -731)]),
    "seen_just_within": Person([("care.contact", -730)]),
    "heard_of_today": Person([("care.contact", -30, 0)]),
    "heard_of_yesterday": Person([("care.contact", -30, -1)]),
    "dead": Person(seen(), died=(-10, -5)),
    "dead_not_known": Person(seen(), died=(-10, 20)),
    "dies": Person(seen(), died=(50, 60)),
    "dies_after_section_47": Person(seen(("care.section_47", 20)), died=(50, 60)),
    "dies_later": Person(seen(), died=(HORIZON, HORIZON + 1)),
    "gone": Person(seen(("care.moved_away", -20))),
    "gone_and_back": Person(seen(("care.moved_away", -40))),
    "gone_not_known": Person(seen(("care.moved_away", -20, 30))),
    "leaves": Person(seen(("care.moved_away", 60))),
    "leaves_and_returns": Person(seen(("care.moved_away", 60), ("care.contact", 90))),
    "on_no_register": Person(seen(), **NOBODY_HELD),
    "lives_with_one_held": Person(seen(), home="1", **NOBODY_HELD),
    "the_one_held": Person(seen(), home="1"),
    "lives_alone_unheld": Person(seen(), home="2", **NOBODY_HELD),
    "on_a_plan": Person(seen(("care.plan", -300))),
    "plan_ended": Person(seen(("care.plan", -300, -299, -1))),
    "plan_ends_today": Person(seen(("care.plan", -300, -299, 0))),
    "enquiry_lately": Person(seen(("care.section_47", -HORIZON))),
    "enquiry_before": Person(seen(("care.section_47", -HORIZON - 1))),
    "worked_case": Person(seen(("care.section_47", -7, 19))),  # 25 January, known 20 February
    "plan_not_known": Person(seen(("care.plan", -60, 10), ("care.section_47", 40))),
    "today": Person(seen(("care.section_47", 0))),
    "last_day": Person(seen(("care.section_47", HORIZON - 1))),
    "twice": Person(seen(("care.section_47", 50), ("care.section_47", 12))),
    "day_after": Person(seen(("care.section_47", HORIZON))),
    "known_too_late": Person(seen(("care.section_47", 10, (JUDGED - AS_OF).days))),
    "known_just_in_time": Person(seen(("care.section_47", 10, (JUDGED - AS_OF).days - 1))),
    "adult": Person(seen(("care.section_47", 10)), age=18.01),
    "nearly_adult": Person(seen(("care.section_47", 10)), age=17.99),
    "age_unknown": Person(seen(("care.section_47", 10)), age=None),
    "turns_out_grown": Person(seen(), age=40, age_known=20),
    "turns_out_a_child": Person(seen(), age=10, age_known=20),
    "tenant": Person(seen(("rents.eviction", 40)), age=40, home="3"),
    "tenants_child": Person(seen(("care.section_47", 70)), home="3"),
    "two_names_a": Person(seen(), was="two_names_b"),
    "two_names_b": Person(seen(("care.section_47", 30))),
    "two_names_c": Person(seen(), was="two_names_d"),
    "two_names_d": Person(seen(("care.plan", -20))),
}
LEFT_OUT = {
    "no event in the last 730 days": {"seen_long_ago", "heard_of_today"},
    "known to have died": {"dead"},
    "known to have gone": {"gone"},
    "not on the council's books": {"on_no_register", "lives_alone_unheld"},
    f"already in the outcome's service, or had it in the last {HORIZON} days": {
        "on_a_plan",
        "plan_ends_today",
        "enquiry_lately",
        "two_names_d",
    },
}
DAYS_UNTIL = {
    **dict.fromkeys(["known_just_in_time", "nearly_adult", "age_unknown"], 10),
    **dict.fromkeys(["two_names_a", "two_names_b"], 30),
    **dict.fromkeys(["tenant", "tenants_child"], 40),
    "today": 0,
    "twice": 12,
    "dies_after_section_47": 20,
    "last_day": HORIZON - 1,
}
POSITIVE = set(DAYS_UNTIL)
UNLABELLED = {
    ALREADY: {"worked_case", "plan_not_known", "two_names_c"},
    HAD_LEFT: {"dead_not_known", "gone_not_known"},
    LEFT: {"dies", "leaves"},
}


@pytest.fixture(scope="module")
def held_data(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return make(tmp_path_factory.mktemp("people"), PEOPLE)


def test_who_is_asked_about(held_data: Snapshot) -> None:
    found = cohort(held_data, eligibility=ELIGIBLE, outcome=OUTCOME, as_of=AS_OF)
    expected = {f"P{name}" for name in set(PEOPLE).difference(*LEFT_OUT.values())}
    assert set(found.person_ids) == expected
    assert list(found.person_ids) == sorted(expected)


def test_the_flow_says_whom_each_rule_left_out(held_data: Snapshot) -> None:
    found = cohort(held_data, eligibility=ELIGIBLE, outcome=OUTCOME, as_of=AS_OF)
    assert {why: out for why, out, _ in found.flow} == {why: len(who) for why, who in LEFT_OUT.items()}
    assert found.flow[-1][2] == len(found.person_ids)
    left = [len(PEOPLE), *(left for _, _, left in found.flow)]
    assert all(before - out == after for before, (_, out, after) in zip(left, found.flow, strict=False))


def test_an_open_spell_may_be_asked_for(held_data: Snapshot) -> None:
    asked = Eligibility(ELIGIBLE.signals, ("care",), held=False, open_spell=("care.plan",))
    nothing_there = Outcome(OUTCOME.parts, HORIZON)
    found = cohort(held_data, eligibility=asked, outcome=nothing_there, as_of=AS_OF)
    assert set(found.person_ids) == {"Pon_a_plan", "Pplan_ends_today", "Ptwo_names_d"}


STAY = set(PEOPLE).difference(*LEFT_OUT.values())


def fits(name: str, known: int, *, at_least_age: int = 0, under_age: int | None = None) -> bool:
    """Whether somebody is of these ages, as known on a day; of unknown age nobody is under one."""
    person = PEOPLE[name]
    if person.age is None or person.age_known >= known:
        return under_age is None
    return at_least_age <= int(person.age) < (under_age or 200)


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        ({"under_age": 18}, ["18 or over", "of unknown age"]),
        ({"at_least_age": 18}, ["under 18"]),
        ({"at_least_age": 18, "under_age": 40}, ["under 18", "40 or over", "of unknown age"]),
    ],
)
def test_ages_decide_who_is_asked_about(
    held_data: Snapshot, rule: dict[str, int], reasons: list[str]
) -> None:
    """What is learned of an age later leaves somebody out of fitting and judging, and is counted."""
    eligible = replace(ELIGIBLE, held=False, **rule)
    some = np.array(sorted(f"P{name}" for name in STAY))
    flow = cohort(held_data, eligibility=eligible, outcome=OUTCOME, as_of=AS_OF)
    found = {person[1:] for person in flow.person_ids if person in some}
    assert found == {name for name in STAY if fits(name, 0, **rule)}
    assert [why for why, out, _ in flow.flow[3:-1] if out] == reasons
    followed = labels(
        held_data, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=some, eligibility=eligible
    )
    left_out = {person[1:] for person in some[np.isnan(followed.y)]}
    other = {name for name in STAY if not fits(name, (JUDGED - AS_OF).days, **rule)}
    known_of_none = {name for name in STAY if PEOPLE[name].age is None}
    assert left_out == set().union(*UNLABELLED.values()) | other - known_of_none
    assert followed.counts[OTHER_AGE] == len(other - known_of_none - UNLABELLED[ALREADY])


def test_whoever_is_helped_already_is_left_out(held_data: Snapshot) -> None:
    """An open spell as known that morning; one that is learned of later is left out of judging."""
    eligible, nothing_there = replace(ELIGIBLE, not_open=("care.plan",)), Outcome(OUTCOME.parts, HORIZON)
    found = cohort(held_data, eligibility=eligible, outcome=nothing_there, as_of=AS_OF)
    without = cohort(held_data, eligibility=ELIGIBLE, outcome=nothing_there, as_of=AS_OF)
    helped = {"on_a_plan", "plan_ends_today", "two_names_d"}
    assert {person[1:] for person in set(without.person_ids) - set(found.person_ids)} == helped
    assert (HELPED, len(helped), len(found.person_ids) + 1) in found.flow
    followed = labels(
        held_data,
        nothing_there,
        as_of=AS_OF,
        judged_on=JUDGED,
        person_ids=found.person_ids,
        eligibility=eligible,
    )
    assert followed.counts[OPEN] == len({"plan_not_known", "two_names_c"})


def test_whose_open_spell_turns_out_to_have_been_over_is_not_judged(tmp_path: Path) -> None:
    """Asked about with a plan that was open as known that morning; it had ended, which came later."""
    open_plan = seen(("care.plan", -300))
    data = make(
        tmp_path,
        {
            "a": Person(open_plan),
            "b": Person(open_plan, ended=(-1, 20)),
            "c": Person(open_plan, ended=(0, 20)),
            "d": Person(open_plan, ended=(-1, (JUDGED - AS_OF).days)),
        },
    )
    asked = replace(ELIGIBLE, held=False, open_spell=("care.plan",))
    nothing_there = Outcome(OUTCOME.parts, HORIZON)
    people = cohort(data, eligibility=asked, outcome=nothing_there, as_of=AS_OF).person_ids
    assert people.tolist() == ["Pa", "Pb", "Pc", "Pd"]
    followed = labels(
        data, nothing_there, as_of=AS_OF, judged_on=JUDGED, person_ids=people, eligibility=asked
    )
    assert np.isnan(followed.y).tolist() == [False, True, False, False]
    assert followed.counts[NOT_OPEN] == 1


def everybody(snapshot: Snapshot) -> np.ndarray:
    return cohort(snapshot, eligibility=ELIGIBLE, outcome=OUTCOME, as_of=AS_OF).person_ids


def test_what_followed(held_data: Snapshot) -> None:
    asked = everybody(held_data)
    found = labels(held_data, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=asked, eligibility=ELIGIBLE)
    names = [person[1:] for person in asked]
    assert {n for n, y in zip(names, found.y, strict=True) if y == 1} == POSITIVE
    assert {n for n, y in zip(names, found.y, strict=True) if np.isnan(y)} == set().union(
        *UNLABELLED.values()
    )
    assert {why: found.counts[why] for why in UNLABELLED} == {w: len(who) for w, who in UNLABELLED.items()}
    assert sum(found.counts.values()) == len(asked)


def test_how_many_days_it_was_until_the_first(held_data: Snapshot) -> None:
    asked = everybody(held_data)
    found = labels(held_data, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=asked, eligibility=ELIGIBLE)
    days = dict(zip([person[1:] for person in asked], found.days_until, strict=True))
    assert {name: day for name, day in days.items() if not np.isnan(day)} == DAYS_UNTIL


def test_each_part_is_told_apart(held_data: Snapshot) -> None:
    asked = everybody(held_data)
    found = labels(held_data, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=asked)
    evicted = {person[1:] for person in asked[found.parts["eviction"]]}
    assert evicted == {"tenant", "tenants_child"}
    assert "adult" not in {person[1:] for person in asked[found.parts["section_47"]]}


def test_two_people_who_turn_out_to_be_one_are_told_to_be_the_same(held_data: Snapshot) -> None:
    asked = everybody(held_data)
    found = labels(held_data, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=asked)
    same = dict(zip(asked, found.same_as, strict=True))
    assert same["Ptwo_names_a"] == same["Ptwo_names_b"]
    assert len(set(found.same_as)) == len(asked) - 1


def test_labels_are_not_judged_before_the_horizon_is_over(held_data: Snapshot) -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        labels(held_data, OUTCOME, as_of=AS_OF, judged_on=on(HORIZON - 1), person_ids=np.array(["Pordinary"]))


def test_the_reporting_lag_is_the_days_that_19_in_20_outcomes_took(tmp_path: Path) -> None:
    delays = [1] * 18 + [40, 90]
    people = {f"p{i}": Person([("care.section_47", -500, -500 + d)]) for i, d in enumerate(delays)}
    snapshot = make(tmp_path, people)
    assert reporting_lag(snapshot, OUTCOME) == int(np.ceil(np.quantile(delays, 0.95)))
    assert reporting_lag(snapshot, Outcome((OutcomePart("e", "e", ("rents.eviction",)),), 10)) == 0


def test_exits_are_those_the_sources_declare(held_data: Snapshot) -> None:
    assert exit_signals(held_data.workspace.sources) == ("care.moved_away",)


def oracle(person: Person) -> tuple[bool, float | None]:
    """(asked about?, what followed; None = not judged), by the rules as the design says them."""

    def happened(signal: str, first: int, last: int, known_before: int) -> list[tuple[int, int | None]]:
        rows = [(s, o, k if k is not None else o + 1, e) for s, o, k, e in person.happened]
        return [(o, e) for s, o, k, e in rows if s == signal and first <= o < last and k < known_before]

    def there(known: int) -> bool:
        plans = happened("care.plan", -(10**6), 0, known)
        return any(e is None or e >= 0 for _, e in plans) or bool(
            happened("care.section_47", -HORIZON, 0, known)
        )

    def away(before: int, known: int) -> bool:
        exits = [o for o, _ in happened("care.moved_away", -(10**6), before, known)]
        others = [
            o
            for s in ("care.contact", "care.section_47", "care.plan")
            for o, _ in happened(s, -(10**6), before, known)
        ]
        return bool(exits) and max(exits) >= max(others, default=-(10**6))

    later = (JUDGED - AS_OF).days
    was_seen = any(happened(s, -730, 0, 0) for s in ELIGIBLE.signals)
    asked = was_seen and not away(0, 0) and not there(0)
    if there(later) or away(0, later):
        return asked, None
    if happened("care.section_47", 0, HORIZON, later):
        return asked, 1.0
    return asked, None if away(HORIZON, later) else 0.0


def test_a_random_crowd_against_an_oracle_in_plain_python(tmp_path: Path) -> None:
    draw = random.Random(5)

    def anything() -> tuple:
        signal = draw.choice(
            ["care.contact", "care.contact", "care.section_47", "care.plan", "care.moved_away"]
        )
        occurred = draw.choice([draw.randint(-900, 300), draw.randint(-185, 185), draw.randint(-3, 3)])
        known = occurred + draw.choice([1, 1, 5, 40, 200])
        ended = occurred + draw.randint(0, 300) if signal == "care.plan" and draw.random() < 0.7 else None
        return signal, occurred, known, ended

    crowd = {f"n{i:03}": Person([anything() for _ in range(draw.randint(1, 5))]) for i in range(400)}
    snapshot = make(tmp_path, crowd)
    expected = {f"P{name}": oracle(person) for name, person in crowd.items()}
    asked = everybody(snapshot)
    assert set(asked) == {person for person, (is_asked, _) in expected.items() if is_asked}
    found = labels(snapshot, OUTCOME, as_of=AS_OF, judged_on=JUDGED, person_ids=asked, eligibility=ELIGIBLE)
    truth = np.array([np.nan if expected[p][1] is None else expected[p][1] for p in asked])
    np.testing.assert_array_equal(found.y, truth)
    assert {*truth[~np.isnan(truth)]} == {0.0, 1.0} and np.isnan(truth).any()
