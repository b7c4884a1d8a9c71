"""What reaches whom on a date: worked cases, any events, links and residences against a naive join,
and that nothing learned on the day or later changes what the morning sees."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import OPEN, day_number, sql_known
from features.link import make_links
from features.person_rows import make_held, make_person_rows, person_rows, usable_person_rows_sql
from features.residences import make_residences, residents_sql
from features.snapshot import Snapshot
from features.tables import PAYLOAD
from features.workspace import init_workspace, open_workspace

D0 = date(2026, 1, 1)
CON = duckdb.connect(config={"threads": 1})  # one for all: opening one costs more than a small case
SHARED = "rents.notice"
PERSONAL = "police.incident"

DATES = [("known_on", pa.date32()), ("known_until", pa.date32())]
TABLES = {
    **{
        name: pa.schema(
            [
                *[("source", pa.string()), ("record_key", pa.string())],
                *[("revision", pa.int32()), ("delivery_id", pa.int64()), *DATES],
                *[(f.name, f.type) for f in PAYLOAD[name]],
                *([("occurred_on", pa.date32())] if name == "events" else []),
            ]
        )
        for name in ("events", "identities", "addresses", "registers")
    },
    "links": pa.schema(
        [*[(name, pa.string()) for name in ("source", "subject_key", "person_id")], *DATES],
    ),
    "residences": pa.schema(
        [
            *[(name, pa.string()) for name in ("person_id", "uprn", "postcode", "area")],
            *[("start_on", pa.date32()), ("end_on", pa.date32()), *DATES],
        ]
    ),
}


def day(number: int | None) -> date | None:
    return None if number is None else D0 + timedelta(days=number)


def known(on: int, until: int | None) -> dict:
    return {"known_on": day(on), "known_until": day(until)}


def event(
    record: str,
    occurred: int,
    *,
    known_on: int,
    until: int | None = None,
    subject: str | None = None,
    place: str | None = None,
    signal: str = SHARED,
    revision: int = 1,
    **values: object,
) -> dict:
    """An event as a snapshot has it; days are counted from 1 January 2026."""
    at = datetime.combine(day(occurred), time())
    return {
        "source": signal.split(".")[0],
        "record_key": record,
        "revision": revision,
        "delivery_id": 1,
        "event_id": f"{record}-{revision}-{subject}",
        "subject_key": subject,
        "signal": signal,
        "occurred_at": at,
        "occurred_on": at.date(),
        "has_time": False,
        "place": place,
        **known(known_on, until),
        **values,
    }


def link(subject: str, person: str, on: int = 0, until: int | None = None, source: str = "rents") -> dict:
    return {"source": source, "subject_key": subject, "person_id": person, **known(on, until)}


def lives(
    person: str, uprn: str, start: int = -90, end: int | None = None, on: int = 0, until: int | None = None
) -> dict:
    return {
        "person_id": person,
        "uprn": uprn,
        "start_on": day(start),
        "end_on": day(end),
        **known(on, until),
    }


def load(**tables: list[dict]) -> None:
    for name, schema in TABLES.items():
        CON.register(name, pa.Table.from_pylist(tables.get(name, []), schema=schema))


def make(**tables: list[dict]) -> None:
    load(**tables)
    make_person_rows(CON, shared=[SHARED])
    make_held(CON)


def reached(as_of: int, household_max: int = 10) -> list[tuple[str, str]]:
    """(person, event's record and revision) of every row that counts on a morning."""
    rows = CON.execute(
        f"SELECT person_id, event_id FROM ({usable_person_rows_sql(day(as_of), household_max)})"
    ).fetchall()
    return sorted((person, event_id.rsplit("-", 1)[0]) for person, event_id in rows)


def test_a_childs_rows_when_it_has_moved_from_x_to_y() -> None:
    march = 59
    make(
        links=[link("C", "child")],
        residences=[
            lives("child", "X", on=0, until=march + 9),
            lives("child", "X", end=march, on=march + 9),
            lives("child", "Y", start=march, on=march + 9),
        ],
        events=[
            event("x in January", 10, known_on=12, place="X"),
            event("y in January", 10, known_on=12, place="Y"),
            event("x on the day of the move", march, known_on=march + 20, place="X"),
            event("y on the day of the move", march, known_on=march + 20, place="Y"),
            event("y on 5 March", march + 4, known_on=march + 5, place="Y"),
            event("x on 5 March", march + 4, known_on=march + 5, place="X"),
        ],
    )
    january = ("child", "x in January-1")
    assert reached(13) == [january]
    assert reached(march + 9) == [january, ("child", "x on 5 March-1")]  # 10 March
    assert reached(march + 10) == [january, ("child", "y on 5 March-1")]  # 11 March
    assert ("child", "y on the day of the move-1") in reached(march + 21)
    assert ("child", "x on the day of the move-1") not in reached(march + 21)
    once = "SELECT count(*) FROM person_rows WHERE event_id = 'x in January-1-None'"
    assert CON.execute(once).fetchall() == [(1,)]  # known by two residence rows, one after the other


def test_jointly_liable_adults_and_their_child_have_one_row_each() -> None:
    make(
        links=[link("A", "ann"), link("B", "ben"), link("C", "child")],
        residences=[lives(person, "X") for person in ("ann", "ben", "child")],
        events=[event("r", 5, known_on=6, subject=adult, place="X") for adult in "AB"],
    )
    assert reached(7) == [("ann", "r-1"), ("ben", "r-1"), ("child", "r-1")]


def test_a_liable_adult_who_lives_elsewhere_is_reached_and_their_home_is_not() -> None:
    make(
        links=[link("A", "ann"), link("B", "tenant"), link("C", "ann's child")],
        residences=[lives("ann", "Z"), lives("ann's child", "Z"), lives("tenant", "X")],
        events=[event("r", 5, known_on=6, subject="A", place="X")],
    )
    assert reached(7) == [("ann", "r-1"), ("tenant", "r-1")]


def test_a_personal_event_reaches_its_person_alone_and_once() -> None:
    make(
        links=[link(s, "ann", source="police") for s in ("P1", "P2")] + [link("B", "ben")],
        residences=[lives("ann", "X"), lives("ben", "X")],
        events=[event("i", 5, known_on=6, subject=s, place="X", signal=PERSONAL) for s in ("P1", "P2", None)],
    )
    assert reached(7) == [("ann", "i-1")]


def test_a_place_with_more_residents_than_the_guard_allows_reaches_nobody() -> None:
    people = [f"person {n:02}" for n in range(11)]
    make(
        links=[link(p, p) for p in people],
        residences=[lives(p, "X", on=20 if p == people[-1] else 0) for p in people],
        events=[event("r", 5, known_on=6, subject=people[0], place="X")],
    )
    assert reached(20) == [(p, "r-1") for p in people[:10]]
    assert reached(21) == []
    assert len(reached(21, household_max=11)) == 11


@pytest.mark.parametrize(("as_of", "sees"), [(61, "old-1"), (62, "old-2")])
def test_a_correction_of_3_march_counts_from_the_4th(as_of: int, sees: str) -> None:
    make(
        links=[link("A", "ann")],
        residences=[lives("ann", "X")],
        events=[
            event("old", 5, known_on=6, until=61, place="X"),
            event("old", 8, known_on=61, place="X", revision=2),
        ],
    )
    assert reached(as_of) == [("ann", sees)]


def test_a_shared_event_without_a_place_reaches_those_it_names() -> None:
    make(links=[link("A", "ann"), link("B", "ben")], events=[event("r", 5, known_on=6, subject="A")])
    assert reached(7) == [("ann", "r-1")]


def test_registers_hold_by_name_and_through_the_dwelling() -> None:
    tenancy = {
        "source": "rents",
        "record_key": "t",
        "revision": 1,
        "delivery_id": 1,
        "subject_key": "A",
        "place": "X",
        "start_on": day(0),
        "end_on": day(50),
        **known(2, None),
    }
    make(
        links=[link("A", "ann"), link("C", "child", on=10), link("D", "later")],
        residences=[lives("child", "X", 20, 40, on=10), lives("later", "X", 50), lives("ann", "X")],
        registers=[tenancy],
    )
    columns = "person_id, household, start_on, end_on, known_on, known_until"
    assert CON.execute(f"SELECT {columns} FROM held ORDER BY ALL").fetchall() == [
        ("ann", False, day(0), day(50), day(2), None),
        ("ann", True, day(0), day(50), day(2), None),
        ("child", True, day(20), day(40), day(10), None),
    ]


def test_the_kernels_arrays_say_what_the_table_says(tmp_path: Path) -> None:
    at_ten = datetime.combine(day(4), time(10, 5))
    make(
        links=[link("A", "ann"), link("P", "ann", source="police"), link("C", "child"), link("Z", "zoe")],
        residences=[lives("ann", "X"), lives("child", "X")],
        events=[
            event("r", 5, known_on=6, until=30, subject="A", place="X", amount=12.5, ended_on=day(9)),
            event("i", 4, known_on=7, subject="P", signal=PERSONAL, occurred_at=at_ten, has_time=True),
            event("left", 5, known_on=6, subject="P", signal="police.other"),
        ],
        registers=[
            {
                "source": "rents",
                "record_key": "t",
                "revision": 1,
                "delivery_id": 1,
                "subject_key": "C",
                "start_on": day(1),
                **known(3, 8),
            }
        ],
    )
    init_workspace(tmp_path, sources=None)
    snapshot = Snapshot(open_workspace(tmp_path), last_delivery=1, link_run=1, _cache={"person_rows": True})
    vars(snapshot)["con"] = CON
    rows = person_rows(snapshot, (PERSONAL, SHARED))
    assert person_rows(snapshot, (PERSONAL, SHARED)) is rows
    n = [day_number(day(k)) for k in range(31)]
    assert rows.person_ids.tolist() == ["ann", "child", "zoe"]
    assert rows.start.tolist() == [0, 2, 3, 3]
    assert rows.signal.tolist() == [0, 1, 1]
    assert rows.household.tolist() == [False, True, True]
    assert (rows.happening.tolist(), rows.happenings) == ([-1, 0, 0], 1)
    assert rows.occurred.tolist() == [n[4], n[5], n[5]]
    assert rows.ended.tolist() == [OPEN, n[9], n[9]]
    assert rows.minute.tolist() == [605, -1, -1]
    np.testing.assert_array_equal(rows.amount, [np.nan, 12.5, 12.5])
    assert rows.known_on.tolist() == [n[7], n[6], n[6]]
    assert rows.known_until.tolist() == [OPEN, n[30], n[30]]
    assert (rows.sources, rows.held_start.tolist()) == (("rents",), [0, 0, 1, 1])
    assert (rows.held_source.tolist(), rows.held_household.tolist()) == ([0], [False])
    assert (rows.held_from.tolist(), rows.held_to.tolist()) == ([n[1]], [OPEN])
    assert (rows.held_known_on.tolist(), rows.held_known_until.tolist()) == ([n[3]], [n[8]])
    kinds = {name: getattr(rows, name).dtype.name for name in ("start", "signal", "happening", "occurred")}
    assert kinds == {"start": "int64", "signal": "int16", "happening": "int64", "occurred": "int32"}


# --- any rows against the naive join ----------------------------------------------------------------


def stands(row: dict, morning: date) -> bool:
    return row["known_on"] < morning and (row["known_until"] is None or morning <= row["known_until"])


def naive(as_of: int, guard: int, events: list[dict], links: list[dict], homes: list[dict]) -> list[tuple]:
    """(person, record and revision) by asking of every event whom it reaches on that morning."""
    morning = day(as_of)
    who_is = {(r["source"], r["subject_key"]): r["person_id"] for r in links if stands(r, morning)}
    found: dict[tuple[str, str], set[str]] = {}
    for e in events:
        if not stands(e, morning) or not e["occurred_on"] < morning:
            continue
        people = found.setdefault((f"{e['record_key']}-{e['revision']}", e["signal"]), set())
        if (e["source"], e["subject_key"]) in who_is:
            people.add(who_is[e["source"], e["subject_key"]])
        for home in homes if e["signal"] == SHARED else []:
            lived = home["start_on"] <= e["occurred_on"] and (
                home["end_on"] is None or e["occurred_on"] < home["end_on"]
            )
            if lived and home["uprn"] == e["place"] and stands(home, morning):
                people.add(home["person_id"])
    return sorted(
        (person, record)
        for (record, signal), people in found.items()
        if signal != SHARED or len(people) <= guard
        for person in people
    )


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int | None]:
    on = draw(st.integers(0, 6))
    return on, draw(st.none() | st.integers(on, 7))


@st.composite
def some_rows(draw: st.DrawFn) -> dict[str, list[dict]]:
    events, links, homes = [], [], []
    for n in range(draw(st.integers(1, 4))):
        signal = draw(st.sampled_from([SHARED, PERSONAL]))
        on, until = draw(spans())
        occurred, place = draw(st.integers(0, 7)), draw(st.sampled_from(["X", "Y", None]))
        for subject in draw(st.sets(st.sampled_from([None, "A", "B", "C"]), min_size=1, max_size=2)):
            made = event(
                f"e{n}", occurred, known_on=on, until=until, subject=subject, place=place, signal=signal
            )
            events.append(made)
    for source in ("rents", "police"):
        for subject in "ABC":
            days = sorted(draw(st.sets(st.integers(0, 6), max_size=2)))
            for on, until in zip(days, [*days[1:], None], strict=False):
                links.append(link(subject, draw(st.sampled_from("pqr")), on, until, source))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(-2, 6))
        end = draw(st.none() | st.integers(start, 8))
        homes.append(
            lives(draw(st.sampled_from("pqr")), draw(st.sampled_from("XY")), start, end, *draw(spans()))
        )
    everybody = [link(f"for {person}", person) for person in "pqr"]
    return {"events": events, "links": links + everybody, "residences": homes}


@settings(max_examples=50, deadline=None)
@given(some_rows(), st.integers(1, 3))
def test_any_rows_reach_on_every_morning_whom_the_naive_join_reaches(
    rows: dict[str, list[dict]], guard: int
) -> None:
    make(**rows)
    for as_of in range(10):
        expected = naive(as_of, guard, rows["events"], rows["links"], rows["residences"])
        assert reached(as_of, guard) == expected, as_of


# --- nothing learned on the day or later changes the morning ----------------------------------------

Record = tuple[str, dict, list[tuple[int, dict | None]]]


@st.composite
def some_records(draw: st.DrawFn) -> list[Record]:
    """Records of every kind: (table, what stays, [(known on, payload or None if withdrawn)])."""
    payloads = {
        "identities": st.fixed_dictionaries({"nhs_number": st.sampled_from([None, "1", "2"])}),
        "addresses": st.fixed_dictionaries(
            {
                "uprn": st.sampled_from(["X", "Y"]),
                "start_on": st.integers(0, 8).map(day),
                "end_on": st.none() | st.integers(0, 9).map(day),
            }
        ),
        "registers": st.fixed_dictionaries(
            {"place": st.sampled_from(["X", None]), "start_on": st.integers(0, 8).map(day)}
        ),
        "events": st.fixed_dictionaries({"at": st.integers(0, 9), "place": st.sampled_from(["X", "Y"])}),
    }
    records: list[Record] = []
    for n in range(draw(st.integers(2, 8))):
        table = draw(st.sampled_from(sorted(payloads)))
        source = draw(st.sampled_from(["rents", "police"]))
        fixed = {"source": source, "record_key": f"r{n}", "subject_key": draw(st.sampled_from("ABC"))}
        days = sorted(draw(st.lists(st.integers(0, 9), min_size=1, max_size=3)))
        records.append((table, fixed, [(d, draw(st.none() | payloads[table])) for d in days]))
    return records


def tables_of(records: list[Record], before: int) -> dict[str, list[dict]]:
    """The tables of a snapshot that holds every revision known before a day."""
    found: dict[str, list[dict]] = {name: [] for name in ("events", "identities", "addresses", "registers")}
    for table, fixed, revisions in records:
        told = [(on, payload) for on, payload in revisions if on < before]
        for number, (on, payload) in enumerate(told):
            if payload is None:
                continue
            until = told[number + 1][0] if number + 1 < len(told) else None
            row = {**fixed, "revision": number, "delivery_id": on, **known(on, until), **payload}
            if table == "events":
                signal = SHARED if fixed["source"] == "rents" else PERSONAL
                row = event(
                    fixed["record_key"],
                    payload["at"],
                    known_on=on,
                    until=until,
                    subject=fixed["subject_key"],
                    place=payload["place"],
                    signal=signal,
                    revision=number,
                    delivery_id=on,
                )
            found[table].append(row)
    return found


def morning(as_of: int) -> tuple[list, list, list, list]:
    """All that a morning sees: rows, registers, who lives where, who is who."""
    held = f"SELECT person_id, source, household, start_on, end_on FROM held WHERE {sql_known(day(as_of))}"
    who = f"SELECT person_id, source, subject_key FROM links WHERE {sql_known(day(as_of))}"
    return (
        reached(as_of),
        CON.execute(f"{held} ORDER BY ALL").fetchall(),
        CON.execute(f"SELECT person_id, uprn FROM ({residents_sql(day(as_of))}) ORDER BY ALL").fetchall(),
        CON.execute(f"{who} ORDER BY ALL").fetchall(),
    )


def link_run() -> dict[str, list[dict]]:
    """The links and residences of a new run over the tables loaded."""
    make_links(CON, already_persons=[])
    make_residences(CON, links="new_links")
    return {
        name: CON.sql(f"FROM new_{name}").to_arrow_table().to_pylist() for name in ("links", "residences")
    }


@settings(max_examples=20, deadline=None)
@given(some_records(), st.integers(1, 9))
def test_whatever_becomes_known_on_the_day_or_later_changes_nothing_that_morning(
    records: list[Record], as_of: int
) -> None:
    days = [day(n) for n in range(10)]
    CON.register("all_deliveries", pa.table({"delivery_id": range(10), "received_on": days}))
    before, after = tables_of(records, as_of), tables_of(records, 99)
    load(**before)
    old = link_run()
    make(**before, **old)
    seen = morning(as_of)
    make(**after, **old)
    assert morning(as_of) == seen  # the same link run, read with what came later
    load(**after)
    make(**after, **link_run())
    assert morning(as_of) == seen  # and a new one
