"""Which event of a happening counts: the one pass against pairing anew on every morning, by hand."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from random import Random
from time import process_time
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import OPEN, is_usable
from features.happenings import ONCE, SameHappening
from features.pairing import PairTable, firsts, with_once


class Record(NamedTuple):
    signal: str
    day: int
    minute: int  # -1 = no time
    known_on: int
    known_until: int


HOURS = {("a.x", "b.x"): 6, ("b.x", "c.x"): 30, ("a.x", "c.x"): 6, ("a.y", "b.x"): 48, ("c.x", "d.x"): 1.5}
PAIRS = [SameHappening(ONCE, pair, hours) for pair, hours in HOURS.items()]
SIGNALS = sorted({*(name for pair in HOURS for name in pair), *(code for p in PAIRS for code in p.codes)})


def near(one: Record, other: Record) -> bool:
    hours = HOURS.get((one.signal, other.signal), HOURS.get((other.signal, one.signal), 0))
    if not hours:
        return False
    if min(one.minute, other.minute) < 0:
        return abs(one.day - other.day) <= ceil(hours / 24)
    return abs((one.day - other.day) * 1440 + one.minute - other.minute) <= hours * 60


def first_on(morning: int, records: list[Record]) -> list[Record]:
    """The first of each happening, of what is usable on the morning."""
    happenings: list[list[Record]] = []
    for record in records:
        if not (record.known_on < morning <= record.known_until and record.day < morning):
            continue
        source = record.signal[0]
        for happening in happenings:
            if all(r.signal[0] != source for r in happening) and any(near(record, r) for r in happening):
                happening.append(record)
                break
        else:
            happenings.append([record])
    return [happening[0] for happening in happenings]


def any_records(chance: Random, number: int) -> list[Record]:
    """In order of time; days, hours and the days they are known crowd."""
    found = []
    for _ in range(number):
        day = chance.randrange(5)
        known = day + chance.choice([0, 0, 1, chance.randrange(8)])
        until = known + chance.randint(1, 8) if chance.random() < 0.4 else OPEN
        minute = chance.choice([-1, 0, 360, 361, 1439, chance.randrange(1440)])
        found.append(Record(chance.choice(["a.x", "a.y", "b.x", "c.x", "d.x"]), day, minute, known, until))
    return sorted(found, key=lambda record: record[1:3] + record[:1])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25))
def test_on_every_morning_the_first_are_those_found_by_pairing_what_is_known(seed: int, number: int) -> None:
    records, table = any_records(Random(seed), number), PairTable(PAIRS, SIGNALS)
    column = {name: np.array([r[at] for r in records]) for at, name in enumerate(Record._fields)}
    row, since, until = firsts(
        np.array([0, number]),
        table.at[[SIGNALS.index(record.signal) for record in records]] if records else np.zeros(0, int),
        *(column[name].astype(np.int32) for name in ("day", "minute", "known_on", "known_until")),
        table.source,
        table.hours,
        table.systems,
    )
    for morning in range(1, 20):
        found = [
            records[i]
            for i, known, replaced in zip(row, since, until, strict=True)
            if is_usable(records[i].day, known, replaced, morning)
        ]
        assert sorted(found) == sorted(first_on(morning, records)), morning
    cut = pairwise(sorted(zip(row.tolist(), since.tolist(), until.tolist(), strict=True)))
    assert all(one[0] != next_one[0] or one[2] < next_one[1] for one, next_one in cut)


def test_a_person_with_a_hundred_thousand_rows_takes_about_as_long_as_as_many_people() -> None:
    """All open happenings looked at for each row would be ten thousand million."""
    chance, number = np.random.default_rng(1), 100_000
    day = np.sort(chance.integers(0, 3650, number)).astype(np.int32)
    rows = {
        "nth": np.zeros(number, np.int32),
        "signal": chance.choice([SIGNALS.index(s) for s in ("a.x", "b.x", "c.x")], number).astype(np.uint16),
        "occurred": day,
        "minute": np.full(number, -1, np.int16),
        "ended": np.full(number, OPEN, np.int32),
        "amount": np.full(number, np.nan),
        "known_on": day + chance.integers(0, 3, number).astype(np.int32),
        "known_until": np.full(number, OPEN, np.int32),
    }
    with_once({name: array[:10] for name, array in rows.items()}, 1, PAIRS, SIGNALS)
    began = process_time()
    found = with_once(rows, 1, PAIRS, SIGNALS)
    assert process_time() - began < 3
    assert number * 1.3 < len(found["signal"]) < number * 2
