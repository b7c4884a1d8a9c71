"""Tables that a snapshot's connection keeps, since fifty mornings ask the same of all that is held."""

from __future__ import annotations

from features.snapshot import Snapshot


def kept(snapshot: Snapshot, query: str) -> str:
    """The name of a temporary table of what a SELECT finds, made when it is asked for first."""
    tables: dict[str, str] = snapshot._cache.setdefault("kept", {})
    if query not in tables:
        name = f"kept_{len(tables)}"
        snapshot.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        tables[query] = name
    return tables[query]
