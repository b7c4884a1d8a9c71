"""Whether a service works with somebody on a morning, as far as was known: which spells say so is declared.

For telling what a list is worth, never for who may be on it: whom a specification leaves out because they are
there already is its own affair (see `features.cohort`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np

from features.asof import sql_spell_open
from features.declaration import Source
from features.snapshot import Snapshot
from features.usable import usable_rows


def service_signals(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """The signals whose open spell says that somebody works with the person, in order of name."""
    return tuple(
        sorted(
            f"{source.source}.{signal}"
            for source in sources.values()
            for signal, words in source.signals.items()
            if words.service
        )
    )


def worked_with(
    snapshot: Snapshot, *, as_of: date, person_ids: np.ndarray, services: Iterable[str]
) -> np.ndarray:
    """(n,) bool: people with an open spell of their own of one of these signals, as known that morning.

    person_ids: (n,) ids as they stood on `as_of`. services: as `service_signals` gives them.
    """
    query = f"""
        SELECT DISTINCT person_id FROM {usable_rows(snapshot, services, as_of=as_of)}
        WHERE NOT household
          AND {sql_spell_open(as_of, start="occurred_on", end="ended_on")}
    """
    return np.isin(person_ids, [person for (person,) in snapshot.con.execute(query).fetchall()])
