"""What a workspace holds while files are taken in, and the one way to add to it.

One ingest at a time: so what is held is read once, kept at hand, and follows every commit. A record's
standing revision is read from the tables the first time that an extract comes, and not for every file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from features.content import payload
from features.deliveries import Delivery, read_ledger
from features.lock import only_writer
from features.rule_sql import quoted
from features.tables import DATED, SCHEMAS, Tables
from features.workspace import Workspace

BESIDE = ("quarantine", "profiles")
"""What an ingest writes of a delivery besides the dated tables and the ledger."""

KEPT_ROWS = 500_000
"""What stands of an extract in a table is kept at hand up to so many rows; above, it is read again."""

MANY_FILES = 50
"""Above so many files a table is put together again: each makes the next commit, and reading, slower."""


class Committed:
    """The ledger, the tables as views `all_<table>` of a connection, and who has rows in them."""

    def __init__(self, workspace: Workspace) -> None:
        """Clears what an ingest that did not come to its ledger row has left: all rows are committed."""
        self.tables = Tables(workspace.data)
        self.ledger = read_ledger(self.tables)
        self.con = self.tables.connect()
        self.con.execute(f"SET memory_limit = '{workspace.settings.memory}'")
        self._appended: Counter[str] = Counter()
        self._kept: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._holders: dict[str, set[tuple[str, str]]] = {table: set() for table in DATED}
        new = f"delivery_id >= {self.next_id}"
        whose = dict.fromkeys(DATED, "split_part(record_key, '/', 1)") | dict.fromkeys(BESIDE, "NULL")
        views = {table: self.view(table) for table in whose}
        scans = [
            f"SELECT DISTINCT '{table}', source, {extract}, {new} FROM {views[table]}"
            for table, extract in whose.items()
            if self.tables.exists(table)
        ]
        found = self.con.execute(" UNION ALL ".join(scans)).fetchall() if scans else []
        for table in {table for table, _, _, left in found if left}:
            self.tables.remove(table, new)
            self.view(table)
        for table, source, extract, left in found:
            if table in DATED and not left:
                self._holders[table].add((source, extract))

    def view(self, table: str) -> str:
        """Make `all_<table>` show the table as it is now; returns that name."""
        return self.tables.view(self.con, table)

    @property
    def next_id(self) -> int:
        """The id that the next delivery gets."""
        return max((d.delivery_id for d in self.ledger), default=0) + 1

    def of(self, source: str, extract: str) -> list[Delivery]:
        """The deliveries of an extract."""
        return [d for d in self.ledger if (d.source, d.extract) == (source, extract)]

    def holding(self, source: str, extract: str) -> set[str]:
        """The dated tables in which an extract has rows."""
        return {table for table in DATED if (source, extract) in self._holders[table]}

    def quarantined(self, delivery: Delivery) -> dict[str, int]:
        """The quarantined rows of a delivery by their reason."""
        return by_reason(self.con, f"{self.view('quarantine')} WHERE delivery_id = {delivery.delivery_id}")

    def make_standing(self, table: str, source: str, extract: str) -> None:
        """Make `standing_<table>`, the last revision of every record of an extract."""
        whose = (table, source, extract)
        if whose not in self._kept:
            name = f'"kept {" ".join(whose)}"'
            if (source, extract) in self._holders[table]:
                rows = f"FROM {self.view(table)} WHERE source = {quoted(source)} "
                rows += f"AND starts_with(record_key, {quoted(extract + '/')})"
            else:
                self.con.register("nothing", SCHEMAS[table].empty_table())
                rows = "FROM nothing"
            made = self.con.execute(f"CREATE OR REPLACE TABLE {name} AS {_last(table, rows)}")
            self._kept[whose] = name, made.fetchall()[0][0]
        self.con.execute(f"CREATE OR REPLACE VIEW standing_{table} AS FROM {self._kept[whose][0]}")

    def add(self, delivery: Delivery, rows: dict[str, int], beside: dict[str, pa.Table]) -> None:
        """Append a delivery's rows, table by table, and then its ledger row, which commits them.

        rows: dated table → how many rows of `added_<table>` are to go into it; `added_quarantine` goes too.
        """
        added = [table for table, count in rows.items() if count]
        aside = ["quarantine"] if delivery.quarantined else []
        self.write(delivery, [*added, *aside], beside)
        self.ledger.append(delivery)
        for table in added:
            self._holders[table].add((delivery.source, delivery.extract))
        for table in rows:
            self._follow(table, delivery, changed=rows[table])

    def write(self, delivery: Delivery, added: list[str], beside: dict[str, pa.Table]) -> None:
        """Put rows into the tables, the ledger row last."""
        for table in added:
            columns = ", ".join(f'"{column}"' for column in SCHEMAS[table].names)
            self.tables.append(table, self.con.sql(f"SELECT {columns} FROM added_{table}").to_arrow_reader())
        for table, rows in beside.items():
            self.tables.append(table, rows)
        self.tables.append("deliveries", delivery.to_arrow())
        self._appended.update([*added, *beside, "deliveries"])
        for table, files in self._appended.items():
            if files > MANY_FILES:
                self.tables.compact(table, above=MANY_FILES)
                self._appended[table] = 0

    def clear(self) -> None:
        """Let go of what was made of the last file; what is kept at hand stays."""
        made = ["rows", "aside", "shared", "unused", "expected", "left_out", "changed"]
        made += [f"{stage}_{table}" for table in DATED for stage in ("new", "added")]
        there = {name for (name,) in self.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        self.con.execute("".join(f"DROP TABLE {table};" for table in made if table in there))

    def _follow(self, table: str, delivery: Delivery, *, changed: int) -> None:
        """Let what is kept of an extract be as it stands after a delivery; let go of what is large."""
        whose = (table, delivery.source, delivery.extract)
        name, rows = self._kept[whose]
        if rows + changed > KEPT_ROWS:
            self.con.execute(f"DROP VIEW standing_{table}; DROP TABLE {name}")
            del self._kept[whose]
        elif changed:
            self.con.execute(f"DELETE FROM {name} WHERE record_key IN (SELECT record_key FROM added_{table})")
            self.con.execute(f"INSERT INTO {name} {_last(table, f'FROM added_{table}')}")
            self._kept[whose] = name, rows + changed


def by_reason(con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, int]:
    """Why rows were set aside, in words → how many. rows: SQL, quarantine rows, as after FROM."""
    found = con.execute(
        f"""SELECT coalesce("column" || ': ', '') || reason AS said, count(*) FROM {rows} GROUP BY ALL"""
    ).fetchall()
    return dict(sorted(found))


def _last(table: str, rows: str) -> str:
    """SELECT the last revision of each record among rows (SQL: FROM … WHERE …)."""
    return (
        f"SELECT record_key, revision, withdrawn, known_on, {', '.join(payload(table))} {rows} "
        "QUALIFY revision = max(revision) OVER (PARTITION BY record_key)"
    )


@contextmanager
def alone(workspace: Workspace) -> Iterator[Committed]:
    """Hold the workspace for one ingest. Raises UserMistake if somebody else holds it."""
    with only_writer(workspace):
        committed = Committed(workspace)
        yield committed
        for table in (*DATED, *BESIDE, "deliveries"):
            committed.tables.compact(table, above=MANY_FILES)
