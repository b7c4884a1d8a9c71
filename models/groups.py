"""Which group each person is in, for the audit alone: characteristics, age band, deprivation fifth.

The one place that opens the table of protected characteristics, in a connection of its own, and only
after the list is made. Everything is as it was usable on the date asked about:

- a characteristic reaches a person through the links known that morning; where sources disagree, the
  value that became known last stands (ties by source, key and value);
- the age band is from the birth date that became known last, on that day;
- the deprivation fifth is of the place where the person lives, as known; it describes places.

Whoever nothing is known of is in the group `unknown`, which is a group like any other.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from features.asof import sql_known
from features.residences import residents_sql
from features.snapshot import Snapshot
from features.vital import ages_sql

UNKNOWN = "unknown"
AGE_BAND = "age_band"
DEPRIVATION_FIFTH = "deprivation_fifth"
AGES_FROM = (0, 5, 11, 16, 18, 25, 40, 65)
"""The first year of age of each band."""
CROSS = " × "
"""Stands between the two halves of the name of a group that is crossed from two."""
MOST_DEPRIVED, LEAST_DEPRIVED = 1, 5


def groups(snapshot: Snapshot, as_of: date, person_ids: np.ndarray) -> dict[str, np.ndarray]:
    """Characteristic → (n,) str, the group of each person in the order asked for.

    Every characteristic that any source declares or tells is there, and the two derived ones where anything
    is held to derive them from, unless a source tells one of that name itself. Of one that is declared and
    of which nothing is held everybody is `unknown`: nobody can say that no group is missed.
    """
    told = characteristics(snapshot, as_of, _linked(snapshot, as_of))
    for name in _declared(snapshot):
        told.setdefault(name, {})
    for name, derived in (
        (AGE_BAND, _age_bands(snapshot, as_of)),
        (DEPRIVATION_FIFTH, _fifths(snapshot, as_of)),
    ):
        if derived and not told.get(name):
            told[name] = derived
    return {
        name: np.array([group_of.get(str(person), UNKNOWN) for person in person_ids], dtype=object)
        for name, group_of in sorted(told.items())
    }


def age_band(age: int) -> str:
    """The band of an age in whole years.

    >>> age_band(0), age_band(17), age_band(65)
    ('under 5', '16 to 17', '65 and over')
    """
    at = max(i for i, first in enumerate(AGES_FROM) if first <= max(age, 0))
    if at == 0:
        return f"under {AGES_FROM[1]}"
    if at == len(AGES_FROM) - 1:
        return f"{AGES_FROM[at]} and over"
    return f"{AGES_FROM[at]} to {AGES_FROM[at + 1] - 1}"


def in_order(names: set[str]) -> list[str]:
    """Groups as a reader expects them: by age, by name, `unknown` last; crossed ones by either half."""
    ages = [age_band(first) for first in AGES_FROM]

    def place(name: str) -> list[tuple[bool, int, str]]:
        halves = name.split(CROSS)
        return [(half == UNKNOWN, ages.index(half) if half in ages else 0, half) for half in halves]

    return sorted(names, key=place)


def characteristics(snapshot: Snapshot, as_of: date, people: pa.Table) -> dict[str, dict[str, str]]:
    """Characteristic → person → value: of all usable ones the one that became known last.

    people: columns source, subject_key, person_id, who each subject is.
    """
    con = snapshot.audit_con
    con.register("people", people)
    found = con.execute(
        f"""
        SELECT c.characteristic, p.person_id, c.value
        FROM characteristics c JOIN people p USING (source, subject_key)
        WHERE c.value IS NOT NULL AND {sql_known(as_of, "c")}
        QUALIFY row_number() OVER (
            PARTITION BY c.characteristic, p.person_id
            ORDER BY c.known_on DESC, c.source, c.subject_key, c.value) = 1
        """
    ).fetchall()
    con.unregister("people")
    told: dict[str, dict[str, str]] = {}
    for characteristic, person, value in found:
        told.setdefault(characteristic, {})[person] = value
    return told


def _declared(snapshot: Snapshot) -> set[str]:
    """The characteristics for which a source declares a column."""
    return {
        name
        for source in snapshot.workspace.sources.values()
        for extract in source.extracts.values()
        for subject in extract.subjects
        for name in subject.characteristics
    }


def _linked(snapshot: Snapshot, as_of: date) -> pa.Table:
    query = f"SELECT source, subject_key, person_id FROM links WHERE {sql_known(as_of)}"
    return snapshot.con.sql(query).to_arrow_table()


def _age_bands(snapshot: Snapshot, as_of: date) -> dict[str, str]:
    found = snapshot.con.execute(ages_sql(snapshot, known=as_of, on=as_of)).fetchall()
    return {person: age_band(age) for person, age in found}


def _fifths(snapshot: Snapshot, as_of: date) -> dict[str, str]:
    """Person → the fifth of the area they live in; an area told twice has the fifth told last."""
    found = snapshot.con.execute(
        f"""
        SELECT r.person_id, a.deprivation_fifth
        FROM ({residents_sql(as_of)}) r JOIN (
            SELECT area, deprivation_fifth FROM areas WHERE {sql_known(as_of)}
            QUALIFY row_number() OVER (PARTITION BY area ORDER BY known_on DESC, source, record_key) = 1
        ) a USING (area)
        WHERE a.deprivation_fifth IS NOT NULL
        """
    ).fetchall()
    words = {MOST_DEPRIVED: " (most deprived)", LEAST_DEPRIVED: " (least deprived)"}
    return {person: f"{fifth}{words.get(fifth, '')}" for person, fifth in found}
