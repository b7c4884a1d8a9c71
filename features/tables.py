"""The tables of a workspace: Delta tables that are only ever added to, and what their columns mean.

`events` is the only truth about what happened; `identities`, `addresses`, `registers`, `marks`,
`paired_keys`, `relations`, `areas` and `characteristics` are dated in the same way by the same code. Each
row belongs to a revision of a record; `deliveries` is the ledger whose row, written last, commits an ingest.
Delta's own versions are atomic per table, an ingest writes several: so readers see only what a ledger row
commits.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

REVISION = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("record_key", pa.string(), nullable=False),
    pa.field("revision", pa.int32(), nullable=False),
    pa.field("withdrawn", pa.bool_(), nullable=False),
    pa.field("known_on", pa.date32(), nullable=False),
    pa.field("delivery_id", pa.int64(), nullable=False),
]
"""What every dated table has. A revision replaces all rows of (source, record_key) in its table;
`withdrawn` marks the single row of a revision that leaves nothing standing (its payload is null).
`record_key` is '<extract>/<key columns joined by |>'."""

PAYLOAD: dict[str, list[pa.Field]] = {
    "events": [
        pa.field("event_id", pa.string()),
        pa.field("subject_key", pa.string()),  # null: known only by its place
        pa.field("signal", pa.string()),  # '<source>.<signal>'
        pa.field("occurred_at", pa.timestamp("us")),  # local time; midnight where has_time is false
        pa.field("has_time", pa.bool_()),
        pa.field("ended_on", pa.date32()),
        pa.field("amount", pa.float64()),
        pa.field("place", pa.string()),  # UPRN
    ],
    "identities": [
        pa.field("subject_key", pa.string()),
        pa.field("forenames", pa.string()),
        pa.field("surname", pa.string()),
        pa.field("birth_date", pa.date32()),
        pa.field("died_on", pa.date32()),
        pa.field("nhs_number", pa.string()),
        pa.field("upn", pa.string()),
        pa.field("nino", pa.string()),
        pa.field("initials", pa.string()),
        pa.field("sex", pa.string()),
        pa.field("phone", pa.string()),
        pa.field("email", pa.string()),
        pa.field("district", pa.string()),  # a postcode's first half
        pa.field("postcode", pa.string()),  # of somebody whose address is not told: ends no residence
    ],
    "addresses": [
        pa.field("subject_key", pa.string()),
        pa.field("uprn", pa.string()),
        pa.field("postcode", pa.string()),
        pa.field("area", pa.string()),
        pa.field("start_on", pa.date32()),  # never null: the recorded day where the agency gives none
        pa.field("end_on", pa.date32()),  # the first day no longer there; null = still there
    ],
    "registers": [
        pa.field("subject_key", pa.string()),
        pa.field("place", pa.string()),  # set where the register holds a dwelling
        pa.field("start_on", pa.date32()),
        pa.field("end_on", pa.date32()),
    ],
    "marks": [
        pa.field("subject_key", pa.string()),
        pa.field("mark", pa.string()),  # see declaration.MARKS
        pa.field("start_on", pa.date32()),  # null: from when it became known
        pa.field("end_on", pa.date32()),  # the first day it no longer holds
    ],
    "paired_keys": [
        pa.field("subject_key", pa.string()),
        pa.field("other_source", pa.string()),  # has the key below for the same person
        pa.field("other_key", pa.string()),
    ],
    "relations": [
        pa.field("subject_key", pa.string()),
        pa.field("relation", pa.string()),  # what the other is to the subject; see features.relation
        pa.field("other_key", pa.string()),  # of the same source; null where a family is told
        pa.field("family", pa.string()),  # to which all belong who have it in this source
        pa.field("start_on", pa.date32()),  # null: not told
        pa.field("end_on", pa.date32()),  # the first day it no longer holds
    ],
    "areas": [
        pa.field("area", pa.string()),
        pa.field("deprivation_fifth", pa.int32()),
    ],
    "characteristics": [
        pa.field("subject_key", pa.string()),
        pa.field("characteristic", pa.string()),
        pa.field("value", pa.string()),
    ],
}
"""The columns of each dated table besides `REVISION`."""

DATED = tuple(PAYLOAD)

SCHEMAS: dict[str, pa.Schema] = {name: pa.schema([*REVISION, *fields]) for name, fields in PAYLOAD.items()}
SCHEMAS["deliveries"] = pa.schema(
    [
        pa.field("delivery_id", pa.int64(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("extract", pa.string()),
        pa.field("file", pa.string()),  # name only
        pa.field("digest", pa.string()),  # sha256 of the file
        pa.field("received_on", pa.date32()),
        pa.field("history", pa.bool_()),
        pa.field("rows", pa.int64()),
        pa.field("used", pa.int64()),
        pa.field("quarantined", pa.int64()),
        pa.field("ignored", pa.int64()),
        pa.field("events", pa.int64()),  # events added
        pa.field("withdrawn", pa.int64()),  # records that a full delivery left out
        pa.field("ignored_by_rule", pa.string()),  # JSON {rule: rows}
    ]
)
SCHEMAS["quarantine"] = pa.schema(
    [
        pa.field("delivery_id", pa.int64(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("file", pa.string()),
        pa.field("row_number", pa.int64()),  # 1 = the first row under the header
        pa.field("column", pa.string()),
        pa.field("shape", pa.string()),  # the value's outline, never the value
        pa.field("reason", pa.string()),
    ]
)
SCHEMAS["profiles"] = pa.schema(
    [
        pa.field("delivery_id", pa.int64(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("extract", pa.string()),
        pa.field("profile", pa.string()),  # JSON, see features.profile
    ]
)
SCHEMAS["link_runs"] = pa.schema(
    [
        pa.field("link_run", pa.int64(), nullable=False),
        pa.field("last_delivery", pa.int64()),
        pa.field("subjects", pa.int64()),
        pa.field("persons", pa.int64()),
        pa.field("model", pa.string()),  # the link model's name; empty: exact keys alone
        pa.field("answers", pa.int64()),  # how many it had read, by their numbers; empty: not told
    ]
)
SCHEMAS["links"] = pa.schema(
    [
        # All rows of a subject in one run replace those of earlier runs. A row holds until the next
        # row's known_on (same subject, same run); without a person, it is nobody's from then on.
        pa.field("link_run", pa.int64(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("subject_key", pa.string()),
        pa.field("person_id", pa.string()),
        pa.field("known_on", pa.date32()),
        pa.field("strength", pa.float64()),  # how sure it is, 0 to 1; see features.strength
    ]
)
SCHEMAS["person_log"] = pa.schema(
    [
        # Who is new since the run before, and whose records went to another; see features.carried.
        pa.field("link_run", pa.int64(), nullable=False),
        pa.field("person_id", pa.string()),
        pa.field("change", pa.string()),
        pa.field("other", pa.string()),
        pa.field("subjects", pa.int64()),
    ]
)
SCHEMAS["residences"] = pa.schema(
    [
        # All rows of a person in one run replace those of earlier runs; a null uprn says "none".
        pa.field("link_run", pa.int64(), nullable=False),
        pa.field("person_id", pa.string()),
        pa.field("uprn", pa.string()),
        pa.field("postcode", pa.string()),
        pa.field("area", pa.string()),
        pa.field("start_on", pa.date32()),
        pa.field("end_on", pa.date32()),
        pa.field("known_on", pa.date32()),
        pa.field("known_until", pa.date32()),
    ]
)
SCHEMAS["link_answers"] = pa.schema(
    [
        # What people said of two subjects; a later row on a pair replaces the earlier; see features.answers.
        pa.field("number", pa.int64(), nullable=False),
        pa.field("source_l", pa.string(), nullable=False),
        pa.field("key_l", pa.string(), nullable=False),
        pa.field("source_r", pa.string(), nullable=False),
        pa.field("key_r", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),  # 'same', 'different' or 'cannot say'
        pa.field("by", pa.string(), nullable=False),  # who answered
        pa.field("because", pa.string(), nullable=False),
        pa.field("known_on", pa.date32(), nullable=False),  # the day it was given
    ]
)
SCHEMAS["flags"] = pa.schema(
    [
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("rank", pa.int32()),
        pa.field("person_id", pa.string()),
        pa.field("household_id", pa.string()),
        pa.field("margin", pa.float64()),
        pa.field("chance", pa.float64()),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("strengths", pa.list_(pa.string())),
        pa.field("not_held", pa.list_(pa.string())),
        pa.field("standing", pa.string()),  # 'new' or 'still here'
        pa.field("link_strength", pa.float64()),  # of the least sure of their records, 0 to 1
        pa.field("joined", pa.string()),  # from which records, in words
        pa.field("model", pa.string()),  # sha256 of the exported candidate
        pa.field("specification", pa.string()),
        pa.field("last_delivery", pa.int64()),
        pa.field("link_run", pa.int64()),
        pa.field("list_hash", pa.string()),  # of the canonical list this row belongs to
    ]
)
SCHEMAS["flags_replaced"] = SCHEMAS["flags"]
"""Of lists that were made again otherwise: a model's record of everybody it ever flagged is both tables."""
SCHEMAS["backlists"] = pa.schema(
    [
        # Everybody whom one model would have scored on a past morning; never shown to anybody.
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("model", pa.string(), nullable=False),  # sha256 of the exported candidate
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("log_odds", pa.float64(), nullable=False),
        pa.field("on_list", pa.bool_(), nullable=False),
        pa.field("last_delivery", pa.int64(), nullable=False),
        pa.field("link_run", pa.int64(), nullable=False),
    ]
)


TIME_ZONE = "Europe/London"
"""In which a time that an agency writes with its offset is told; other times are local already."""


class Tables:
    """The Delta tables under a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, DeltaTable] = {}

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection whose local time is ours, wherever the machine stands, and whose spills of what
        does not fit in memory lie in the workspace, not in the folder one happens to stand in."""
        con = duckdb.connect(config={"temp_directory": str(self.folder / ".spill")})
        con.execute(f"SET TimeZone = '{TIME_ZONE}'")
        return con

    def path(self, name: str) -> Path:
        return self.folder / name

    def exists(self, name: str) -> bool:
        return name in self._open or self._table(name) is not None

    def append(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows in one atomic Delta commit. A table's columns are put in the schema's order and types;
        a reader's must stand in it."""
        schema = SCHEMAS[name]
        rows = rows.select(schema.names).cast(schema) if isinstance(rows, pa.Table) else rows.cast(schema)
        table = self._table(name)
        if table is None:
            write_deltalake(str(self.path(name)), rows, mode="append")
        else:  # a column that an older version did not know is added
            write_deltalake(table, rows, mode="append", schema_mode="merge")

    def remove(self, name: str, predicate: str) -> None:
        """Delete the rows an SQL predicate names (what a crash left; an erasure)."""
        table = self._table(name)
        if table is not None:
            table.delete(predicate)

    def replace(self, name: str, predicate: str, rows: pa.Table) -> None:
        """Replace the rows a predicate names by others, in one atomic commit (lists made again)."""
        schema, table = SCHEMAS[name], self._table(name)
        rows = rows.select(schema.names).cast(schema)
        if table is not None:
            write_deltalake(table, rows, mode="overwrite", predicate=predicate)
        else:
            write_deltalake(str(self.path(name)), rows, mode="append")

    def compact(self, name: str, *, above: int) -> bool:
        """Put a table's files together, in one atomic commit, if there are more than `above` of them.

        The rows stay the same; it keeps reading fast after years of weekly deliveries.
        """
        table = self._table(name)
        if table is None or len(table.file_uris()) <= above:
            return False
        table.optimize.compact()
        return True

    def version(self, name: str) -> int | None:
        """Delta's version of a table, recorded as evidence; None if it is not there yet."""
        table = self._table(name)
        return None if table is None else table.version()

    def read(self, name: str) -> pa.Table:
        """All rows of a table, committed or not, for what is small: no database is opened for them."""
        files = [_as_declared(pq.ParquetFile(file).read(), SCHEMAS[name]) for file in self._files(name)]
        rows = pa.concat_tables([SCHEMAS[name].empty_table(), *files], promote_options="default")
        return rows.select(SCHEMAS[name].names)

    def view(self, con: duckdb.DuckDBPyConnection, name: str, *, alias: str | None = None) -> str:
        """Make a view of all rows of a table, committed or not, over its own Parquet files.

        Returns the view's name, `alias` or `all_<name>`. It shows the files of this moment.
        """
        alias, files = alias or f"all_{name}", self._files(name)
        con.unregister(alias)
        if files:
            table = self._open[name]
            paths = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
            rows = f"SELECT * FROM read_parquet([{paths}], union_by_name = true)"
            there = {field.name for field in table.schema().fields}
            if not set(SCHEMAS[name].names) <= there:  # written by an older version
                con.register("declared", SCHEMAS[name].empty_table())
                con.execute(f"CREATE OR REPLACE TABLE no_{name} AS FROM declared")  # seen by every cursor
                rows = f"SELECT * FROM no_{name} UNION ALL BY NAME {rows}"
            con.execute(f"CREATE OR REPLACE VIEW {alias} AS {rows}")
        else:
            con.register(alias, SCHEMAS[name].empty_table())
        return alias

    def _files(self, name: str) -> list[str]:
        """The paths of a table's Parquet files at this moment; none if it is not there."""
        table = self._table(name)
        uris = [] if table is None else table.file_uris()
        return [unquote(uri.removeprefix("file://")) for uri in uris]

    def _table(self, name: str) -> DeltaTable | None:
        """The table as it is now, None if it is not there; only what its log has since gained is read."""
        folder = self.path(name)
        if name not in self._open:
            if not (folder.is_dir() and DeltaTable.is_deltatable(str(folder))):
                return None
            self._open[name] = _opened(folder, *_log_now(folder))
        newest = _newest_commit(folder)
        if newest < self._open[name].version():  # the folder was put back as it had been before
            self._open[name] = DeltaTable(str(folder))
        elif newest > self._open[name].version():
            self._open[name].update_incremental()
        return self._open[name]


def _log_now(table: Path) -> tuple[int, int]:
    """Which folder is a table's log, and when it last gained a file."""
    log = (table / "_delta_log").stat()
    return log.st_ino, log.st_mtime_ns


@lru_cache(maxsize=64)
def _opened(table: Path, log: int, gained: int) -> DeltaTable:
    """A table whose log is in that state, read once a process: every snapshot opens them all."""
    return DeltaTable(str(table))


def _newest_commit(table: Path) -> int:
    """The version of a table's last commit, from the names of its log: to look is quicker than to ask Delta,
    and everything asks."""
    names = (entry.name.partition(".") for entry in os.scandir(table / "_delta_log"))
    return max(int(version) for version, _, kind in names if kind == "json" and version.isdigit())


def _as_declared(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a file in their declared types: a table put together again has others for text."""
    there = [schema.field(name) for name in rows.column_names if name in schema.names]
    return rows.select([field.name for field in there]).cast(pa.schema(there))
