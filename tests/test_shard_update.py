"""A store made from an older state's holds what one made from nothing holds, hash for hash."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.shards as making
from features.asof import OPEN, day_of
from features.association import Association
from features.catalogue import Catalogue, derive_catalogue
from features.declaration import Source
from features.shard_files import shard_folder
from features.shard_store import Shards
from features.shards import shards_of
from features.snapshot import Snapshot
from features.tables import SCHEMAS
from features.workspace import Workspace, open_workspace
from tests.town import Town, day, declaration

SHARDS, HOUSEHOLD_MAX = 4, 2


@pytest.fixture(autouse=True)
def a_few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many shards as a county has, however few the rows."""
    monkeypatch.setattr(making, "_enough", lambda events: SHARDS)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    (tmp_path / "settings.yaml").write_text(f"household_max: {HOUSEHOLD_MAX}", encoding="utf-8")
    town.workspace = open_workspace(tmp_path)
    return town


def stores(workspace: Workspace) -> Path:
    return workspace.data / "shards"


def updated(before: Snapshot, after: Snapshot, catalogue: Catalogue | None = None) -> tuple[Shards, Shards]:
    """The shards of two states, the second made from the first: they are what is made from nothing."""
    home = stores(before.workspace)
    shutil.rmtree(home, ignore_errors=True)
    wanted = [entry.hash for entry in shards_of(after, catalogue).entries]
    shutil.rmtree(home)
    after._cache.clear()
    first = shards_of(before, catalogue)
    with patch.object(making, "find_affected", wraps=making.find_affected) as looked:
        second = shards_of(after, catalogue)
    assert looked.call_count == 1, "not made from nothing"
    assert [entry.hash for entry in second.entries] == wanted
    return first, second


def rewritten(first: Shards, second: Shards) -> list[int]:
    """The shards whose files are not the very same."""
    return [
        number
        for number in range(SHARDS)
        if not (shard_folder(first.folder, number) / "rows.parquet").samefile(
            shard_folder(second.folder, number) / "rows.parquet"
        )
    ]


def shard_numbers(shards: Shards, *people: str) -> set[int]:
    return {number for number in range(SHARDS) if set(shards.read(number).person_ids) & set(people)}


NAMES = [f"p{number}" for number in range(8)]


def test_a_week_without_news_rewrites_nothing(town: Town) -> None:
    town.person(*NAMES)
    town.event("p0", "police.incident", "1 Feb")
    before = town.snapshot
    town.event("p0", "missing.episode", "1 Feb", known="1 Mar", record="rows/9")
    town.withdraw("missing", "rows/9", known="1 Mar", revision=2)
    assert rewritten(*updated(before, town.snapshot)) == [], "an episode that was taken back on its day"


Case = Callable[[Town], None]
CASES: dict[str, tuple[Case, Case, set[str]]] = {
    "an event of their own": (
        lambda town: None,
        lambda town: town.event("p0", "police.incident", "3 Feb", known="4 Feb"),
        {"p0"},
    ),
    "a correction that names somebody else": (
        lambda town: town.event("p0", "police.incident", "3 Feb", record="rows/a"),
        lambda town: town.event("p1", "police.incident", "3 Feb", record="rows/a", revision=2, known="4 Feb"),
        {"p0", "p1"},
    ),
    "a withdrawal": (
        lambda town: town.event("p0", "police.incident", "3 Feb", record="rows/a"),
        lambda town: town.withdraw("police", "rows/a", known="4 Feb", revision=2),
        {"p0"},
    ),
    "arrears where two live": (
        lambda town: [town.lives(who, "X", "1 Jan") for who in ("p0", "p1")],
        lambda town: town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
        {"p0", "p1"},
    ),
    "arrears after one moved out": (
        lambda town: [town.lives("p0", "X", "1 Jan"), town.lives("p1", "X", "1 Jan", end="1 Feb")],
        lambda town: town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
        {"p0"},
    ),
    "a move": (
        lambda town: [
            town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
            town.event(None, "rents.arrears_letter", "3 Feb", place="Y"),
            town.lives("p1", "Y", "1 Jan"),
        ],
        lambda town: town.lives("p0", "Y", "1 Jan"),
        {"p0"},
    ),
    "a third at a place of two, which is no household then": (
        lambda town: [
            town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
            town.lives("p0", "X", "1 Jan"),
            town.lives("p1", "X", "1 Jan"),
        ],
        lambda town: town.lives("p2", "X", "1 Jan", known="1 Mar"),
        {"p0", "p1"},
    ),
    "a tenancy": (
        lambda town: town.lives("p0", "X", "1 Jan"),
        lambda town: town.registered("rents", None, "1 Feb", place="X"),
        {"p0"},
    ),
    "a roll": (
        lambda town: town.registered("schools", "p0", "1 Jan", record="rows/a"),
        lambda town: town.registered("schools", "p0", "1 Jan", end="1 Feb", record="rows/a", revision=2),
        {"p0"},
    ),
    "two who are found to be one": (
        lambda town: [town.event(who, "police.incident", "3 Feb") for who in ("p0", "p1")],
        lambda town: town.link("p1", "p0", known="1 Mar"),
        {"p0", "p1"},
    ),
    "an address that must stay secret": (
        lambda town: [
            town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
            town.lives("p0", "X", "1 Jan"),
            town.lives("p1", "X", "1 Jan"),
        ],
        lambda town: town.mark("p0", "refuge", "20 Jan", known="1 Mar"),
        {"p0"},
    ),
    "one of three whose address must stay secret: the two are a household then": (
        lambda town: [
            town.event(None, "rents.arrears_letter", "3 Feb", place="X"),
            *[town.lives(who, "X", "1 Jan") for who in ("p0", "p1", "p2")],
        ],
        lambda town: town.mark("p0", "refuge", "20 Jan", known="1 Mar"),
        {"p1", "p2"},
    ),
    "somebody new": (
        lambda town: None,
        lambda town: [town.link("new", "new"), town.event("new", "police.incident", "3 Feb")],
        {"new"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_only_shards_of_people_whose_rows_changed_are_rewritten(case: str, town: Town) -> None:
    first, then, who = CASES[case]
    town.person(*NAMES)
    for name in NAMES:
        town.event(name, "missing.episode", "1 Jan")
    first(town)
    before = town.snapshot
    then(town)
    old, new = updated(before, town.snapshot)
    changed = shard_numbers(old, *who) | shard_numbers(new, *who)
    assert set(rewritten(old, new)) == changed
    assert 0 < len(changed) < SHARDS


def test_what_was_erased_does_not_live_on(town: Town) -> None:
    town.person("p0", "p1")
    town.event("p0", "police.incident", "3 Feb", record="rows/a")
    before = shards_of(town.snapshot)
    town.tables.remove("events", "record_key = 'rows/a'")
    town.event("p1", "police.incident", "4 Feb")
    after = shards_of(town.snapshot)
    assert [sum(entry.rows for entry in shards.entries) for shards in (before, after)] == [1, 1]


def test_a_newly_declared_signal_makes_everything_anew(town: Town) -> None:
    """Codes are positions among all names."""
    town.person("p0")
    town.event("p0", "police.incident", "3 Feb")
    before = shards_of(town.snapshot)
    town.declare(town.workspace.root, declaration("fire", alarm={}, visit={}))
    town.workspace = open_workspace(town.workspace.root)
    town.event("p0", "fire.alarm", "4 Feb")
    after = shards_of(town.snapshot)
    assert set(after.signals) - set(before.signals) == {"fire.alarm"}
    codes = [code for number in range(SHARDS) for code in after.read(number).rows.signal.tolist()]
    assert sorted(after.signals[code] for code in codes) == ["fire.alarm", "police.incident"]


# Any two states.


class InMemory:
    """The tables of a workspace, without their files."""

    def __init__(self, rows: dict[str, list[dict]]) -> None:
        self.tables = {
            name: pa.Table.from_pylist(rows.get(name, []), schema=schema) for name, schema in SCHEMAS.items()
        }

    def exists(self, name: str) -> bool:
        return name in self.tables

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(config={"threads": 1})

    def view(self, con: duckdb.DuckDBPyConnection, name: str) -> str:
        con.register(f"all_{name}", self.tables[name])
        return f"all_{name}"


PEOPLE, SUBJECTS, PLACES = "abcdef", "uvwxyz", "XYZ"
SIGNALS = ("rents.arrears_letter", "rents.arrears_letter", "police.incident", "missing.episode")


def two_states(seed: int, size: int) -> dict[str, list[dict]]:
    """Rows of two deliveries and two link runs; days crowd, so that everything meets everything."""
    chance = Random(seed)
    rows: dict[str, list[dict]] = {name: [] for name in SCHEMAS}
    records: dict[tuple[str, str], int] = {}
    for state in (1, 2):
        rows["deliveries"].append({"delivery_id": state})
        rows["link_runs"].append({"link_run": state})

        def known(state: int = state) -> date:
            return day("1 Jan") + timedelta(days=20 * state + chance.randrange(20))

        def maybe(days: int, start: date) -> date | None:
            return None if chance.random() < 0.5 else start + timedelta(days=chance.randrange(days))

        for name in ("events", "registers"):
            for number in range(size):
                again = [key for table, key in records if table == name]
                key = chance.choice(again) if again and chance.random() < 0.4 else f"{state}/{number}"
                revision = records[name, key] = records.get((name, key), 0) + 1
                signal = chance.choice(SIGNALS)
                start = day("1 Jan") + timedelta(days=chance.randrange(30))
                revised = {
                    "source": (key[0] == "1" and "rents") or "police",
                    "record_key": key,
                    "revision": revision,
                    "known_on": known(),
                    "withdrawn": chance.random() < 0.1,
                    "delivery_id": state,
                }
                whose = {
                    "subject_key": chance.choice([*SUBJECTS, None]),
                    "place": chance.choice([*PLACES, None]),
                }
                event = {
                    "event_id": f"{key} {revision}",
                    "signal": signal,
                    "occurred_at": datetime.combine(start, datetime.min.time()),
                    "has_time": False,
                    "ended_on": maybe(40, start),
                    "amount": chance.choice([None, 1.0, 2.0]),
                }
                spell = {"start_on": start, "end_on": maybe(40, start)}
                payload = {**whose, **(event if name == "events" else spell)}
                rows[name].append(revised if revised["withdrawn"] else revised | payload)
        for number in range(chance.choice([0, 1, 3])):
            key = f"{chance.choice(range(1, state + 1))}/m{number}"
            revision = records["marks", key] = records.get(("marks", key), 0) + 1
            start = chance.choice([None, day("1 Jan") + timedelta(days=chance.randrange(30))])
            revised = {"source": "rents", "record_key": key, "revision": revision, "delivery_id": state}
            whose = {"subject_key": chance.choice(SUBJECTS), "mark": chance.choice(["refuge", "objection"])}
            spell = {"start_on": start, "end_on": maybe(40, start or day("1 Jan"))}
            gone = chance.random() < 0.2
            said = {"known_on": known(), "withdrawn": gone, **({} if gone else whose | spell)}
            rows["marks"].append(revised | said)
        for source in ("rents", "police"):
            for subject in SUBJECTS:
                if state == 1 or chance.random() < 0.15:
                    for person in chance.sample([*PEOPLE, None], chance.choice([1, 1, 2])):
                        link = {"link_run": state, "source": source, "subject_key": subject}
                        rows["links"].append({**link, "person_id": person, "known_on": known()})
        for person in PEOPLE:
            if state == 1 or chance.random() < 0.15:
                for uprn in chance.sample([*PLACES, None], chance.choice([1, 1, 2])):
                    start, from_day = day("1 Jan") + timedelta(days=chance.randrange(20)), known()
                    home = {"link_run": state, "person_id": person, "uprn": uprn, "known_on": from_day}
                    ends = {"end_on": maybe(30, start), "known_until": maybe(30, from_day)}
                    rows["residences"].append({**home, "start_on": start, **ends})
    return rows


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("village")
    Town(root)
    (root / "settings.yaml").write_text(f"household_max: {HOUSEHOLD_MAX}\nthreads: 1", encoding="utf-8")
    with pytest.MonkeyPatch.context() as few:
        few.setattr(making, "_enough", lambda events: SHARDS)
        yield open_workspace(root)


def two_snapshots(village: Workspace, seed: int, size: int) -> list[Snapshot]:
    snapshots = [Snapshot(village, state, state) for state in (1, 2)]
    tables = InMemory(two_states(seed, size))
    for snapshot in snapshots:
        vars(snapshot)["tables"] = tables
    return snapshots


def with_pair(village: Workspace) -> dict[str, Source]:
    """The village's sources, of which two declare that they have the same happenings."""
    same = {"signals": ["police.incident"], "hours": 30}
    missing = declaration("missing", episode={"spell": True, "same_as": same})
    return {**village.sources, "missing": Source.model_validate(missing)}


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(0, 30), others=st.booleans(), once=st.booleans())
def test_made_from_an_older_state_or_from_nothing_is_the_same(
    village: Workspace, seed: int, size: int, others: bool, once: bool
) -> None:
    association = Association(("police.incident",), 20) if others else None
    catalogue = derive_catalogue(with_pair(village) if once else village.sources, association=association)
    before, after = two_snapshots(village, seed, size)
    updated(before, after, catalogue)


def test_a_log_that_is_heard_of_later_is_the_first_from_then_on(town: Town) -> None:
    town.person(*NAMES)
    for name in NAMES:
        town.event(name, "missing.episode", "3 Feb")
    before = town.snapshot
    town.event("p0", "police.incident", "2 Feb", known="5 Feb")
    catalogue = derive_catalogue(with_pair(town.workspace))
    old, new = updated(before, town.snapshot, catalogue)
    assert set(rewritten(old, new)) == shard_numbers(new, "p0")
    rows = [row for number in range(SHARDS) for row in rows_once(new, number)]
    never = day("31 Dec 2099")
    assert sorted(set(rows)) == [
        ("once.missing.episode", day("1 Jan 2018"), day("5 Feb")),
        ("once.missing.episode", day("1 Jan 2018"), never),
        ("once.police.incident", day("5 Feb"), never),
    ]


def rows_once(shards: Shards, number: int) -> list[tuple[str, date, date]]:
    """(signal, known on, known until) of the rows by which happenings count once."""
    rows = shards.read(number).rows
    until = [day("31 Dec 2099") if end == OPEN else day_of(end) for end in rows.known_until.tolist()]
    said = zip((shards.signals[code] for code in rows.signal), map(day_of, rows.known_on), until, strict=True)
    return [row for row in said if row[0].startswith("once.")]
