"""Asking a source's database for its extracts: what it answers is delivered as a file, like any other.

The question stands in the declaration, where the database is in the settings of the workspace. What
came is kept in the inbox, under the day, as evidence; from there it is taken in by the same door.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from features.agreement import refuse_without_agreement
from features.cell_text import text_of
from features.declaration import Column, Extract
from features.errors import DataRefused, UserMistake, nearest
from features.header import check_header
from features.tables import TIME_ZONE
from features.workspace import Workspace

ROWS_AT_ONCE = 10_000

KEPT = {"date": pa.timestamp("us"), "datetime": pa.timestamp("us"), "time": pa.time64("us")}
"""Declared type → how a date or time of the database is kept; everything else is kept as text.

So is a column that begins with a whole block of nothing: what it will hold is not known yet."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched for one extract, and the file in the inbox that holds it."""

    source: str
    extract: str
    file: Path
    rows: int


def fetch(workspace: Workspace, source: str, *, on: date) -> list[Fetched]:
    """Ask every question that a source declares, and put each answer into the inbox of a day.

    An answer that was fetched on that day already is fetched again and replaced. Nothing is changed in
    the database, and no more than some thousand rows are held at once.
    Raises UserMistake if nothing can be asked or the database cannot be reached, DataRefused if it does not
    answer as declared, or if no agreement stands on the day.
    """
    if source not in workspace.sources:
        raise UserMistake(
            f"There is no source {source!r}.", problems=[nearest(source, list(workspace.sources))]
        )
    asked = {
        name: extract
        for name, extract in workspace.sources[source].extracts.items()
        if extract.query is not None
    }
    if not asked:
        raise UserMistake(
            f"The source {source!r} declares no question to ask.",
            problems=[f"give one of its extracts a `query` in sources/{source}.yaml, or deliver its files"],
        )
    refuse_without_agreement(workspace.sources[source], "What was asked for", on)
    url = _url(workspace, source)
    folder = workspace.inbox / on.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    fetched = []
    for name, extract in asked.items():
        file = folder / extract.files.replace("*", on.isoformat())
        started = folder / f".{file.name}.part"  # ingest passes over hidden files
        try:
            with _reading(url, source) as con:
                rows = _write(con, started, f"{source}.{name}", extract)
        except BaseException:
            started.unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()  # a day on which nothing came
            raise
        started.replace(file)
        fetched.append(Fetched(source, name, file, rows))
    return fetched


def _url(workspace: Workspace, source: str) -> sa.URL:
    """Where the database is; what stands in the settings is never repeated: it may hold a password."""
    given = workspace.settings.databases.get(source)
    if given is None:
        raise UserMistake(
            f"It is not known where the database of {source!r} is.",
            problems=[
                f"name it in settings.yaml under `databases`, as `{source}: $NAME`, and let the environment "
                "variable NAME hold its SQLAlchemy URL"
            ],
        )
    if given.startswith("$"):
        found = os.environ.get(given[1:])
        if not found:
            raise UserMistake(
                f"The environment variable {given[1:]} is not set.",
                problems=[f"settings.yaml names it as where the database of {source!r} is"],
            )
        given = found
    try:
        return sa.make_url(given)
    except SQLAlchemyError:
        raise UserMistake(
            f"Where the database of {source!r} is, is not a SQLAlchemy URL.",
            problems=["such as postgresql+pg8000://reader:password@host/name, or sqlite:////folder/file.db"],
        ) from None


@contextmanager
def _reading(url: sa.URL, source: str) -> Iterator[sa.Connection]:
    """A connection that reads and cannot write, where the database can promise that; nothing is committed."""
    options: dict[str, Any] = {"postgresql_readonly": True} if url.get_backend_name() == "postgresql" else {}
    reached = False
    try:
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise UserMistake(
                f"The database of {source!r} is not there.",
                problems=["settings.yaml names a file of SQLite that does not exist; nothing is made anew"],
            )
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        try:
            with engine.connect().execution_options(**options) as con:
                if url.get_backend_name() == "sqlite":
                    con.exec_driver_sql("PRAGMA query_only = ON")
                reached = True
                yield con
                con.rollback()
        finally:
            engine.dispose()
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        what = error.name if isinstance(error, ModuleNotFoundError) else url.drivername
        raise UserMistake(
            f"The driver for the database of {source!r} is not installed: {what}.",
            problems=["PostgreSQL (postgresql+pg8000://) and SQLite come with Early Help; install what else"],
        ) from None
    except SQLAlchemyError as error:
        said = f"{type(error).__name__}: {_first_line(error)}"
        if not reached or getattr(error, "connection_invalidated", False):
            raise UserMistake(
                f"The database of {source!r} cannot be reached{', or went away' if reached else ''}.",
                problems=[
                    said,
                    "see that it runs, and that settings.yaml names its place and who may read it",
                ],
            ) from None
        raise DataRefused(f"The database of {source!r} did not answer as asked.", problems=[said]) from None


def _first_line(error: Exception) -> str:
    """What a database says is wrong, without the rows, keys or addresses that it may name."""
    cause = error.__cause__ or getattr(error, "orig", None) or error
    said = cause.args[0] if cause.args else ""
    if isinstance(said, dict):  # as pg8000 tells it
        said = said.get("M", "")
    return re.sub(r"'[^']*'|\"[^\"]*\"|\S*@\S*|\d{3,}", "…", str(said).splitlines()[0] if said else "")[:200]


def _write(con: sa.Connection, file: Path, name: str, extract: Extract) -> int:
    """Stream the answer into a Parquet file; returns its rows."""
    # as it is written: neither a colon nor, without parameters, a % sign stands for one
    asked = con.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE, no_parameters=True)
    result = asked.exec_driver_sql(str(extract.query))
    header = list(result.keys())
    check_header(name, header, extract, {}, found_in="of the answer")
    at = [header.index(column) for column in extract.columns]
    kinds: list[pa.DataType | None] = [None] * len(at)
    count = 0
    blocks: Iterator[Sequence[Any]] = result.partitions(ROWS_AT_ONCE)
    block = next(blocks, [])
    for i, (place, column) in enumerate(zip(at, extract.columns.values(), strict=True)):
        first = next((row[place] for row in block if row[place] is not None), None)
        moment = column.type in KEPT and first is not None and not isinstance(first, str)
        kinds[i] = _with_zone(KEPT[column.type], first) if moment else pa.string()
    schema = pa.schema(zip(extract.columns, kinds, strict=True))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while block:
            columns = [
                _column(name, column, kind, [row[place] for row in block])
                for place, kind, (name, column) in zip(at, kinds, extract.columns.items(), strict=True)
            ]
            writer.write_table(pa.table(columns, schema=schema))
            count += len(block)
            block = next(blocks, [])
    return count


def _with_zone(kind: pa.DataType, first: object) -> pa.DataType:
    zoned = isinstance(first, datetime) and first.tzinfo is not None
    return pa.timestamp("us", "UTC") if zoned else kind


def _column(name: str, column: Column, kind: pa.DataType, values: list[Any]) -> pa.Array:
    try:
        if pa.types.is_string(kind):
            return pa.array([_text(value, column) for value in values], kind)
        if pa.types.is_timestamp(kind):
            values = [_in_full(v) if type(v) is date else v for v in values]
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise DataRefused(
            f"The column {name!r} of the answer holds what is no cell, or values of several kinds.",
            problems=["let the query cast it: a cell is text, a number, a date, a time, or true or false"],
        ) from None


def _text(value: Any, column: Column) -> str | None:
    """A moment in the declared format if that holds all of it, anything else as text."""
    form = column.format
    if form is None or column.type not in KEPT or not isinstance(value, date | time):
        return text_of(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(ZoneInfo(TIME_ZONE)).replace(tzinfo=None)
    written = value.strftime(form)
    read = datetime.strptime(written, form)
    same = read.time() == value if isinstance(value, time) else read == _in_full(value)
    return written if same else text_of(value)


def _in_full(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())
