"""The ledger of deliveries: which are committed, when each source last delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.declaration import Source
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace


@dataclass(frozen=True)
class Delivery:
    """A row of the ledger: one file, taken in whole."""

    delivery_id: int
    source: str
    extract: str
    file: str
    digest: str
    received_on: date
    history: bool
    rows: int
    used: int
    quarantined: int
    ignored: int
    events: int
    withdrawn: int
    ignored_by_rule: dict[str, int]

    def to_arrow(self) -> pa.Table:
        """The ledger row, ready to be appended: which commits the delivery."""
        row = {**self.__dict__, "ignored_by_rule": json.dumps(self.ignored_by_rule, sort_keys=True)}
        return pa.Table.from_pylist([row], schema=SCHEMAS["deliveries"])


@dataclass(frozen=True)
class Freshness:
    """When a source last delivered (None: never), and when its next delivery was due after that."""

    source: str
    title: str
    last_received: date | None
    next_due: date | None


def read_ledger(tables: Tables) -> list[Delivery]:
    """Every committed delivery, in the order of their commits."""
    rows = tables.read("deliveries").sort_by("delivery_id").to_pylist()
    return [Delivery(**{**row, "ignored_by_rule": json.loads(row["ignored_by_rule"])}) for row in rows]


def last_received(ledger: list[Delivery], source: str, extract: str | None = None) -> date | None:
    """The day of the newest delivery of a source, or of one of its extracts; None if there is none."""
    days = [d.received_on for d in ledger if d.source == source and extract in (None, d.extract)]
    return max(days, default=None)


def freshness(workspace: Workspace, *, last_delivery: int | None = None) -> list[Freshness]:
    """When each declared source last delivered, among deliveries up to `last_delivery`."""
    ledger = [
        d
        for d in read_ledger(Tables(workspace.data))
        if last_delivery is None or d.delivery_id <= last_delivery
    ]
    return [_freshness(source, last_received(ledger, name)) for name, source in workspace.sources.items()]


def _freshness(source: Source, last: date | None) -> Freshness:
    due = None if last is None else source.schedule.next_after(last)
    return Freshness(source.source, source.title, last, due)
