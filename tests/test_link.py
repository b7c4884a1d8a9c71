"""Which subjects are one person on a date: worked cases, any identity facts against an oracle, and
what a link run keeps. The oracle is plain Python and uses nothing of ours."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import UserMistake
from features.link import LinkReport, link, make_links, person_id
from features.people import age_on, display_identity, resolve
from features.snapshot import open_snapshot
from features.tables import PAYLOAD, SCHEMAS, Tables
from features.vital import ages_sql
from features.workspace import Workspace, init_workspace, open_workspace
from tests.examples import by_day

D0 = date(2026, 1, 1)
CON = duckdb.connect(config={"threads": 1})  # one for all: opening one costs more than a small link run


def day(number: int | None) -> date | None:
    return None if number is None else D0 + timedelta(days=number)


# --- who is one person, on tables as a snapshot has them -------------------------------------------

DATED = [
    *[(name, pa.string()) for name in ("source", "record_key")],
    ("revision", pa.int32()),
    ("delivery_id", pa.int64()),
    *[(name, pa.date32()) for name in ("known_on", "known_until")],
]


def fact(source: str, subject: str, *, known: int, until: int | None = None, **values: object) -> dict:
    """A row of a snapshot's table; days are counted from 1 January 2026."""
    return {
        "source": source,
        "subject_key": subject,
        "record_key": f"r/{subject}",
        "revision": 1,
        "delivery_id": 1,
        "known_on": day(known),
        "known_until": day(until),
        **values,
    }


def linked(
    *,
    identities: list[dict],
    addresses: list[dict] = (),
    events: list[dict] = (),
    paired_keys: list[dict] = (),
    received: dict[int, int] | None = None,
    already_persons: list[str] = (),
) -> list[dict]:
    """The link rows made of these facts; received: delivery → the day it came (default delivery 1, day 0)."""
    con = CON
    given_rows = {"identities": identities, "addresses": addresses, "events": events}
    given_rows |= {"registers": [], "marks": [], "paired_keys": list(paired_keys)}
    for name, rows in given_rows.items():
        schema = pa.schema([*DATED, *[(f.name, f.type) for f in PAYLOAD[name]]])
        con.register(name, pa.Table.from_pylist(list(rows), schema=schema))
    ledger = received or {1: 0}
    days = pa.array([day(n) for n in ledger.values()], pa.date32())
    con.register("all_deliveries", pa.table({"delivery_id": list(ledger), "received_on": days}))
    make_links(con, already_persons=list(already_persons))
    return con.sql("FROM new_links").to_arrow_table().to_pylist()


def persons(rows: list[dict], learned: int) -> dict[tuple[str, str], str]:
    """Subject → person by what was learned up to the end of a day."""
    now = day(learned)
    return {
        (row["source"], row["subject_key"]): row["person_id"]
        for row in rows
        if row["known_on"] <= now and (row["known_until"] is None or now < row["known_until"])
    }


ANN = {"forenames": "Ann", "surname": "O'Neil", "birth_date": date(2012, 5, 1)}
PLACE = {"uprn": "X", "postcode": "AB1 2CD", "start_on": D0}
P1, C7 = ("police", "P1"), ("care", "C7")


ROW = ("food", "(row) 12")


def test_a_row_that_names_nobody_is_nobodys_until_it_is_found_to_be_somebody() -> None:
    """Found out on day 9, by an NHS number that somebody else has; taken back on day 20."""
    rows = linked(
        identities=[
            fact(*ROW, known=0, until=9, surname="Neil"),
            fact(*ROW, known=9, until=20, nhs_number="9434765919"),
            fact(*ROW, known=20, surname="Neil"),
            fact(*P1, known=5, nhs_number="9434765919"),
        ],
        received={1: 0},
    )
    assert ROW not in persons(rows, 8) and ROW not in persons(rows, 20)
    assert persons(rows, 9)[ROW] == persons(rows, 9)[P1] == person_id(*P1)


def test_two_rows_that_name_nobody_are_not_somebody_together() -> None:
    other = ("food", "(row) 13")
    rows = linked(identities=[fact(who[0], who[1], known=0, **ANN) for who in (ROW, other)],
                  addresses=[fact(who[0], who[1], known=0, **PLACE) for who in (ROW, other)])  # fmt: skip
    assert rows == []


def one_person(rows: list[dict], learned: int) -> bool:
    found = persons(rows, learned)
    return found[P1] == found[C7]


CASES: dict[str, tuple[list[dict], list[dict], dict[int, bool]]] = {
    "the same NHS number, however it is written": (
        [fact(*P1, known=0, nhs_number="943 476 5919"), fact(*C7, known=9, nhs_number="9434765919")],
        [],
        {9: True},
    ),
    "another NHS number": (
        [fact(*P1, known=0, nhs_number="9434765919"), fact(*C7, known=9, nhs_number="9434765870")],
        [],
        {9: False},
    ),
    "a UPN is no NHS number": (
        [fact(*P1, known=0, upn="A1"), fact(*C7, known=9, nhs_number="A1")],
        [],
        {9: False},
    ),
    "name, birth date and postcode, in any spelling of them": (
        [
            fact(*P1, known=0, **ANN),
            fact(*C7, known=3, **{**ANN, "forenames": " ANN\u00a0", "surname": "ONeil"}),
        ],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=9, **{**PLACE, "postcode": "ab12cd"})],
        {8: False, 9: True},
    ),
    "name and birth date alone": (
        [fact(*P1, known=0, **ANN), fact(*C7, known=3, **ANN)],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=3, **{**PLACE, "postcode": "AB1 2CE"})],
        {9: False},
    ),
    "a twin": (
        [fact(*P1, known=0, **ANN), fact(*C7, known=3, **{**ANN, "forenames": "Amy"})],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=3, **PLACE)],
        {9: False},
    ),
    "a null byte within a name": (
        [
            fact(*P1, known=0, **{**ANN, "forenames": "Zo\u00eb"}),
            fact(*C7, known=3, **{**ANN, "forenames": "Zo\0e\u0308\0"}),
        ],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=3, **PLACE)],
        {9: True},
    ),
    "names that differ after a null byte": (
        [
            fact(*P1, known=0, **{**ANN, "forenames": "Zo\u00eb\0 Ann"}),
            fact(*C7, known=3, **{**ANN, "forenames": "Zo\u00eb\0 Amy"}),
        ],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=3, **PLACE)],
        {9: False},
    ),
    "a name of nothing but dots": (
        [fact(*P1, known=0, **{**ANN, "forenames": "..."}), fact(*C7, known=3, **{**ANN, "forenames": "-"})],
        [fact(*P1, known=0, **PLACE), fact(*C7, known=3, **PLACE)],
        {9: False},
    ),
    "a former postcode still tells": (
        [fact(*P1, known=0, **ANN), fact(*C7, known=9, **ANN)],
        [
            fact(*P1, known=0, until=5, **PLACE),
            fact(*P1, known=5, **{**PLACE, "revision": 2, "postcode": "ZZ1 1ZZ", "start_on": day(4)}),
            fact(*C7, known=9, **PLACE),
        ],
        {9: True},
    ),
    "an identifier corrected parts them again": (
        [
            fact(*P1, known=0, nhs_number="1"),
            fact(*C7, known=3, until=7, nhs_number="1"),
            fact(*C7, known=7, nhs_number="2", revision=2),
        ],
        [],
        {6: True, 7: False},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    identities, addresses, expected = CASES[name]
    rows = linked(identities=identities, addresses=addresses)
    assert {learned: one_person(rows, learned) for learned in expected} == expected


def test_subjects_that_are_persons_already_are_one_by_key_and_compared_with_nobody() -> None:
    rows = linked(
        identities=[fact("roll", "1", known=0, nhs_number="9"), fact("police", "P", known=0, nhs_number="9")],
        events=[fact("clicks", "1", known=4), fact("clicks", "2", known=4), fact("police", "1", known=4)],
        already_persons=["roll", "clicks"],
    )
    found = persons(rows, 4)
    assert found["roll", "1"] == found["clicks", "1"] == person_id("roll", "1")
    assert len({found["roll", "1"], found["clicks", "2"], found["police", "1"], found["police", "P"]}) == 4


def test_null_subject_keys_are_nobody() -> None:
    rows = linked(
        identities=[fact(*P1, known=0)], events=[{**fact("rents", "", known=0), "subject_key": None}]
    )
    assert list(persons(rows, 0)) == [P1]


def test_a_source_that_joins_later_with_an_older_past_renames_nobody() -> None:
    rows = linked(
        identities=[
            fact("police", "P1", known=50, nhs_number="1"),
            fact("fire", "F1", known=10, nhs_number="1", delivery_id=2),
        ],
        received={1: 60, 2: 90},
    )
    assert persons(rows, 10) == {("fire", "F1"): person_id("fire", "F1")}
    assert set(persons(rows, 50).values()) == {person_id("police", "P1")}


# --- any facts against the naive reading -----------------------------------------------------------


Subject = tuple[str, str]
Named = dict[Subject, tuple[int, int]]


def first_known(identities: list[dict], addresses: list[dict]) -> dict[Subject, date]:
    first: dict[Subject, date] = {}
    for row in [*identities, *addresses]:
        subject = (row["source"], row["subject_key"])
        first[subject] = min(first.get(subject, row["known_on"]), row["known_on"])
    return first


def together(identities: list[dict], addresses: list[dict], learned: int) -> list[set[Subject]]:
    """Connected components of what was known at the end of a day."""
    now = day(learned)

    def standing(rows: list[dict]) -> list[dict]:
        return [
            r for r in rows if r["known_on"] <= now and (r["known_until"] is None or now < r["known_until"])
        ]

    first = first_known(identities, addresses)
    keys: dict[Subject, set] = {s: set() for s, known in first.items() if known <= now}
    for row in standing(identities):
        subject = (row["source"], row["subject_key"])
        if row["nhs_number"]:
            keys[subject].add(row["nhs_number"])
        for place in standing(addresses):
            if (place["source"], place["subject_key"]) == subject and place["postcode"] and row["surname"]:
                keys[subject].add((row["forenames"], row["surname"], row["birth_date"], place["postcode"]))
    group = {subject: {subject} for subject in keys}
    for one, two in combinations(keys, 2):
        if keys[one] & keys[two] and group[one] is not group[two]:
            group[one] |= group[two]
            for member in group[two]:
                group[member] = group[one]
    return [set(members) for members in {id(g): g for g in group.values()}.values()]


def named(groups: list[set[Subject]], before: Named, ever: set, oldest: list[Subject]) -> Named:
    """A name for each group: what most of its members were called, the most members choosing first.

    A name is the age rank of a subject and a number; oldest: subjects by age; ever: names of all days.
    """
    now: Named = {}
    left = [sorted(map(oldest.index, members)) for members in groups]
    while True:
        best = None
        for members in left:
            had = [before.get(oldest[m], (m, 0)) for m in members]
            for name in set(had) - set(now.values()):
                claim = (-had.count(name), name, members)
                best = claim if best is None or claim < best else best
        if best is None:
            break
        _, name, members = best
        left.remove(members)
        now |= {oldest[m]: name for m in members}
    for members in sorted(left):
        name = next((members[0], n) for n in range(99) if (members[0], n) not in ever | set(now.values()))
        now |= {oldest[m]: name for m in members}
    ever |= set(now.values())
    return now


def text_of(name: tuple[int, int], oldest: list[Subject]) -> str:
    founder, number = name
    said = "|".join(oldest[founder]) + (f"\x1f{number}" if number else "")
    return "P" + hashlib.sha256(said.encode()).hexdigest()[:11]


@st.composite
def some_identities(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Up to six subjects with one to three identity revisions and up to two addresses each."""
    identities, addresses = [], []
    for n in range(draw(st.integers(2, 6))):
        subject = (draw(st.sampled_from("ab")), f"S{n}")
        days = sorted(draw(st.lists(st.integers(0, 6), min_size=1, max_size=3)))
        for revision, known in enumerate(days):
            until = (
                days[revision + 1] if revision + 1 < len(days) else draw(st.none() | st.integers(known, 7))
            )
            who = {"forenames": "Ann", "surname": draw(st.sampled_from([None, "Lee"])), "birth_date": D0}
            nhs = draw(st.sampled_from([None, None, "1", "2"]))
            identities.append(
                fact(*subject, known=known, until=until, revision=revision, nhs_number=nhs, **who)
            )
        for record in range(draw(st.integers(0, 2))):
            known = draw(st.integers(0, 6))
            until = draw(st.none() | st.integers(known, 7))
            place = {"uprn": "X", "postcode": draw(st.sampled_from([None, "p", "q"])), "start_on": D0}
            addresses.append(fact(*subject, known=known, until=until, record_key=f"ad/{record}", **place))
    return identities, addresses


@by_day(15)
@given(some_identities())
def test_persons_on_every_day_are_the_connected_components_of_what_was_known(
    facts: tuple[list[dict], list[dict]],
) -> None:
    rows = linked(identities=facts[0], addresses=facts[1])
    first = first_known(*facts)
    oldest, names, ever = sorted(first, key=lambda s: (first[s], s)), {}, set()
    for learned in range(9):
        names = named(together(*facts, learned), names, ever, oldest)
        assert persons(rows, learned) == {s: text_of(name, oldest) for s, name in names.items()}, learned


# --- link runs, through the tables ------------------------------------------------------------------

SOURCE = """
source: {name}
title: {name}
owner: An agency
legal_gateway: A gateway
agreement: {{reference: A1, review_by: 2030-01-01}}
covers_from: 2020-01-01
typical_delay_days: 3
schedule: {{every: day}}
extracts:
  rows:
    files: {name}*.csv
    delivery: changes
    record_key: id
    columns: {{id: {{}}}}
    subjects: [{{key: id}}]
"""

Deliver = Callable[..., None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return new_workspace(tmp_path)


def new_workspace(root: Path) -> Workspace:
    init_workspace(root, sources=None)
    for name in ("police", "care"):
        (root / "sources" / f"{name}.yaml").write_text(SOURCE.format(name=name), encoding="utf-8")
    return open_workspace(root)


def append(workspace: Workspace, table: str, rows: list[dict]) -> None:
    schema = SCHEMAS[table]
    full = [{**dict.fromkeys(schema.names), **row} for row in rows]
    Tables(workspace.data).append(table, pa.Table.from_pylist(full, schema=schema))


def deliver(workspace: Workspace, delivery: int, on: int, **tables: list[dict]) -> None:
    """Write rows and their ledger row as ingest does."""
    for table, rows in tables.items():
        filled = [{**r, "delivery_id": delivery, "withdrawn": r.get("withdrawn", False)} for r in rows]
        append(workspace, table, [{k: v for k, v in r.items() if k != "known_until"} for r in filled])
    append(workspace, "deliveries", [{"delivery_id": delivery, "received_on": day(on)}])


@pytest.fixture(scope="module")
def one_of_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, LinkReport, LinkReport]:
    """See `two_who_are_one`; nothing changes it."""
    workspace = new_workspace(tmp_path_factory.mktemp("one_of_two"))
    return workspace, *two_who_are_one(workspace)


@pytest.fixture
def own_one_of_two(one_of_two: tuple[Workspace, LinkReport, LinkReport], tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    return Workspace(shutil.copytree(one_of_two[0].root, tmp_path / "one_of_two"))


def two_who_are_one(workspace: Workspace) -> tuple[LinkReport, LinkReport]:
    """P1 is known from day 0; on day 68, 10 March, C7 comes and turns out to be the same child."""
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN)], addresses=[fact(*P1, known=0, **PLACE)])
    deliver(workspace, 2, 30, identities=[fact(*C7, known=30, forenames="Ann", surname="Neil")])
    first = link(workspace)
    deliver(
        workspace,
        3,
        68,
        identities=[fact(*C7, known=68, revision=2, **ANN)],
        addresses=[fact(*C7, known=68, **{**PLACE, "uprn": "Y", "start_on": day(59)})],
    )
    return first, link(workspace)


def test_p1_and_c7_are_two_people_on_10_march_and_one_on_the_11th(
    one_of_two: tuple[Workspace, LinkReport, LinkReport],
) -> None:
    workspace, first, second = one_of_two
    assert (first.link_run, first.persons, second.link_run, second.persons) == (1, 2, 2, 1)
    assert second.changed == 1  # only C7's timeline is not as it was
    p1, c7 = person_id(*P1), person_id(*C7)
    now = open_snapshot(workspace)
    tenth, eleventh = date(2026, 3, 10), date(2026, 3, 11)
    assert resolve(now, c7, tenth).subjects == (C7,)
    assert resolve(now, p1, tenth).subjects == (P1,)
    assert resolve(now, c7, eleventh) == resolve(now, p1, eleventh)
    assert resolve(now, c7, eleventh).person_id == p1
    assert resolve(now, c7, eleventh).subjects == (C7, P1)
    before = open_snapshot(workspace, last_delivery=2)
    assert before.link_run == 1
    assert resolve(before, c7, eleventh).subjects == (C7,)


def test_an_id_nobody_has_is_the_users_mistake(
    one_of_two: tuple[Workspace, LinkReport, LinkReport],
) -> None:
    with pytest.raises(UserMistake, match="Nobody with that id") as caught:
        resolve(open_snapshot(one_of_two[0]), person_id(*C7), date(2026, 1, 20))
    assert "P" + "0" * 11 not in str(caught.value)


def test_a_rerun_adds_nothing_and_a_crash_leaves_nothing(
    one_of_two: tuple[Workspace, LinkReport, LinkReport], own_one_of_two: Workspace
) -> None:
    second, workspace = one_of_two[2], own_one_of_two
    tables = Tables(workspace.data)
    versions = {name: tables.version(name) for name in ("links", "residences", "link_runs")}
    again = link(workspace)
    assert again == LinkReport(2, 3, subjects=2, persons=1, changed=0)
    assert second.link_run == again.link_run
    assert {name: tables.version(name) for name in versions} == versions
    append(
        workspace, "links", [{"link_run": 3, "source": "care", "subject_key": "C7", "person_id": "Pwrong"}]
    )
    assert resolve(open_snapshot(workspace), person_id(*C7), date(2026, 3, 11)).person_id == person_id(*P1)
    assert link(workspace).changed == 0
    con = duckdb.connect()
    tables.view(con, "links")
    assert con.execute("SELECT max(link_run) FROM all_links").fetchall() == [(2,)]


def test_an_address_withdrawn_leaves_a_person_without_a_residence(workspace: Workspace) -> None:
    deliver(workspace, 1, 0, addresses=[fact(*P1, known=0, **PLACE)])
    link(workspace)
    deliver(workspace, 2, 9, addresses=[fact(*P1, known=9, revision=2, withdrawn=True)])
    assert link(workspace).link_run == 2
    con = open_snapshot(workspace).con
    assert con.execute("SELECT uprn, known_on, known_until FROM residences").fetchall() == [("X", D0, day(9))]
    deliver(workspace, 3, 12, identities=[fact(*C7, known=12, **ANN)])
    assert (link(workspace).link_run, link(workspace).link_run) == (3, 3)


def test_what_is_erased_is_linked_to_nobody_and_starts_no_run_for_ever(own_one_of_two: Workspace) -> None:
    workspace = own_one_of_two
    for table in ("identities", "addresses"):
        Tables(workspace.data).remove(table, "subject_key = 'C7'")
    assert (link(workspace).link_run, link(workspace).link_run) == (3, 3)  # Y is no residence any more
    con = open_snapshot(workspace).con
    assert con.execute("SELECT DISTINCT uprn FROM residences").fetchall() == [("X",)]


def test_who_somebody_is_and_whom_they_live_with(own_one_of_two: Workspace) -> None:
    workspace = own_one_of_two
    deliver(
        workspace,
        4,
        70,
        identities=[
            fact("care", "M", known=70, forenames="Eve", surname="O'Neil", nhs_number="5"),
            fact("police", "M", known=69, surname="Old", birth_date=date(1980, 2, 29), nhs_number="5"),
            fact("care", "D", known=70, surname="O'Neil", died_on=day(69)),
        ],
        addresses=[
            fact("care", "M", known=70, **{**PLACE, "uprn": "Y"}),
            fact("care", "D", known=70, **{**PLACE, "uprn": "Y"}),
        ],
    )
    link(workspace)
    now = open_snapshot(workspace)
    child, mother, dead = person_id(*P1), person_id("police", "M"), person_id("care", "D")
    found = display_identity(now, date(2026, 3, 13), [child, mother, dead, "Pnobody"])
    assert (found[child].name, found[child].birth_date, found[child].age) == (
        "Ann O'Neil",
        date(2012, 5, 1),
        13,
    )
    assert (found[mother].name, found[mother].age) == ("Eve O'Neil", 46)  # each from the newest that says
    assert (found[child].household, found[mother].household) == ((mother,), (child,))
    assert found[child].household_id == found[mother].household_id
    assert (found[dead].household_id, found["Pnobody"].name) == (None, None)
    assert display_identity(now, date(2026, 3, 11), [child])[child].household == ()


def test_age_counts_the_birthday_itself(workspace: Workspace) -> None:
    """However it is asked; of two dates that became known on one day the same is taken."""
    cases = [
        (date(2008, 3, 2), date(2026, 3, 1), 17),
        (date(2008, 3, 2), date(2026, 3, 2), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ]
    who = []
    for n, (born, _, _) in enumerate(cases):
        known = {"known": 0, "nhs_number": str(n)}
        who.append(fact("care", f"A{n}", **known, birth_date=born.replace(year=1990, day=1)))
        who.append(fact("police", f"B{n}", **known, birth_date=born))
    deliver(workspace, 1, 0, identities=who)
    link(workspace)
    snapshot = open_snapshot(workspace)
    for n, (born, on, age) in enumerate(cases):
        person = person_id("care", f"A{n}")
        assert age_on(born, on) == age == display_identity(snapshot, on, [person])[person].age
        assert (person, age) in snapshot.con.execute(ages_sql(snapshot, known=on, on=on)).fetchall()
