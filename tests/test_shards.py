"""A store of shards: what it holds, that it is there whole or not at all, and when it is forgotten."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import date, time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import features.shards as making
from features.asof import OPEN, day_number, sql_date
from features.catalogue import derive_catalogue
from features.errors import UserMistake
from features.reach import reach
from features.rows import Rows
from features.shard_files import (
    Shard,
    content_hash,
    find_entry,
    read_shard,
    shard_folder,
    shard_number,
    write_shard,
)
from features.shard_plan import MOST_SIGNALS, Flags, codes_of, flags_of
from features.shard_store import STATES_KEPT, open_shards
from features.shard_views import ensure_views
from features.shards import shards_of
from features.snapshot import Snapshot
from features.workspace import open_workspace
from tests.town import Town, day, declaration

PEOPLE = [f"p{number:02}" for number in range(40)]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Forty people, some of whom live together, with events, registers, ends and times of every kind."""
    town = Town(tmp_path / "town")
    town.person(*PEOPLE)
    for number, who in enumerate(PEOPLE):
        town.lives(who, f"home {number // 3}", "1 Jan 2020")
        for on in range(number % 5):
            town.event(
                who,
                "missing.episode",
                date(2026, 1, 1 + 3 * on),
                ended=date(2026, 1, 2 + 3 * on) if on % 2 else None,
                at=time(10, on) if on % 3 else None,
                known=date(2026, 1, 10 + on),
            )
        if number % 4 == 0:
            town.event(None, "rents.arrears_letter", "20 Jan", place=f"home {number // 3}", amount=number)
            town.registered("rents", None, "1 Jan 2025", place=f"home {number // 3}")
    town.event("p01", "missing.episode", "1 Jan", record="rows/9", known="1 Feb", revision=2)
    return town


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(making, "_enough", lambda events: 8)
    return 8


def rows_of(shard: Shard) -> list[tuple]:
    """(person, field, …) of every event row, in the shard's order."""
    rows = shard.rows
    who = np.repeat(shard.person_ids, np.diff(rows.start)).tolist()
    fields = zip(*(column.tolist() for column in rows[1:8]), strict=True)
    return [(person, *values) for person, values in zip(who, fields, strict=True)]


def plain(row: tuple) -> tuple:
    return tuple(None if value != value else value for value in row)


def test_every_row_that_reaches_somebody_is_in_their_shard_in_order(town: Town, eight: int) -> None:
    snapshot = town.snapshot
    shards = shards_of(snapshot)
    assert len(shards) == eight
    found, people = [], []
    for number in range(eight):
        shard = shards.read(number)
        assert shard_number(shard.person_ids.tolist(), eight).tolist() == [number] * len(shard.person_ids)
        assert shard.person_ids.tolist() == sorted(shard.person_ids.tolist())
        rows = [(row[0], *row[2:4], row[1], *row[4:]) for row in rows_of(shard)]
        assert [row[:4] for row in rows] == sorted(row[:4] for row in rows), "by person, day, minute, signal"
        found += map(plain, rows)
        people += shard.person_ids.tolist()
    assert sorted(people) == PEOPLE
    reach(snapshot.con, shared=["rents.arrears_letter"], household_max=10)

    def number_of(on: date | None) -> int:
        return OPEN if on is None else day_number(on)

    expected = [
        (
            who,
            number_of(on),
            at.hour * 60 + at.minute if has_time else -1,
            shards.signals.index(name),
            number_of(ended),
            amount,
            number_of(known_on),
            number_of(known_until),
        )
        for who, name, on, at, has_time, ended, amount, known_on, known_until in snapshot.con.execute(
            """
            SELECT person_id, signal, occurred_on, occurred_at, has_time, ended_on, amount,
                   known_on, known_until
            FROM reached_rows JOIN reached_people USING (person)
            """
        ).fetchall()
    ]
    assert Counter(found) == Counter(expected)
    assert len(expected) > 90


def test_how_many_shards_changes_nothing_that_they_say(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_rows(shards: int) -> list[tuple]:
        monkeypatch.setattr(making, "_enough", lambda events: shards)
        shutil.rmtree(town.workspace.data / "shards", ignore_errors=True)
        store = shards_of(town.snapshot)
        assert len(store) == shards
        parts = [store.read(number) for number in range(shards)]
        return sorted(repr(row) for part in parts for row in rows_of(part))

    assert all_rows(1) == all_rows(2) == all_rows(16)


@pytest.mark.parametrize(
    ("events", "shards"), [(0, 1), (10, 1), (11, 2), (20, 2), (21, 4), (80, 8), (81, 16)]
)
def test_shards_are_a_power_of_two_of_about_so_many_rows(
    events: int, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "EVENTS_A_SHARD", 10)
    assert making._enough(events) == shards


def test_people_are_dealt_out_anew_when_shards_have_grown_to_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = int(town.snapshot.con.execute("SELECT count(*) FROM events").fetchall()[0][0])
    monkeypatch.setattr(making, "EVENTS_A_SHARD", events)
    assert len(shards_of(town.snapshot)) == 1
    town.many_events("p00", "police.incident", [date(2026, 2, 1)] * events)
    assert len(shards_of(town.snapshot)) == 1, "made from the shard there was"
    town.event("p01", "police.incident", "1 Feb")
    grown = shards_of(town.snapshot)
    assert len(grown) == 4
    assert sum(entry.people for entry in grown.entries) == len(PEOPLE)


def test_views_say_what_the_shards_say(town: Town, eight: int) -> None:
    snapshot = town.snapshot
    ensure_views(snapshot)
    reach(snapshot.con, shared=["rents.arrears_letter"], household_max=10)
    for view, table, columns in (
        ("person_rows", "reached_rows", "signal, household, occurred_on, ended_on, known_on, known_until"),
        ("held", "reached_held", "source, household, start_on, end_on, known_on, known_until"),
    ):
        seen = f"SELECT person_id, {columns} FROM {view}"
        there = f"SELECT person_id, {columns} FROM {table} JOIN reached_people USING (person)"
        for one, other in ((seen, there), (there, seen)):
            assert snapshot.con.execute(f"({one}) EXCEPT ALL ({other})").fetchall() == []
    ended = (
        "SELECT count(*) FILTER (ended_on IS NULL), count(*) FILTER (known_until IS NULL) FROM person_rows"
    )
    assert min(snapshot.con.execute(ended).fetchall()[0]) > 0, "no end is no date"
    first = snapshot.con.execute(
        f"SELECT count(*) FROM person_rows WHERE ended_on < {sql_date(day('1 Feb'))}"
    )
    assert first.fetchall()[0][0] > 0


# There whole or not at all.

KILLED = """
import os, signal, sys
from pathlib import Path
import features.shard_files as files
import features.shards as making
from features.snapshot import open_snapshot
from features.workspace import open_workspace

making._enough = lambda events: 8
put, shards = files._put, []

def put_two_and_die(unfinished, folder):
    if len(shards) == 2:
        (unfinished / "rows.parquet").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    shards.append(folder)
    put(unfinished, folder)

files._put = put_two_and_die
making.shards_of(open_snapshot(open_workspace(Path(sys.argv[1]))))
"""


def test_a_run_that_was_killed_leaves_what_the_next_one_goes_on_from(town: Town, eight: int) -> None:
    (town.workspace.root / "settings.yaml").write_text("threads: 1", encoding="utf-8")
    snapshot = town.snapshot
    killed = subprocess.run([sys.executable, "-c", KILLED, str(town.workspace.root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (store,) = (town.workspace.data / "shards").glob("*-*-*")
    assert open_shards(store) is None
    done = [number for number in range(eight) if find_entry(store, number)]
    written = {number: shard_folder(store, number).stat().st_ino for number in done}
    assert len(done) == 2
    assert len(list(store.glob(".*"))) == 2, "the rows as they were dealt, half a shard"

    shards = shards_of(snapshot)
    assert list(store.glob(".*")) == []
    assert {number: shard_folder(store, number).stat().st_ino for number in done} == written
    assert [content_hash(shards.read(number)) for number in range(eight)] == [e.hash for e in shards.entries]
    shutil.rmtree(store.parent)
    again = shards_of(Snapshot(town.workspace, snapshot.last_delivery, snapshot.link_run))
    assert again.entries == shards.entries


def test_a_shard_whose_files_were_cut_is_made_again(town: Town, eight: int) -> None:
    snapshot = town.snapshot
    shards = shards_of(snapshot)
    rows = shard_folder(shards.folder, 3) / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-10])
    assert open_shards(shards.folder) is None
    snapshot._cache.clear()
    assert shards_of(snapshot).entries == shards.entries


def test_a_store_is_opened_by_whoever_comes_next_and_reads_no_table(town: Town) -> None:
    shards = shards_of(town.snapshot)
    snapshot = town.snapshot
    vars(snapshot)["con"] = None
    assert shards_of(snapshot).entries == shards.entries
    assert pickle.loads(pickle.dumps(shards)) == shards


def test_any_tool_reads_the_files(town: Town) -> None:
    shards = shards_of(town.snapshot)
    shard, folder = shards.read(0), shard_folder(shards.folder, 0)
    people = pq.read_table(folder / "people.parquet").to_pylist()
    assert [row["person_id"] for row in people] == shard.person_ids.tolist()
    rows = pq.read_table(folder / "rows.parquet").to_pylist()
    assert [row["person_id"] for row in rows] == [row[0] for row in rows_of(shard)]
    assert [row["occurred"] for row in rows] == shard.rows.occurred.tolist()
    about = json.loads(pq.read_schema(folder / "rows.parquet").metadata[b"plan"])
    assert about["signals"] == list(shards.signals)


def test_a_shard_is_written_as_it_is(tmp_path: Path) -> None:
    """Of nobody, and of a person without rows among others; negative days; every bit of an amount."""
    nobody = read_shard_back(tmp_path / "a", [], [])
    assert nobody.person_ids.tolist() == []
    some = read_shard_back(tmp_path / "b", ["ann", "bob", "cät"], [2, 0, 1])
    assert some.rows.start.tolist() == [0, 2, 2, 3]
    assert all(array.flags.writeable for array in some.rows), "or the kernel is compiled once more"


def read_shard_back(store: Path, people: list[str], counts: list[int]) -> Shard:
    store.mkdir()
    n = sum(counts)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    days = np.arange(n, dtype=np.int32) - 5
    rows = Rows(
        start=start,
        signal=np.full(n, MOST_SIGNALS - 1, np.uint16),
        occurred=days,
        minute=np.full(n, -1, np.int16),
        ended=np.full(n, OPEN, np.int32),
        amount=np.array([np.nan, 0.1 + 0.2, -0.0])[:n],
        known_on=days,
        known_until=np.full(n, OPEN, np.int32),
        held_start=start,
        held_source=np.full(n, 300, np.int16),
        held_household=np.arange(n) % 2 == 0,
        held_from=days,
        held_to=days,
        held_known_on=days,
        held_known_until=days,
    )
    shard = Shard(np.array(people, dtype=str), rows)
    entry = write_shard(store, 7, shard, hash=content_hash(shard), about={})
    assert find_entry(store, 7) == entry
    found = read_shard(store, 7)
    assert found.person_ids.tolist() == people
    for one, other in zip(found.rows, rows, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert content_hash(found) == entry.hash
    return found


# What is asked for, and what is kept.


def test_what_a_catalogue_says_of_a_signal_is_believed(town: Town) -> None:
    """A model's list goes on as it was when the workspace calls its signal shared from now on."""
    catalogue = derive_catalogue(town.workspace.sources)
    before = flags_of(town.workspace, catalogue)
    assert before == flags_of(town.workspace)
    town.declare(town.workspace.root, declaration("police", incident={"shared": True}))
    town.workspace = open_workspace(town.workspace.root)
    assert flags_of(town.workspace).shared == ("police.incident", "rents.arrears_letter")
    assert flags_of(town.workspace, catalogue) == before


def test_more_signals_than_there_are_codes_are_refused(town: Town) -> None:
    names = tuple(f"source.s{number}" for number in range(MOST_SIGNALS - 2))
    flags = Flags(names, (), (), 10)
    signals, _ = codes_of(town.snapshot.con, flags)
    assert len(signals) == MOST_SIGNALS, "these, and two that have events"
    with pytest.raises(UserMistake, match=r"65,536 signals.*65,535"):
        codes_of(town.snapshot.con, Flags((*names, "another.one"), (), (), 10))


def test_old_states_are_forgotten_but_none_in_use(town: Town) -> None:
    home = town.workspace.data / "shards"

    def next_state(number: int) -> Snapshot:
        town.event("p00", "police.incident", date(2026, 2, 1 + number))
        return town.snapshot

    def states() -> list[str]:
        return sorted(folder.name[0] for folder in home.glob("*-*-*"))

    in_use = shards_of(town.snapshot)
    (home / "0-0-cut").mkdir()  # a run that was killed before it had a plan
    for number in range(STATES_KEPT):
        shards_of(next_state(number))
    assert states() == ["1", "2", "3", "4", "5"]
    assert in_use.read(0).person_ids.tolist() == PEOPLE
    os.utime(in_use.folder / "store.json", (0, 0))
    del in_use
    shards_of(next_state(STATES_KEPT))
    assert states() == ["3", "4", "5", "6"]
