"""The log of approvals: rows that are only ever added, each holding the hash of the row before it.

    number · at · kind · specification · model · by · role · because · human · previous · hash

human is the sha256 of what people had written about the model when it was approved (`models.human`), else
empty; where it is empty it has no part in the hash, so that rows from before it was taken down still hold.

A hash is taken over the row and the hash before it, and `approvals_end` names the last one, so that a row
that was altered, removed, put in or moved is found (`verify_chain`). Who can write the whole database can
write the whole chain anew: its end belongs into the minutes of those who approve, out of their reach.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from features.errors import GateFailed, UserMistake
from features.workspace import Workspace
from models.operations import METADATA, exists, transaction

PROPOSE, APPROVE, REJECT, RETIRE, ROLLBACK = "propose", "approve", "reject", "retire", "rollback"
NOTHING_BEFORE = "0" * 64
TRIES = 100
"""So often a row is offered anew because another process added one first."""

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("at", "kind", "specification", "model", "by", "role", "because")
    ),
    sa.Column("previous", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("human", sa.Text, nullable=False),
)
END = sa.Table(
    "approvals_end",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """What somebody decides. at: ISO 8601, in UTC; model: a sha256; by: a person's name; human: the sha256 of
    what people wrote about the model."""

    at: str
    kind: str
    specification: str
    model: str
    by: str
    role: str
    because: str
    human: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Row(Entry):
    """An entry in its place; number counts from 1."""

    number: int
    previous: str
    hash: str


@dataclass(frozen=True)
class Log:
    """The rows in order of number; end: number and hash of the last one as `approvals_end` has them."""

    rows: tuple[Row, ...] = ()
    end: tuple[int, str] | None = None


def hash_of(row: Row) -> str:
    """sha256 over the canonical JSON of a row, the hash before it included and its own left out."""
    said = {name: value for name, value in vars(row).items() if name != "hash" and (value or name != "human")}
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(entry: Entry, before: Row | None) -> Row:
    """An entry as the row after another, or as the first."""
    number, previous = (before.number + 1, before.hash) if before else (1, NOTHING_BEFORE)
    row = Row(**vars(entry), number=number, previous=previous, hash="")
    return replace(row, hash=hash_of(row))


def verify_chain(log: Log) -> list[str]:
    """What is wrong with a log, a sentence each; empty where every row is as it was added."""
    problems, before = [], NOTHING_BEFORE
    for place, row in enumerate(log.rows, start=1):
        if row.number != place:
            problems.append(f"where row {place} should be, there is row {row.number}")
        if row.hash != hash_of(row):
            problems.append(f"row {row.number} is not what was added: its hash is another")
        if row.previous != before:
            problems.append(f"row {row.number} does not follow the row before it")
        before = row.hash
    last = (len(log.rows), before) if log.rows else None
    if log.end != last:
        ended = f"row {log.end[0]}" if log.end else "before the first row"
        problems.append(f"the log ended with {ended}, and now it ends otherwise, with {len(log.rows)} rows")
    return problems


def read_log(workspace: Workspace) -> Log:
    """The log as it is, whether or not it holds; empty where nobody has decided anything yet."""
    if not exists(workspace):
        return Log()
    with transaction(workspace) as con:
        return _read(con)


def trusted(log: Log) -> tuple[Row, ...]:
    """The rows of a log that holds. Raises GateFailed with all that is wrong with it."""
    if problems := verify_chain(log):
        raise GateFailed(
            "The log of approvals has been tampered with: nothing it says can be relied on.",
            problems=[
                *problems,
                "restore the operational database from a backup; `earlyhelp approvals` shows it",
            ],
        )
    return log.rows


def append(workspace: Workspace, entry: Callable[[tuple[Row, ...]], Entry]) -> Row:
    """Add a row and return it.

    entry: what to add, given the rows it will follow; whatever it raises, nothing is added. It is called
    again where another process added a row meanwhile. Raises GateFailed where the log does not hold.
    """
    for _ in range(TRIES):
        try:
            with transaction(workspace, write=True) as con:
                rows = trusted(_read(con))
                row = chained(entry(rows), rows[-1] if rows else None)
                con.execute(APPROVALS.insert().values(vars(row)))
                end = {"number": row.number, "hash": row.hash}
                con.execute(END.update().values(end) if rows else END.insert().values(one=1, **end))
            return row
        except IntegrityError:
            continue
    raise UserMistake("Too many others were deciding at once.", problems=["try again"])


def _read(con: sa.Connection) -> Log:
    rows = con.execute(sa.select(APPROVALS).order_by(APPROVALS.c.number)).mappings()
    end = con.execute(sa.select(END.c.number, END.c.hash)).first()
    return Log(tuple(Row(**row) for row in rows), (end.number, end.hash) if end else None)
