"""Nothing learned on the day or later changes what the morning sees: rows, registers, homes and links."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import sql_known
from features.association import Association
from features.link import SUBJECT_TABLES, make_links
from features.residences import make_residences, residents_sql
from tests.reached import CON, PERSONAL, SHARED, World, day, event, held, known, load, make, reached

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
        "marks": st.fixed_dictionaries({"mark": st.just("refuge"), "start_on": st.none() | st.just(day(3))}),
        "paired_keys": st.fixed_dictionaries(
            {"other_source": st.sampled_from(["rents", "police"]), "other_key": st.sampled_from("ABC")}
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


def tables_of(records: list[Record], before: int) -> World:
    """The tables of a snapshot that holds every revision known before a day."""
    found: World = {name: [] for name in SUBJECT_TABLES}
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


def link_run() -> World:
    """The links and residences of a new run over the tables loaded."""
    make_links(CON, already_persons=[])
    make_residences(CON, links="new_links")
    return {
        name: CON.sql(f"FROM new_{name}").to_arrow_table().to_pylist() for name in ("links", "residences")
    }


def morning(as_of: int, guard: int, tables: World) -> tuple[list, list, list, list]:
    """All that a morning sees: rows, registers, who lives where, who is who."""
    make(guard, Association((PERSONAL,), 5), **tables)
    who = f"SELECT person_id, source, subject_key FROM links WHERE {sql_known(day(as_of))}"
    return (
        reached(as_of),
        held(as_of),
        CON.execute(f"SELECT person_id, uprn FROM ({residents_sql(day(as_of))}) ORDER BY ALL").fetchall(),
        CON.execute(f"{who} ORDER BY ALL").fetchall(),
    )


@settings(max_examples=15, deadline=None)
@given(some_records(), st.integers(1, 9), st.integers(1, 3))
def test_whatever_becomes_known_on_the_day_or_later_changes_nothing_that_morning(
    records: list[Record], as_of: int, guard: int
) -> None:
    days = [day(n) for n in range(10)]
    CON.register("all_deliveries", pa.table({"delivery_id": range(10), "received_on": days}))
    before, after = tables_of(records, as_of), tables_of(records, 99)
    load(**before)
    old = link_run()
    seen = morning(as_of, guard, before | old)
    assert morning(as_of, guard, after | old) == seen  # the same link run, read with what came later
    load(**after)
    assert morning(as_of, guard, after | link_run()) == seen  # and a new one
