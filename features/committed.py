"""What a workspace holds while files are taken in, and the one way to add to it.

One ingest at a time: so what is held is read once, kept at hand, and follows every commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from features.deliveries import Delivery, read_ledger
from features.lock import only_writer
from features.tables import DATED, Tables
from features.workspace import Workspace

BESIDE = ("quarantine", "profiles")
"""What an ingest writes of a delivery besides the dated tables and the ledger."""

MANY_FILES = 200
"""Above so many files a table is put together again; about half a year of weekly deliveries."""


class Committed:
    """The ledger, the tables as views `all_<table>` of a connection, and who has rows in them."""

    def __init__(self, workspace: Workspace) -> None:
        """Clears what an ingest that did not come to its ledger row has left: all rows are committed."""
        self.tables = Tables(workspace.data)
        self.ledger = read_ledger(self.tables)
        self.con = self.tables.connect()
        self._holders: dict[str, set[tuple[str, str]]] = {table: set() for table in DATED}
        new = f"delivery_id >= {self.next_id}"
        found = self.con.execute(
            " UNION ALL ".join(
                f"SELECT DISTINCT '{table}', source, {extract}, {new} FROM {self.view(table)}"
                for table, extract in (
                    *dict.fromkeys(DATED, "split_part(record_key, '/', 1)").items(),
                    *dict.fromkeys(BESIDE, "NULL").items(),
                )
            )
        ).fetchall()
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

    def quarantined(self, delivery: Delivery) -> pa.Table:
        """The quarantine rows of a delivery."""
        rows = self.view("quarantine")
        return self.con.sql(
            f"SELECT * FROM {rows} WHERE delivery_id = {delivery.delivery_id}"
        ).to_arrow_table()

    def add(self, delivery: Delivery, rows: dict[str, pa.Table]) -> None:
        """Append a delivery's rows, table by table, and then its ledger row, which commits them."""
        added = {table: table_rows for table, table_rows in rows.items() if table_rows.num_rows}
        self.write(delivery, added)
        self.ledger.append(delivery)
        for table in added:
            if table in DATED:
                self.view(table)
                self._holders[table].add((delivery.source, delivery.extract))

    def write(self, delivery: Delivery, rows: dict[str, pa.Table]) -> None:
        """Put rows into the tables, the ledger row last."""
        for table, added in rows.items():
            self.tables.append(table, added)
        self.tables.append("deliveries", delivery.to_arrow())


@contextmanager
def alone(workspace: Workspace) -> Iterator[Committed]:
    """Hold the workspace for one ingest. Raises UserMistake if somebody else holds it."""
    with only_writer(workspace):
        committed = Committed(workspace)
        yield committed
        for table in (*DATED, *BESIDE, "deliveries"):
            committed.tables.compact(table, above=MANY_FILES)
