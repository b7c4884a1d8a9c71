"""Who truly is who: a table that somebody made by hand, or that a simulation wrote, read to judge links by.

Two forms, CSV or Parquet: a row a subject, with columns `source`, `subject_key` and `person`; or a row a
person, with `person` and a column for each source, named as it, that holds the person's key there, as
`truth/people.csv` of a simulated county. A column named as a protected characteristic says it of the
person. Of the first form, columns of nothing but yes and no say what was planted in a subject's records.
Whatever else is there is not read. Of a folder, as a simulated county's `truth/`, `subjects.csv` says who is
who, and `people.csv`, if it is there, what the characteristics of each person are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.errors import UserMistake
from features.rule_sql import FALSE, TRUE, quoted

SUBJECTS, PEOPLE = "subjects.csv", "people.csv"
"""Of a folder: who is who, and what is true of each person."""
FORM = ("source", "subject_key", "person")


@dataclass(frozen=True)
class Told:
    """What a truth says besides who is who: names, in the order of the lists in its table."""

    characteristics: tuple[str, ...] = ()
    planted: tuple[str, ...] = ()


def read_truth(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    sources: Collection[str],
    characteristics: Collection[str] = (),
) -> Told:
    """Make temporary table truth(source, subject_key, person, said, planted) of a file.

    person: a number each; said: a list of texts, of the characteristics; planted: a list of booleans.
    characteristics: the names that a column may have to be one.
    Raises UserMistake where the file cannot be read, is of neither form, or says two things of a subject.
    """
    _load(con, path / SUBJECTS if path.is_dir() else path, "told")
    if path.is_dir() and (path / PEOPLE).is_file():
        _say_of_people(con, path / PEOPLE, characteristics)
    columns = _columns(con, "told")
    said = [name for name in columns if name in characteristics]
    planted: list[str] = []
    if set(FORM) <= set(columns):
        planted = _yes_or_no(con, [name for name in columns if name not in (*FORM, *said)])
        rows = f"SELECT {', '.join(map(_text, (*FORM, *said, *planted)))} FROM told"
    elif "person" in columns and (keys := [name for name in columns if name in sources]):
        texts = f"SELECT {', '.join(map(_text, ('person', *said, *keys)))} FROM told"
        rows = f"UNPIVOT ({texts}) ON {', '.join(map(_name, keys))} INTO NAME source VALUE subject_key"
    else:
        raise UserMistake(
            f"{path.name} is no truth: it has {', '.join(columns[:6])}{', …' if columns[6:] else ''}.",
            problems=[
                "it needs columns source, subject_key and person, a row a subject",
                "or person, and a column for each source, named as it, with the person's key there",
            ],
        )
    words = ", ".join(f"min(nullif({_name(one)}, ''))" for one in said)
    yes = ", ".join(f"bool_or(coalesce(lower({_name(one)}) IN {TRUE}, false))" for one in planted)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE truth AS
        SELECT source, subject_key, dense_rank() OVER (ORDER BY min(person)) - 1 AS person,
               count(DISTINCT person) AS persons, [{words}]::VARCHAR[] AS said, [{yes}]::BOOLEAN[] AS planted
        FROM ({rows}) WHERE source <> '' AND subject_key <> '' AND person <> ''
        GROUP BY source, subject_key
        """
    )
    twice = con.execute("SELECT count(*) FROM truth WHERE persons > 1").fetchall()[0][0]
    if twice:
        raise UserMistake(
            f"{path.name} says of {twice:,} subjects that they are two people.",
            problems=["each pair of source and subject_key must name one person"],
        )
    return Told(tuple(said), tuple(planted))


def _load(con: duckdb.DuckDBPyConnection, path: Path, table: str) -> None:
    """Make a temporary table of a file, as it is. Raises UserMistake."""
    if not path.is_file():
        raise UserMistake(
            f"{str(path)!r} is no file.",
            problems=[
                f"looked for in {str(Path.cwd() / path.parent)!r}",
                f"name the truth's file, or a folder that holds {SUBJECTS}: --truth county/truth",
            ],
        )
    parquet = path.suffix.lower() == ".parquet"
    reader = "read_parquet({})" if parquet else "read_csv({}, all_varchar = true)"
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM {reader.format(quoted(path))}")
    except duckdb.Error as error:
        raise UserMistake(
            f"{path.name} cannot be read as {'Parquet' if parquet else 'CSV'}.",
            problems=["save it again as CSV with a heading, or as Parquet"],
        ) from error


def _say_of_people(con: duckdb.DuckDBPyConnection, path: Path, characteristics: Collection[str]) -> None:
    """Add to table told what a file with a row a person says of their characteristics."""
    _load(con, path, "people")
    names = [name for name in _columns(con, "people") if name in characteristics]
    if "person" in _columns(con, "people") and "person" in _columns(con, "told"):
        said = f"SELECT {', '.join(map(_name, ['person', *names]))} FROM people"
        con.execute(f"CREATE OR REPLACE TEMP TABLE told AS FROM told LEFT JOIN ({said}) USING (person)")


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in con.execute(f"DESCRIBE {table}").fetchall()]


def _yes_or_no(con: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> list[str]:
    """Those of the columns that hold nothing but yes, no and blanks, and yes at least once."""
    found = []
    for name in columns:
        said = f"SELECT DISTINCT lower({_name(name)}::VARCHAR) FROM told WHERE {_name(name)}::VARCHAR <> ''"
        values = {value for (value,) in con.execute(f"{said} LIMIT {len(TRUE + FALSE) + 1}").fetchall()}
        if values & set(TRUE) and values <= {*TRUE, *FALSE}:
            found.append(name)
    return found


def _text(name: str) -> str:
    return f"{_name(name)}::VARCHAR AS {_name(name)}"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
