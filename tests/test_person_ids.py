"""Ids are short, so two people may hash to one: they have two all the same, today and in every run after."""

import hashlib
from collections import defaultdict
from itertools import combinations
from unittest.mock import patch

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features import person_ids
from features.asof import sql_date
from features.carried import carry_over
from features.intervals import FOREVER
from features.timelines import make_timelines
from tests.test_link import day

CON = duckdb.connect(config={"threads": 1})
SUBJECTS = 6
Holding = tuple[int, int, int, int]
"""subject, key, from day, to day"""
Row = tuple[str, str, bool]
"""subject, id, whether it has it now"""
ID = "source, subject_key, person_id"


def replayed(subjects: list[int], held: list[Holding], *, digits: int, later: bool = False) -> list[Row]:
    """The rows of a run; subjects: by seniority. later: after the runs that `keep` has kept."""
    place = {subject: n for n, subject in enumerate(subjects)}
    who = {"subject": list(place.values()), "subject_key": [str(s) for s in subjects]}
    CON.register(
        "subjects", pa.table(who | {"source": ["a"] * len(place), "known_on": [day(0)] * len(place)})
    )
    rows = ", ".join(
        f"({place[s]}, {key}, {sql_date(day(since))}, {sql_date(day(until)) if until < 9 else FOREVER})"
        for s, key, since, until in held
        if s in place
    )
    nothing = f"SELECT 0, 0, {FOREVER}, {FOREVER} LIMIT 0"
    CON.execute(
        "CREATE OR REPLACE TEMP TABLE holdings AS "
        f"FROM ({f'VALUES {rows}' if rows else nothing}) h(subject, key, known_on, known_until)"
    )
    with patch.object(person_ids, "DIGITS", digits):
        make_timelines(CON, nobody="FALSE", given="given" if later else None)
        if later:
            carry_over(CON, given="given")
    return CON.execute(
        "SELECT subject_key, person_id, known_until IS NULL FROM new_timelines ORDER BY subject_key, known_on"
    ).fetchall()


def forget() -> None:
    for table in ("links", "given"):
        CON.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {ID}, known_until FROM new_timelines LIMIT 0"
        )


def keep() -> None:
    """The rows of the last run are the run before now."""
    CON.execute(f"INSERT INTO given BY NAME SELECT DISTINCT {ID} FROM new_timelines")
    CON.execute(f"CREATE OR REPLACE TEMP TABLE links AS SELECT {ID}, known_until FROM new_timelines")


def now(rows: list[Row]) -> dict[str, str]:
    return {subject: person for subject, person, stands in rows if stands}


days = st.tuples(st.integers(0, 5), st.integers(1, 9)).map(lambda two: (two[0], min(sum(two), 9)))
holding = st.tuples(st.integers(0, SUBJECTS - 1), st.integers(0, 2), days).map(lambda h: (h[0], h[1], *h[2]))
world = st.lists(holding, max_size=9)
who = st.permutations(range(SUBJECTS)).flatmap(lambda all_: st.integers(2, SUBJECTS).map(lambda n: all_[:n]))


@settings(max_examples=8, deadline=None)
@given(world)
def test_people_of_one_hash_are_told_apart_as_with_ids_of_any_length(held: list[Holding]) -> None:
    """One digit has sixteen ids; with eleven nobody here has another's."""
    short, long = (replayed([*range(SUBJECTS)], held, digits=digits) for digits in (1, 11))
    pairs = {(mine[1], theirs[1]) for mine, theirs in zip(short, long, strict=True)}
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(world, who), min_size=3, max_size=3))
def test_no_id_ever_goes_to_people_of_whom_none_had_it(runs: list[tuple[list[Holding], list[int]]]) -> None:
    """Who is there, who is senior and who is one person are drawn anew for each run."""
    replayed([0], [], digits=11)
    forget()
    had: dict[str, set[str]] = defaultdict(set)
    for held, subjects in runs:
        truly = now(replayed(subjects, held, digits=11))
        rows = replayed(subjects, held, digits=2, later=True)
        for one, other in combinations(truly, 2):
            assert (now(rows)[one] == now(rows)[other]) == (truly[one] == truly[other])
        bear: dict[str, set[str]] = defaultdict(set)
        for subject, person, _ in rows:
            bear[person].add(subject)
        for person, theirs in bear.items():
            assert not had[person] or had[person] & theirs, person
            had[person] |= theirs
        keep()


def test_an_id_stays_with_whoever_had_it_when_somebody_older_of_that_hash_comes() -> None:
    first_digit = {n: hashlib.sha256(f"a|{n}".encode()).hexdigest()[0] for n in range(40)}
    here, older = next(p for p in combinations(first_digit, 2) if first_digit[p[0]] == first_digit[p[1]])
    [(_, id_, _)] = replayed([here], [], digits=1)
    assert id_ == "P" + first_digit[here]
    forget()
    keep()
    found = now(replayed([older, here], [], digits=1, later=True))
    assert found[str(here)] == id_ != found[str(older)]
    keep()
    assert now(replayed([older, here], [], digits=1, later=True)) == found
    gone = now(replayed([older], [], digits=1, later=True))
    assert gone == {str(older): found[str(older)]}
    forget()
    replayed([here], [], digits=1)
    keep()
    assert id_ not in now(replayed([older], [], digits=1, later=True)).values()
