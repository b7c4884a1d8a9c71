"""What we would rather prevent, and whether it followed: the labels of a date.

Labels are judged from what was known on a later morning, `judged_on`, all of a date together. A row
that would have been left out had we known then (the outcome or its service was there already, or
the person had died or gone) is left out of fitting and judging whatever followed, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.asof import sql_in_outcome, sql_in_window, sql_known, sql_spell_open
from features.rule_sql import quoted
from features.snapshot import Snapshot
from features.vital import ages_sql, died_sql, gone_sql, sql_in, usable_rows

ALREADY = "already happened, not yet known"
HAD_LEFT = "had died or gone, not yet known"
LEFT = "died or left within the horizon"


@dataclass(frozen=True)
class OutcomePart:
    """One thing that counts as the outcome. `under_age`: only for people younger than this on the
    as-of day; somebody whose age nobody knows counts as younger, as a child's service knew them."""

    name: str
    title: str
    signals: tuple[str, ...]
    under_age: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What is to be prevented within `horizon_days`. `service_spells`: signals whose open spell
    means that the person is there already."""

    parts: tuple[OutcomePart, ...]
    horizon_days: int
    service_spells: tuple[str, ...] = ()

    @property
    def signals(self) -> tuple[str, ...]:
        """Every signal of the parts, in order of name."""
        return tuple(sorted({signal for part in self.parts for signal in part.signals}))


@dataclass(frozen=True)
class Labels:
    """What followed for n people asked about on a date.

    y: (n,) 1.0 it happened, 0.0 it did not, NaN left out. parts: name → (n,) bool, whether that
    part happened. same_as: (n,) whole numbers; people with the same number turned out to be one
    person, so that recall counts them once. counts: why → people, over all n.
    """

    as_of: date
    judged_on: date
    y: np.ndarray
    parts: dict[str, np.ndarray]
    same_as: np.ndarray
    counts: dict[str, int]

    @property
    def labelled(self) -> np.ndarray:
        """(n,) bool: rows that may be fitted on or judged."""
        return ~np.isnan(self.y)


def reporting_lag(snapshot: Snapshot, outcome: Outcome) -> int:
    """Days from an outcome to our knowing of it: the 95th percentile, rounded up; 0 if none is held.

    A record counts once, from the day its first revision became known.
    """
    found = snapshot.con.execute(
        f"""
        SELECT ceil(quantile_cont(greatest(lag, 0), 0.95))
        FROM (SELECT arg_min(known_on - occurred_on, revision) AS lag
              FROM events WHERE signal IN {sql_in(outcome.signals)}
              GROUP BY source, record_key, signal)
        """
    ).fetchall()[0][0]
    return int(found or 0)


def happened_sql(rows: str, outcome: Outcome, *, known: date, as_of: date) -> str:
    """SELECT person_id, part, occurred_on of every outcome in a table of usable rows.

    Ages are those of the as-of day, from what was known on `known`.
    """
    parts = ", ".join(
        f"({quoted(part.name)}, {quoted(signal)}, {'NULL' if part.under_age is None else part.under_age})"
        for part in outcome.parts
        for signal in part.signals
    )
    return f"""
        SELECT r.person_id, p.part, r.occurred_on
        FROM {rows} r
        JOIN (VALUES {parts}) p(part, signal, under_age) ON r.signal = p.signal
        LEFT JOIN ({ages_sql(known=known, on=as_of)}) a ON a.person_id = r.person_id
        WHERE p.under_age IS NULL OR a.age IS NULL OR a.age < p.under_age
    """


def already_there_sql(rows: str, outcome: Outcome, *, known: date, as_of: date) -> str:
    """SELECT DISTINCT person_id of those in the outcome's service on the morning of `as_of`, or with
    an outcome in the `horizon_days` before it, as known on `known`."""
    return f"""
        SELECT person_id FROM {rows}
        WHERE signal IN {sql_in(outcome.service_spells)}
          AND {sql_spell_open(as_of, start="occurred_on", end="ended_on")}
        UNION
        SELECT person_id FROM ({happened_sql(rows, outcome, known=known, as_of=as_of)})
        WHERE {sql_in_window(as_of, outcome.horizon_days)}
    """


def labels(
    snapshot: Snapshot,
    outcome: Outcome,
    *,
    as_of: date,
    judged_on: date,
    person_ids: np.ndarray,
    exits: tuple[str, ...] = (),
) -> Labels:
    """Judge what followed `as_of` for these people, from what was known on `judged_on`.

    person_ids: (n,) ids as they stood on `as_of`. A person is positive if anybody who is linked on
    `judged_on` with one of their as-of subjects has the outcome. exits: the signals of departure.
    Raises ValueError if the horizon is not over on `judged_on`.
    """
    end = as_of + timedelta(days=outcome.horizon_days)
    if judged_on < end:
        raise ValueError(f"labels of {as_of} cannot be judged on {judged_on}, before {end}")
    rows = usable_rows(snapshot, judged_on)
    con = snapshot.con
    con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE later AS
        SELECT DISTINCT before.person_id AS asked, now.person_id
        FROM links before JOIN links now USING (source, subject_key)
        WHERE {sql_known(as_of, "before")} AND {sql_known(judged_on, "now")}
          AND before.person_id IN (SELECT person_id FROM asked)
        """
    )
    later = con.execute("SELECT asked, min(person_id) FROM later GROUP BY asked").fetchall()
    place = {person: i for i, person in enumerate(person_ids)}
    n = len(place)

    def of_asked(people: str) -> np.ndarray:
        """(n,) bool: asked people who are among the people of a query, under their later id."""
        found = np.zeros(n, bool)
        query = f"SELECT DISTINCT asked FROM later JOIN ({people}) USING (person_id)"
        found[[place[person] for (person,) in con.execute(query).fetchall()]] = True
        return found

    happened = happened_sql(rows, outcome, known=judged_on, as_of=as_of)
    followed = f"FROM ({happened}) WHERE {sql_in_outcome(as_of, outcome.horizon_days)}"
    parts = {
        part.name: of_asked(f"SELECT person_id {followed} AND part = {quoted(part.name)}")
        for part in outcome.parts
    }
    positive = np.logical_or.reduce(list(parts.values()))
    already = of_asked(already_there_sql(rows, outcome, known=judged_on, as_of=as_of))
    had_left = ~already & (
        of_asked(died_sql(known=judged_on, before=as_of)) | of_asked(gone_sql(rows, exits, before=as_of))
    )
    left = of_asked(died_sql(known=judged_on, before=end)) | of_asked(gone_sql(rows, exits, before=end))
    left &= ~positive & ~already & ~had_left

    y = np.where(already | had_left | left, np.nan, positive.astype(float))
    return Labels(
        as_of=as_of,
        judged_on=judged_on,
        y=y,
        parts=parts,
        same_as=_same_as(later, place),
        counts={
            "it happened": int(np.nansum(y)),
            "it did not": int((y == 0).sum()),
            ALREADY: int(already.sum()),
            HAD_LEFT: int(had_left.sum()),
            LEFT: int(left.sum()),
        },
    )


def _same_as(later: list[tuple[str, str]], place: dict[str, int]) -> np.ndarray:
    """(n,) whole numbers: people who share their later id share a number."""
    names = [""] * len(place)
    for asked, person in later:
        names[place[asked]] = person
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]
