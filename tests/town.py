"""A workspace whose tables are written by hand: given these rows, the rest of the project runs on them.

Every subject is its own person, by the same name, unless it is linked otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa
import yaml

from features.catalogue import Catalogue, derive_catalogue
from features.snapshot import Snapshot, open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace, init_workspace, open_workspace

OPENED = date(2018, 1, 1)


def day(text: str | date) -> date:
    """'3 Jan' → 3 January 2026; '3 Jan 2025' says its year."""
    if isinstance(text, date):
        return text
    return datetime.strptime(text if text[-4:].isdigit() else f"{text} 2026", "%d %b %Y").date()


def declaration(
    name: str, *, covers_from: str = "1 Jan 2018", register: bool = False, **signals: dict
) -> dict:
    return {
        "source": name,
        "title": name.replace("_", " ").capitalize(),
        "owner": "somebody",
        "legal_gateway": "some Act",
        "agreement": {"reference": "1", "review_by": "2030-01-01"},
        "covers_from": day(covers_from).isoformat(),
        "register": register,
        "typical_delay_days": 1,
        "schedule": {"every": "day"},
        "extracts": {
            "rows": {
                "files": "*.csv",
                "delivery": "full",
                "record_key": "key",
                "columns": {"key": {}, "day": {"type": "date", "format": "%Y"}, "uprn": {}},
                "subjects": [{"key": "key"}],
                "events": [{"signal": s, "occurred": "day", "place": "uprn"} for s in signals],
            }
        },
        "signals": {
            s: {"one": s.replace("_", " "), "many": f"{s.replace('_', ' ')}s", **words}
            for s, words in signals.items()
        },
    }


SOURCES = (
    declaration("missing", episode={"spell": True}),
    declaration("police", incident={}),
    declaration("rents", register=True, arrears_letter={"shared": True, "unit": "£"}),
    declaration("schools", register=True, absence={}),
    declaration("fire", covers_from="1 Dec 2025", visit={}),
)


class Town:
    """A workspace whose tables are written by hand.

    What is said between two snapshots comes with one delivery and one link run, so that a snapshot,
    once taken, stays what it is.
    """

    def __init__(self, root: Path) -> None:
        init_workspace(root, sources=None)
        for source in SOURCES:
            self.declare(root, source)
        self.workspace: Workspace = open_workspace(root)
        self.tables = Tables(self.workspace.data)
        self.number = self.state = 0
        self.received_on = OPENED
        self.at_hand: Snapshot | None = None
        self.said: dict[str, list[dict]] = defaultdict(list)
        self.homes: dict[str, list[dict]] = defaultdict(list)
        self.moved: set[str] = set()

    @staticmethod
    def declare(root: Path, source: dict) -> None:
        (root / "sources" / f"{source['source']}.yaml").write_text(yaml.safe_dump(source), encoding="utf-8")

    def person(self, *names: str) -> None:
        for name in names:
            self.link(name, name)

    def link(self, subject: str, person: str, *, known: str | date = OPENED) -> None:
        """Whose subject it is, to every agency."""
        for source in SOURCES:
            link = {"source": source["source"], "subject_key": subject, "person_id": person}
            self.said["links"].append({**link, "known_on": day(known)})

    def event(
        self,
        who: str | None,
        signal: str,
        on: str | date,
        *,
        known: str | date = OPENED,
        ended: str | date | None = None,
        amount: float | None = None,
        place: str | None = None,
        record: str | None = None,
        revision: int = 1,
        at: time | None = None,
    ) -> None:
        self.number += 1
        row = {
            "event_id": f"e{self.number:03}",
            "subject_key": who,
            "signal": signal,
            "occurred_at": datetime.combine(day(on), at or time()),
            "has_time": at is not None,
            "ended_on": day(ended) if ended else None,
            "amount": amount,
            "place": place,
        }
        self._dated("events", signal.split(".")[0], known, revision, record, row)

    def many_events(self, who: str, signal: str, days: list[date]) -> None:
        """An event a day, or several."""
        for on in days:
            self.event(who, signal, on)

    def withdraw(self, source: str, record: str, *, known: str | date, revision: int) -> None:
        """The record of an event is no more."""
        self._dated("events", source, known, revision, record, {"withdrawn": True})

    def registered(
        self,
        source: str,
        who: str | None,
        start: str,
        *,
        end: str | None = None,
        place: str | None = None,
        record: str | None = None,
        revision: int = 1,
        known: str | date = OPENED,
    ) -> None:
        self.number += 1
        row = {
            "subject_key": who,
            "place": place,
            "start_on": day(start),
            "end_on": day(end) if end else None,
        }
        self._dated("registers", source, known, revision, record, row)

    def mark(
        self,
        who: str,
        mark: str,
        start: str | None = None,
        *,
        end: str | None = None,
        known: str | date = OPENED,
        record: str | None = None,
        revision: int = 1,
        source: str = "missing",
    ) -> None:
        self.number += 1
        days = {"start_on": day(start) if start else None, "end_on": day(end) if end else None}
        row = {"subject_key": who, "mark": mark, **days}
        self._dated("marks", source, known, revision, record, row)

    def related(
        self,
        who: str,
        relation: str,
        other: str | None = None,
        *,
        family: str | None = None,
        start: str | None = None,
        end: str | None = None,
        known: str | date = OPENED,
        record: str | None = None,
        revision: int = 1,
        source: str = "schools",
    ) -> None:
        """`other` is the `relation` of `who`; or who belongs to a family."""
        self.number += 1
        days = {"start_on": day(start) if start else None, "end_on": day(end) if end else None}
        row = {"subject_key": who, "relation": relation, "other_key": other, "family": family, **days}
        self._dated("relations", source, known, revision, record, row)

    def withdraw_relation(
        self, record: str, *, known: str | date, revision: int, source: str = "schools"
    ) -> None:
        """What the record told of two people is no more."""
        self._dated("relations", source, known, revision, record, {"withdrawn": True})

    def lives(
        self,
        who: str,
        uprn: str,
        start: str,
        *,
        end: str | None = None,
        known: str | date = OPENED,
        until: str | None = None,
    ) -> None:
        """until: the day from which it is no longer believed."""
        row = {"person_id": who, "uprn": uprn, "start_on": day(start), "known_on": day(known)}
        ends = {"end_on": day(end) if end else None, "known_until": day(until) if until else None}
        self.homes[who].append(row | ends)
        self.moved.add(who)

    @property
    def snapshot(self) -> Snapshot:
        """All that has been said by now."""
        if self.said or self.moved or not self.state:
            self._deliver()
        return open_snapshot(self.workspace)

    @property
    def now(self) -> Snapshot:
        """As `snapshot`, with what it has read kept until more is said."""
        if self.said or self.moved or self.at_hand is None:
            self.at_hand = self.snapshot
        return self.at_hand

    @property
    def catalogue(self) -> Catalogue:
        return derive_catalogue(self.workspace.sources)

    def _dated(
        self, name: str, source: str, known: str | date, revision: int, record: str | None, row: dict
    ) -> None:
        key = {"source": source, "record_key": record or f"rows/{self.number}", "revision": revision}
        self.said[name].append({**key, "known_on": day(known), "withdrawn": False, **row})

    def _deliver(self) -> None:
        """Write what was said; the residences of whoever moved are all said again, as a link run does."""
        self.state += 1
        self.at_hand = None
        ids = {"delivery_id": self.state, "link_run": self.state, "last_delivery": self.state}
        self.said["residences"] = [row for who in sorted(self.moved) for row in self.homes[who]]
        self.said["deliveries"] = [{"received_on": self.received_on, "ignored_by_rule": "{}"}]
        self.said["link_runs"] = [{}]
        for name, rows in self.said.items():
            mine = {key: ids[key] for key in ids if key in SCHEMAS[name].names}
            filled = [{**row, **mine} for row in rows]
            self.tables.append(name, pa.Table.from_pylist(filled, schema=SCHEMAS[name]))
        self.said.clear()
        self.moved.clear()
