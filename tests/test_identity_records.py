"""What is compared of a subject: how names are folded, and that only what was known on the day has a part."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.apart import make_apart
from features.folding import make_folding
from features.identity_records import STATED, make_identity_records, make_stated
from features.nicknames import full_names
from features.sure import make_sure
from features.tables import PAYLOAD


@pytest.fixture(scope="module")
def folding() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    make_folding(con)
    return con


def folded(con: duckdb.DuckDBPyConnection, name: str) -> tuple[list[str], str | None, str | None]:
    return con.execute("SELECT named_words($1), folded($1), sounded(folded($1))", [name]).fetchall()[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Siân", "SIAN"),
        ("O'Neill", "Oneill"),
        ("O’Brien", "o brien"),
        ("Łukasz", "Lukasz"),
        ("Søren", "Soren"),
        ("Smith-Jones", "Smith Jones"),
        ("Sia\u0302n", "Siân"),
        ("\x00Bob 😀", "bob"),
    ],
)
def test_one_name_written_in_two_ways_is_one(
    folding: duckdb.DuckDBPyConnection, one: str, other: str
) -> None:
    assert folded(folding, one)[1] == folded(folding, other)[1] is not None


@pytest.mark.parametrize(
    "names",
    [
        ("Mohammed", "Muhammad", "Mohamed", "Mohammad"),
        ("Chaudhry", "Choudhury", "Chowdhury", "Chaudhary"),
        ("Hussain", "Hussein", "Hossain"),
        ("Yusuf", "Yousef", "Youssef"),
        ("Aisha", "Ayesha", "Aysha"),
        ("Khan", "Kahn"),
        ("Catherine", "Katherine")[1:],
    ],
)
def test_spellings_of_one_name_sound_alike(
    folding: duckdb.DuckDBPyConnection, names: tuple[str, ...]
) -> None:
    assert len({folded(folding, name)[2] for name in names}) == 1


@settings(max_examples=5, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=200, max_size=200))
def test_no_text_breaks_the_folding(folding: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    asked = "SELECT given, named_words(given), folded(given), folded(folded(given)) FROM given_texts"
    folding.register("given_texts", pa.table({"given": names}))
    rows = folding.execute(asked).fetchall()
    folding.unregister("given_texts")
    assert len(rows) == len(names)
    for name, words, whole, again in rows:
        assert all(words) and whole == again
        assert (whole is None) == (not words)
        assert whole is not None or not any(c.isalnum() for c in name)  # nothing that is said is lost


def test_short_forms_are_of_names_that_stay_apart() -> None:
    forms = full_names()
    assert forms["bill"] == ["william"]
    assert forms["sam"] == ["samantha", "samuel"]
    assert not set(forms["alex"]) & {"alex"}
    assert all(form.isalpha() and form.islower() for form in forms)
    assert all(len(set(full)) == len(full) for full in forms.values())


def stated(*rows: dict) -> duckdb.DuckDBPyConnection:
    """identity_records of rows as agencies state them; surnames and so on follow from the newest."""
    con = duckdb.connect(config={"threads": 1})
    con.execute(f"CREATE TEMP TABLE stated ({STATED})")
    for number, row in enumerate(rows):
        lists = {f"{name}s": [row[name]] for name in ("surname", "uprn", "postcode") if name in row}
        given = {"source": "s", "subject_key": str(number), **lists, **row}
        names, marks = ", ".join(given), ", ".join("?" * len(given))
        con.execute(f"INSERT INTO stated ({names}) VALUES ({marks})", list(given.values()))
    make_identity_records(con)
    return con


def test_a_record_is_folded_whole() -> None:
    con = stated(
        {
            "forenames": "Mary-Jane Ann", "surname": "Smith-Jones", "surnames": ["Smith-Jones", "O'Dea"],
            "born": "1980-01-01", "phones": ["+44 7700 900123", "n/a"], "emails": [" A@B.org "],
            "uprn": "100", "postcode": "ab1 2cd", "sex": "unknown", "nhs_number": "943 476 5919",
        },
        {"initials": "JS", "district": "AB1", "born": "1980-02-01"},
        {"forenames": "Bill", "surname": "Ng"},
        {"forenames": "-", "surname": ""},
    )  # fmt: skip
    names = [column[0] for column in con.execute("DESCRIBE identity_records").fetchall()]
    rows = con.execute("FROM identity_records ORDER BY subject").fetchall()
    first, initials, bill, nobody = (dict(zip(names, row, strict=True)) for row in rows)
    assert (first["given"], first["given_names"]) == ("mary", ["mary", "jane", "ann"])
    assert first["surnames"] == ["jones", "odea", "smith", "smithjones"]
    assert (first["born_firm"], first["sex"], first["nhs_number"]) == (False, None, "9434765919")
    assert (first["phones"], first["emails"]) == (["07700900123"], ["a@b.org"])
    assert (first["postcode"], first["district"], first["uprns"]) == ("ab12cd", "ab1", ["100"])
    assert (initials["given_initial"], initials["surname_initial"], initials["district"]) == ("j", "s", "ab1")
    assert initials["born_firm"] and initials["given"] is None
    assert (bill["full_names"], bill["surnames"]) == (["bill", "william"], ["ng"])
    said = ("given", "given_names", "full_names", "surname", "surnames", "phones")
    assert all(nobody[name] is None for name in said)


def snapshot_tables(**rows: list[dict]) -> duckdb.DuckDBPyConnection:
    """The dated tables of a snapshot with the given rows of source s and subject 1."""
    con = duckdb.connect(config={"threads": 1})
    for name in ("identities", "addresses", "events", "paired_keys"):
        fields = [
            *(pa.field(f, pa.string()) for f in ("source", "record_key")), pa.field("revision", pa.int32()),
            *(pa.field(f, pa.date32()) for f in ("known_on", "known_until", "occurred_on")), *PAYLOAD[name],
        ]  # fmt: skip
        filled = [
            {"source": "s", "subject_key": "1", "record_key": "r", "revision": n + 1, **row}
            for n, row in enumerate(rows.get(name, []))
        ]
        con.register("given", pa.Table.from_pylist(filled, pa.schema(fields)))
        con.execute(f"CREATE TABLE {name} AS FROM given")
        con.unregister("given")
    return con


def test_what_was_known_on_the_day_and_nothing_later() -> None:
    married, died = date(2025, 3, 10), date(2025, 6, 1)
    first = {"forenames": "Ann", "surname": "Lowe", "birth_date": date(1980, 3, 4)}
    con = snapshot_tables(
        identities=[
            {**first, "phone": "01", "known_on": date(2024, 1, 1), "known_until": married},
            {**first, "surname": "Hart", "known_on": married, "known_until": died},
            {**first, "surname": "Hart", "died_on": date(2025, 5, 30), "known_on": died},
        ],
        addresses=[
            {"uprn": "7", "postcode": "AB1 2CD", "start_on": date(2020, 1, 1), "known_on": date(2024, 1, 1)},
            {"uprn": "8", "postcode": "AB1 9ZZ", "start_on": date(2025, 2, 1), "known_on": date(2025, 2, 5),
             "record_key": "t"},
        ],
        events=[
            {"occurred_on": date(2025, 1, d), "known_on": date(2025, 1, 20), "signal": signal}
            for d, signal in ((3, "s.visit"), (9, "s.visit"), (11, "s.reminder"))
        ],
    )  # fmt: skip
    asked = "SELECT surname, surnames, uprn, uprns, died_on, seen_on, born FROM stated"

    def on(day: date) -> tuple:
        make_stated(con, day, shared={"s.reminder"})
        return con.execute(asked).fetchall()[0]

    born = "1980-03-04"
    assert on(date(2025, 1, 20)) == ("Lowe", ["Lowe"], "7", ["7"], None, None, born)
    assert on(married) == ("Lowe", ["Lowe"], "8", ["7", "8"], None, date(2025, 1, 9), born)
    assert on(date(2025, 3, 11))[:2] == ("Hart", ["Hart", "Lowe"])
    assert on(died)[4] is None
    assert on(date(2025, 6, 2))[4] == date(2025, 5, 30)
    make_stated(con, died, already_persons=["s"])
    assert con.execute(asked).fetchall() == []


def test_twins_and_namesakes_of_two_generations_are_told_apart() -> None:
    home = {"uprn": "7", "postcode": "AB1 2CD", "surname": "Hart"}
    con = stated(
        {"forenames": "Ella", "born": "2012-05-06", **home},
        {"forenames": "Thomas", "born": "2012-05-06", **home},
        {"forenames": "Tom", "born": "2012-05-06", **home},
        {"forenames": "Thomas", "born": "1981-11-20", **home},
        {"forenames": "Thomas", "born": "1981-11-20", "surname": "Hart", "uprn": "99", "postcode": "ZZ9 9ZZ"},
        {"forenames": "Grace", "born": "2012-05-06", "surname": "Hart", "nino": "QQ123456C"},
        {"forenames": "Ella", "born": "2012-05-06", "surname": "Hart", "nino": "QQ123456C"},
    )
    make_apart(con)
    assert con.execute("FROM apart ORDER BY ALL").fetchall() == [
        (0, 1, "twins"),
        (0, 2, "twins"),
        (0, 5, "twins"),
        (1, 3, "two generations"),
        (1, 5, "twins"),
        (1, 6, "twins"),
        (2, 3, "two generations"),
        (2, 5, "twins"),
        (2, 6, "twins"),
    ]


def test_an_identifier_is_believed_where_nothing_speaks_against_it() -> None:
    number = {"nhs_number": "943 476 5919"}
    con = stated(
        {"forenames": "Ann", "born": "1980-03-04", **number},
        {"forenames": "Anne", "born": "1961-12-30", **number},  # another day: the model weighs it
        {**number},
        {"forenames": "Boris", "born": "1999-07-08", **number},
        {"forenames": "Anne", "born": "1980-03-14", **number},
    )
    make_sure(con)
    assert con.execute("SELECT l, r FROM sure").fetchall() == [(0, 2), (0, 4), (1, 2), (2, 3), (2, 4)]
    make_sure(con, most=4)
    assert con.execute("FROM sure").fetchall() == []
