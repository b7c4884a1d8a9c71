"""When two subjects who are probably one person become one: a table of people among a town of others."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from features.link import make_links
from features.tables import PAYLOAD
from tests.test_compare import town, trained
from tests.test_link import DATED, day, fact

QUINN = {"forenames": "Peregrine", "surname": "Quennell", "birth_date": date(1991, 4, 17)}
NEVER = 10_000

Facts = tuple[list[dict], list[dict]]


def who(source: str, *, known: int, record: str = "r", at: int | None = None, **said: object) -> Facts:
    """Somebody as a source tells them: their name on day `known`, their address on day `at` or with it."""
    place = {"uprn": said.pop("uprn"), "postcode": said.pop("postcode")} if "uprn" in said else None
    started = {"start_on": day(-900)}
    told = [fact(source, "?", known=known, record_key=record, **said)]
    lives = [fact(source, "?", known=known if at is None else at, **place, **started)] if place else []
    return told, lives


def home(n: int) -> dict:
    return {"uprn": f"{n}", "postcode": f"ZZ{n} {n}ZZ"}


GEORGE = {"forenames": "George", "surname": "Hart", **home(2)}
LEO = {"forenames": "Leontine", "surname": "Vandersteen", "birth_date": date(1979, 2, 21), **home(3)}
TWIN = {"surname": "Pym", "birth_date": date(2010, 3, 3), **home(4)}
ISOLDE = {"forenames": "Isolde", "surname": "Farthing", "birth_date": date(1966, 6, 26), **home(5)}
ANN = {"forenames": "Ann", "surname": "Smith"}

CASES: dict[str, tuple[Facts, Facts, int]] = {
    "all of it told by both": (
        who("a", known=5, **QUINN, **home(1)),
        who("b", known=9, **QUINN, **home(1)),
        9,
    ),
    "an address told later, and no birth date before or after": (
        who("a", known=5, at=30, **GEORGE),
        who("b", known=9, birth_date=date(1984, 9, 2), **GEORGE),
        30,
    ),
    "a letter wrong in the surname": (
        who("a", known=2, **LEO),
        who("b", known=3, **{**LEO, "surname": "Vanderstene"}),
        3,
    ),
    "twins": (
        who("a", known=1, forenames="Ottoline", **TWIN),
        who("b", known=1, forenames="Barnaby", **TWIN),
        NEVER,
    ),
    "two numbers of the kind that names one person": (
        who("a", known=1, nhs_number="9434765919", **ISOLDE),
        who("b", known=1, nhs_number="9000000009", **ISOLDE),
        NEVER,
    ),
    "a name alone": (who("a", known=1, **ANN), who("b", known=1, **ANN), NEVER),
}


@pytest.fixture(scope="module")
def links() -> list[dict]:
    """The links of everybody in CASES, linked at once among 300 others, as subjects a/CASE and b/CASE."""
    identities, addresses = [], []
    for case, (one, other, _) in CASES.items():
        for told, lives in (one, other):
            identities += [
                {**row, "subject_key": case, "record_key": f"{row['source']}/{case}"} for row in told
            ]
            addresses += [
                {**row, "subject_key": case, "record_key": f"{row['source']}/{case}"} for row in lives
            ]
    others = town(150, seed=3)
    for n, row in enumerate(others):
        who = {name: row[name] for name in ("forenames", "surname", "nhs_number")}
        born = date.fromisoformat(row["born"])
        key = {"known": 0, "record_key": f"town/{n}"}
        identities.append(fact(row["source"], row["subject_key"], **key, **who, birth_date=born))
        if row["uprn"]:
            home = {name: row[name] for name in ("uprn", "postcode")}
            addresses.append(fact(row["source"], row["subject_key"], **key, **home, start_on=day(-900)))
    con = duckdb.connect(config={"threads": 1})
    tables = {"identities": identities, "addresses": addresses, "events": [], "registers": [], "marks": []}
    tables["paired_keys"] = []
    for name, rows in tables.items():
        schema = pa.schema([*DATED, *[(f.name, f.type) for f in PAYLOAD[name]]])
        extra = pa.array([None] * len(rows), pa.date32())
        table = pa.Table.from_pylist(rows, schema=schema)
        con.register(name, table.append_column("occurred_on", extra) if name == "events" else table)
    con.register(
        "all_deliveries", pa.table({"delivery_id": [1], "received_on": pa.array([day(0)], pa.date32())})
    )
    assert make_links(con, already_persons=[], model=trained(), as_of=day(400)) == []
    return con.sql("FROM new_links").to_arrow_table().to_pylist()


def person_on(links: list[dict], source: str, case: str, learned: int) -> str | None:
    now = day(learned)
    return next(
        (
            row["person_id"]
            for row in links
            if (row["source"], row["subject_key"]) == (source, case)
            and row["known_on"] <= now
            and (row["known_until"] is None or now < row["known_until"])
        ),
        None,
    )


@pytest.mark.parametrize("case", CASES)
def test_two_are_one_from_the_day_on_which_enough_was_known(links: list[dict], case: str) -> None:
    since = CASES[case][2]
    for learned in range(1, 60):
        one, other = person_on(links, "a", case, learned), person_on(links, "b", case, learned)
        together = one is not None and one == other
        assert together == (learned >= since), learned


def test_how_sure_each_is(links: list[dict]) -> None:
    strength = {(row["source"], row["subject_key"]): row["strength"] for row in links}
    assert all(0.9 <= value <= 1 for value in strength.values())
    assert strength["a", "twins"] == 1  # joined to nobody
    assert strength["a", "all of it told by both"] >= 0.999
