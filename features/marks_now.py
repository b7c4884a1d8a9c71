"""Which marks the people of a past morning have by now.

A list is read through the state that it names, so that it can be made again. What limits the telling is
not: whoever objects, is restricted or hides by the newest delivery is so for past mornings too, under
whatever id they had then; and so is who did on the morning itself, though it was told later and is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa

from features.asof import sql_known
from features.marks import OBJECTION
from features.snapshot import Snapshot, open_snapshot


def marks_now(snapshot: Snapshot, as_of: date, person_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """person_id → the marks that their subjects of the morning `as_of` have now, or had on that morning, by
    the workspace's newest state; only those with any."""
    return _marks(snapshot, as_of, person_ids, f"m.now OR {sql_known(as_of, 'm')}")


def objecting_now(snapshot: Snapshot, as_of: date, person_ids: np.ndarray) -> np.ndarray:
    """(n,) bool: which of some people of the morning `as_of` (n,) object now, by the workspace's newest
    state; an objection that has ended no longer counts."""
    marks = _marks(snapshot, as_of, person_ids.tolist(), "m.now")
    return np.isin(person_ids, [person for person, held in marks.items() if OBJECTION in held])


def _marks(
    snapshot: Snapshot, as_of: date, person_ids: Sequence[str], when: str
) -> dict[str, frozenset[str]]:
    """when: a condition on the marked subjects m."""
    marked = _marked(open_snapshot(snapshot.workspace))
    if not marked.num_rows:
        return {}
    con = snapshot.con
    con.register("marked_now", marked)
    con.register("asked_now", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
    try:
        rows = con.execute(
            "SELECT l.person_id, m.mark FROM links l JOIN marked_now m USING (source, subject_key) "
            f"SEMI JOIN asked_now USING (person_id) WHERE ({when}) AND {sql_known(as_of, 'l')}"
        ).fetchall()
    finally:
        con.unregister("marked_now")
        con.unregister("asked_now")
    found: dict[str, set[str]] = defaultdict(set)
    for person, mark in rows:
        found[person].add(mark)
    return {person: frozenset(held) for person, held in found.items()}


@lru_cache(maxsize=4)
def _marked(newest: Snapshot) -> pa.Table:
    """Read once per state: the service asks with every request."""
    return newest.marked_subjects()
