"""Of whom nothing is told, and in which words: those who object, and those whose record is restricted.

An objection stands for all later processing: whoever objects by now is told nothing of for past mornings
either, even where a list of then, made before, is asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import pyarrow as pa

from features.asof import sql_known
from features.marks import OBJECTION, marks_of
from features.marks import RESTRICTED as RESTRICTING
from features.snapshot import Snapshot, open_snapshot
from serving.flags import RESTRICTED

OBJECTS = "objects to being scored: nothing is worked out or told about this person; ask the team manager"


def withheld(snapshot: Snapshot, as_of: date, person_ids: Sequence[str]) -> dict[str, str]:
    """person_id → why nothing is told of them on the morning of `as_of`; only those of whom that is so."""
    marks = marks_of(snapshot.con, as_of, person_ids)
    found = {person: RESTRICTED for person, held in marks.items() if held & RESTRICTING}
    found |= {person: OBJECTS for person, held in marks.items() if OBJECTION in held}
    if objecting := _objecting(open_snapshot(snapshot.workspace)):
        subjects = _subjects(snapshot, as_of, person_ids)
        found |= {person: OBJECTS for person in subjects if subjects[person] & objecting}
    return found


@lru_cache(maxsize=4)
def _objecting(newest: Snapshot) -> frozenset[tuple[str, str]]:
    """Read once per state: the service asks with every request."""
    return newest.objecting()


def _subjects(snapshot: Snapshot, as_of: date, person_ids: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    """person_id → (source, subject_key) of each of their subjects on the morning."""
    con = snapshot.con
    con.register("asked_subjects", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
    try:
        rows = con.execute(
            "SELECT person_id, source, subject_key FROM links SEMI JOIN asked_subjects USING (person_id) "
            f"WHERE {sql_known(as_of)}"
        ).fetchall()
    finally:
        con.unregister("asked_subjects")
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for person, source, key in rows:
        found[person].add((source, key))
    return found
