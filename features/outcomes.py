"""What we would rather prevent, and whether it followed: the labels of a date.

Labels are judged from what was known on a later morning, `judged_on`, all of a date together. A row
that would have been left out had we known then (the outcome, its service or early help was there already, a
spell that had to be open was over, or the person was of another age, or had died or gone) is left out of
fitting and judging whatever followed, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.asof import sql_in_outcome, sql_in_window, sql_spell_open
from features.became import became_sql
from features.counted import count_days
from features.happenings import SameHappening
from features.rule_sql import quoted
from features.snapshot import Snapshot
from features.usable import sql_in, usable_rows
from features.vital import ages_sql, died_sql, gone_sql, other_age_sql

if TYPE_CHECKING:
    from features.cohort import Eligibility

ALREADY = "already happened, not yet known"
OPEN = "already open to early help, not yet known"
NOT_OPEN = "no longer open, not yet known"
OTHER_AGE = "of another age, not yet known"
HAD_LEFT = "had died or gone, not yet known"
LEFT = "died or left within the horizon"


@dataclass(frozen=True)
class OutcomePart:
    """One thing that counts as the outcome. `under_age`: only for people younger than this on the
    as-of day; somebody whose age nobody knows counts as younger, as a child's service knew them.
    `at_least`: only if it happened on so many different days of the horizon, see `features.counted`."""

    name: str
    title: str
    signals: tuple[str, ...]
    under_age: int | None = None
    at_least: int = 1


@dataclass(frozen=True)
class Outcome:
    """What is to be prevented within `horizon_days`. `service_spells`: signals whose open spell
    means that the person is there already. `happenings`: which signals are one happening, and count once
    where a part has to come on several days."""

    parts: tuple[OutcomePart, ...]
    horizon_days: int
    service_spells: tuple[str, ...] = ()
    happenings: tuple[SameHappening, ...] = ()

    @property
    def signals(self) -> tuple[str, ...]:
        """Every signal of the parts, in order of name."""
        return tuple(sorted({signal for part in self.parts for signal in part.signals}))


@dataclass(frozen=True)
class Labels:
    """What followed for n people asked about on a date.

    y: (n,) 1.0 it happened, 0.0 it did not, NaN left out. parts: name → (n,) bool, whether that
    part happened. same_as: (n,) whole numbers; people with the same number turned out to be one
    person, so that recall counts them once. days_until: (n,) days from the as-of day, itself 0, to the
    first outcome, or to the day by which there had been enough; NaN unless y is 1. counts: why → people,
    over all n.
    """

    as_of: date
    judged_on: date
    y: np.ndarray
    parts: dict[str, np.ndarray]
    same_as: np.ndarray
    days_until: np.ndarray
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


def happened(
    snapshot: Snapshot, outcome: Outcome, *, known: date, as_of: date, within: str, into: str
) -> None:
    """Make a temporary table `into` of what happened in a while: person_id, part, occurred_on.

    A part has one row a person: the first day it happened or, where it takes several, the day by which it
    had been that many. within: the while, as SQL over occurred_on. Ages are those of the as-of day; all is as
    known on `known`.
    """
    once = [(part, signal) for part in outcome.parts for signal in part.signals if part.at_least == 1]
    signals = ", ".join(f"({quoted(part.name)}, {quoted(signal)})" for part, signal in once)
    rows = usable_rows(snapshot, [signal for _, signal in once], as_of=known)
    found = [
        f"SELECT person_id, part, occurred_on FROM {rows} JOIN (VALUES {signals}) s(part, signal) "
        f"USING (signal) WHERE {within}"
    ][: len(once)]
    for part in outcome.parts:
        if part.at_least > 1:
            days = f"{into}_{part.name}"
            count_days(
                snapshot,
                part.signals,
                happenings=outcome.happenings,
                known=known,
                within=within,
                at_least=part.at_least,
                into=days,
            )
            found.append(f"SELECT person_id, {quoted(part.name)} AS part, occurred_on FROM {days}")
    bounds = ", ".join(
        f"({quoted(part.name)}, {'NULL' if part.under_age is None else part.under_age}, {part.at_least})"
        for part in outcome.parts
    )
    ages = ages_sql(snapshot, known=known, on=as_of, among="SELECT person_id FROM found")
    snapshot.con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {into} AS
        WITH found AS MATERIALIZED (
            SELECT DISTINCT person_id, part, occurred_on FROM ({" UNION ALL ".join(found)})
        )
        SELECT person_id, part, occurred_on
        FROM found JOIN (VALUES {bounds}) p(part, under_age, at_least) USING (part)
        LEFT JOIN ({ages}) USING (person_id)
        WHERE under_age IS NULL OR age IS NULL OR age < under_age
        QUALIFY row_number() OVER (PARTITION BY person_id, part ORDER BY occurred_on) = at_least
        """
    )


def open_spell_sql(snapshot: Snapshot, signals: Iterable[str], *, known: date, as_of: date) -> str:
    """SELECT person_id of those with an open spell of some signals on the morning of `as_of`, as known on
    `known`."""
    return f"""
        SELECT person_id FROM {usable_rows(snapshot, signals, as_of=known)}
        WHERE {sql_spell_open(as_of, start="occurred_on", end="ended_on")}
    """


def already_there_sql(snapshot: Snapshot, outcome: Outcome, *, known: date, as_of: date) -> str:
    """SELECT DISTINCT person_id of those in the outcome's service on the morning of `as_of`, or with
    an outcome in the `horizon_days` before it, as known on `known`."""
    before = sql_in_window(as_of, outcome.horizon_days)
    happened(snapshot, outcome, known=known, as_of=as_of, within=before, into="happened_before")
    there = open_spell_sql(snapshot, outcome.service_spells, known=known, as_of=as_of)
    return f"{there} UNION SELECT person_id FROM happened_before"


def labels(
    snapshot: Snapshot,
    outcome: Outcome,
    *,
    as_of: date,
    judged_on: date,
    person_ids: np.ndarray,
    eligibility: Eligibility | None = None,
) -> Labels:
    """Judge what followed `as_of` for these people, from what was known on `judged_on`.

    person_ids: (n,) ids as they stood on `as_of`. A person is positive if anybody who is linked on
    `judged_on` with one of their as-of subjects has the outcome. eligibility: by which they were asked
    about; whom it would have left out had we known is not judged, and by its exits it is known who left.
    Whether a register held them is not asked again: that would be to look through all homes at every judging,
    and who left is known by the exits.
    Raises ValueError if the horizon is not over on `judged_on`.
    """
    end = as_of + timedelta(days=outcome.horizon_days)
    if judged_on < end:
        raise ValueError(f"labels of {as_of} cannot be judged on {judged_on}, before {end}")
    con = snapshot.con
    con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE later AS
        SELECT DISTINCT was AS asked, became AS person_id
        FROM ({became_sql(snapshot, stood=as_of, stands=judged_on)})
        WHERE was IN (SELECT person_id FROM asked)
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

    within = sql_in_outcome(as_of, outcome.horizon_days)
    happened(snapshot, outcome, known=judged_on, as_of=as_of, within=within, into="happened_after")
    parts = {
        part.name: of_asked(f"SELECT person_id FROM happened_after WHERE part = {quoted(part.name)}")
        for part in outcome.parts
    }
    positive = np.logical_or.reduce(list(parts.values()))
    days, first = np.full(n, np.nan), "SELECT asked, min(occurred_on) FROM later JOIN happened_after"
    for person, day in con.execute(f"{first} USING (person_id) GROUP BY asked").fetchall():
        days[place[person]] = (day - as_of).days
    exits = eligibility.exits if eligibility else ()

    def away(before: date) -> np.ndarray:
        return of_asked(died_sql(snapshot, known=judged_on, before=before)) | of_asked(
            gone_sql(snapshot, exits, known=judged_on, before=before)
        )

    why_not = {ALREADY: of_asked(already_there_sql(snapshot, outcome, known=judged_on, as_of=as_of))}

    def with_open(signals: Iterable[str]) -> np.ndarray:
        return of_asked(open_spell_sql(snapshot, signals, known=judged_on, as_of=as_of))

    if eligibility and eligibility.not_open:
        why_not[OPEN] = with_open(eligibility.not_open)
    if eligibility and eligibility.open_spell:
        why_not[NOT_OPEN] = ~with_open(eligibility.open_spell)
    if eligibility and (eligibility.at_least_age or eligibility.under_age):
        ages = {"at_least_age": eligibility.at_least_age, "under_age": eligibility.under_age}
        why_not[OTHER_AGE] = of_asked(other_age_sql(snapshot, known=judged_on, on=as_of, **ages))
    why_not |= {HAD_LEFT: away(as_of), LEFT: away(end) & ~positive}
    left_out, counts = np.zeros(n, bool), {}
    for why, who in why_not.items():  # each person is counted under the first that applies
        counts[why] = int((who & ~left_out).sum())
        left_out |= who

    y = np.where(left_out, np.nan, positive.astype(float))
    return Labels(
        as_of=as_of,
        judged_on=judged_on,
        y=y,
        parts=parts,
        same_as=_same_as(later, place),
        days_until=np.where(y == 1, days, np.nan),
        counts={
            "it happened": int(np.nansum(y)),
            "it did not": int((y == 0).sum()),
            **counts,
        },
    )


def _same_as(later: list[tuple[str, str]], place: dict[str, int]) -> np.ndarray:
    """(n,) whole numbers: people who share their later id share a number."""
    names = [""] * len(place)
    for asked, person in later:
        names[place[asked]] = person
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]
