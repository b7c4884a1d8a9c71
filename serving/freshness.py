"""How fresh each source is on a morning: what last reached us, and whether a delivery is overdue."""

from __future__ import annotations

from datetime import date, timedelta

from features import asof
from features.catalogue import Catalogue
from features.declaration import Schedule
from features.snapshot import Snapshot
from serving.flags import Feed


def feeds(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> tuple[Feed, ...]:
    """The feeds a model reads, by source; what was received on `as_of` itself does not count yet.

    A source of several extracts is as fresh as its stalest. Without a declaration in the workspace
    (the model still knows the source) there is no schedule to be late by.
    """
    ledger = snapshot.tables.view(snapshot.con, "deliveries")
    newest = snapshot.con.execute(
        f"""
        SELECT source, min(received_on) FROM (
            SELECT source, extract, max(received_on) AS received_on
            FROM (SELECT *, received_on AS known_on, NULL::DATE AS known_until FROM {ledger}
                  WHERE delivery_id <= {snapshot.last_delivery})
            WHERE {asof.sql_known(as_of)} GROUP BY ALL)
        GROUP BY source
        """
    ).fetchall()
    received: dict[str, date] = dict(newest)
    sources = snapshot.workspace.sources
    found = []
    for fact in catalogue.facts:
        last = received.get(fact.source)
        declared = sources.get(fact.source)
        due = overdue(declared.schedule, last, fact.covers_from, as_of) if declared else None
        found.append(Feed(fact.source, fact.title, last, due))
    return tuple(found)


def overdue(schedule: Schedule, last: date | None, covers_from: date, as_of: date) -> date | None:
    """The delivery day that passed before `as_of` without a delivery; None if none did."""
    due = schedule.first_on_or_after(last + timedelta(days=1) if last else covers_from)
    return due if asof.is_known(asof.day_number(due), asof.OPEN, asof.day_number(as_of)) else None
