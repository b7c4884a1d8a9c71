"""Linkage on Febrl 1 to 4, over every true pair; the figures are printed."""

from collections import Counter

import duckdb
import pytest

from features.blocking import make_comparable
from features.clusters_checked import Clusters
from features.compare import train
from features.probable_people import probable_people
from tests.febrl import ADDRESS, found_of, open_febrl

CHANCE_PAIRS = 100_000
PROBABLE = "SELECT l, r FROM pairs WHERE probability >= 0.5"


def linked(number: int, *, national_id: bool) -> tuple[duckdb.DuckDBPyConnection, Clusters]:
    """The people of a Febrl file, and a connection with the pairs that they are made of."""
    con = open_febrl(number, national_id=national_id)
    make_comparable(con)
    model = train(con, extra=ADDRESS, chance_pairs=CHANCE_PAIRS)
    return con, probable_people(con, model, linked=0.5).clusters


@pytest.mark.parametrize(("national_id", "at_least"), [(False, 0.992), (True, 0.999)])
def test_febrl4_is_linked_as_well_as_splink_can(national_id: bool, at_least: float) -> None:
    con, people = linked(4, national_id=national_id)
    precision, recall, f1 = found_of(con, PROBABLE)
    assert con.execute("SELECT count(*) FROM truth").fetchall() == [(10_000,)]
    in_one: dict[int, list[int]] = {}
    for subject, first in enumerate(people.cluster):
        in_one.setdefault(first, []).append(subject)
    pairs = [(a, b) for group in in_one.values() for a in group for b in group if a < b]
    con.execute(
        "CREATE TEMP TABLE in_one AS SELECT unnest($1).a AS l, unnest($1).b AS r",
        [[{"a": a, "b": b} for a, b in pairs]],
    )
    sure, kept, _ = found_of(con, "FROM in_one")
    print(
        f"Febrl 4, national id {national_id}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}; "
        f"people: precision {sure:.4f}, recall {kept:.4f}, "
        f"left in doubt {dict(Counter(d.why for d in people.doubts))}"
    )
    assert f1 >= at_least
    assert sure >= 0.995  # what makes people is stricter than what makes pairs: Febrl has replaced forenames


@pytest.mark.nightly
@pytest.mark.parametrize(("number", "at_least"), [(1, 0.999), (2, 0.996), (3, 0.996)])
def test_records_with_several_duplicates_are_found(number: int, at_least: float) -> None:
    precision, recall, f1 = found_of(linked(number, national_id=True)[0], PROBABLE)
    print(f"Febrl {number}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")
    assert f1 >= at_least
