"""The log of approvals only grows, and whatever is done to a row of it is found: on SQLite and PostgreSQL."""

import itertools
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from features.errors import GateFailed, UserMistake
from features.workspace import Workspace, init_workspace
from models.approval_log import (
    NOTHING_BEFORE,
    Entry,
    Log,
    Row,
    _read,
    append,
    chained,
    hash_of,
    read_log,
    trusted,
    verify_chain,
)
from models.operations import METADATA, VERSION_TABLE, _config, _connected, _engine, _url, exists, transaction
from tests.postgres import postgresql

FORK = multiprocessing.get_context("fork")
NUMBERED = itertools.count()


def entry(n: int = 0) -> Entry:
    return Entry(
        at=f"2026-01-05T09:{n % 60:02}:00+00:00",
        kind="propose",
        specification="fires",
        model=f"{n:064x}",
        by="Zoë Příklad",
        role="data analyst",
        because=f"it was the {n}th of those we looked at",
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with an operational database of its own."""
    init_workspace(tmp_path, sources=None)
    if request.param == "postgresql":
        server, name = request.getfixturevalue("server"), f"operations{next(NUMBERED)}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as con:
            con.exec_driver_sql(f"CREATE DATABASE {name}")
        monkeypatch.setenv("OPERATIONS", server.removesuffix("postgres") + name)
        (tmp_path / "settings.yaml").write_text("operations_uri: $OPERATIONS")
    return Workspace(tmp_path)


def test_what_is_added_is_there_in_its_order(workspace: Workspace) -> None:
    assert read_log(workspace) == Log()
    added = [append(workspace, lambda rows: entry(len(rows))) for _ in range(3)]
    log = read_log(workspace)
    assert list(log.rows) == added
    assert [row.number for row in added] == [1, 2, 3]
    assert [row.previous for row in added] == [NOTHING_BEFORE, added[0].hash, added[1].hash]
    assert log.end == (3, added[2].hash) and verify_chain(log) == []


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    init_workspace(tmp_path, sources=None)
    assert not exists(Workspace(tmp_path)) and read_log(Workspace(tmp_path)) == Log()
    assert not (tmp_path / "operations.db").exists()


def test_whatever_refuses_an_entry_adds_nothing(workspace: Workspace) -> None:
    append(workspace, lambda rows: entry())

    def refuse(rows: tuple[Row, ...]) -> Entry:
        raise UserMistake("not this one")

    with pytest.raises(UserMistake, match="not this one"):
        append(workspace, refuse)
    assert len(read_log(workspace).rows) == 1


def test_the_tables_are_those_that_the_code_reads(workspace: Workspace) -> None:
    with transaction(workspace) as con:
        context = MigrationContext.configure(con, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_rows_from_before_what_people_wrote_was_taken_down_still_hold(workspace: Workspace) -> None:
    old = chained(entry(), None)
    with _connected(_engine(_url(workspace)), write=True) as con:
        config = _config()
        config.attributes["connection"] = con
        command.upgrade(config, "0001")
        said = {name: value for name, value in vars(old).items() if name != "human"}
        con.execute(sa.table("approvals", *map(sa.column, said)).insert().values(said))
        con.execute(sa.text("INSERT INTO approvals_end VALUES (1, 1, :hash)"), {"hash": old.hash})
        con.commit()
    assert read_log(workspace).rows == (old,) and old.human == ""
    new = append(workspace, lambda rows: replace(entry(1), human="f" * 64))
    assert trusted(read_log(workspace)) == (old, new)
    assert hash_of(replace(new, human="")) != new.hash != hash_of(replace(new, human="0" * 64))


def test_the_hash_is_over_every_field() -> None:
    """Written down once, so that rows of today hold tomorrow: the canonical form may not change."""
    row = chained(entry(), None)
    assert row.hash == hash_of(row) == WRITTEN_DOWN
    for name in (field.name for field in fields(Row) if field.name != "hash"):
        assert hash_of(replace(row, **{name: "another"})) != row.hash


WRITTEN_DOWN = "eacf73b37e5b9defd73d2ab631db4a7aad57199ed40e5380e2c908df723781de"

CHAIN: tuple[Row, ...] = ()
for n in range(6):
    CHAIN += (chained(entry(n), CHAIN[-1] if CHAIN else None),)
WHOLE = Log(CHAIN, (6, CHAIN[-1].hash))
PLACES = st.integers(0, len(CHAIN) - 1)
NAMES = st.sampled_from([field.name for field in fields(Row)])


def test_a_whole_chain_holds() -> None:
    assert verify_chain(WHOLE) == [] and verify_chain(Log()) == []


@settings(max_examples=60)
@given(place=PLACES, name=NAMES, text=st.text(), number=st.integers(-2, 9), again=st.booleans())
def test_an_altered_row_is_found(place: int, name: str, text: str, number: int, again: bool) -> None:
    """Also where its own hash was made anew to go with it."""
    row = CHAIN[place]
    value: Any = number if name == "number" else text
    assume(value != getattr(row, name))
    altered = replace(row, **{name: value})
    if again and name != "hash":
        altered = replace(altered, hash=hash_of(altered))
    assert verify_chain(replace(WHOLE, rows=(*CHAIN[:place], altered, *CHAIN[place + 1 :])))


@settings(max_examples=60)
@given(kept=st.sets(PLACES).filter(lambda kept: len(kept) < len(CHAIN)), renumber=st.booleans())
def test_removed_rows_are_found(kept: set[int], renumber: bool) -> None:
    rows = [CHAIN[place] for place in sorted(kept)]
    if renumber:
        rows = [replace(row, number=n) for n, row in enumerate(rows, start=1)]
    assert verify_chain(replace(WHOLE, rows=tuple(rows)))


@settings(max_examples=60)
@given(order=st.permutations(range(len(CHAIN))), renumber=st.booleans())
def test_rows_in_another_order_are_found(order: list[int], renumber: bool) -> None:
    assume(order != sorted(order))
    rows = [CHAIN[place] for place in order]
    if renumber:  # what was said changes places, and each place keeps its number and its hashes
        rows = [
            replace(row, number=old.number, previous=old.previous, hash=old.hash)
            for row, old in zip(rows, CHAIN, strict=True)
        ]
    assert verify_chain(replace(WHOLE, rows=tuple(rows)))


@settings(max_examples=60)
@given(place=st.integers(0, len(CHAIN)), renumber=st.booleans())
def test_a_row_put_in_is_found(place: int, renumber: bool) -> None:
    extra = chained(entry(99), CHAIN[place - 1] if place else None)
    rows = [*CHAIN[:place], extra, *CHAIN[place:]]
    if renumber:
        rows = [replace(row, number=n) for n, row in enumerate(rows, start=1)]
    assert verify_chain(replace(WHOLE, rows=tuple(rows)))


CHANGES = {
    "altered": "UPDATE approvals SET because = 'the board was in favour' WHERE number = 2",
    "removed": "DELETE FROM approvals WHERE number = 2",
    "the last one removed": "DELETE FROM approvals WHERE number = 3",
    "all removed": "DELETE FROM approvals",
}


def test_the_database_refuses_changes_and_those_that_were_forced_are_found(
    workspace: Workspace, subtests: pytest.Subtests
) -> None:
    for n in range(3):
        append(workspace, lambda rows, n=n: entry(n))
    for case, change in CHANGES.items():
        with subtests.test(case):
            with (
                pytest.raises((UserMistake, sa.exc.IntegrityError), match="only ever added"),
                transaction(workspace, write=True) as con,
            ):
                con.execute(sa.text(change))
            with pytest.raises(Undone), transaction(workspace, write=True) as con:
                off = {
                    "sqlite": ["DROP TRIGGER approvals_no_UPDATE", "DROP TRIGGER approvals_no_DELETE"],
                    "postgresql": ["ALTER TABLE approvals DISABLE TRIGGER ALL"],
                }
                for statement in [*off[con.dialect.name], change]:
                    con.execute(sa.text(statement))
                raise Undone(looked_at_within(con))
    assert verify_chain(read_log(workspace)) == []


class Undone(Exception):
    """Ends a transaction without keeping it."""


def looked_at_within(con: sa.Connection) -> None:
    with pytest.raises(GateFailed, match="tampered with"):
        trusted(_read(con))


def keep_adding(workspace: Workspace, times: int, who: int) -> None:
    for _ in range(times):
        append(workspace, lambda rows: replace(entry(len(rows)), by=f"Person {who}"))


def test_processes_that_add_at_once_keep_one_chain(workspace: Workspace) -> None:
    """The first of them make the tables at once, too."""
    adding = [FORK.Process(target=keep_adding, args=(workspace, 8, who)) for who in range(2)]
    for process in adding:
        process.start()
    for process in adding:
        process.join(60)
    assert [process.exitcode for process in adding] == [0, 0]
    log = read_log(workspace)
    assert verify_chain(log) == [] and len(log.rows) == 16
    assert sorted(row.by for row in log.rows) == [f"Person {who}" for who in range(2) for _ in range(8)]


def stop_before_the_commit(workspace: Workspace, there: Any) -> None:
    def wait(con: sa.Connection) -> None:
        there.send("written, not committed")
        time.sleep(60)

    sa.event.listen(sa.Engine, "commit", wait)
    append(workspace, lambda rows: entry(77))


def test_killed_in_the_middle_nothing_half_done_stays(workspace: Workspace) -> None:
    append(workspace, lambda rows: entry())
    hear, say = FORK.Pipe(duplex=False)
    process = FORK.Process(target=stop_before_the_commit, args=(workspace, say))
    process.start()
    assert hear.recv() == "written, not committed"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    assert len(read_log(workspace).rows) == 1
    append(workspace, lambda rows: entry(2))
    log = read_log(workspace)
    assert [row.model for row in log.rows] == [entry().model, entry(2).model] and verify_chain(log) == []


def test_killed_at_any_moment_the_chain_holds(workspace: Workspace) -> None:
    for after in (0.01, 0.04, 0.09):
        process = FORK.Process(target=keep_adding, args=(workspace, 10_000, 1))
        process.start()
        time.sleep(after)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        assert verify_chain(read_log(workspace)) == []
    append(workspace, lambda rows: entry())
    assert verify_chain(read_log(workspace)) == []


def test_a_newer_version_is_not_written_to(workspace: Workspace) -> None:
    append(workspace, lambda rows: entry())
    with transaction(workspace, write=True) as con:
        con.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(UserMistake, match="newer version"):
        append(workspace, lambda rows: entry())


WRONG = {
    "nobody listens": ("postgresql+pg8000://me:hunter2@127.0.0.1:1/x", "nothing listens there"),
    "no driver": ("oracle://me:hunter2@127.0.0.1/x", "driver"),
    "no database": ("nothing://me:hunter2@127.0.0.1/x", "driver"),
    "no URL": ("hunter2", "not a SQLAlchemy URL"),
    "no variable": ("$NOT_SET", "NOT_SET is not set"),
    "no folder": ("sqlite:////nowhere/at/all.db", "the database says: unable to open"),
}


def test_what_cannot_be_opened_is_told_without_a_secret(tmp_path: Path, subtests: pytest.Subtests) -> None:
    init_workspace(tmp_path, sources=None)
    for case, (uri, said) in WRONG.items():
        with subtests.test(case):
            (tmp_path / "settings.yaml").write_text(f"operations_uri: {uri}")
            with pytest.raises(UserMistake, match=said) as refused:
                append(Workspace(tmp_path), lambda rows: entry())
            assert not re.search("hunter2|Error|127.0.0.1", str(refused.value)), "a sentence, and no address"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    init_workspace(tmp_path, sources=None)
    (tmp_path / "operations.db").write_text("minutes of the board " * 100)
    with pytest.raises(UserMistake, match="cannot be used"):
        read_log(Workspace(tmp_path))
