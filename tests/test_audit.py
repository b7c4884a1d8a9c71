"""The bias audit at the action threshold: a table worked by hand, an oracle, its power, small groups."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import (
    MET,
    MISSED,
    NOBODY_LOOKED,
    TOLD_TOO_LOW,
    Answer,
    ThresholdAudit,
    audit_lists,
    gate_said,
    reading,
    recall_gate,
)
from models.audit_text import audit_text
from models.disclosure import STAR
from models.fairness import (
    ALIKE,
    AT_THE_THRESHOLD,
    EVERYBODY,
    NOT_ESTIMABLE,
    TOO_FEW,
    Group,
    with_differences,
)
from models.groups import CROSS, in_order
from models.judge import Scored
from models.pooled import Listing, crossed, listing, on_list, pool, tally


def people(found: int, omitted: int, in_vain: int, quiet: int, **groups: str) -> list[dict[str, str | bool]]:
    """So many people of each kind, all of the same groups."""
    kinds = ((found, True, True), (omitted, False, True), (in_vain, True, False), (quiet, False, False))
    return [
        {"selected": selected, "positive": positive, **groups}
        for many, selected, positive in kinds
        for _ in range(many)
    ]


def one_list(rows: list[dict[str, str | bool]], *, chance: float | None = None) -> Listing:
    names = [name for name in rows[0] if name not in ("selected", "positive")]
    return Listing(
        person=np.arange(len(rows)),
        selected=np.array([row["selected"] for row in rows], bool),
        positive=np.array([row["positive"] for row in rows], bool),
        groups={name: np.array([row[name] for row in rows], object) for name in names},
        chance=None if chance is None else np.full(len(rows), chance),
    )


def group(audit: ThresholdAudit, name: str, characteristic: str = "sex") -> Group:
    (of,) = [each for each in (*audit.by_one, *audit.by_two) if each.characteristic == characteristic]
    return next(g for g in of.groups if g.name == name)


def test_the_rates_of_a_table_worked_by_hand() -> None:
    """f: 60 of 100 found, 40 listed of 900 in vain; m: 30 of 100 found, 50 listed of 400 in vain."""
    rows = people(60, 40, 40, 860, sex="f") + people(30, 70, 50, 350, sex="m")
    audit = audit_lists([one_list(rows)], limit=0.05)
    f, m = group(audit, "f"), group(audit, "m")
    rates = {name: (f.estimates[name].rate, m.estimates[name].rate) for name in f.estimates}
    assert rates == {
        "recall": (60 / 100, 30 / 100),
        "false omission": (40 / 900, 70 / 420),
        "false positive": (40 / 900, 50 / 400),
        "precision": (60 / 100, 30 / 80),
        "selection": (100 / 1000, 80 / 500),
    }
    assert audit.everybody.estimates["recall"].rate == 90 / 200
    assert f.estimates["recall"].gap is not None and m.estimates["recall"].gap is not None
    assert f.estimates["recall"].gap.value == pytest.approx(-0.15)
    assert m.estimates["recall"].gap.value == pytest.approx(0.15)
    assert audit.worst() == (pytest.approx(0.15), "sex: m")
    assert audit.gate == (Answer("sex", "m", MISSED),)
    assert not audit.passes and audit.to_sign == []
    assert audit.by_two == () and audit.attention == () and audit.calibration == {"sex": {}}


def test_a_group_of_whom_hardly_anybody_was_found_is_named_though_its_counts_may_not_be_shown() -> None:
    rows = people(150, 150, 50, 900, sex="f") + people(3, 57, 50, 900, sex="m")
    audit = audit_lists([one_list(rows)], limit=0.1)
    assert group(audit, "m").counts["found"] == STAR
    assert group(audit, "m").estimates["recall"].verdict == TOO_FEW
    assert audit.gate == (Answer("sex", "m", MISSED),)


def test_under_thirty_positives_somebody_has_to_sign() -> None:
    rows = people(150, 150, 50, 900, sex="f") + people(9, 18, 30, 900, sex="unknown")
    audit = audit_lists([one_list(rows)], limit=0.05)
    assert audit.gate == (Answer("sex", "unknown", NOT_ESTIMABLE),)
    assert audit.passes and audit.to_sign == list(audit.gate)
    card = json.loads(json.dumps(audit.to_json()))
    assert gate_said(card, {}) == (False, "not estimable, and nobody signed: sex: unknown")
    assert gate_said(card, {"sex: unknown": "A. Ward: 27 people, looked at one by one"})[0]
    assert not gate_said(card, {"sex: unknown": "  "})[0]


def test_a_gate_that_is_met_says_how_many_could_be_judged_and_who_answers_for_the_others() -> None:
    """Of four groups two have enough people; nobody may read of the others that none of them is missed."""
    judged = people(150, 150, 50, 900, sex="f") + people(60, 60, 50, 900, sex="m")
    rows = (
        judged
        + people(9, 18, 30, 900, sex="unknown")
        + people(2, 3, 3, 90, sex="x")
        + people(1, 0, 0, 9, sex="y")
    )
    audit = audit_lists([one_list(rows)], limit=0.05)
    card = json.loads(json.dumps(audit.to_json()))
    signed = {f"sex: {group}": "A. Ward: we read every one of them" for group in ("unknown", "x")}
    assert gate_said(card, signed) == (False, "not estimable, and nobody signed: sex: y")
    assert gate_said(
        card, signed | {"sex: y": "B. Castle: there is one", "sex: m": "B. Castle: no need to"}
    ) == (
        True,
        "of 5 groups 2 could be judged, and none of these is missed too often; signed for: 2 by A. Ward, "
        "1 by B. Castle",
    )
    assert "of 5 groups 2 can be judged, and none of these is missed by more than 5 points." in audit_text(
        audit
    )
    alone = audit_lists([one_list(judged)], limit=0.05).to_json()
    assert gate_said(alone, {}) == (True, "all 2 groups could be judged, and none is missed too often")
    few = audit_lists([one_list(people(20, 20, 9, 90, sex="x") + people(1, 25, 9, 90, sex="y"))], limit=0.05)
    by = {f"sex: {group}": "A. Ward: we read every one of them" for group in "xy"}
    assert [answer.group for answer in few.to_sign] == ["y"]
    assert gate_said(few.to_json(), by)[1].startswith("of 2 groups 1 could be judged")


def test_where_nothing_is_held_of_anybody_the_gate_is_not_met() -> None:
    """Neither with no characteristic at all, nor with one that is declared and of which nothing is held."""
    rows = people(150, 150, 50, 900, sex="unknown")
    nobody = audit_lists([replace(one_list(rows), groups={})], limit=0.05)
    assert not nobody.passes
    assert gate_said(nobody.to_json(), {}) == (False, NOBODY_LOOKED)
    assert f"**The gate is not met**: {NOBODY_LOOKED}." in audit_text(nobody)
    empty = audit_lists([one_list(rows)], limit=0.05)
    assert empty.gate == (Answer("sex", "unknown", NOT_ESTIMABLE),)
    assert not gate_said(empty.to_json(), {})[0]
    signed = gate_said(empty.to_json(), {"sex: unknown": "A. Ward: no agency of ours may tell it"})
    assert signed == (True, "of 1 group none could be judged; signed for: 1 by A. Ward")


def test_a_limit_that_no_group_could_break_is_no_gate() -> None:
    """Short lists: of everybody 4 % are found. Of m nobody is, and that is 4 points."""
    rows = people(40, 460, 10, 900, sex="f") + people(0, 500, 10, 900, sex="m")
    wide, narrow = (audit_lists([one_list(rows)], limit=limit) for limit in (0.05, 0.01))
    assert (wide.could_fail, wide.passes, wide.gate) == (False, False, ())
    assert gate_said(wide.to_json(), {})[1].startswith("no group could fail")
    assert "no group could fail" in audit_text(wide)
    assert narrow.could_fail and narrow.gate == (Answer("sex", "m", MISSED),)


def test_the_gate_of_a_card_names_who_is_missed() -> None:
    rows = people(60, 40, 40, 860, sex="f") + people(30, 70, 50, 350, sex="m")
    met, said = gate_said(audit_lists([one_list(rows)], limit=0.05).to_json(), {"sex: m": "never mind"})
    assert (met, said) == (False, "missed too often: sex: m")


@pytest.mark.parametrize(
    "rows",
    [
        people(1, 0, 0, 0, sex="f"),
        people(40, 0, 0, 0, sex="f") + people(0, 40, 0, 0, sex="m"),
        people(0, 0, 0, 50, sex="f"),
        people(0, 50, 0, 0, sex="f", disability="no"),
        people(0, 0, 50, 0, sex="unknown") + people(0, 0, 0, 50, sex="m"),
        people(0, 40, 0, 40, sex="f") + people(1, 0, 0, 0, sex="m"),
    ],
    ids=[
        "one person",
        "all with the outcome",
        "none with it",
        "nobody listed",
        "all in vain",
        "one of a kind",
    ],
)
def test_degenerate_groups_are_answered_and_said(rows: list[dict[str, str | bool]]) -> None:
    audit = audit_lists([one_list(rows, chance=0.2)], limit=0.05)
    for each in (*audit.by_one, *audit.by_two):
        for g in each.groups:
            for estimate in g.estimates.values():
                assert (estimate.rate is None) == (estimate.verdict in (NOT_ESTIMABLE, TOO_FEW))
    text = audit_text(audit)
    assert "nan" not in text and "inf" not in text.replace("information", "")
    json.dumps(audit.to_json(), allow_nan=False)


def test_nobody_and_what_is_not_known_yet_is_our_mistake() -> None:
    nobody = Listing(np.arange(0), np.zeros(0, bool), np.zeros(0, bool), {})
    unknown = Listing(np.arange(3), np.ones(3, bool), None, {})
    for lists in ([nobody], [unknown]):
        with pytest.raises(ValueError, match="known what followed"):
            audit_lists(lists, limit=0.05)


# ---- power


def redraw(rng: np.random.Generator, *, recall_of_b: float, recall_of_a: float) -> str:
    """What the gate says of b, of 200 positives, beside a, of 800; 4,000 people on two dates."""
    b = rng.random(4000) < 0.2
    positive = np.zeros(4000, bool)
    for group, many in ((b, 200), (~b, 800)):
        positive[rng.choice(np.flatnonzero(group), many, replace=False)] = True
    listed = rng.random(4000) < np.where(b, recall_of_b, recall_of_a)
    groups = {"x": np.where(b, "b", "a").astype(object)}
    first = rng.random(4000) < 0.5  # who is listed is so on either of the dates; what followed, on both
    dates = [Listing(np.arange(4000), listed & on, positive, groups) for on in (first, ~first)]
    counts = tally(pool(dates), "x")
    assert counts["b"]["positives"] == 200
    return next(a.verdict for a in recall_gate("x", counts, limit=0.0) if a.group == "b")


def test_a_planted_gap_of_fifteen_points_is_found_and_an_absent_one_is_not() -> None:
    """b is found in 35 %; a, then, in 50 %: everybody in 47 %, so the gap from everybody is 12 points."""
    rng = np.random.default_rng(2026)
    planted = sum(redraw(rng, recall_of_b=0.35, recall_of_a=0.5) == MISSED for _ in range(50)) / 50
    absent = sum(redraw(rng, recall_of_b=0.5, recall_of_a=0.5) == MISSED for _ in range(50)) / 50
    print(
        f"a planted gap of 15 points was found in {planted:.0%} of 50 redraws, an absent one in {absent:.0%}"
    )
    assert planted >= 0.8
    assert absent <= 0.1


def test_a_limit_is_what_a_group_may_stay_behind() -> None:
    counts = {
        "a": {"n": 9000, "selected": 900, "positives": 1000, "found": 500, "omitted": 500},
        "b": {"n": 9000, "selected": 900, "positives": 1000, "found": 400, "omitted": 600},
    }
    said = {limit: recall_gate("x", counts, limit=limit)[1].verdict for limit in (0.0, 0.02, 0.05)}
    assert said == {0.0: MISSED, 0.02: MISSED, 0.05: MET}


# ---- pooled, crossed, calibrated


@dataclass(frozen=True)
class Row:
    person: int
    selected: bool
    positive: bool
    sex: str
    band: str


rows_of_a_date = st.lists(
    st.builds(
        Row,
        st.integers(0, 30),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["f", "m", "unknown"]),
        st.sampled_from(["under 5", "65 and over"]),
    ),
    min_size=1,
    max_size=31,
    unique_by=lambda row: row.person,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(rows_of_a_date, min_size=1, max_size=3))
def test_every_rate_of_every_two_characteristics_is_what_going_through_people_gives(
    dates: list[list[Row]],
) -> None:
    """The oracle knows people, not columns: a person's story over all dates, then the definitions."""
    lists = [
        Listing(
            np.array([row.person for row in rows]),
            np.array([row.selected for row in rows]),
            np.array([row.positive for row in rows]),
            {
                "sex": np.array([r.sex for r in rows], object),
                "band": np.array([r.band for r in rows], object),
            },
        )
        for rows in dates
    ]
    two = crossed(pool(lists))
    told = tally(two, f"band{CROSS}sex")
    stories: dict[int, list[Row]] = {}
    for row in (row for rows in dates for row in rows):
        stories.setdefault(row.person, []).append(row)
    for name, counts in told.items():
        known = with_differences(counts)
        mine = [s for s in stories.values() if f"{s[-1].band}{CROSS}{s[-1].sex}" == name]
        listed = [s for s in mine if any(row.selected for row in s)]
        followed = [s for s in mine if any(row.positive for row in s)]
        found = [s for s in mine if any(row.selected and row.positive for row in s)]
        shares = {
            "recall": (len(found), len(followed)),
            "false omission": (sum(s not in listed for s in followed), len(mine) - len(listed)),
            "false positive": (sum(s not in followed for s in listed), len(mine) - len(followed)),
            "precision": (len(found), len(listed)),
            "selection": (len(listed), len(mine)),
        }
        assert {m.name: (known[m.part], known[m.whole]) for m in AT_THE_THRESHOLD} == shares
    assert sum(counts["n"] for counts in told.values()) == len(stories)


def test_crossed_groups_come_in_a_readers_order() -> None:
    names = {f"{a}{CROSS}{b}" for a in ("under 5", "65 and over", "unknown") for b in ("unknown", "f")}
    assert [name.replace(CROSS, "/") for name in in_order(names)] == [
        *("under 5/f", "under 5/unknown", "65 and over/f"),
        *("65 and over/unknown", "unknown/f", "unknown/unknown"),
    ]


def test_a_card_has_of_crossed_groups_only_what_can_be_told() -> None:
    large = {("old", "f"), ("old", "m"), ("old", "x"), ("young", "f"), ("child", "f")}
    rows = [
        row
        for band in ("old", "young", "child")
        for sex in "fmx"
        for row in people(*((60, 40, 40, 860) if (band, sex) in large else (3, 3, 3, 5)), band=band, sex=sex)
    ]
    audit = audit_lists([one_list(rows, chance=0.1)], limit=0.05).to_json()
    measures = {measure.name for measure in AT_THE_THRESHOLD}
    told = {f"{band}{CROSS}{sex}" for band, sex in large}
    for group in audit["by_two"][0]["groups"]:
        assert set(group["estimates"]) == (measures if group["name"] in told else {"recall"})
    assert set(audit["calibration"][f"band{CROSS}sex"]) == told | {EVERYBODY}
    assert set(audit["calibration"]["band"]) == {"old", "young", "child", EVERYBODY}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=6, max_size=6))
def test_no_line_of_a_crossed_table_has_a_lone_star(cells: list[tuple[int, int, int, int]]) -> None:
    """The total of every line is known from the tables that are not crossed."""
    pairs = [(sex, place) for sex in ("f", "m") for place in ("north", "south", "west")]
    rows = [
        row
        for (sex, place), many in zip(pairs, cells, strict=True)
        for row in people(*many, sex=sex, place=place)
    ]
    if not rows:
        return
    (crossing,) = audit_lists([one_list(rows)], limit=0.05).by_two
    true = tally(crossed(pool([one_list(rows)])), crossing.characteristic)
    for half in ("f", "m", "north", "south", "west"):
        line = [g for g in crossing.groups if half in g.name.split(CROSS)]
        for column in crossing.everybody.counts:
            stars = [g.name for g in line if g.counts[column] == STAR]
            total = sum(true[g.name][column] for g in line)
            others = sum(true[g.name][column] for g in line if g.name not in stars)
            assert len(stars) != 1 or total < 8 or others == 0, (half, column)
    for g in crossing.groups:
        assert all(count == STAR for c, count in g.counts.items() if 0 < true[g.name][c] < 8)


def test_calibration_of_a_group_is_what_followed_over_what_was_foretold() -> None:
    """m: 60 of 400 where 40 were foretold; on two dates, so that a person's rows go together."""
    rows = people(20, 20, 20, 340, sex="f") + people(30, 30, 20, 320, sex="m")
    once = audit_lists([one_list(rows, chance=0.1)], limit=0.5).calibration["sex"]
    twice = audit_lists([one_list(rows, chance=0.1)] * 2, limit=0.5).calibration["sex"]
    assert (once["f"].ratio, once["m"].ratio, once[EVERYBODY].ratio) == (1.0, 1.5, 1.25)
    assert (once["f"].verdict, once["m"].verdict) == (ALIKE, TOLD_TOO_LOW)
    # The same people twice tell nothing new: rows would make the interval narrower, people do not.
    assert twice == once
    resampled = []
    rng, y = np.random.default_rng(1), np.repeat([1.0, 0.0], [60, 340])
    for _ in range(2000):
        resampled.append(rng.choice(y, len(y)).sum() / 40)
    assert once["m"].interval == pytest.approx(tuple(np.quantile(resampled, (0.025, 0.975))), abs=0.06)


def test_outcome_beside_contact_tells_who_is_only_watched_more() -> None:
    rows = people(20, 40, 20, 720, sex="f") + people(60, 120, 20, 600, sex="m")
    met = np.array([row["sex"] == "m" or i % 4 == 0 for i, row in enumerate(rows)])
    plain = one_list(rows)
    watched = Listing(plain.person, plain.selected, plain.positive, plain.groups, contacted=met)
    (told,) = audit_lists([watched], limit=0.5).attention
    assert {g.name: reading(g).split(":")[0] for g in told.groups} == {
        "f": "met less often, and recorded less often",
        "m": "met more often, and recorded more often",
    }
    assert list(told.everybody.counts) == ["n", "positives", "contacted"]


def test_a_listing_is_of_those_who_can_be_judged_and_one_person_is_one() -> None:
    nan = float("nan")
    scored = Scored(
        None,  # type: ignore[arg-type]
        np.array(["p1", "p2", "p3", "p4"]),
        np.array([0.0, 3.0, 2.0, 1.0]),
        np.array([1.0, nan, 1.0, 0.0]),
        np.array([5, 6, 5, 7]),
    )
    made = listing(scored, on_list(scored, 2), {"sex": np.array(["f", "m", "f", "m"], object)})
    assert made.person.tolist() == ["p1", "p1", "p4"]  # p3 turned out to be p1
    assert made.selected.tolist() == [False, True, False]  # p2 took a place, and cannot be judged
    assert tally(pool([made]), "sex") == {
        "f": {"n": 1, "selected": 1, "positives": 1, "found": 1, "omitted": 0},
        "m": {"n": 1, "selected": 0, "positives": 0, "found": 0, "omitted": 0},
    }


def test_the_text_says_who_is_missed_first_and_nothing_small() -> None:
    rows = people(60, 40, 40, 860, sex="f", disability="no") + people(
        30, 70, 50, 350, sex="m", disability="yes"
    )
    rows += people(2, 3, 1, 20, sex="<x|y>", disability="no")
    text = audit_text(audit_lists([one_list(rows, chance=0.1)], limit=0.05))
    assert text.index("The gate is not met") < text.index("Who is missed") < text.index("Other rates")
    assert "- sex: m" in text and "- sex: ‹x/y›" in text
    assert "<x" not in text
    assert "| ‹x/y› | 25 | `*` | " in text
