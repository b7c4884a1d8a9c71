"""The exported candidates of a workspace, in the order in which they were made.

`models/candidates.json` is a log: every export adds a line, the newest of a specification and kind
is the one that serves until one is approved. It moves with the workspace and needs no database.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from features.lock import in_turn

LOG = "candidates.json"


@dataclass(frozen=True)
class Entry:
    """One export: which model, for which specification, from what it was made."""

    sha256: str
    kind: str
    specification: str
    last_delivery: int
    link_run: int


def entries(models: Path) -> list[Entry]:
    """The log of a models folder, oldest first; empty if nothing was exported."""
    path = models / LOG
    if not path.is_file():
        return []
    return [Entry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def record(models: Path, *given: Entry) -> None:
    """Add exports to the log, all or none; made again unchanged, one becomes the newest."""
    again = {entry.sha256 for entry in given}
    with in_turn(models):
        kept = [e for e in entries(models) if e.sha256 not in again]
        making = models / f".{LOG}"
        text = json.dumps([asdict(e) for e in [*kept, *given]], indent=1) + "\n"
        making.write_text(text, encoding="utf-8")
        making.replace(models / LOG)


def newest(models: Path, *, specification: str, kind: str, without: Collection[str] = ()) -> Entry | None:
    """The last export of a specification and kind, or None. without: hashes that are passed over."""
    found = [
        e
        for e in entries(models)
        if e.specification == specification and e.kind == kind and e.sha256 not in without
    ]
    return found[-1] if found else None


def newest_of_each(models: Path) -> list[Entry]:
    """Of each specification those of its newest run, as far as can be told: the last of every kind that were
    made of one delivery and link run with no others of it between, in the order in which they were made."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries(models):
        of = found.setdefault(entry.specification, {})
        if of and _made_of(entry) != _made_of(next(iter(of.values()))):
            of.clear()
        of.pop(entry.kind, None)
        of[entry.kind] = entry
    return [entry for of in found.values() for entry in of.values()]


def _made_of(entry: Entry) -> tuple[int, int]:
    return entry.last_delivery, entry.link_run
