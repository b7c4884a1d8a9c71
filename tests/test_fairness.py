"""Group rates from people: who is counted where, what may be said, and what may not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.fairness import (
    ALIKE,
    HIGHER,
    LOWER,
    NOT_ESTIMABLE,
    PRECISION,
    RECALL,
    SELECTION,
    TOO_FEW,
    audit,
)
from models.groups import age_band, in_order
from models.judge import wilson
from models.pooled import Listing, pool, tally


@dataclass(frozen=True)
class Row:
    """A person on one list's date."""

    person: str
    group: str
    on_list: bool = False
    followed: bool = False


def listing(*rows: Row, known: bool = True) -> Listing:
    return Listing(
        person=np.array([row.person for row in rows], dtype=str),
        selected=np.array([row.on_list for row in rows], dtype=bool),
        positive=np.array([row.followed for row in rows], dtype=bool) if known else None,
        groups={"sex": np.array([row.group for row in rows], dtype=object)},
    )


def test_pooled_over_lists_a_person_counts_once_and_in_their_last_group() -> None:
    counts = tally(
        pool(
            [
                listing(
                    Row("ann", "f", on_list=True, followed=True),
                    Row("bob", "m", on_list=True),
                    Row("cai", "unknown", followed=True),
                    Row("dee", "f"),
                ),
                listing(
                    Row("ann", "f", on_list=True, followed=True),
                    Row("bob", "m", followed=True),
                    Row("cai", "m"),
                ),
            ]
        ),
        "sex",
    )
    assert counts == {
        # Ann was found, and twice; she counts once. Dee is there by the first list alone.
        "f": {"n": 2, "selected": 1, "positives": 1, "found": 1, "omitted": 0},
        # Bob was listed, but not when the outcome followed; Cai's sex is known by now.
        "m": {"n": 2, "selected": 1, "positives": 2, "found": 0, "omitted": 1},
    }


def test_where_one_list_is_not_known_yet_nothing_is_said_of_what_followed() -> None:
    counts = tally(
        pool([listing(Row("ann", "f", on_list=True), known=False), listing(Row("bob", "m"))]), "sex"
    )
    assert counts == {"f": {"n": 1, "selected": 1}, "m": {"n": 1, "selected": 0}}


def test_a_characteristic_a_list_does_not_know_leaves_its_people_in_unknown() -> None:
    counts = tally(pool([listing(Row("ann", "f"), Row("bob", "m", on_list=True))]), "ethnicity")
    assert counts == {"unknown": {"n": 2, "selected": 1, "positives": 0, "found": 0, "omitted": 0}}


def group(n: int, positives: int, selected: int, found: int) -> dict[str, int]:
    return {"n": n, "positives": positives, "selected": selected, "found": found}


def test_rates_intervals_and_verdicts_are_of_counts_as_shown() -> None:
    told = audit(
        "sex",
        {
            "f": group(1002, 101, 152, 62),
            "m": group(998, 98, 148, 18),
            "x": group(28, 12, 10, 8),
            "unknown": group(101, 38, 3, 2),
        },
        [RECALL, PRECISION, SELECTION],
    )
    by_name = {g.name: g for g in told.groups}
    f, m, unknown = by_name["f"], by_name["m"], by_name["unknown"]
    assert told.everybody.counts == {"n": 2130, "positives": 250, "selected": 315, "found": 90}
    # `found` of unknown is small; the next group's, that is the first's, hides it.
    assert [g.counts["found"] for g in told.groups] == ["*", 20, 10, "*"]
    assert m.estimates["recall"].rate == 20 / 100
    assert m.estimates["recall"].interval == wilson(20, 100)
    assert m.estimates["recall"].verdict == LOWER  # everybody's is 90 / 250
    assert m.estimates["precision"].rate == 20 / 150
    assert m.estimates["precision"].verdict == LOWER
    assert f.estimates["recall"].verdict == TOO_FEW
    assert f.estimates["recall"].rate is None
    assert by_name["x"].estimates["recall"].verdict == NOT_ESTIMABLE  # 12 positives
    assert unknown.estimates["recall"].verdict == TOO_FEW  # 38 positives, but found is starred


def test_a_group_found_more_often_and_one_alike() -> None:
    told = audit(
        "sex",
        {"f": group(900, 100, 100, 60), "m": group(900, 100, 100, 20), "x": group(900, 100, 100, 40)},
        [RECALL],
    )
    assert [g.estimates["recall"].verdict for g in told.groups] == [HIGHER, LOWER, ALIKE]
    assert told.everybody.estimates["recall"].verdict == ""


@pytest.mark.parametrize(
    ("positives", "verdict"), [(27, NOT_ESTIMABLE), (28, ALIKE), (8, NOT_ESTIMABLE), (0, NOT_ESTIMABLE)]
)
def test_under_thirty_positives_nothing_is_estimated(positives: int, verdict: str) -> None:
    """Counts are held against 30 as they are shown: 28 is shown as 30, 27 as 25."""
    found = positives // 2
    counts = {"a": group(500, positives, 100, found), "b": group(500, 2 * positives, 100, 2 * found)}
    first = audit("sex", counts, [RECALL]).groups[0].estimates["recall"]
    assert first.verdict == verdict
    assert (first.rate is None) == (verdict == NOT_ESTIMABLE)


def test_this_weeks_selection_needs_no_outcome() -> None:
    told = audit("sex", {"f": {"n": 800, "selected": 18}, "m": {"n": 700, "selected": 12}}, [SELECTION])
    assert [g.estimates["selection"].rate for g in told.groups] == [20 / 800, 10 / 700]


def test_an_audit_of_nobody_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="nobody"):
        audit("sex", {}, [SELECTION])


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "under 5"),
        (4, "under 5"),
        (5, "5 to 10"),
        (15, "11 to 15"),
        (17, "16 to 17"),
        (18, "18 to 24"),
        (99, "65 and over"),
    ],
)
def test_age_bands(age: int, band: str) -> None:
    assert age_band(age) == band


def test_groups_come_in_a_readers_order() -> None:
    assert in_order({"unknown", "65 and over", "5 to 10", "under 5"}) == [
        "under 5",
        "5 to 10",
        "65 and over",
        "unknown",
    ]
    assert in_order({"unknown", "2", "1 (most deprived)"}) == ["1 (most deprived)", "2", "unknown"]


people = st.lists(
    st.builds(
        Row,
        person=st.sampled_from([f"p{i}" for i in range(12)]),
        group=st.sampled_from(["f", "m", "unknown"]),
        on_list=st.booleans(),
        followed=st.booleans(),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row.person,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(people, min_size=1, max_size=4))
def test_tally_is_what_counting_by_hand_gives(lists: list[list[Row]]) -> None:
    """The oracle: a person at a time, in plain Python."""
    by_hand: dict[str, dict[str, int]] = {}
    rows_of: dict[str, list[Row]] = {}
    for rows in lists:
        for row in rows:
            rows_of.setdefault(row.person, []).append(row)
    for rows in rows_of.values():
        cell = by_hand.setdefault(rows[-1].group, {**group(0, 0, 0, 0), "omitted": 0})
        cell["n"] += 1
        cell["selected"] += any(row.on_list for row in rows)
        cell["positives"] += any(row.followed for row in rows)
        cell["found"] += any(row.on_list and row.followed for row in rows)
        cell["omitted"] += any(row.followed for row in rows) and not any(row.on_list for row in rows)
    assert tally(pool([listing(*rows) for rows in lists]), "sex") == by_hand
