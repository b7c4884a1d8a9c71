"""The events behind a sequence are those that the slow reading counts, and those that came before them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from features.feature import Channel, EvidenceRow, Feature, Signal
from features.sequences import FirstThen
from tests.slowly import Event, Reading, after

AS_OF = date(2026, 6, 29)
LETTER = Signal("rents.letter", "rents", "arrears letter", "arrears letters", shared=True)
CALL = Signal("police.call", "police", "police call", "police calls")
FIGHT = Signal("police.fight", "police", "fight", "fights")
LETTERS = Channel("household.rents.letter", "signal", True, (LETTER,), LETTER.one, LETTER.many)
CALLS = Channel("police.call", "signal", False, (CALL,), CALL.one, CALL.many)
POLICE = Channel("police", "agency", False, (CALL, FIGHT), "event", "events")


def row(signal: Signal, days_ago: int, number: int = 0) -> EvidenceRow:
    day = AS_OF - timedelta(days=days_ago)
    name = f"{signal.name} {days_ago} {number}"
    moment = datetime.combine(day, time())
    return EvidenceRow(
        name, signal.source, signal.name, signal.shared, day, moment, None, None, date(2015, 1, 1)
    )


def read_slowly(channel: Channel, rows: list[EvidenceRow], window: int) -> Reading:
    sources = {part.name: part.source for part in channel.parts}
    there = [
        Event("a", r.signal, r.occurred_on, r.occurred_on)
        for r in rows
        if r.signal in sources and AS_OF - timedelta(days=window) <= r.occurred_on < AS_OF
    ]
    return Reading(AS_OF, there, there, sources, set(sources.values()))


happened = st.lists(
    st.tuples(st.sampled_from([LETTER, CALL, FIGHT]), st.integers(1, 40) | st.sampled_from([364, 365, 366])),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(happened, st.sampled_from([(LETTERS, CALLS), (CALLS, LETTERS), (CALLS, CALLS), (POLICE, CALLS)]))
def test_those_that_followed_are_those_counted(
    given_rows: list[tuple[Signal, int]], pair: tuple[Channel, Channel]
) -> None:
    rows = [row(signal, days, number) for number, (signal, days) in enumerate(given_rows)]
    first, then = pair
    for within in (1, 7, 30):
        feature = FirstThen(first.name, then.name, within).feature(730)
        starts, ends = feature.followed(then, first, rows, AS_OF)
        expected = after(read_slowly(then, rows, 365), read_slowly(first, rows, 365), within)
        assert len(ends) == expected
        assert bool(starts) == bool(ends)
        behind = feature.evidence(then, rows, AS_OF, first)
        assert set(behind) == {*starts, *ends} and behind == [r for r in rows if r in behind]
        for number, start in enumerate(starts):
            without = [r for r in rows if r not in starts or r is start]
            assert feature.followed(then, first, without, AS_OF)[1], f"event {number} led to nothing"


def test_a_sequence_knows_both_kinds_of_events() -> None:
    rows = [row(CALL, 20), row(LETTER, 12), row(CALL, 12), row(CALL, 5), row(CALL, 4), row(LETTER, 2)]
    feature = FirstThen("household.rents.letter", "police.call", 7).feature(730)
    assert [r.event_id for r in feature.evidence(CALLS, rows, AS_OF, LETTERS)] == [
        "rents.letter 12 0",
        "police.call 5 0",
    ], "not the call of the letter's own day, nor the one that came too late"


def test_a_sequence_is_counted_over_a_year_or_what_there_is() -> None:
    asked = FirstThen("household.rents.letter", "police.call", 7)
    assert asked.feature(730) == Feature(
        "police.call.after_household.rents.letter_within_7",
        "police.call",
        "after",
        365,
        "household.rents.letter",
        7,
    )
    assert asked.feature(90).window == 90
