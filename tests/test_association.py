"""From tables to a reason: what happens to the people somebody lives with, where that is asked for."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.association import Association
from features.catalogue import Catalogue, derive_catalogue
from features.evidence import evidence
from features.panel import Panel, build_panel
from features.sequences import FirstThen
from models.account import weigh
from models.reasons import reasons_of
from tests.town import Town

AS_OF = date(2026, 3, 1)
THEIRS = "association.missing.episode"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Ann and Bob live at X, Cat by herself; Bob has gone missing three times. All had the police."""
    town = Town(tmp_path)
    town.person("ann", "bob", "cat")
    for who, home in (("ann", "X"), ("bob", "X"), ("cat", "Y")):
        town.lives(who, home, "1 Jan 2019")
        town.event(who, "police.incident", "2 Feb")
    for on in ("1 Dec 2025", "20 Jan", "23 Feb"):
        town.event("bob", "missing.episode", on, ended=on)
    return town


def asked(town: Town, *, within: int = 180) -> Catalogue:
    return derive_catalogue(
        town.workspace.sources,
        sequences=(FirstThen("missing.episode", "police.incident", 90),),
        association=Association(("missing.episode",), within),
    )


def counts(panel: Panel, name: str) -> dict[str, float]:
    return dict(zip(panel.person_ids.tolist(), panel.column(name).tolist(), strict=True))


def test_it_counts_for_those_who_live_there_in_a_channel_of_its_own(town: Town) -> None:
    panel = build_panel(town.snapshot, asked(town), AS_OF)
    assert counts(panel, f"{THEIRS}.count_90") == {"ann": 3, "bob": 0, "cat": 0}
    assert counts(panel, f"{THEIRS}.count_30") == {"ann": 1, "bob": 0, "cat": 0}
    assert counts(panel, f"{THEIRS}.days_since")["ann"] == 6
    assert counts(panel, "missing.episode.count_365") == {"ann": 0, "bob": 3, "cat": 0}
    assert counts(panel, "all.count_365") == {"ann": 1, "bob": 4, "cat": 1}


def test_every_other_number_is_as_it_is_without(town: Town) -> None:
    off = derive_catalogue(town.workspace.sources)
    without, with_it = (build_panel(town.snapshot, c, AS_OF) for c in (off, asked(town)))
    assert without.person_ids.tolist() == with_it.person_ids.tolist()
    np.testing.assert_array_equal(without.X, with_it.columns(off.names))


def test_it_ends_after_the_days_that_were_asked_for(town: Town) -> None:
    catalogue = asked(town, within=30)
    for days, counted in ((30, 1), (31, 0)):
        morning = date(2026, 2, 23) + timedelta(days=days)
        assert counts(build_panel(town.snapshot, catalogue, morning), f"{THEIRS}.count_30")["ann"] == counted
        told = [r for r in evidence(town.snapshot, catalogue, morning, ["ann"])["ann"] if r.signal == THEIRS]
        assert len(told) == counted


def test_the_reason_says_that_it_was_somebody_and_not_who(town: Town) -> None:
    catalogue = asked(town)
    happened = evidence(town.snapshot, catalogue, AS_OF, ["ann", "bob"])
    given = np.array([float(name.startswith(THEIRS)) for name in catalogue.names] + [-4.0])
    account = weigh(catalogue, catalogue.names, given, happened["ann"], AS_OF)
    (reason,) = reasons_of(account, AS_OF)
    assert reason.sentence == (
        "Somebody they live with had 3 episodes in the last 90 days, the latest 6 days ago"
    )
    assert reason.event_ids == ()
    assert weigh(catalogue, catalogue.names, given, happened["bob"], AS_OF).weighed[0][1] == 0, (
        "Bob's own episodes are not told as somebody else's"
    )


def test_a_sequence_s_evidence_is_what_its_number_counts(town: Town) -> None:
    catalogue = asked(town)
    feature = next(f for f in catalogue.features if f.after)
    pair = catalogue.channel(feature.channel), catalogue.channel(feature.after)
    rows = evidence(town.snapshot, catalogue, AS_OF, ["ann", "bob"])
    assert counts(build_panel(town.snapshot, catalogue, AS_OF), feature.name) == {
        "ann": 0,
        "bob": 1,
        "cat": 0,
    }
    behind = feature.evidence(pair[0], rows["bob"], AS_OF, pair[1])
    assert [row.signal for row in behind] == ["missing.episode", "missing.episode", "police.incident"]
    assert feature.evidence(pair[0], rows["ann"], AS_OF, pair[1]) == []
