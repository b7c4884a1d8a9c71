"""From tables to panel, evidence and what we hold nothing on: given these rows, expect these numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.evidence import evidence, not_held
from features.panel import build_panel
from features.wording import sentence
from features.workspace import open_workspace
from tests.town import Town, day, declaration

AS_OF = date(2026, 3, 1)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
def value(town: Town) -> Callable[[str, str, str | date], float | None]:
    """A person's number on a morning; None where it is NaN or the person has no row."""

    def look(who: str, name: str, as_of: str | date = AS_OF) -> float | None:
        panel = build_panel(town.snapshot, town.catalogue, day(as_of))
        if who not in panel.person_ids:
            return None
        found = float(panel.column(name)[panel.rows_of([who])[0]])
        return None if math.isnan(found) else found

    return look


def test_late_news_counts_from_the_day_after_it_came(town: Town, value: Callable) -> None:
    town.person("ann")
    town.event("ann", "police.incident", "1 Jan 2025")
    town.event("ann", "missing.episode", "3 Jan", known="24 Feb")
    seen = {on: value("ann", "missing.episode.count_90", on) for on in ("10 Feb", "24 Feb", "25 Feb")}
    assert seen == {"10 Feb": 0, "24 Feb": 0, "25 Feb": 1}


def test_a_plan_is_open_until_its_end_is_learned(town: Town, value: Callable) -> None:
    town.person("ann")
    town.event("ann", "missing.episode", "4 Jan", known="5 Jan", record="rows/plan")
    town.event(
        "ann", "missing.episode", "4 Jan", known="8 Jul", ended="30 Jun", record="rows/plan", revision=2
    )
    assert [value("ann", "missing.episode.open", on) for on in ("8 Jul", "9 Jul")] == [1, 0]
    assert value("ann", "missing.episode.days_open", "8 Jul") == 185
    assert value("ann", "missing.episode.count_365", "9 Jul") == 1, "a correction is no second event"


def test_arrears_reach_who_lived_there_on_the_day(town: Town, value: Callable) -> None:
    """A child moves from X to Y on 1 March, known on the 10th."""
    town.person("kid", "adult")
    for uprn in "XY":
        town.registered("rents", None, "1 Jan 2018", place=uprn)
        town.event(None, "rents.arrears_letter", "20 Jan", known="21 Jan", place=uprn, amount=100)
        town.event(None, "rents.arrears_letter", "5 Mar", known="6 Mar", place=uprn, amount=300)
    town.lives("kid", "X", "1 Jan 2018", until="10 Mar")
    town.lives("kid", "X", "1 Jan 2018", end="1 Mar", known="10 Mar")
    town.lives("kid", "Y", "1 Mar", known="10 Mar")
    town.lives("adult", "Y", "1 Jan 2018")
    letters = "household.rents.arrears_letter"
    assert value("kid", f"{letters}.count_90", "10 Mar") == 2, "X's of January and, as known then, of March"
    assert value("kid", f"{letters}.amount_sum_90", "10 Mar") == 400
    assert value("kid", f"{letters}.count_90", "11 Mar") == 2, "X's of January, Y's of March"
    rows = evidence(town.snapshot, town.catalogue, day("11 Mar"), ["kid", "adult"])
    assert [(r.occurred_on, r.event_id) for r in rows["kid"]] == [
        (day("20 Jan"), "e002"),
        (day("5 Mar"), "e006"),
    ]
    assert [r.event_id for r in rows["adult"]] == ["e005", "e006"]


def test_zero_and_nothing_known(town: Town, value: Callable) -> None:
    town.person("ann", "bob")
    town.event("ann", "police.incident", "1 Feb")
    town.event("bob", "police.incident", "1 Feb")
    town.registered("schools", "ann", "1 Sep 2025")
    town.registered("rents", None, "1 Jan 2018", place="X")
    town.lives("ann", "X", "1 Jan 2024")
    assert value("ann", "missing.episode.count_730") == 0, "covered since 2018"
    assert value("ann", "fire.visit.count_30") == 0, "covered for long enough"
    assert value("ann", "fire.visit.count_180") is None, "covered since December"
    assert value("ann", "schools.absence.count_90") == 0, "on the roll"
    assert value("bob", "schools.absence.count_90") is None, "not on the roll"
    assert value("ann", "household.rents.arrears_letter.count_90") == 0, "lives in a tenancy"
    assert value("bob", "household.rents.arrears_letter.count_90") is None, "does not"
    assert not_held(town.snapshot, town.catalogue, AS_OF, ["bob", "ann"]) == {
        "ann": ["Fire: we hold it only from 1 December 2025"],
        "bob": [
            "Fire: we hold it only from 1 December 2025",
            "Rents: not on its register in the last two years",
            "Schools: not on its register in the last two years",
        ],
    }


def test_nothing_is_said_of_somebody_never_linked(town: Town) -> None:
    town.person("ann")
    with pytest.raises(KeyError, match="1 of 2 people were never linked"):
        not_held(town.snapshot, town.catalogue, AS_OF, ["ann", "nobody"])


def test_a_place_of_more_than_a_household_reaches_nobody(town: Town, value: Callable) -> None:
    names = [f"p{i:02}" for i in range(11)]
    town.person(*names)
    town.event(None, "rents.arrears_letter", "20 Feb", place="hostel")
    for name in names[:-1]:
        town.lives(name, "hostel", "1 Jan 2025")
    assert value("p00", "household.rents.arrears_letter.count_30") == 1
    town.lives(names[-1], "hostel", "1 Jan 2025")
    assert value("p00", "household.rents.arrears_letter.count_30") is None
    assert evidence(town.snapshot, town.catalogue, AS_OF, names) == {name: [] for name in names}


def test_who_has_a_row(town: Town) -> None:
    town.person("ann", "bob", "cat", "dan")
    town.event("cat", "police.incident", "28 Feb")
    town.event("ann", "police.incident", "1 Mar 2024")
    town.event("bob", "police.incident", "29 Feb 2024")
    town.event("dan", "police.incident", "1 Mar")
    panel = build_panel(town.snapshot, town.catalogue, AS_OF)
    assert panel.person_ids.tolist() == ["ann", "cat"], "an event in the 730 days before the morning"
    assert panel.X.dtype == np.float32
    assert panel.X.shape == (2, len(town.catalogue.features))


def test_evidence_reads_well(town: Town) -> None:
    town.person("ann")
    for on in ("20 Feb", "27 Feb", "3 Dec 2025"):
        town.event("ann", "missing.episode", on, ended=on)
    town.event("ann", "missing.episode", "1 Mar 2023", ended="2 Mar 2023")
    town.event("ann", "fire.visit", "27 Feb")
    town.event("ann", "police.incident", "28 Feb", known="1 Mar")
    catalogue = town.catalogue
    rows = evidence(town.snapshot, catalogue, AS_OF, ["ann"])["ann"]
    assert [row.occurred_on for row in rows] == [day(d) for d in ("3 Dec 2025", "20 Feb", "27 Feb", "27 Feb")]
    assert sentence(catalogue.channel("missing.episode"), rows, AS_OF) == (
        "2 episodes in the last 30 days, the latest 2 days ago; 1 in the year before"
    )
    assert sentence(catalogue.channel("fire.visit"), rows, AS_OF) == "1 visit, 2 days ago"


def test_a_feature_knows_its_evidence(town: Town) -> None:
    town.person("ann")
    town.event("ann", "missing.episode", "1 Feb 2023")
    town.event("ann", "missing.episode", "27 Feb", ended="28 Feb")
    town.event("ann", "police.incident", "27 Feb")
    catalogue = town.catalogue
    rows = evidence(town.snapshot, catalogue, AS_OF, ["ann"])["ann"]
    panel = build_panel(town.snapshot, catalogue, AS_OF)
    behind = {
        feature.name: [
            row.event_id for row in feature.evidence(catalogue.channel(feature.channel), rows, AS_OF)
        ]
        for feature in catalogue.features
    }
    assert behind["missing.episode.open"] == ["e001"]
    assert behind["missing.episode.count_30"] == ["e002"]
    assert behind["all.count_30"] == ["e002", "e003"]
    for feature in catalogue.features:
        if feature.measure in ("count", "open"):
            got = np.nan_to_num(panel.column(feature.name)[0])
            assert got == len(behind[feature.name]), feature.name


def test_the_catalogue_travels_without_the_workspace_s_declarations(town: Town) -> None:
    """A new source, or new words, never change the numbers of a model that does not know them."""
    town.person("ann")
    town.event("ann", "police.incident", "20 Feb")
    before, catalogue = build_panel(town.snapshot, town.catalogue, AS_OF), town.catalogue
    new = declaration("health", visit={}, covers_from="1 Jan 2026")
    town.declare(town.workspace.root, new)
    town.declare(town.workspace.root, declaration("police", incident={}, covers_from="1 Feb"))
    town.workspace = open_workspace(town.workspace.root)
    town.event("ann", "health.visit", "21 Feb")
    after = build_panel(town.snapshot, Catalogue.from_json(catalogue.to_json()), AS_OF)
    np.testing.assert_array_equal(before.X, after.X)
    assert town.catalogue.hash != catalogue.hash


def test_what_comes_on_the_day_or_later_changes_no_number(town: Town) -> None:
    town.person("ann")
    town.lives("ann", "X", "1 Jan 2025")
    town.registered("rents", None, "1 Jan 2018", place="X")
    town.event("ann", "police.incident", "20 Feb", record="rows/one")
    town.event(None, "rents.arrears_letter", "20 Feb", place="X")
    before = build_panel(town.snapshot, town.catalogue, AS_OF)
    for known in (AS_OF, AS_OF + timedelta(days=1)):
        town.event("ann", "missing.episode", "1 Feb", known=known)
        town.event(None, "rents.arrears_letter", "2 Feb", place="X", known=known)
        town.lives("ann", "Y", "1 Feb", known=known)
    town.event("ann", "police.incident", "1 Jan", record="rows/one", revision=2, known=AS_OF)
    after = build_panel(town.snapshot, town.catalogue, AS_OF)
    assert before.person_ids.tolist() == after.person_ids.tolist()
    np.testing.assert_array_equal(before.X, after.X)
