"""What is held of each delivery besides its events: the ledger row, its profile, why rows were set aside.

The contracts and the report on data quality read nothing else of a delivery: counts, and no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import duckdb

from features.deliveries import Delivery
from features.profile import LATEST, Profile, read_profile
from features.share import Share
from features.wording import counted

LAST = 8
"""So many live deliveries of an extract say what is usual."""


@dataclass(frozen=True)
class Facts:
    """One delivery. profile: None where it was taken in before profiles were kept.

    quarantined: (column, reason) → rows; column is None where no single one is to blame.
    """

    delivery: Delivery
    profile: Profile | None = None
    quarantined: dict[tuple[str | None, str], int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether every row was used, quarantined or ignored."""
        d = self.delivery
        return d.rows == d.used + d.quarantined + d.ignored


def read_facts(con: duckdb.DuckDBPyConnection, ledger: Sequence[Delivery]) -> list[Facts]:
    """The facts of some deliveries, in their order.

    Expects the views `all_profiles` and `all_quarantine` of `features.tables`.
    """
    ids = ", ".join(str(d.delivery_id) for d in ledger) or "NULL"
    profiles = dict(
        con.execute(f"SELECT delivery_id, profile FROM all_profiles WHERE delivery_id IN ({ids})").fetchall()
    )
    aside: dict[int, dict[tuple[str | None, str], int]] = {}
    for delivery_id, column, reason, rows in con.execute(
        f'SELECT delivery_id, "column", reason, count(*) FROM all_quarantine WHERE delivery_id IN ({ids}) '
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        aside.setdefault(delivery_id, {})[column, reason] = rows
    return [
        Facts(
            delivery=d,
            profile=read_profile(profiles[d.delivery_id]) if d.delivery_id in profiles else None,
            quarantined=aside.get(d.delivery_id, {}),
        )
        for d in ledger
    ]


def usual(earlier: Sequence[Facts]) -> list[Facts]:
    """The last live deliveries, against which the next of the extract is held; at most `LAST`."""
    return [facts for facts in earlier if not facts.delivery.history][-LAST:]


def usual_rows(before: Sequence[Facts]) -> float | None:
    """The median of their rows; None where there are none."""
    return median(facts.delivery.rows for facts in before) if before else None


def pooled_delays(several: Sequence[Facts]) -> dict[str, dict[int, int]]:
    """Signal → {days from occurred to known: events}, over several deliveries."""
    pooled: dict[str, dict[int, int]] = {}
    for facts in several:
        for signal, delays in facts.profile.delays.items() if facts.profile else ():
            found = pooled.setdefault(signal, {})
            for days, events in delays.items():
                found[days] = found.get(days, 0) + events
    return pooled


def quantile(counts: dict[int, int], q: float) -> int:
    """The smallest value that at least a share q of a histogram {value: count} does not exceed.

    >>> quantile({1: 5, 7: 4, 30: 1}, 0.5), quantile({1: 5, 7: 4, 30: 1}, 0.9)
    (1, 7)
    """
    total, seen = sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= q * total:
            return value
    raise ValueError("an empty histogram has no quantile")


def days_words(days: int) -> str:
    """'7 days'; what is later than is counted in days is said so.

    >>> days_words(1), days_words(400)
    ('1 day', 'over 400 days')
    """
    return f"over {LATEST:,} days" if days >= LATEST else counted(days, "day", "days")


def told(facts: Facts, column: str) -> Share:
    """Of the rows used in which a column could say something, those in which it does."""
    filled = facts.profile.filled if facts.profile else {}
    return Share(*filled.get(column, (0, 0)))
