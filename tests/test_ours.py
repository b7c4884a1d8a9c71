"""Help given never raises a score: what our own team did changes no number, and is known all the same."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

import tests.town
from features.catalogue import Catalogue, derive_catalogue
from features.cohort import Eligibility, cohort
from features.evidence import evidence, not_held
from features.outcomes import Outcome, OutcomePart
from features.panel import build_panel
from features.snapshot import Snapshot
from features.usable import usable_rows
from models.scorer import LinearScorer, Term
from tests.town import SOURCES, Town, declaration

TEAM = declaration(
    "team",
    help={"ours": True, "spell": True, "theme": "child_safety"},
    visit={"ours": True, "same_as": {"signals": ["police.incident"], "hours": 48}},
    letter={"ours": True, "shared": True, "unit": "£"},
    talk={"ours": True, "protective": True, "sensitive": "health"},
)
MORNINGS = [date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 2)]
PEOPLE = ["ann", "bob", "cat", "only helped"]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Ann and Bob live together, Cat by herself; whoever is only helped has nothing else."""
    monkeypatch.setattr(tests.town, "SOURCES", (*SOURCES, TEAM))
    town = Town(tmp_path)
    town.person(*PEOPLE)
    for who, home in (("ann", "X"), ("bob", "X"), ("cat", "Y"), ("only helped", "Y")):
        town.lives(who, home, "1 Jan 2019")
    for who in ("ann", "bob", "cat"):
        town.registered("schools", who, "1 Sep 2024")
        for back in (20, 40, 300):
            town.event(who, "police.incident", MORNINGS[1] - timedelta(days=back), at=time(10))
        town.event(who, "missing.episode", "10 Feb", ended="11 Feb")
    town.event(None, "rents.arrears_letter", "12 Feb", place="X", amount=100)
    return town


def help_everybody(town: Town) -> None:
    """Anything our team does, for anybody, near what else happened and not; known in time or not."""
    chance = Random(7)
    for number in range(80):
        on = MORNINGS[1] - timedelta(days=chance.choice([19, 20, 21, chance.randrange(-5, 800)]))
        signal = chance.choice(["help", "visit", "letter", "talk"])
        town.event(
            chance.choice(PEOPLE),
            f"team.{signal}",
            on,
            known=on + timedelta(days=chance.randrange(5)),
            at=chance.choice([None, time(chance.randrange(24))]),
            ended=on + timedelta(days=30) if signal == "help" and number % 2 else None,
            amount=50 if signal == "letter" else None,
            place=chance.choice("XY"),
        )


def told(snapshot: Snapshot, catalogue: Catalogue, scorer: LinearScorer) -> list[object]:
    """Numbers, scores, events and what is not held, of every morning."""
    found: list[object] = []
    for morning in MORNINGS:
        panel = build_panel(snapshot, catalogue, morning)
        score = scorer.margin(panel.columns(scorer.names))
        said = evidence(snapshot, catalogue, morning, PEOPLE), not_held(snapshot, catalogue, morning, PEOPLE)
        found += [panel.person_ids.tolist(), panel.X.tobytes(), score.tobytes(), *said]
    return found


def test_whatever_help_is_given_no_number_score_or_reason_is_another(town: Town) -> None:
    catalogue = derive_catalogue(town.workspace.sources)
    weights = np.random.default_rng(1).normal(size=len(catalogue.names))
    terms = tuple(Term(name, weight) for name, weight in zip(catalogue.names, weights, strict=True))
    scorer = LinearScorer(terms, intercept=-3.0)
    before = told(town.snapshot, catalogue, scorer)
    help_everybody(town)
    after = town.snapshot
    assert after.con.execute("SELECT count(*) FROM events WHERE source = 'team'").fetchall() == [(80,)]
    assert told(after, catalogue, scorer) == before


def test_the_features_are_those_that_there_are_without_our_team(town: Town) -> None:
    sources = town.workspace.sources
    without = {name: source for name, source in sources.items() if name != "team"}
    assert derive_catalogue(sources).hash == derive_catalogue(without).hash


def test_who_has_been_helped_is_known_and_may_be_asked(town: Town) -> None:
    """By the service they need no more, or by the help that is to go on."""
    town.event("ann", "team.help", "20 Feb", known="21 Feb")
    town.event("bob", "team.help", "20 Jan", known="21 Jan", ended="20 Feb")
    snapshot, morning = town.snapshot, MORNINGS[1]
    catalogue = derive_catalogue(town.workspace.sources)
    outcome = Outcome((OutcomePart("missing", "missing", ("fire.visit",)),), 30)
    eligible = Eligibility(catalogue.own_signals, catalogue.sources, held=False)

    def asked(outcome: Outcome, eligible: Eligibility, on: date = morning) -> list[str]:
        return cohort(snapshot, eligibility=eligible, outcome=outcome, as_of=on).person_ids.tolist()

    helped = Outcome(outcome.parts, 30, service_spells=("team.help",))
    still = Eligibility(catalogue.own_signals, catalogue.sources, held=False, open_spell=("team.help",))
    assert asked(outcome, eligible) == ["ann", "bob", "cat"], "help alone makes nobody eligible"
    assert asked(helped, eligible) == ["bob", "cat"], "already helped"
    assert asked(outcome, still) == ["ann"]
    assert asked(helped, eligible, date(2026, 2, 21)) == ["ann", "bob", "cat"], "not known before"
    rows = f"SELECT person_id FROM {usable_rows(snapshot, ['team.help'], as_of=morning)} ORDER BY ALL"
    assert snapshot.con.execute(rows).fetchall() == [("ann",), ("bob",)]
