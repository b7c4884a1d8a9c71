"""Reasons: given these contributions and these events, these sentences, and nothing lost on the way."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.association import by_association
from features.catalogue import Catalogue, SourceFacts
from features.feature import Channel, EvidenceRow, Feature, Signal
from features.sequences import FirstThen
from models.account import Account, weigh
from models.reasons import chance_words, improvement, reasons_of, strengths_of

AS_OF = date(2026, 6, 29)
LONG_AGO = date(2015, 1, 1)


def signal(name: str, one: str, many: str, *, shared: bool = False, protective: bool = False) -> Signal:
    theme = "finance" if name.startswith("rents") else "crime"
    return Signal(name, name.split(".")[0], one, many, theme, shared=shared, protective=protective)


CALL = signal("police.call", "police call", "police calls")
FIGHT = signal("police.fight", "fight", "fights")
ABSENCE = signal("schools.absence", "absence", "absences")
MENTOR = signal("schools.mentor", "meeting with a mentor", "meetings with a mentor", protective=True)
PLAN = replace(
    signal("rents.plan", "repayment plan", "repayment plans", shared=True, protective=True), spell=True
)
LETTER = signal("rents.letter", "arrears letter", "arrears letters", shared=True)
THEIR_CALL, THEIR_MENTOR = (
    replace(part, name=by_association(part.name), protective=False, association=True)
    for part in (CALL, MENTOR)
)


def alone(part: Signal) -> Channel:
    name = f"household.{part.name}" if part.shared else part.name
    words = (part.one, part.many, part.theme, part.protective)
    return Channel(name, "signal", part.shared, (part,), *words, association=part.association)


CHANNELS = (
    *(alone(part) for part in (CALL, FIGHT, ABSENCE, MENTOR, LETTER, PLAN, THEIR_CALL, THEIR_MENTOR)),
    Channel("all", "all", False, (CALL, FIGHT, ABSENCE, MENTOR), "event", "events"),
    Channel("household", "all", True, (LETTER, PLAN), "event", "events"),
    Channel(
        "police", "agency", False, (CALL, FIGHT), "event recorded by Police", "events recorded by Police"
    ),
    Channel("theme.crime", "theme", False, (CALL, FIGHT), "event under ‘crime’", "events under ‘crime’"),
)
SEQUENCES = (
    CALL_AFTER_LETTER := FirstThen("household.rents.letter", "police.call", 30).feature(730),
    CALL_AFTER_ABSENCE := FirstThen("schools.absence", "police.call", 30).feature(730),
    CALL_AFTER_CALL := FirstThen("police.call", "police.call", 30).feature(730),
    POLICE_AFTER_LETTER := FirstThen("household.rents.letter", "police", 30).feature(730),
)
CATALOGUE = Catalogue(
    features=tuple(
        Feature(f"{channel.name}.{measure}", channel.name, measure.split("_")[0], 90)
        for channel in CHANNELS
        for measure in ("count_90", "change")
    )
    + SEQUENCES,
    channels=CHANNELS,
    windows=(90, 365, 730),
    facts=tuple(SourceFacts(s, s.title(), LONG_AGO, False) for s in ("police", "rents", "schools")),
)


def happened(part: Signal, *days_ago: int) -> list[EvidenceRow]:
    return [
        EvidenceRow(
            event_id=f"{part.name}-{days}-{number}",
            source=part.source,
            signal=part.name,
            household=part.shared,
            occurred_on=AS_OF - timedelta(days=days),
            occurred_at=datetime(2026, 6, 29) - timedelta(days=days),
            ended_on=None,
            amount=None,
            watched_from=LONG_AGO,
        )
        for number, days in enumerate(days_ago)
    ]


def account(weights: dict[str, float], events: list[EvidenceRow], base: float = -4.0) -> Account:
    given_to = np.array([weights.get(name, 0.0) for name in CATALOGUE.names] + [base])
    return weigh(CATALOGUE, CATALOGUE.names, given_to, events, AS_OF)


def total(found: Account) -> float:
    return found.base + sum(weight for _, weight, _ in found.weighed) + found.other


def weights_of(found: Account) -> dict[str, float]:
    return {channel.name: weight for channel, weight, _ in found.weighed}


def test_features_of_a_signal_are_one_reason() -> None:
    found = account({"police.call.count_90": 0.5, "police.call.change": 0.25}, happened(CALL, 6, 50, 60))
    (reason,) = reasons_of(found, AS_OF)
    assert reason.weight == 0.75
    assert (
        reason.sentence
        == "3 police calls in the last 90 days, the latest 6 days ago; none in the year before"
    )
    assert reason.sources == ("police",)
    assert len(reason.event_ids) == 3
    assert reason.theme == "diverted from crime"


@pytest.mark.parametrize("broad", ["police", "theme.crime"])
def test_a_broad_channel_is_dealt_out_by_events(broad: str) -> None:
    found = account({f"{broad}.count_90": 0.8}, happened(CALL, 5, 6, 7) + happened(FIGHT, 8))
    assert weights_of(found) == pytest.approx({"police.call": 0.6, "police.fight": 0.2})
    assert found.other == 0


def test_the_household_is_dealt_out_to_the_household_only() -> None:
    found = account({"household.count_90": 0.4}, happened(LETTER, 5) + happened(CALL, 5))
    assert weights_of(found) == pytest.approx({"household.rents.letter": 0.4, "police.call": 0.0})
    (reason,) = reasons_of(found, AS_OF)
    assert reason.sentence.startswith("The household's arrears letter, 5 days ago")


def test_contact_across_agencies_is_its_own_reason_and_within_one_is_not() -> None:
    two = account({"all.count_90": 0.4}, happened(CALL, 5, 9) + happened(ABSENCE, 7))
    assert reasons_of(two, AS_OF)[0].sentence.startswith("3 events from 2 agencies in the last 30 days")
    one = account({"all.count_90": 0.4}, happened(CALL, 5, 9) + happened(FIGHT, 7, 8))
    assert weights_of(one) == pytest.approx({"police.call": 0.2, "police.fight": 0.2})


def test_the_evidence_of_contact_across_agencies_is_what_its_sentence_tells() -> None:
    """Of many agencies' old events and one agency's new ones, so far back that two agencies are told."""
    old = happened(CALL, 400, 500, 600, 620) + happened(LETTER, 3)
    found = account({"all.count_90": 0.4}, happened(ABSENCE, 40, 100) + old)
    (reason,) = (r for r in reasons_of(found, AS_OF) if r.channel == "all")
    assert reason.sentence.startswith("6 events from 2 agencies in the last two years (4 police calls, 2 abs")
    assert reason.sources == ("police", "schools") and len(reason.event_ids) == 6
    found = account({"all.count_90": 0.4}, happened(ABSENCE, 4, 6) + happened(CALL, 80, 300) + old)
    (reason,) = (r for r in reasons_of(found, AS_OF) if r.channel == "all")
    assert reason.sentence.startswith("3 events from 2 agencies in the last 90 days (2 absences, 1 police")
    assert reason.event_ids == ("police.call-80-0", "schools.absence-4-0", "schools.absence-6-1")


def test_a_sequence_weighs_with_what_came_second_and_brings_what_came_first() -> None:
    events = happened(LETTER, 40, 100) + happened(CALL, 20, 5)
    weights = {"police.call.count_90": 0.25, CALL_AFTER_LETTER.name: 0.5}
    (reason,) = reasons_of(account(weights, events), AS_OF)
    assert (reason.channel, reason.weight) == ("police.call", 0.75)
    assert reason.sentence == (
        "2 police calls in the last 30 days, the latest 5 days ago; none in the year before; "
        "1 in the last year within 30 days after the household's arrears letters"
    )
    assert reason.event_ids == ("police.call-20-0", "police.call-5-1", "rents.letter-40-0")
    assert reason.sources == ("police", "rents")
    assert reason.latest_on == AS_OF - timedelta(days=5)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"police.call.count_90": 1.0}, ""),
        ({"police.call.count_90": 1.0, CALL_AFTER_LETTER.name: -0.5}, ""),
        (
            {CALL_AFTER_LETTER.name: 0.2, CALL_AFTER_ABSENCE.name: 0.3, CALL_AFTER_CALL.name: 0.1},
            "1 in the last year within 30 days after absences",
        ),
        (
            {CALL_AFTER_LETTER.name: 0.2, CALL_AFTER_CALL.name: 0.3},
            "1 in the last year within 30 days after another",
        ),
        ({POLICE_AFTER_LETTER.name: 0.2}, ""),  # of all the police's events: dealt out, and told of none
    ],
)
def test_a_sequence_is_told_where_it_raised_the_chance_the_strongest_alone(
    weights: dict[str, float], said: str
) -> None:
    events = happened(LETTER, 50) + happened(ABSENCE, 55) + happened(CALL, 30, 20)
    reason = reasons_of(account(weights, events), AS_OF)[0]
    assert reason.channel == "police.call"
    told = reason.sentence.split("; none in the year before")[1].removeprefix("; ")
    assert told == said


def test_a_sequence_that_did_not_happen_is_not_told() -> None:
    events = happened(LETTER, 5) + happened(CALL, 20)
    found = account({CALL_AFTER_LETTER.name: 0.5}, events)
    (reason,) = reasons_of(found, AS_OF)
    assert "after" not in reason.sentence and reason.sources == ("police",)
    silent = account({CALL_AFTER_LETTER.name: 0.5}, happened(LETTER, 5))
    assert reasons_of(silent, AS_OF) == () and silent.other == 0.5


def test_what_happened_to_others_is_a_reason_of_its_own_and_names_nobody() -> None:
    weights = {"association.police.call.count_90": 0.5, "police.count_90": 0.4, "all.count_90": 0.2}
    found = account(weights, happened(THEIR_CALL, 6, 40, 50) + happened(FIGHT, 3))
    assert weights_of(found) == pytest.approx({"association.police.call": 0.5, "police.fight": 0.6})
    theirs = next(r for r in reasons_of(found, AS_OF) if r.channel == "association.police.call")
    assert theirs.sentence == (
        "Somebody they live with had 3 police calls in the last 90 days, the latest 6 days ago"
    )
    assert theirs.event_ids == () and theirs.sources == ("police",)


def test_what_others_do_is_never_a_strength() -> None:
    fewer = happened(THEIR_CALL, 20, *range(100, 300, 20)) + happened(THEIR_MENTOR, 10)
    weights = {
        "association.police.call.count_90": -0.4,
        "association.schools.mentor.count_90": -0.2,
    }
    covered = {channel.name: True for channel in CHANNELS}
    assert strengths_of(account(weights, fewer), AS_OF, covered) == ()


def test_what_has_no_event_behind_it_is_no_reason_but_is_counted() -> None:
    found = account(
        {"police.count_90": 0.9, "household.count_90": -0.3, "schools.absence.count_90": 0.6},
        happened(ABSENCE, 3),
    )
    assert [reason.channel for reason in reasons_of(found, AS_OF)] == ["schools.absence"]
    assert found.other == pytest.approx(0.6)
    assert found.other_share == pytest.approx(1.2 / 1.8)


def test_at_most_five_reasons_strongest_first() -> None:
    events = [e for part in (CALL, FIGHT, ABSENCE, MENTOR, LETTER, PLAN) for e in happened(part, 3)]
    weights = {f"{c.name}.count_90": 0.1 * n for n, c in enumerate(CHANNELS[:6], start=1)}
    found = reasons_of(account(weights, events), AS_OF)
    assert [round(reason.weight, 6) for reason in found] == [0.6, 0.5, 0.4, 0.3, 0.2]


def test_strengths_are_protective_or_a_measured_improvement() -> None:
    fewer = happened(ABSENCE, 20, *range(100, 300, 20))
    covered = {channel.name: True for channel in CHANNELS}
    weights = {
        "schools.mentor.count_90": -0.2,
        "schools.absence.count_90": -0.4,
        "police.call.count_90": -0.3,
    }
    found = account(weights, fewer + happened(MENTOR, 10) + happened(CALL, 5, 100))
    said = strengths_of(found, AS_OF, covered)
    assert [strength.channel for strength in said] == ["schools.absence", "schools.mentor"]
    assert said[0].sentence == (
        "Absences have become fewer: 1 in the last 90 days, after 10 in the year before; "
        "the latest on 9 June 2026"
    )
    assert strengths_of(found, AS_OF, {}) == (said[1],), "where silence may be ignorance, nothing improved"


@pytest.mark.parametrize(
    ("begun", "ended", "holds"),
    [(200, None, True), (200, 10, False), (200, 0, True), (3, None, True)],  # an end today is not yet
)
def test_a_protective_spell_is_a_strength_while_it_lasts(begun: int, ended: int | None, holds: bool) -> None:
    (event,) = happened(PLAN, begun)
    end = None if ended is None else AS_OF - timedelta(days=ended)
    found = account({"household.rents.plan.count_90": -0.2}, [replace(event, ended_on=end)])
    assert bool(strengths_of(found, AS_OF, {})) is holds


@pytest.mark.parametrize(("days_ago", "lately"), [(1, True), (180, True), (181, False)])
def test_a_protective_event_is_a_strength_for_half_a_year(days_ago: int, lately: bool) -> None:
    found = account({"schools.mentor.count_90": -0.2}, happened(MENTOR, days_ago))
    assert bool(strengths_of(found, AS_OF, {})) is lately


@pytest.mark.parametrize(
    ("stale", "told"),
    [
        ((), {"schools.absence", "schools.mentor", "household.rents.plan"}),
        (("schools",), {"schools.mentor", "household.rents.plan"}),
        (("rents",), {"schools.absence", "schools.mentor"}),
        (("police",), {"schools.absence", "schools.mentor", "household.rents.plan"}),
        (("police", "rents", "schools"), {"schools.mentor"}),
    ],
)
def test_the_silence_of_a_stale_feed_is_no_strength(stale: tuple[str, ...], told: set[str]) -> None:
    """Absences that did not come, and a plan of which no end was told, are no strength; a meeting is."""
    events = happened(ABSENCE, *range(100, 300, 20)) + happened(MENTOR, 10) + happened(PLAN, 200)
    weights = {
        f"{name}.count_90": -0.4 for name in ("schools.absence", "schools.mentor", "household.rents.plan")
    }
    found = account(weights, events)
    covered = {channel.name: True for channel in CHANNELS}
    assert {s.channel for s in strengths_of(found, AS_OF, covered, stale)} == told


@pytest.mark.parametrize(("stale", "said"), [((), True), (("rents",), True), (("schools",), False)])
def test_what_was_before_is_not_said_where_a_feed_of_the_channel_is_stale(
    stale: tuple[str, ...], said: bool
) -> None:
    events = happened(CALL, 5, 9) + happened(FIGHT, 7)
    found = account({"police.call.count_90": 0.5, "all.count_90": 0.4}, events + happened(ABSENCE, 8))
    sentences = {r.channel: r.sentence for r in reasons_of(found, AS_OF, stale)}
    assert sentences["police.call"].endswith("; none in the year before")
    assert sentences["all"].endswith("; none in the year before") is said


def test_a_protective_signal_that_raises_the_chance_is_no_strength() -> None:
    found = account({"schools.mentor.count_90": 0.2}, happened(MENTOR, 10))
    assert strengths_of(found, AS_OF, {}) == ()


def test_no_police_calls_at_all_is_no_strength() -> None:
    found = account({"police.call.count_90": -0.9}, happened(ABSENCE, 10))
    assert strengths_of(found, AS_OF, {channel.name: True for channel in CHANNELS}) == ()


@pytest.mark.parametrize(
    ("days_ago", "improved"),
    [
        ((100, 200, 300), True),
        ((91, 91, 91), True),
        ((100, 200), False),  # too few to compare with
        ((10, 100, 200, 300), False),  # 1 in 90 days is not less than half of 3 in 365
        ((10, *range(100, 440, 20)), True),
        ((90, 90, 90), False),  # the 90th day before belongs to the last 90 days
        ((455, 456, 457), False),  # and the 455th is the last of the year before
        ((), False),
    ],
)
def test_improvement(days_ago: tuple[int, ...], improved: bool) -> None:
    assert bool(improvement(alone(ABSENCE), happened(ABSENCE, *days_ago), AS_OF)) is improved


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (0.0, "fewer than 1 in 100"),
        (0.009, "fewer than 1 in 100"),
        (0.01, "about 1 in 100"),
        (0.0125, "about 1 in 80"),
        (0.021, "about 1 in 50"),
        (0.04, "about 1 in 25"),
        (0.081, "about 1 in 12"),
        (0.17, "about 1 in 6"),
        (0.34, "about 1 in 3"),
        (0.5, "about 1 in 2"),
        (0.58, "about 1 in 2"),
        (0.65, "about 2 in 3"),
        (0.76, "about 3 in 4"),
        (0.81, "about 4 in 5"),
        (0.99, "about 9 in 10"),
    ],
)
def test_a_chance_in_words(risk: float, words: str) -> None:
    assert chance_words(risk) == words


@given(risk=st.floats(0.01, 1.0))
@settings(max_examples=50, deadline=None)
def test_words_stay_near_the_chance(risk: float) -> None:
    part, whole = map(int, chance_words(risk).removeprefix("about ").split(" in "))
    assert part / whole == pytest.approx(risk, rel=0.26)


@given(
    weights=st.lists(st.floats(-3, 3), min_size=len(CATALOGUE.names), max_size=len(CATALOGUE.names)),
    days=st.lists(
        st.tuples(
            st.sampled_from([CALL, FIGHT, ABSENCE, MENTOR, LETTER, THEIR_CALL]),
            st.integers(1, 60) | st.integers(1, 730),
        ),
        max_size=20,
    ),
)
@settings(max_examples=50, deadline=None)
def test_nothing_is_lost_and_every_sentence_has_an_event(
    weights: list[float], days: list[tuple[Signal, int]]
) -> None:
    rows = [event for part, ago in days for event in happened(part, ago)]
    events = [replace(row, event_id=f"e{number}") for number, row in enumerate(rows)]
    found = account(dict(zip(CATALOGUE.names, weights, strict=True)), events, base=-3.5)
    assert total(found) == pytest.approx(-3.5 + sum(weights), abs=1e-9)
    assert 0 <= found.other_share <= 1
    for reason in reasons_of(found, AS_OF):
        assert reason.weight > 0 and reason.latest_on
        assert bool(reason.event_ids) != reason.channel.startswith("association.")
        if reason.channel == "all":
            many = re.match(r"([0-9]+) events from ([0-9]) agencies", reason.sentence)
            assert many and (len(set(reason.event_ids)), len(reason.sources)) == tuple(
                map(int, many.groups())
            )
    for strength in strengths_of(found, AS_OF, {channel.name: True for channel in CHANNELS}):
        assert strength.weight < 0 and strength.event_ids
