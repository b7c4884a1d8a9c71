"""The operational database: what people decide, kept whole by transactions.

SQLite in the workspace unless the setting `operations_uri` names another, such as PostgreSQL. Its tables come
from `models/migrations`; whoever opens it brings them up to date first. What it holds is in modules of their
own, such as `models.approval_log`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, NoSuchModuleError, SQLAlchemyError

from features.errors import UserMistake
from features.workspace import Workspace
from models.out_of_reach import why

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "operations_version"
"""Alembic's own table. Not by its usual name: MLflow has one of that, perhaps in the same database."""

PATIENCE = 30
"""Seconds that a writer of SQLite waits for another."""
UPGRADING = 4_215_009
"""A number for PostgreSQL's lock; any that nobody else has would do."""

METADATA = sa.MetaData()
"""The tables as they are today, each declared by the module that reads it."""


def exists(workspace: Workspace) -> bool:
    """Whether there can be anything in it: False where it is SQLite's and nothing was ever written."""
    url = _url(workspace)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


@contextmanager
def transaction(workspace: Workspace, *, write: bool = False) -> Iterator[sa.Connection]:
    """A transaction that sees one state from its first statement on, committed as it ends without an error.

    write: in SQLite nobody else writes meanwhile; in PostgreSQL a unique constraint tells who came second
    (IntegrityError, which goes through as it is). Raises UserMistake where the database cannot be used.
    """
    with _told():
        engine = _engine(_url(workspace))
        with engine.connect() as con:
            if not _is_up_to_date(con):
                _bring_up_to_date(engine)
            con.execution_options(write=write)
            with con.begin():
                yield con


def _url(workspace: Workspace) -> sa.URL:
    """Where the database is; what stands in the settings is never repeated: it may hold a password."""
    given = workspace.operations_uri
    if given.startswith("$"):
        given = os.environ.get(given[1:], "")
        if not given:
            raise UserMistake(
                f"The environment variable {workspace.operations_uri[1:]} is not set.",
                problems=["settings.yaml names it as where the operational database is (operations_uri)"],
            )
    try:
        return sa.make_url(given)
    except SQLAlchemyError:
        raise UserMistake(
            "operations_uri is not a SQLAlchemy URL.",
            problems=["such as postgresql+pg8000://writer:password@host/name, or sqlite:////folder/file.db"],
        ) from None


@lru_cache(maxsize=8)
def _engine(url: sa.URL) -> sa.Engine:
    """It holds no connection between transactions, so that nothing is shared by threads or with a fork."""
    sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"connect_args": {"timeout": PATIENCE}} if sqlite else {}
    if not sqlite:
        options["isolation_level"] = "REPEATABLE READ"
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, **options)
    if sqlite:
        # The binding would begin a transaction only at the first change, and commit at a CREATE TABLE.
        @sa.event.listens_for(engine, "connect")
        def _connect(connection: Any, record: object) -> None:
            connection.isolation_level = None

        @sa.event.listens_for(engine, "begin")
        def _begin(con: sa.Connection) -> None:
            con.exec_driver_sql("BEGIN IMMEDIATE" if con.get_execution_options().get("write") else "BEGIN")

    return engine


@contextmanager
def _connected(engine: sa.Engine, *, write: bool) -> Iterator[sa.Connection]:
    with engine.connect() as con:
        yield con.execution_options(write=write)


def _is_up_to_date(con: sa.Connection) -> bool:
    """Whether the tables are those of this code. Asked on the connection that is about to be used, as to make
    one takes longer than what is asked of most; what it saw is let go."""
    from alembic.runtime.migration import MigrationContext

    there = MigrationContext.configure(con, opts={"version_table": VERSION_TABLE}).get_current_heads()
    con.rollback()
    return there == _newest()


def _bring_up_to_date(engine: sa.Engine) -> None:
    """Make or change the tables where they are not those of this code; two at once make them once."""
    from alembic import command
    from alembic.util import CommandError

    with _connected(engine, write=True) as con:
        if engine.dialect.name == "postgresql":
            # Whoever waits for the lock must then see what the other made.
            con.execution_options(isolation_level="READ COMMITTED")
            con.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADING)))
        config = _config()
        config.attributes["connection"] = con
        try:
            command.upgrade(config, "head")
            con.commit()
        except CommandError:
            raise UserMistake(
                "The operational database is of a newer version of Early Help.",
                problems=["use that version, or name another database as operations_uri in settings.yaml"],
            ) from None


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@lru_cache(maxsize=1)
def _newest() -> tuple[str, ...]:
    from alembic.script import ScriptDirectory

    return tuple(ScriptDirectory.from_config(_config()).get_heads())


@contextmanager
def _told() -> Iterator[None]:
    """What a database complains of as a sentence, without values."""
    try:
        yield
    except IntegrityError:
        raise
    except (ModuleNotFoundError, NoSuchModuleError):
        raise UserMistake(
            "The driver that operations_uri names is not installed.",
            problems=["PostgreSQL (postgresql+pg8000://) and SQLite come with Early Help; install what else"],
        ) from None
    except SQLAlchemyError as error:
        raise UserMistake(
            "The operational database cannot be used.",
            problems=[
                why(error),
                "see that it runs, that operations_uri (settings.yaml) names its place, and who may write it",
            ],
        ) from None
