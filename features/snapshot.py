"""What one run reads: the committed rows up to a delivery, and the links of one run.

A list names both, so that it can be made again: everything after ingest reads through a snapshot
and through nothing else. Every dated view has `known_until`, the `known_on` of the record's next
revision among the deliveries read, or NULL.

Protected characteristics are not among the views. Only `Snapshot.audit_con`, for the audit,
opens them, in a connection of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import duckdb
import pyarrow as pa

from features.asof import sql_known
from features.errors import UserMistake
from features.graded import make_strengths
from features.marks import make_marked
from features.refuge import make_shown_residences
from features.tables import DATED, PAYLOAD, REVISION, Tables
from features.workspace import Workspace

MARKED = pa.schema(
    [
        *[(name, pa.string()) for name in ("source", "subject_key", "mark")],
        *[(name, pa.date32()) for name in ("known_on", "known_until")],
        ("now", pa.bool_()),
    ]
)
"""The columns of `Snapshot.marked_subjects`."""

OPEN_VIEWS = tuple(name for name in DATED if name != "characteristics")

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
}


def _columns(name: str) -> str:
    kept = [field for field in REVISION if field.name != "withdrawn"]
    kept.insert(-1, pa.field("known_until", pa.date32()))
    extra = [pa.field("occurred_on", pa.date32())] if name == "events" else []
    return ", ".join(f"{field.name} {_TYPES[field.type]}" for field in [*kept, *PAYLOAD[name], *extra])


_COLUMNS = {name: _columns(name) for name in DATED}
"""The columns of each dated view, as a CREATE TABLE names them."""


@dataclass(frozen=True)
class Snapshot:
    """Deliveries up to `last_delivery`, links of `link_run` (0 = not linked yet)."""

    workspace: Workspace
    last_delivery: int
    link_run: int
    _cache: dict = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def tables(self) -> Tables:
        return self._cache.get("tables") or Tables(self.workspace.data)

    @cached_property
    def con(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the tables events, identities, addresses, registers, marks, areas
        (each with known_until; events also with occurred_on), links (with known_until), strengths (see
        `features.graded`), marked (see `features.marks`), told_residences, and residences, which are those
        but for what must stay secret (see `features.refuge`).

        Withdrawn revisions are not in the tables: they only end what stood before them.
        """
        con = self.tables.connect()
        con.execute(f"SET memory_limit = '{self.workspace.settings.memory}'")
        make_standing(con, self, *OPEN_VIEWS)
        _links(con, self)
        make_strengths(con, self.link_run)
        make_marked(con)
        make_shown_residences(con)
        return con

    @cached_property
    def morning_after(self) -> date:
        """The morning after the last delivery: on it all that is read is known."""
        ledger = self.tables.read("deliveries").select(["delivery_id", "received_on"]).to_pylist()
        read = [row["received_on"] for row in ledger if row["delivery_id"] <= self.last_delivery]
        return max(read) + timedelta(days=1)

    def marked_subjects(self) -> pa.Table:
        """Columns source, subject_key, mark, known_on, known_until, now: who is marked on which mornings by
        what is known on the one after the last delivery, when all that is read counts, whenever it was told;
        now: whether on that one. A mark without a start begins with its becoming known.
        In a connection of its own, as it asks for little; in none where no mark was ever told."""
        if not self.tables.exists("marks"):
            return MARKED.empty_table()
        con, after = self.tables.connect(), self.morning_after
        make_standing(con, self, "marks")
        _links(con, self)
        return con.sql(
            f"""
            SELECT *, {sql_known(after)} AS now FROM (
                SELECT DISTINCT l.source, l.subject_key, m.mark,
                       coalesce(m.start_on - 1, m.first_known) AS known_on, m.end_on - 1 AS known_until
                FROM links l JOIN links named USING (person_id)
                JOIN (
                    SELECT *, min(known_on) OVER (PARTITION BY source, record_key, subject_key, mark)
                           AS first_known
                    FROM marks
                ) m ON m.source = named.source AND m.subject_key = named.subject_key
                WHERE {sql_known(after, "l")} AND {sql_known(after, "named")} AND {sql_known(after, "m")}
            )
            """
        ).to_arrow_table()

    @cached_property
    def audit_con(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, for the audit alone, with the table characteristics: source, subject_key,
        characteristic, value, known_on and known_until."""
        con = self.tables.connect()
        make_standing(con, self, "characteristics")
        return con


def open_snapshot(
    workspace: Workspace,
    *,
    last_delivery: int | None = None,
    link_run: int | None = None,
    at_hand: Snapshot | None = None,
) -> Snapshot:
    """The newest state, or the one a list names, which is then taken at its word and nothing is read.

    at_hand: a snapshot of before, given back with all it has read if it is of that same state.
    Raises UserMistake where nothing was ingested yet.
    """
    if last_delivery is not None and link_run is not None:
        named = Snapshot(workspace, last_delivery, link_run)
        return at_hand if at_hand == named and at_hand is not None else named
    tables = Tables(workspace.data)
    if last_delivery is None:
        last_delivery = max(tables.read("deliveries")["delivery_id"].to_pylist(), default=None)
    if last_delivery is None:
        raise UserMistake(
            "The workspace holds no delivery yet.",
            problems=["load one with `earlyhelp ingest PATH`, or simulate a county with `earlyhelp demo`"],
        )
    if link_run is None:
        runs = tables.read("link_runs").to_pylist()
        link_run = max((r["link_run"] for r in runs if r["last_delivery"] <= last_delivery), default=0)
    found = Snapshot(workspace, int(last_delivery), int(link_run), {"tables": tables})
    return at_hand if at_hand == found and at_hand is not None else found


def make_standing(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, *names: str) -> None:
    """Make the tables named: committed rows up to the snapshot's delivery, with known_until."""
    ledger = snapshot.tables.view(con, "deliveries")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE committed_ids AS "
        f"SELECT delivery_id FROM {ledger} WHERE delivery_id <= {snapshot.last_delivery}"
    )
    for name in names:
        _make_one(con, snapshot, name)


def _make_one(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, name: str) -> None:
    if not snapshot.tables.exists(name):  # few workspaces have them all, and to plan the rest takes time
        con.execute(f"CREATE OR REPLACE TABLE {name} ({_COLUMNS[name]})")
        return
    rows = snapshot.tables.view(con, name)
    payload = ", ".join(f"r.{f.name}" for f in PAYLOAD[name])
    extra = ", CAST(r.occurred_at AS DATE) AS occurred_on" if name == "events" else ""
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        WITH committed AS (
            SELECT * FROM {rows} WHERE delivery_id IN (FROM committed_ids)
        ), revisions AS (  -- of records with several: most have one, and so nothing that replaced it
            SELECT source, record_key, revision, any_value(known_on) AS known_on
            FROM committed SEMI JOIN (FROM committed WHERE revision > 1) USING (source, record_key)
            GROUP BY ALL
        ), until AS (
            SELECT source, record_key, revision,
                   lead(known_on) OVER (PARTITION BY source, record_key ORDER BY revision) AS known_until
            FROM revisions
        )
        SELECT r.source, r.record_key, r.revision, r.known_on, u.known_until, r.delivery_id, {payload}{extra}
        FROM committed r LEFT JOIN until u USING (source, record_key, revision)
        WHERE NOT r.withdrawn
        """
    )


def _links(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Make tables links (source, subject_key, person_id, strength, known_on, known_until) and
    told_residences."""
    runs = snapshot.tables.view(con, "link_runs")
    links = snapshot.tables.view(con, "links")
    residences = snapshot.tables.view(con, "residences")
    committed = f"link_run IN (SELECT link_run FROM {runs} WHERE link_run <= {snapshot.link_run})"
    con.execute(
        f"""
        CREATE OR REPLACE VIEW told_links AS
        SELECT source, subject_key, person_id, coalesce(strength, 1.0) AS strength, known_on,
               lead(known_on) OVER (PARTITION BY source, subject_key ORDER BY known_on) AS known_until
        FROM (SELECT * FROM {links} WHERE {committed}
              QUALIFY link_run = max(link_run) OVER (PARTITION BY source, subject_key));

        CREATE OR REPLACE TABLE links AS FROM told_links WHERE person_id IS NOT NULL
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE told_residences AS
        SELECT person_id, uprn, postcode, area, start_on, end_on, known_on, known_until
        FROM (SELECT * FROM {residences} WHERE {committed}
              QUALIFY link_run = max(link_run) OVER (PARTITION BY person_id))
        WHERE uprn IS NOT NULL
        """
    )
