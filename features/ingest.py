"""From delivered files to committed tables. A file is taken in whole or not at all.

Every row of a file ends used (it is now represented), quarantined (with its number, column, shape
and reason) or ignored by a declared rule, and the three add up. The ledger row, written last, is
the commit: what a crash left without one is cleared before anything else is taken in.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.arrivals import Arrived, find_arrived
from features.asof import sql_date
from features.content import said_by, stage
from features.deliveries import Delivery, last_received, read_ledger
from features.errors import DataRefused, UserMistake
from features.known import Arrival
from features.progress import Tell, quiet
from features.read_extract import RawRows, digest_of, read_extract
from features.revise import load_standing, revise
from features.tables import DATED, SCHEMAS, Tables
from features.transform import NO_RULE, NOBODY, set_aside, type_rows
from features.workspace import Settings, Workspace


@dataclass(frozen=True)
class ExtractReport:
    """What became of one file. `unchanged`: it had been taken in before, and nothing was added."""

    file: str
    source: str
    extract: str
    rows: int
    used: int
    quarantined: int
    ignored: int
    events: int
    withdrawn: int
    ignored_by_rule: dict[str, int]
    quarantined_by_reason: dict[str, int]
    unchanged: bool
    delivery_id: int


def ingest(
    workspace: Workspace, path: Path, *, received: date, history: bool = False, tell: Tell = quiet
) -> list[ExtractReport]:
    """Take in a file, a folder of files, or a folder of folders named by day (in the order of days).

    received: the day on which the files reached us; a folder named YYYY-MM-DD gives its own.
    history:  a first load of past years, in which every row counts as known from the day on which a
              live delivery would have brought it.
    Raises UserMistake, before anything is taken in, for a file that no declaration names, and
    DataRefused, when all other files are in, for those that had to be refused whole.
    """
    arrived = find_arrived(workspace, path, received)
    tables, reports, refused = Tables(workspace.data), [], []
    with _alone(workspace):
        ledger = read_ledger(tables)
        holding = _clear(tables, ledger)
        for file in arrived:
            tell(f"{file.path.name} ({file.source}, received {file.received})")
            try:
                reports.append(_take_in(workspace, tables, ledger, holding, file, history=history))
            except DataRefused as error:
                refused.append(f"{error.message} {'; '.join(error.problems)}")
    if refused:
        taken = (
            f"{len(reports)} of {len(arrived)} files were taken in"
            if len(arrived) > 1
            else "Nothing was kept"
        )
        raise DataRefused(f"{taken}; refused whole, and left as before:", problems=refused)
    return reports


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace for one ingest; the system lets go of it if the process dies."""
    workspace.data.mkdir(parents=True, exist_ok=True)
    with (workspace.data / "ingest.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserMistake(
                "Another ingest is running in this workspace.",
                problems=["wait for it to end, then try again"],
            ) from None
        yield


Holding = dict[str, set[tuple[str, str]]]
"""For each dated table, the (source, extract) pairs that have rows in it."""


def _clear(tables: Tables, ledger: list[Delivery]) -> Holding:
    """Remove what an ingest that did not come to its ledger row has left; returns what is held."""
    last = max((d.delivery_id for d in ledger), default=0)
    con, holding = duckdb.connect(), Holding()
    for table in (*DATED, "quarantine"):
        key = "split_part(record_key, '/', 1)" if table in DATED else "''"
        found = con.execute(
            f"SELECT DISTINCT source, {key}, delivery_id > {last} FROM {tables.view(con, table)}"
        ).fetchall()
        if any(left for _, _, left in found):
            tables.remove(table, f"delivery_id > {last}")
        if table in DATED:
            holding[table] = {(source, extract) for source, extract, left in found if not left}
    return holding


def _take_in(
    workspace: Workspace,
    tables: Tables,
    ledger: list[Delivery],
    holding: Holding,
    file: Arrived,
    *,
    history: bool,
) -> ExtractReport:
    """Read, type, stage, revise, append and commit one file; the ledger at hand and what is held follow.

    Raises DataRefused before anything is kept.
    """
    before = [d for d in ledger if (d.source, d.extract) == (file.source, file.extract)]
    digest = digest_of(file.path)
    for delivery in before:
        if delivery.digest == digest and delivery.received_on == file.received:
            return _reported(delivery, _reasons(tables, delivery), unchanged=True)

    source = workspace.sources[file.source]
    extract = source.extracts[file.extract]
    if extract.delivery != "changes" and not history:
        _refuse_older(file, last_received([d for d in before if not d.history], file.source))
    every = {f"{s.source}.{name}": e for s in workspace.sources.values() for name, e in s.extracts.items()}
    raw = read_extract(file.path, extract, extracts=every)

    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    problems = type_rows(con, raw.rows, file.extract, extract, received=file.received, history=history)
    said = said_by(extract)
    concerned = [t for t in DATED if t in said or (file.source, file.extract) in holding[t]]
    for table in concerned:
        load_standing(con, tables, table, file.source, file.extract)
    stage(con, extract, Arrival(source, file.received, history), concerned)
    problems += [NOBODY, NO_RULE]
    _set_unused_aside(
        con, concerned, len(extract.subjects), nobody=len(problems) - 2, no_rule=len(problems) - 1
    )
    aside = set_aside(con, extract, problems)
    leaves_out = extract.delivery == "full" and not history
    unreadable = [i for i, problem in enumerate(problems) if problem.column in extract.record_key]
    withdrawn = 0
    if leaves_out and not raw.ragged and not _any_with(con, unreadable):
        withdrawn = _left_out(con, concerned, file, source.covers_from, workspace.settings)
    _make_told(con)

    delivery_id = max((d.delivery_id for d in ledger), default=0) + 1
    added = {
        table: revise(con, table, source=file.source, received=file.received, delivery_id=delivery_id)
        for table in concerned
    }
    delivery = Delivery(
        delivery_id=delivery_id,
        source=file.source,
        extract=file.extract,
        file=file.path.name,
        digest=digest,
        received_on=file.received,
        history=history,
        **_counts(con, raw, aside),
        events=_standing_rows(added["events"]) if "events" in added else 0,
        withdrawn=withdrawn,
        ignored_by_rule=_by_rule(con, [rule.rule for rule in extract.ignore]),
    )
    added["quarantine"] = _quarantine(delivery, raw, aside)
    for table, rows in added.items():
        if rows.num_rows:
            tables.append(table, rows)
            if table in DATED:
                holding[table].add((file.source, file.extract))
    tables.append("deliveries", delivery.to_arrow())
    ledger.append(delivery)
    return _reported(delivery, added["quarantine"], unchanged=False)


def _standing_rows(revised: pa.Table) -> int:
    """How many rows say something, rather than that nothing is left."""
    return revised.num_rows - int(pc.sum(revised["withdrawn"]).as_py() or 0)


def _refuse_older(file: Arrived, last: date | None) -> None:
    if last is not None and file.received < last:
        raise DataRefused(
            f"{file.path.name} is older than what has been taken in.",
            problems=[
                f"it was received on {file.received}, the last such delivery of {file.source} on {last}; "
                "a full or window delivery says how things stood on its day and cannot come after a newer one"
            ],
        )


def _set_unused_aside(
    con: duckdb.DuckDBPyConnection, concerned: list[str], subjects: int, *, nobody: int, no_rule: int
) -> None:
    """Mark the good rows of which nothing was made: nobody named on them, or no rule for them."""
    unnamed = " AND ".join(f"s{i} IS NULL" for i in range(subjects)) or "false"
    made = " UNION ".join(f"SELECT record_key FROM new_{table}" for table in concerned)
    con.execute(
        f"""
        UPDATE rows SET problem = CASE WHEN {unnamed} THEN {nobody} ELSE {no_rule} END
        WHERE problem IS NULL AND ignored IS NULL AND record_key NOT IN ({made})
        """
    )


def _make_told(con: duckdb.DuckDBPyConnection) -> None:
    """The records a delivery speaks of: used, ignored though once taken, or left out of a full file.

    A record that stands and whose row is now ignored by a rule is left with nothing. What is in
    quarantine is not spoken of: it stands as it stood.
    """
    con.execute(
        """
        CREATE TABLE IF NOT EXISTS left_out (record_key VARCHAR);
        CREATE OR REPLACE TABLE told AS
        SELECT DISTINCT record_key FROM rows WHERE record_key IS NOT NULL AND problem IS NULL
               AND record_key NOT IN (
                   SELECT record_key FROM rows WHERE problem IS NOT NULL AND record_key IS NOT NULL)
        UNION SELECT record_key FROM left_out
        """
    )


def _any_with(con: duckdb.DuckDBPyConnection, problems: list[int]) -> bool:
    """Whether a row has one of these problems."""
    indexes = ", ".join(map(str, problems)) or "NULL"
    return bool(con.execute(f"SELECT count(*) FROM rows WHERE problem IN ({indexes})").fetchall()[0][0])


def _left_out(
    con: duckdb.DuckDBPyConnection, concerned: list[str], file: Arrived, covers_from: date, settings: Settings
) -> int:
    """Make `left_out`, the standing records that a full delivery does not hold; returns how many.

    Records whose events all lie before the source's coverage are not expected in the file. (A file
    with a row whose key cannot be read never comes here: the row may be any of them.)
    Raises DataRefused if suspiciously many would go.
    """
    standing = " UNION ALL ".join(
        f"SELECT record_key, {'CAST(occurred_at AS DATE)' if table == 'events' else 'NULL'} AS day "
        f"FROM standing_{table} WHERE NOT withdrawn"
        for table in concerned
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE expected AS
        SELECT record_key FROM ({standing}) GROUP BY record_key
        HAVING max(day) IS NULL OR max(day) >= {sql_date(covers_from)};
        CREATE OR REPLACE TABLE left_out AS
        SELECT record_key FROM expected
        WHERE record_key NOT IN (SELECT record_key FROM rows WHERE record_key IS NOT NULL)
        """
    )
    counts = "SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM left_out), count(*) FROM rows"
    stood, gone, rows = con.execute(counts).fetchall()[0]
    empty = stood > 0 and rows == 0
    if empty or (gone > settings.withdrawal_rows and gone > settings.withdrawal_share * stood):
        raise DataRefused(
            f"{file.path.name} leaves out too many records.",
            problems=[
                f"{gone:,} of the {stood:,} records that stand are not in this full delivery and would "
                f"be withdrawn; over {settings.withdrawal_share:.0%} and {settings.withdrawal_rows} records "
                "at once are refused. Ask the sender for a whole file; if it is right as it is, raise "
                "`withdrawal_share` in settings.yaml for this once"
            ],
        )
    return int(gone)


def _counts(con: duckdb.DuckDBPyConnection, raw: RawRows, aside: pa.Table) -> dict[str, int]:
    """Rows, used, quarantined, ignored. Raises if a row is unaccounted for, which would be our fault."""
    rows = raw.rows.num_rows + len(raw.ragged)
    quarantined = aside.num_rows + len(raw.ragged)
    sql = "SELECT count(*) FILTER (problem IS NULL AND ignored IS NULL), count(ignored) FROM rows"
    used, ignored = con.execute(sql).fetchall()[0]
    if rows != used + quarantined + ignored:
        raise RuntimeError(f"{rows} rows, but {used} used, {quarantined} quarantined and {ignored} ignored")
    return {"rows": rows, "used": used, "quarantined": quarantined, "ignored": ignored}


def _by_rule(con: duckdb.DuckDBPyConnection, rules: list[str]) -> dict[str, int]:
    found = con.execute(
        "SELECT ignored, count(*) FROM rows WHERE ignored IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    return {rules[index]: rows for index, rows in found.fetchall()}


def _quarantine(delivery: Delivery, raw: RawRows, aside: pa.Table) -> pa.Table:
    """The quarantine rows of a delivery, in the table's schema."""
    rows = [
        *aside.to_pylist(),
        *({"row_number": n, "column": None, "shape": None, "reason": reason} for n, reason in raw.ragged),
    ]
    fixed = {"delivery_id": delivery.delivery_id, "source": delivery.source, "file": delivery.file}
    ordered = sorted(rows, key=lambda row: row["row_number"])
    return pa.Table.from_pylist([{**fixed, **row} for row in ordered], schema=SCHEMAS["quarantine"])


def _reasons(tables: Tables, delivery: Delivery) -> pa.Table:
    """The quarantine rows of a delivery that was committed before."""
    con = duckdb.connect()
    quarantine = tables.view(con, "quarantine")
    return con.sql(f"SELECT * FROM {quarantine} WHERE delivery_id = {delivery.delivery_id}").to_arrow_table()


def _reported(delivery: Delivery, quarantine: pa.Table, *, unchanged: bool) -> ExtractReport:
    reasons = Counter(
        f"{row['column']}: {row['reason']}" if row["column"] else row["reason"]
        for row in quarantine.select(["column", "reason"]).to_pylist()
    )
    return ExtractReport(
        file=delivery.file,
        source=delivery.source,
        extract=delivery.extract,
        rows=delivery.rows,
        used=delivery.used,
        quarantined=delivery.quarantined,
        ignored=delivery.ignored,
        events=delivery.events,
        withdrawn=delivery.withdrawn,
        ignored_by_rule=delivery.ignored_by_rule,
        quarantined_by_reason=dict(sorted(reasons.items())),
        unchanged=unchanged,
        delivery_id=delivery.delivery_id,
    )
