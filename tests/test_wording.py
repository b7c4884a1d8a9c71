"""What a practitioner reads: given these events, this sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from features.association import by_association
from features.feature import Channel, EvidenceRow, Feature, Signal
from features.wording import (
    ago,
    amount_words,
    association_words,
    followed,
    sentence,
    span,
    window_words,
)

AS_OF = date(2026, 6, 29)
LONG_AGO = date(2020, 1, 1)

MISSING = Signal("missing.episode", "missing", "missing episode", "missing episodes", spell=True)
ABSENCE = Signal(
    "schools.absence", "schools", "unauthorised absence", "unauthorised absences", unit="sessions"
)
POLICE = Signal("police.incident", "police", "police incident", "police incidents")
REFERRAL = Signal("social_care.referral", "social_care", "referral", "referrals")
CONTACT = Signal("social_care.contact", "social_care", "contact", "contacts")
PLAN = Signal("social_care.plan", "social_care", "child in need plan", "child in need plans", spell=True)
LETTER = Signal("rents.letter", "rents", "rent arrears letter", "rent arrears letters", unit="£", shared=True)
SUMMONS = Signal("council_tax.summons", "council_tax", "summons", "summonses", shared=True)


def of_others(signal: Signal) -> Signal:
    return replace(signal, name=by_association(signal.name), spell=False, unit=None, association=True)


THEIR_MISSING, THEIR_ABSENCE = of_others(MISSING), of_others(ABSENCE)


def single(signal: Signal) -> Channel:
    prefix = "household." if signal.shared else ""
    name, unit = f"{prefix}{signal.name}", signal.unit
    words, theirs = (signal.one, signal.many), signal.association
    return Channel(name, "signal", signal.shared, (signal,), *words, unit=unit, association=theirs)


def spanning(name: str, kind: str, *parts: Signal, by: str = "") -> Channel:
    return Channel(name, kind, parts[0].shared, parts, f"event{by}", f"events{by}")


ALL = spanning("all", "all", MISSING, ABSENCE, POLICE, REFERRAL, CONTACT)
SOCIAL_CARE = spanning("social_care", "agency", REFERRAL, CONTACT, by=" recorded by Children's social care")
HOUSEHOLD = spanning("household", "all", LETTER, SUMMONS)


def happened(
    signal: Signal,
    *days_ago: int,
    amount: float | None = None,
    lasted: int | None = None,
    seen: date = LONG_AGO,
) -> list[EvidenceRow]:
    """Events so many days before the as-of date; `lasted` days where they have ended."""
    rows = []
    for days in days_ago:
        day = AS_OF - timedelta(days=days)
        ended = None if lasted is None else day + timedelta(days=lasted)
        at = datetime.combine(day, datetime.min.time())
        rows.append(
            EvidenceRow(
                f"{signal.name}-{days}",
                signal.source,
                signal.name,
                signal.shared,
                day,
                at,
                ended,
                amount,
                seen,
            )
        )
    return rows


CASES = [
    (
        single(MISSING),
        happened(MISSING, 6, 40, 80, lasted=1),
        "3 missing episodes in the last 90 days, the latest 6 days ago; none in the year before",
    ),
    (single(POLICE), happened(POLICE, 1), "1 police incident, yesterday; none in the year before"),
    (single(POLICE), happened(POLICE, 2, 200), "1 police incident, 2 days ago; 1 in the year before"),
    (
        single(POLICE),
        happened(POLICE, 1, 3, 29, 31, 100, 394),
        "3 police incidents in the last 30 days, the latest yesterday; 3 in the year before",
    ),
    (
        single(POLICE),
        happened(POLICE, 300, 310, 320),
        "3 police incidents in the last year, the latest about 10 months ago; none in the year before",
    ),
    (
        single(POLICE),
        happened(POLICE, 500, 600, seen=AS_OF - timedelta(days=730)),
        "2 police incidents in the last two years, the latest about 16 months ago",
    ),
    (
        single(POLICE),
        happened(POLICE, 900, 1000),
        "2 police incidents more than two years ago, the latest about 2½ years ago",
    ),
    (
        spanning("social_care", "agency", PLAN, CONTACT, by=" recorded by Children's social care"),
        happened(PLAN, 900),
        "1 child in need plan, about 2½ years ago",
    ),
    # The year before is said only where we would have known.
    (
        single(POLICE),
        happened(POLICE, 5, 8, seen=AS_OF - timedelta(days=200)),
        "2 police incidents in the last 30 days, the latest 5 days ago",
    ),
    (
        single(POLICE),
        happened(POLICE, 5, 8, seen=AS_OF - timedelta(days=395)),
        "2 police incidents in the last 30 days, the latest 5 days ago; none in the year before",
    ),
    (
        single(ABSENCE),
        happened(ABSENCE, 4, 5, 12, 15, 200, amount=2),
        "4 unauthorised absences in the last 30 days (8 sessions in all), the latest 4 days ago; "
        "1 in the year before",
    ),
    (
        single(ABSENCE),
        happened(ABSENCE, 4, amount=1),
        "1 unauthorised absence, 4 days ago (1 session); none in the year before",
    ),
    (
        single(LETTER),
        happened(LETTER, 1, amount=0),
        "the household's rent arrears letter, yesterday; none in the year before",
    ),
    (
        single(LETTER),
        happened(LETTER, 70, amount=250) + happened(LETTER, 6, amount=412.4),
        "the household's rent arrears letter, 6 days ago (£412); 1 in the year before",
    ),
    (
        single(LETTER),
        happened(LETTER, 20, amount=250) + happened(LETTER, 6, amount=1412),
        "the household's 2 rent arrears letters in the last 30 days, the latest 6 days ago (£1,412); "
        "none in the year before",
    ),
    (single(PLAN), happened(PLAN, 12), "child in need plan open since 17 June 2026 (12 days)"),
    (single(PLAN), happened(PLAN, 176), "child in need plan open since 4 January 2026 (6 months)"),
    (
        single(PLAN),
        happened(PLAN, 1000) + happened(PLAN, 400, lasted=60),
        "child in need plan open since 3 October 2023 (2½ years); 1 other in the last two years",
    ),
    (
        single(PLAN),
        happened(PLAN, 150, lasted=140),
        "1 child in need plan, begun about 5 months ago and ended 10 days ago; none in the year before",
    ),
    # An end on the as-of day is in the future of that morning.
    (single(PLAN), happened(PLAN, 30, lasted=30), "child in need plan open since 30 May 2026 (30 days)"),
    (
        ALL,
        happened(POLICE, 2, 5, 9, 12) + happened(ABSENCE, 20, 21) + happened(MISSING, 25, lasted=1),
        "7 events from 3 agencies in the last 30 days (4 police incidents, 2 unauthorised absences, "
        "1 missing episode), the latest 2 days ago; none in the year before",
    ),
    (
        ALL,
        happened(POLICE, 2, 5, 9)
        + happened(ABSENCE, 20, 21)
        + happened(CONTACT, 3, 4)
        + happened(MISSING, 9, lasted=1)
        + happened(REFERRAL, 8),
        "9 events from 4 agencies in the last 30 days (3 police incidents, 2 unauthorised absences, "
        "2 contacts and 2 others), the latest 2 days ago; none in the year before",
    ),
    (
        SOCIAL_CARE,
        happened(REFERRAL, 10) + happened(CONTACT, 11, 80),
        "2 events recorded by Children's social care in the last 30 days (1 contact, 1 referral), "
        "the latest 10 days ago; 1 in the year before",
    ),
    (SOCIAL_CARE, happened(REFERRAL, 10), "1 referral, 10 days ago; none in the year before"),
    (
        HOUSEHOLD,
        happened(LETTER, 3, amount=90) + happened(SUMMONS, 4),
        "the household's 2 events from 2 agencies in the last 30 days (1 summons, 1 rent arrears letter), "
        "the latest 3 days ago; none in the year before",
    ),
    (HOUSEHOLD, happened(SUMMONS, 4), "the household's summons, 4 days ago; none in the year before"),
    # Of somebody else: when and what, and nothing of who, how much or how it was before.
    (
        single(THEIR_MISSING),
        happened(THEIR_MISSING, 6, 40, 50, lasted=1),
        "somebody they live with had 3 missing episodes in the last 90 days, the latest 6 days ago",
    ),
    (
        single(THEIR_MISSING),
        happened(THEIR_MISSING, 6, 40, 100, 170),
        "somebody they live with had 2 missing episodes in the last 90 days, the latest 6 days ago",
    ),
    (
        single(THEIR_MISSING),
        happened(THEIR_MISSING, 1),
        "somebody they live with had 1 missing episode, yesterday",
    ),
    (
        single(THEIR_ABSENCE),
        happened(THEIR_ABSENCE, 4, 5, amount=2),
        "somebody they live with had 2 unauthorised absences in the last 30 days, the latest 4 days ago",
    ),
]


@pytest.mark.parametrize(("channel", "rows", "expected"), CASES, ids=[case[2][:40] for case in CASES])
def test_sentence(channel: Channel, rows: list[EvidenceRow], expected: str) -> None:
    elsewhere = happened(LETTER if not channel.household else POLICE, 1, 2, 3)
    assert sentence(channel, [*rows, *elsewhere], AS_OF) == expected
    assert sentence(channel, [*reversed(rows)], AS_OF) == expected, "the order of the rows changed the words"


def test_what_happened_to_others_is_never_told_as_the_person_s_own() -> None:
    own, theirs = happened(MISSING, 3, lasted=1), happened(THEIR_MISSING, 5)
    assert sentence(single(MISSING), own + theirs, AS_OF).startswith("1 missing episode, 3 days ago")
    assert sentence(single(THEIR_MISSING), own + theirs, AS_OF).startswith(
        "somebody they live with had 1 missing episode, 5 days ago"
    )
    said = association_words([single(THEIR_MISSING), single(THEIR_ABSENCE)], 180)
    assert said == (
        "What happened to somebody a person lives with counts for that person too, for 180 days: "
        "missing episodes, unauthorised absences."
    )


@pytest.mark.parametrize(
    ("then", "first", "window", "expected"),
    [
        (POLICE, LETTER, 365, "2 in the last year within 90 days after the household's rent arrears letters"),
        (LETTER, POLICE, 180, "2 in the last 180 days within 90 days after police incidents"),
        (POLICE, POLICE, 365, "2 in the last year within 90 days after another"),
    ],
)
def test_a_sequence_is_said_with_what_came_first(
    then: Signal, first: Signal, window: int, expected: str
) -> None:
    feature = Feature("name", single(then).name, "after", window, single(first).name, 90)
    assert followed(feature, single(then), single(first), happened(then, 3, 200)) == expected
    assert feature.title(single(then), single(first)) == (
        f"{single(then).label} within 90 days after {single(first).label}, in the last {window} days"
    )


def test_nothing_is_said_of_nothing() -> None:
    with pytest.raises(ValueError, match="no event of missing"):
        sentence(single(MISSING), happened(POLICE, 3), AS_OF)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, "today"),
        (1, "yesterday"),
        (2, "2 days ago"),
        (89, "89 days ago"),
        (90, "about 3 months ago"),
        (365, "about 12 months ago"),
        (731, "about 2 years ago"),
        (-3, "on 2 July 2026"),
    ],
)
def test_how_long_ago(days: int, expected: str) -> None:
    assert ago(AS_OF - timedelta(days=days), AS_OF) == expected


def test_amounts_spans_and_windows() -> None:
    assert [amount_words(a, "£") for a in (412.4, 9.5, 9, 1204, 0)] == ["£412", "£9.50", "£9", "£1,204", "£0"]
    assert [amount_words(a, "points") for a in (1, 72.46, 1500)] == ["1 point", "72.5 points", "1,500 points"]
    assert [span(d) for d in (1, 12, 90, 700, 800, 950)] == [
        "1 day",
        "12 days",
        "3 months",
        "23 months",
        "2 years",
        "2½ years",
    ]
    assert [window_words(w) for w in (30, 365, 730)] == [
        "in the last 30 days",
        "in the last year",
        "in the last two years",
    ]
