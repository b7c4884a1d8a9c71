"""Nothing that training keeps, in the training log or among the models, holds anybody of a county."""

import re
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq

from features.snapshot import open_snapshot
from features.workspace import Workspace
from tests.small_candidates import files

PERSON = re.compile(rb"\bP[0-9a-f]{11}\b")


def said_of_people(workspace: Workspace) -> set[str]:
    """Everything by which somebody could be known again: keys, full names, numbers, postcodes, places."""
    snapshot = open_snapshot(workspace)
    con = snapshot.tables.connect()
    asked = {
        "identities": (
            *("subject_key", "record_key", "forenames || ' ' || surname", "surname || ' ' || forenames"),
            *("nhs_number", "upn", "nino", "phone", "email", "postcode"),
        ),
        "addresses": ("subject_key", "uprn", "postcode"),
    }
    found: set[str] = set()
    for table, columns in asked.items():
        view = snapshot.tables.view(con, table)
        for column in columns:
            plain = f"regexp_replace(lower(CAST({column} AS VARCHAR)), '[^a-z0-9]', '', 'g')"
            rows = con.execute(f"SELECT DISTINCT {plain} AS one FROM {view} WHERE length(one) > 5").fetchall()
            found |= {value for (value,) in rows}
    return found


def told_in(contents: bytes) -> set[str]:
    """Every word, and every two and three beside one another, in small letters without spaces."""
    words = re.findall("[a-z0-9]+", contents.decode("utf-8", "ignore").lower())
    pairs = list(map("".join, pairwise(words)))
    return {*words, *pairs, *(pair + third for pair, third in zip(pairs, words[2:], strict=False))}


def test_the_scan_finds_somebody_who_is_there(county: Any) -> None:
    people = said_of_people(county.workspace)
    snapshot = open_snapshot(county.workspace)
    con = snapshot.tables.connect()
    identities, addresses = (snapshot.tables.view(con, name) for name in ("identities", "addresses"))
    key, forenames, surname = con.execute(
        f"SELECT subject_key, forenames, surname FROM {identities} WHERE surname LIKE '%''%' LIMIT 1"
    ).fetchall()[0]
    postcode = con.execute(f"SELECT postcode FROM {addresses} WHERE postcode <> '' LIMIT 1").fetchall()[0][0]
    for planted in (key, f"{surname.upper()}, {forenames}", f"{forenames} {surname}", postcode):
        assert told_in(f'{{"note": "as {planted} said"}}'.encode()) & people
    assert not told_in(b"nothing at all of anybody") & people


def test_nobody_of_the_county_is_in_anything_that_training_kept(county: Any) -> None:
    root, people = county.root, said_of_people(county.workspace)
    assert len(people) > 10_000
    folders = (root / "mlartifacts", root / "models", root / "link_models")
    kept = [root / "mlflow.db", *(path for folder in folders for path in files(folder))]
    assert len(kept) > 60
    different = {hash(path.read_bytes()): path for path in kept}
    for path in different.values():
        if path.suffix == ".parquet":  # only numbers, by the names of features
            assert {str(each.type) for each in pq.read_schema(path)} == {"float"}
        elif path.suffix == ".png":
            assert path.read_bytes().count(b"tEXt") == 0
        else:
            contents = path.read_bytes()
            assert not PERSON.search(contents), path.name
            found = told_in(contents) & people
            assert not found, f"{path.name}: {len(found)} of them, such as {sorted(found)[0]}"
    assert {path.suffix for path in kept} >= {".png", ".svg", ".parquet", ".json", ".yaml", ".txt"}
