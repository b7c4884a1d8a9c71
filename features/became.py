"""Who somebody of one morning is on another.

Links change, and what followed befell whom people turned out to be.
"""

from __future__ import annotations

from datetime import date

from features.asof import sql_known
from features.kept import kept
from features.snapshot import Snapshot


def became_sql(snapshot: Snapshot, *, stood: date, stands: date) -> str:
    """A SELECT of was and became: each person of the morning `stood`, and whoever has one of their subjects
    on the morning `stands`. One pair may come more than once."""
    known = "{{'known_on': {0}.known_on, 'known_until': {0}.known_until}}"
    pairs = kept(
        snapshot,
        f"""
        SELECT DISTINCT a.person_id AS was, {known.format("a")} AS stood,
               b.person_id AS became, {known.format("b")} AS stands
        FROM links a JOIN links b USING (source, subject_key)
        """,
    )
    return (
        f"SELECT was, became FROM {pairs} WHERE {sql_known(stood, 'stood')} AND {sql_known(stands, 'stands')}"
    )
