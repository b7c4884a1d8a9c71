"""From text to typed rows, all at once in DuckDB: each row is good, to be ignored, or has a problem.

Makes the table `rows`: row_number, the typed cells c0, c1, …, record_key, one subject key s0, s1, …
a declared subject, `recorded` (a date), `ignored` (the index of an ignore rule, or NULL), `problem`
(an index into the list this module returns, or NULL), `at_fault` (the text of the cell that is the
problem, or why the row cannot be read) and `copy`: 0 where the record has this row alone, 1 on the
first good row of a record that has several, 2 on the others. The rows that a delivery is made of are
those of the view `good`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
from duckdb.func import SPECIAL

from features.asof import sql_date
from features.declaration import UNIDENTIFIED, Column, Extract, SubjectRule
from features.errors import shape
from features.loose_ends import parse_ended
from features.raw_rows import RawRows
from features.rule_sql import Cells, quoted, value_of

EARLIEST = date(1900, 1, 1)
"""No date in an extract is earlier, unless by a slip of the year."""


@dataclass(frozen=True)
class Problem:
    """Why a row is set aside; `column` is None where no single column is to blame.

    reason: None where each row has its own, which is then its `at_fault`.
    """

    column: str | None
    reason: str | None


UNREAD = Problem(None, None)

DIFFERING = Problem(None, "the same record key stands on rows that differ")
NOBODY = Problem(None, "nobody to attach it to: every subject key is empty")
NO_RULE = Problem(None, "no rule makes anything of this row, and none ignores it")
UNREADABLE = {
    "code": "is not a code that the declaration knows",
    "date": "is not a date written as {}",
    "datetime": "is not a date and time written as {}",
    "time": "is not a time written as {}",
    "integer": "is not a whole number",
    "number": "is not a number",
    "boolean": "is neither yes nor no",
}


def type_rows(
    con: duckdb.DuckDBPyConnection,
    raw: RawRows,
    name: str,
    extract: Extract,
    *,
    received: date,
    history: bool,
) -> list[Problem]:
    """Make `rows`, in one pass over the file. Returns the problems by index.

    name: the extract's. In a history delivery the columns declared `overwritten` are emptied, once
    they have been checked.
    """
    cells, columns = Cells(extract), list(extract.columns)
    blank = quoted(" \t\r\n\u00a0")
    texts = ", ".join(
        f"nullif(trim({cell}, {blank}), '') AS {cells.text(c)}"
        for c, cell in zip(columns, raw.cells, strict=True)
    )
    values = ", ".join(f"{value_of(extract.columns[c], cells.text(c))} AS {cells[c]}" for c in columns)
    problems, checks = _checks(extract, cells, received)
    problems, checks = [UNREAD, *problems], ["unreadable IS NOT NULL", *checks]
    ignored = _first_that_holds([cells.condition(rule.when, as_text=True) for rule in extract.ignore])
    # Whose row it is that is ignored must be known: its record is left with nothing.
    of_key = [str(i) for i, problem in enumerate(problems) if i == 0 or problem.column in extract.record_key]
    keyless = f"coalesce(problem IN ({', '.join(of_key)}), false)"
    emptied = ", ".join(f"nullif({cells[c]}, {cells[c]}) AS {cells[c]}" for c in extract.overwritten)
    at_fault = "".join(
        f" WHEN problem IN ({', '.join(map(str, of))}) THEN {cells.text(c)}"
        for c in columns
        if (of := [i for i, problem in enumerate(problems) if problem.column == c])
    )
    raw.feed(
        con,
        f"""
        CREATE OR REPLACE TABLE rows AS
        SELECT row_number, {", ".join(cells[c] for c in columns)}, record_key,
               {"".join(f"s{i}, " for i in range(len(extract.subjects)))}
               recorded, if({keyless}, NULL, ignored) AS ignored,
               if(ignored IS NULL OR {keyless}, problem, NULL) AS problem,
               CASE WHEN ignored IS NOT NULL AND NOT {keyless} THEN NULL
                    WHEN problem = 0 THEN unreadable{at_fault} END AS at_fault, 0 AS copy
        FROM (
            SELECT * {f"REPLACE ({emptied})" if history and emptied else ""},
                   {quoted(name + "/")} || {cells.key(extract.record_key)} AS record_key,
                   {"".join(f"{_subject_key(cells, s)} AS s{i}, " for i, s in enumerate(extract.subjects))}
                   {cells.day(extract.recorded)} AS recorded,
                   {ignored} AS ignored, {_first_that_holds(checks)} AS problem
            FROM (
                SELECT *, {values}
                FROM (SELECT row_number, {raw.unreadable} AS unreadable, {texts} FROM arrived)
            )
        )
        """,
    )
    problems.append(DIFFERING)
    _tell_copies_apart(con, [cells[c] for c in columns], len(problems) - 1)
    return problems


def _subject_key(cells: Cells, subject: SubjectRule) -> str:
    key = cells.key(subject.key)
    if subject.unidentified:
        key = f"{quoted(UNIDENTIFIED)} || {key}"
    return f"CASE WHEN {cells.condition(subject.when)} THEN {key} END" if subject.when else key


def has_problem_in(con: duckdb.DuckDBPyConnection, problems: list[Problem], columns: list[str]) -> bool:
    """Whether a row of `rows` has a problem in one of these columns, or could not be read at all."""
    indexes = ", ".join(str(i) for i, problem in enumerate(problems) if i == 0 or problem.column in columns)
    return bool(con.execute(f"SELECT count(*) FROM rows WHERE problem IN ({indexes})").fetchall()[0][0])


def set_unused_aside(
    con: duckdb.DuckDBPyConnection, problems: list[Problem], staged: list[str], *, subjects: int
) -> None:
    """Mark the good rows of which nothing was staged: nobody is named on them, or no rule is for them."""
    unnamed = " AND ".join(f"s{i} IS NULL" for i in range(subjects)) or "false"
    made = " UNION ALL ".join(f"SELECT row_number FROM new_{table}" for table in staged)
    anti = f"ANTI JOIN ({made}) USING (row_number)" if made else ""
    unused = con.execute(f"CREATE OR REPLACE TABLE unused AS SELECT record_key FROM good {anti}")
    if unused.fetchall()[0][0]:
        con.execute(
            f"""
            UPDATE rows SET problem = CASE WHEN {unnamed} THEN {len(problems)} ELSE {len(problems) + 1} END
            WHERE problem IS NULL AND ignored IS NULL AND record_key IN (FROM unused)
            """
        )
    problems += [NOBODY, NO_RULE]


def set_aside(
    con: duckdb.DuckDBPyConnection, problems: list[Problem], *, delivery_id: int, source: str, file: str
) -> int:
    """Make `added_quarantine`, the rows with a problem as the table `quarantine` has them. Returns how many.

    They may be all rows of a file: so they stay in DuckDB, and what many of them share is not kept with each.
    """
    columns, reasons = (
        "[" + ", ".join(quoted(text) if text else "NULL" for text in texts) + "][problem + 1]"
        for texts in ([p.column for p in problems], [p.reason for p in problems])
    )
    con.create_function("outline", shape, ["VARCHAR"], "VARCHAR", null_handling=SPECIAL)
    try:
        (count,) = con.execute(
            f"""
            CREATE OR REPLACE TABLE aside AS
            SELECT row_number, problem, CASE WHEN {columns} IS NOT NULL THEN outline(at_fault) END AS shape,
                   CASE WHEN {reasons} IS NULL THEN at_fault END AS reason
            FROM rows WHERE problem IS NOT NULL ORDER BY row_number
            """
        ).fetchall()[0]
    finally:
        con.remove_function("outline")
    con.execute(
        f"""
        CREATE OR REPLACE VIEW added_quarantine AS
        SELECT CAST({delivery_id} AS BIGINT) AS delivery_id, {quoted(source)} AS source,
               {quoted(file)} AS file, row_number, {columns} AS "column", shape,
               coalesce(reason, {reasons}) AS reason
        FROM aside
        """
    )
    return int(count)


def _first_that_holds(conditions: list[str]) -> str:
    """SQL for the index of the first condition that holds, NULL if none does."""
    cases = " ".join(f"WHEN {sql} THEN {i}" for i, sql in enumerate(conditions))
    return f"CAST(CASE {cases} END AS INTEGER)" if cases else "CAST(NULL AS INTEGER)"


def _tell_copies_apart(con: duckdb.DuckDBPyConnection, cells: list[str], problem: int) -> None:
    """Make `good`. Of rows that share a record key and are equal the first is good; if they differ, or if
    one has a problem, none is: which of them holds cannot be known."""
    con.execute(
        "CREATE OR REPLACE VIEW good AS FROM rows WHERE problem IS NULL AND ignored IS NULL AND copy < 2"
    )
    found = con.execute(
        """
        CREATE OR REPLACE TABLE shared AS
        SELECT record_key FROM rows WHERE hash(record_key) IN (  -- by hash first: keys are long, and differ
            SELECT hash(record_key) FROM rows WHERE record_key IS NOT NULL GROUP BY ALL HAVING count(*) > 1)
        GROUP BY record_key HAVING count(*) > 1
        """
    )
    if found.fetchall()[0][0]:
        con.execute(
            f"""
            UPDATE rows SET copy = 2 WHERE record_key IN (FROM shared);
            UPDATE rows SET problem = {problem} WHERE copy = 2 AND problem IS NULL AND ignored IS NULL
                AND record_key IN (
                    SELECT record_key FROM rows WHERE copy = 2 AND ignored IS NULL GROUP BY record_key
                    HAVING count(DISTINCT hash({", ".join(cells)})) > 1
                           OR (count(*) > 1 AND count(problem) > 0));
            UPDATE rows SET copy = 1 WHERE row_number IN (
                SELECT min(row_number) FROM rows WHERE copy = 2 AND problem IS NULL AND ignored IS NULL
                GROUP BY record_key)
            """
        )


def _checks(extract: Extract, cells: Cells, received: date) -> tuple[list[Problem], list[str]]:
    """What may be wrong with a row, in the order in which it is told, and the SQL that finds it."""
    checks: list[tuple[str | None, str, str]] = []
    for name in extract.record_key:
        checks.append((name, "the record key is empty", f"{cells.text(name)} IS NULL"))
    keys_first = sorted(extract.columns.items(), key=lambda item: item[0] not in extract.record_key)
    for name, column in keys_first:
        checks += [(name, reason, sql) for reason, sql in _cell_checks(column, cells[name], cells.text(name))]
    for subject in extract.subjects:
        if not subject.optional:
            for name in subject.key:
                empty = f"{cells.text(name)} IS NULL AND {cells.condition(subject.when)}"
                checks.append((name, f"the key of the {subject.name} is empty", empty))
    if extract.area:
        fifth = extract.area.deprivation_fifth
        checks.append((fifth, "is not a fifth, 1 to 5", f"{cells[fifth]} NOT BETWEEN 1 AND 5"))
    if extract.recorded:
        late = f"{cells.day(extract.recorded)} > {sql_date(received)}"
        checks.append((extract.recorded, "later than the day the delivery was received", late))
    for rule in extract.events:
        if rule.ended is not None and not parse_ended(rule.occurred)[1]:
            backwards = f"{cells.ended_on(rule)} < {cells.happened(rule)} AND {cells.condition(rule.when)}"
            checks.append((parse_ended(rule.ended)[0], "ends before it begins", backwards))
    for subject in extract.subjects:
        for block in (subject.register_, subject.address):
            if block is not None and block.start and block.end:
                backwards = f"{cells.day(block.end)} < {cells.day(block.start)}"
                checks.append((block.end, "ends before it begins", backwards))
    for relation in extract.relations:
        if relation.start and relation.end:
            backwards = f"{cells.day(relation.end)} < {cells.day(relation.start)}"
            checks.append((relation.end, "ends before it begins", backwards))
    return [Problem(column, reason) for column, reason, _ in checks], [sql for _, _, sql in checks]


def _cell_checks(column: Column, value: str, text: str) -> Iterator[tuple[str, str]]:
    """What may be wrong with one cell: the reason and the SQL."""
    if column.required:
        yield "is empty", f"{text} IS NULL"
    if column.type != "text":
        yield UNREADABLE[column.type].format(column.format), f"{text} IS NOT NULL AND {value} IS NULL"
    else:
        yield "begins with = as a formula does; nothing is computed here", f"starts_with({text}, '=')"
    if column.pattern is not None:
        yield "does not match its pattern", f"NOT regexp_full_match({text}, {quoted(column.pattern)})"
    if column.min is not None:
        yield f"is below {column.min:g}", f"{value} < {column.min}"
    if column.max is not None:
        yield f"is above {column.max:g}", f"{value} > {column.max}"
    if column.type in ("date", "datetime"):
        first = column.not_before or EARLIEST
        yield f"is before {first.isoformat()}", f"{value} < {sql_date(first)}"
