"""Which subjects are probably one person, from records to people: the steps of linkage in their order.

What a step leaves in the connection can be looked at: `pairs`, `sure` and `apart` hold why two subjects
were joined or were not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from features.apart import make_apart
from features.blocking import MOST, Crowded, make_comparable
from features.clusters_checked import LINKED, Clusters
from features.compare import make_pairs
from features.identity_records import make_identity_records, make_stated
from features.link_model import Model
from features.pair_days import make_pair_days
from features.placeholders import drop_placeholders
from features.strength import strengths
from features.sure import make_sure
from features.untroubled import find_people


@dataclass(frozen=True)
class ProbablePeople:
    """Who is one person, how sure that is of each subject, and where crowds kept some from being compared."""

    clusters: Clusters
    strength: np.ndarray
    crowded: list[Crowded]


def make_probable(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    as_of: date,
    *,
    already_persons: Sequence[str],
    shared: Sequence[str],
) -> ProbablePeople:
    """Make tables trusted(source, subject_key, person, strength) and pair_days(l, r, from_day) from a
    snapshot's tables, as all that is known on the morning of as_of says.

    person numbers the people; l and r number subjects as `identity_records` does. strength is told to three
    places, so that a breath of difference changes nothing. Whoever is not in trusted is compared with
    nobody. already_persons, shared: see `features.identity_records`.
    """
    make_stated(con, as_of, already_persons=already_persons, shared=shared)
    make_identity_records(con)
    people = probable_people(con, model)
    make_pair_days(con, model, linked=LINKED)
    person = people.clusters.cluster
    con.register(
        "found", pa.table({"subject": range(len(person)), "person": person, "strength": people.strength})
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE trusted AS
        SELECT subject, r.source, r.subject_key, f.person, floor(1000 * f.strength) / 1000 AS strength
        FROM identity_records r JOIN found f USING (subject)
        """
    )
    con.unregister("found")
    return people


def probable_people(
    con: duckdb.DuckDBPyConnection, model: Model, *, linked: float = LINKED, most: int = MOST
) -> ProbablePeople:
    """People from `identity_records`.

    linked: the probability from which a pair may join. most: see `features.blocking`.
    """
    drop_placeholders(con)
    crowded = make_comparable(con, most=most)
    make_pairs(con, model)
    make_sure(con, most=most)
    make_apart(con, most=most)
    clusters, pairs = find_people(con, linked=linked)
    return ProbablePeople(clusters, strengths(np.array(clusters.cluster, dtype=int), pairs), crowded)
