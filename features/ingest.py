"""From delivered files to committed tables. A file is taken in whole or not at all.

Every row of a file ends used (it is now represented), quarantined (with its number, column, shape
and reason) or ignored by a declared rule, and the three add up. The ledger row, written last, is
the commit: what a crash left without one is cleared before anything else is taken in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from features.agreement import refuse_without_agreement
from features.arrivals import Arrived, find_arrived
from features.committed import Committed, alone, by_reason
from features.content import said_by, stage
from features.deliveries import Delivery, last_received
from features.errors import DataRefused
from features.known import Arrival
from features.left_out import make_told, refuse_older, tell_left_out
from features.profile import make_profile
from features.progress import Tell, quiet
from features.read_extract import digest_of, read_extract
from features.revise import revise
from features.transform import has_problem_in, set_aside, set_unused_aside, type_rows
from features.workspace import Workspace

LARGE = 10 * 2**20
"""Bytes; what was made of a file as large as that is let go of before the next one is begun."""


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
    workspace: Workspace,
    path: Path,
    *,
    received: date,
    before: date | None = None,
    history: bool = False,
    tell: Tell = quiet,
) -> list[ExtractReport]:
    """Take in a file, a folder of files, or a folder of folders named by day (in the order of days).

    received: the day on which the files reached us; a folder named YYYY-MM-DD gives its own.
    before:   take in only the folders of days that count on the morning of this date.
    history:  a first load of past years, in which every row counts as known from the day on which a
              live delivery would have brought it; it adds and corrects, and withdraws nothing.
    Raises UserMistake, before anything is taken in, for a file that no declaration names, and
    DataRefused, when all other files are in, for those that had to be refused whole.
    """
    arrived = find_arrived(workspace, path, received, before=before)
    reports, refused = [], []
    with alone(workspace) as committed:
        for file in arrived:
            tell(f"{file.path.name} ({file.source}, received {file.received})")
            try:
                reports.append(take_in(workspace, committed, file, history=history))
            except DataRefused as error:
                refused.append(f"{error.message} {'; '.join(error.problems)}")
            if file.path.stat().st_size > LARGE:
                committed.clear()
    if refused:
        taken = (
            f"{len(reports)} of {len(arrived)} files were taken in"
            if len(arrived) > 1
            else "Nothing was kept"
        )
        raise DataRefused(f"{taken}; refused whole, and left as before:", problems=refused)
    return reports


def take_in(workspace: Workspace, committed: Committed, file: Arrived, *, history: bool) -> ExtractReport:
    """Read, type, stage, revise and commit one file. Raises DataRefused before anything is kept."""
    digest = digest_of(file.path)
    before = committed.of(file.source, file.extract)
    for delivery in before:
        if delivery.digest == digest and delivery.received_on == file.received:
            return _reported(delivery, committed.quarantined(delivery), unchanged=True)

    source, con = workspace.sources[file.source], committed.con
    refuse_without_agreement(source, file.path.name, file.received)
    extract = source.extracts[file.extract]
    if extract.delivery != "changes" and not history:
        refuse_older(file.path.name, file.received, last_received(before, file.source))
    every = {f"{s.source}.{name}": e for s in workspace.sources.values() for name, e in s.extracts.items()}
    with read_extract(file.path, extract, extracts=every, scratch=workspace.scratch) as raw:
        problems = type_rows(con, raw, file.extract, extract, received=file.received, history=history)
    keys_read = not has_problem_in(con, problems, extract.record_key)

    concerned = sorted(said_by(extract) | committed.holding(file.source, file.extract))
    for table in concerned:
        committed.make_standing(table, file.source, file.extract)
    stage(con, extract, Arrival(source, file.received, history), concerned)
    set_unused_aside(con, problems, concerned, subjects=len(extract.subjects))
    make_told(con)
    withdrawn = 0
    if extract.delivery == "full" and keys_read and not history:
        withdrawn = tell_left_out(con, file.path.name, concerned, source.covers_from, workspace.settings)

    new_id = committed.next_id
    added = {
        table: revise(con, table, source=file.source, received=file.received, delivery_id=new_id)
        for table in concerned
    }
    aside = set_aside(con, problems, delivery_id=new_id, source=file.source, file=file.path.name)
    delivery = Delivery(
        delivery_id=new_id,
        source=file.source,
        extract=file.extract,
        file=file.path.name,
        digest=digest,
        received_on=file.received,
        history=history,
        **_counts(con, rows=raw.rows, quarantined=aside),
        events=_standing_rows(con) if added.get("events") else 0,
        withdrawn=withdrawn,
        ignored_by_rule=_by_rule(con, [rule.rule for rule in extract.ignore]),
    )
    profile = make_profile(con, extract, events=bool(added.get("events")), history=history)
    profiles = profile.to_arrow(delivery_id=new_id, source=file.source, extract=file.extract)
    committed.add(delivery, added, {"profiles": profiles})
    return _reported(delivery, by_reason(con, "added_quarantine"), unchanged=False)


def _standing_rows(con: duckdb.DuckDBPyConnection) -> int:
    """How many events are added that say something, rather than that nothing is left."""
    return int(con.execute("SELECT count(*) FROM added_events WHERE NOT withdrawn").fetchall()[0][0])


def _counts(con: duckdb.DuckDBPyConnection, *, rows: int, quarantined: int) -> dict[str, int]:
    """Rows, used, quarantined, ignored. Raises if a row is unaccounted for, which would be our fault.

    rows: as they were read, which nothing of what became of them has touched.
    """
    sql = "SELECT count(*) FILTER (problem IS NULL AND ignored IS NULL), count(ignored) FROM rows"
    used, ignored = con.execute(sql).fetchall()[0]
    if rows != used + quarantined + ignored:
        raise RuntimeError(f"{rows} rows, but {used} used, {quarantined} quarantined and {ignored} ignored")
    return {"rows": rows, "used": used, "quarantined": quarantined, "ignored": ignored}


def _by_rule(con: duckdb.DuckDBPyConnection, rules: list[str]) -> dict[str, int]:
    found = con.execute(
        "SELECT ignored, count(*) FROM rows WHERE ignored IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    counts: Counter[str] = Counter()
    for index, rows in found.fetchall():
        counts[rules[index]] += rows  # one rule may be declared in several parts
    return dict(counts)


def _reported(delivery: Delivery, reasons: dict[str, int], *, unchanged: bool) -> ExtractReport:
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
        quarantined_by_reason=reasons,
        unchanged=unchanged,
        delivery_id=delivery.delivery_id,
    )
