"""What a delivery would do, told without loading it: ingest's own way in, over tables that only seem to grow.

A file is taken in by the very code of `ingest`, and what it would write is kept in memory. So several
files of a folder are each tried after those before them, and nothing of the workspace changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from features.arrivals import Arrived, find_arrived
from features.committed import Committed
from features.contracts import ContractFinding, contract_findings
from features.deliveries import Delivery
from features.errors import DataRefused
from features.facts import read_facts
from features.ingest import ExtractReport, take_in
from features.progress import Tell, quiet
from features.tables import SCHEMAS
from features.workspace import Workspace


@dataclass(frozen=True)
class Records:
    """Records that a delivery would add, change (one that was withdrawn and is back is new), withdraw."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class Checked:
    """One file. refused: why it would be kept out whole; if empty, it would be taken in, and the rest is
    there: how its rows end, new events by signal, what becomes of records, and what it has against it.
    """

    file: str
    source: str
    extract: str
    received: date
    refused: tuple[str, ...] = ()
    report: ExtractReport | None = None
    events: dict[str, int] = field(default_factory=dict)
    records: Records = Records()
    findings: tuple[ContractFinding, ...] = ()


class Trial(Committed):
    """A workspace that is read and never written: what is added to it is seen by the next file alone."""

    records = Records()

    @cached_property
    def _first(self) -> int:
        return self.next_id

    def view(self, table: str) -> str:
        """The committed rows, and those tried. What a crash left is there and not seen."""
        kept, tried = self.tables.view(self.con, table, alias=f"kept_{table}"), f"tried_{table}"
        self.con.register("nothing", SCHEMAS[table].empty_table())
        self.con.execute(
            f"""
            CREATE TABLE IF NOT EXISTS {tried} AS FROM nothing;
            CREATE OR REPLACE VIEW all_{table} AS
                FROM {kept} WHERE delivery_id < {self._first} UNION ALL BY NAME FROM {tried}
            """
        )
        self.con.unregister("nothing")
        return f"all_{table}"

    def add(self, delivery: Delivery, rows: dict[str, int], beside: dict[str, pa.Table]) -> None:
        self.records = self._records(sorted(rows), [table for table in sorted(rows) if rows[table]])
        super().add(delivery, rows, beside)

    def write(self, delivery: Delivery, added: list[str], beside: dict[str, pa.Table]) -> None:
        for table in added:
            self.con.execute(f"INSERT INTO tried_{table} BY NAME FROM added_{table}")
        for table, rows in beside.items():
            self.con.register("added", rows)
            self.con.execute(f"INSERT INTO tried_{table} BY NAME FROM added")
            self.con.unregister("added")

    def _records(self, concerned: list[str], added: list[str]) -> Records:
        """What becomes of records, from what ingest has staged of the dated tables concerned."""

        def keys(of: str, where: str = "") -> str:
            tables = added if of == "added" else concerned
            selects = [f"SELECT DISTINCT record_key FROM {of}_{table} {where}" for table in tables]
            return " UNION ".join(selects) or "SELECT CAST(NULL AS VARCHAR) AS record_key WHERE false"

        found = self.con.execute(
            f"""
            WITH touched AS ({keys("added")}), stood AS ({keys("standing", "WHERE NOT withdrawn")}),
                 says AS ({keys("new")})
            SELECT count(*) FILTER (s.record_key IS NULL),
                   count(*) FILTER (s.record_key IS NOT NULL AND n.record_key IS NOT NULL),
                   count(*) FILTER (n.record_key IS NULL)
            FROM touched LEFT JOIN stood s USING (record_key) LEFT JOIN says n USING (record_key)
            """
        ).fetchall()[0]
        return Records(*found)


def check(
    workspace: Workspace, path: Path, *, received: date, history: bool = False, tell: Tell = quiet
) -> list[Checked]:
    """Say what `ingest` would do with a file, a folder of files, or a folder of folders named by day.

    Writes nothing. Raises UserMistake, as ingest does, for a file that no declaration names.
    """
    arrived = find_arrived(workspace, path, received)
    trial, checked = Trial(workspace), []
    for file in arrived:
        tell(f"{file.path.name} ({file.source}, received {file.received})")
        try:
            report = take_in(workspace, trial, file, history=history)
        except DataRefused as error:
            why = (error.message, *error.problems)
            checked.append(Checked(file.path.name, file.source, file.extract, file.received, refused=why))
        else:
            checked.append(_checked(workspace, trial, file, report))
    return checked


def _checked(workspace: Workspace, trial: Trial, file: Arrived, report: ExtractReport) -> Checked:
    """What a file would do that would be taken in, or what it did if it had been before."""
    every = read_facts(trial.con, trial.of(file.source, file.extract))
    at = next(i for i, facts in enumerate(every) if facts.delivery.delivery_id == report.delivery_id)
    facts, earlier = every[at], every[:at]
    findings = contract_findings(workspace.sources[file.source], file.extract, facts, earlier)
    return Checked(
        file=report.file,
        source=file.source,
        extract=file.extract,
        received=file.received,
        report=report,
        events={} if report.unchanged or not facts.profile else facts.profile.events,
        records=Records() if report.unchanged else trial.records,
        findings=tuple(findings),
    )
