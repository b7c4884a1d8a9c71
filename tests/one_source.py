"""One agency's template in a workspace of its own: rows go in by hand, what they say comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb

from features.asof import sql_known, sql_usable
from features.ingest import ExtractReport, ingest
from features.snapshot import Snapshot, make_standing, open_snapshot
from features.tables import Tables
from features.workspace import TEMPLATES, Workspace, init_workspace, open_workspace


@dataclass(frozen=True)
class OneSource:
    """A workspace with one source, and the folder that files are written to on their way in."""

    workspace: Workspace
    source: str
    desk: Path
    at_hand: list[Snapshot] = field(default_factory=list, repr=False)
    made: set[str] = field(default_factory=set, repr=False)

    def deliver(
        self, extract: str, day: str, rows: Sequence[dict[str, str]], *, history: bool = False
    ) -> ExtractReport:
        """Take in rows as the agency would write them: its encoding, its delimiter, all its columns."""
        declared = self.workspace.sources[self.source].extracts[extract]
        unknown = {column for row in rows for column in row} - set(declared.columns)
        assert not unknown, f"no such column: {unknown}"
        lines = [[row.get(column, "") for column in declared.columns] for row in rows]
        text = "\n".join(declared.delimiter.join(cells) for cells in [list(declared.columns), *lines])
        file = self.desk / declared.files.replace("*", day)
        file.write_text(text + "\n", encoding=declared.encoding)
        [report] = ingest(self.workspace, file, received=date.fromisoformat(day), history=history)
        self.at_hand.clear()
        self.made.clear()
        return report

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The newest snapshot, opened once for all that is asked between two deliveries."""
        if not self.at_hand:
            self.at_hand.append(open_snapshot(self.workspace))
        return self.at_hand[0].con

    @cached_property
    def _asked(self) -> duckdb.DuckDBPyConnection:
        return Tables(self.workspace.data).connect()

    def _with(self, table: str) -> duckdb.DuckDBPyConnection:
        """A connection with one table of the newest snapshot: most that is asked needs no more."""
        if table not in self.made:
            make_standing(self._asked, open_snapshot(self.workspace), table)
            self.made.add(table)
        return self._asked

    def events(self, day: str, columns: str = "signal, subject_key, occurred_on, ended_on") -> list[tuple]:
        """What is usable on a morning, without the source's name in front of its signals."""
        usable = sql_usable(date.fromisoformat(day))
        short = "* REPLACE (split_part(signal, '.', 2) AS signal)"
        chosen = f"(SELECT {short} FROM events WHERE {usable})"
        return self._with("events").execute(f"SELECT {columns} FROM {chosen} ORDER BY ALL").fetchall()

    def known(self, table: str, day: str, columns: str) -> list[tuple]:
        """What a dated table said on a morning."""
        where = sql_known(date.fromisoformat(day))
        query = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL"
        return self._with(table).execute(query).fetchall()


def one_source(source: str, folder: Path) -> OneSource:
    """A workspace under a folder with the template of one source and no other."""
    root = folder / "workspace"
    init_workspace(root, sources=None)
    (root / "sources" / f"{source}.yaml").write_text((TEMPLATES / f"{source}.yaml").read_text("utf-8"))
    return OneSource(open_workspace(root), source, folder)
