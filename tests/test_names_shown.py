"""By which name somebody is shown: the one that most agencies write, as known on the morning."""

from collections import defaultdict

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.people import identity_sql
from tests.test_link import DATED, day, fact

CON = duckdb.connect(config={"threads": 1})
KEYS = ("source", "subject_key")
TEXT = ("forenames", "surname")

written = st.sampled_from(
    [("Ann", "Moss"), ("ANN", "MOSS"), ("Anne", "Moss"), ("Ann", "Mos"), (None, "Moss"), ("Ann", None)]
)
records = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("12"), written, st.integers(0, 6), st.integers(1, 9)),
    max_size=8,
)


def shown(rows: list[tuple], morning: int) -> tuple[str | None, str | None]:
    told = []
    for n, (source, key, (forenames, surname), known, lasts) in enumerate(rows):
        until = known + lasts if lasts < 8 else None
        names = {"forenames": forenames, "surname": surname}
        told.append(fact(source, key, known=known, until=until, record_key=f"r{n}", **names))
    columns = [(name, pa.string()) for name in ("subject_key", *TEXT)]
    columns += [("birth_date", pa.date32()), ("died_on", pa.date32())]
    CON.register("identities", pa.Table.from_pylist(told, schema=pa.schema([*DATED, *columns])))
    who = [{"source": source, "subject_key": key} for source in "abcd" for key in "12"]
    dates = pa.schema([*((k, pa.string()) for k in KEYS), ("person_id", pa.string()),
                       ("known_on", pa.date32()), ("known_until", pa.date32())])  # fmt: skip
    links = [{**one, "person_id": "P", "known_on": day(-9), "known_until": None} for one in who]
    CON.register("links", pa.Table.from_pylist(links, schema=dates))
    found = CON.execute(f"SELECT forenames, surname FROM ({identity_sql(day(morning))})").fetchall()
    return found[0] if found else (None, None)


@settings(max_examples=40, deadline=None)
@given(records, st.integers(1, 9))
def test_a_name_is_the_one_that_most_agencies_write(rows: list[tuple], morning: int) -> None:
    tellers: dict[tuple, set[str]] = defaultdict(set)
    there = []
    for n, (source, key, name, known, lasts) in enumerate(rows):
        if name[1] and known < morning and (lasts >= 8 or morning <= known + lasts):
            alike = tuple(part and part.lower() for part in name)
            tellers[alike].add(source)
            there.append((alike, known, source, f"r{n}", key, name))
    best = max(there, key=lambda r: (r[0][0] is not None, len(tellers[r[0]]), *r[1:5]), default=None)
    assert shown(rows, morning) == (best[-1] if best else (None, None))


def test_one_slip_among_several_is_not_shown_and_later_records_leave_past_mornings_alone() -> None:
    before = [
        ("a", "1", ("Ann", "Moss"), 0, 9),
        ("b", "1", ("ANN", "MOSS"), 1, 9),
        ("c", "1", ("Ann", "Mos"), 4, 9),
    ]
    assert [shown(before, n)[1] for n in (1, 2, 5)] == ["Moss", "MOSS", "MOSS"]
    later = [("d", n, ("Ann", "Mos"), 6, 9) for n in "12"] + [("b", "2", ("Ann", "Mos"), 6, 9)]
    assert [shown(before + later, n)[1] for n in (1, 2, 5, 6, 7)] == ["Moss", "MOSS", "MOSS", "MOSS", "Mos"]
