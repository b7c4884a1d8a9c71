"""Ids that last: who keeps which name from day to day and from run to run, and what is told of changes."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.asof import OPEN
from features.carried import carry_over, changing_places, make_changes
from features.clusters import Holdings, _replay, timelines
from features.clusters_checked import Pair
from features.meetings import meetings
from features.strength import strengths
from features.untroubled import Pairs


def names_of(first: list[int], held: list[tuple[int, int, int, int]], *, on: int, nobody: tuple = ()) -> list:
    """The name of each subject's person at the end of a day; held: (subject, key, from, to)."""
    found = timelines(
        np.array(first),
        Holdings(*(np.array(column) for column in zip(*held, strict=True))),
        nobody=np.isin(np.arange(len(first)), nobody),
    )
    rows = sorted(zip(found.subject, found.from_day, found.founder, found.number, strict=True))
    last = {s: (int(f), int(n)) for s, day, f, n in rows if day <= on}
    return [last.get(s) for s in range(len(first))]


def test_the_larger_part_keeps_the_name_and_the_smaller_gets_one_never_used() -> None:
    """0 founded the person; 1 and 2 stay together when 0 turns out to be somebody else, and is taken back."""
    held = [(0, 7, 0, 5), (1, 7, 0, OPEN), (2, 7, 0, OPEN), (0, 8, 9, OPEN), (1, 8, 9, OPEN)]
    assert names_of([0, 0, 0], held, on=4) == [(0, 0)] * 3
    assert names_of([0, 0, 0], held, on=5) == [(0, 1), (0, 0), (0, 0)]
    assert names_of([0, 0, 0], held, on=9) == [(0, 0)] * 3


def test_of_two_that_meet_the_larger_names_the_person_and_of_equals_the_older() -> None:
    held = [(1, 7, 1, OPEN), (2, 7, 1, OPEN), (0, 8, 5, OPEN), (2, 8, 5, OPEN)]
    assert names_of([0, 1, 1], held, on=4) == [(0, 0), (1, 0), (1, 0)]
    assert names_of([0, 1, 1], held, on=5) == [(1, 0)] * 3
    assert names_of([0, 1], [(0, 7, 3, OPEN), (1, 7, 3, OPEN)], on=3) == [(0, 0)] * 2


def test_a_row_that_names_nobody_gives_no_name_and_has_one_only_while_it_is_joined() -> None:
    held = [(0, 7, 2, 6), (1, 7, 2, OPEN)]
    assert names_of([0, 1], held, on=1, nobody=(0,)) == [(-1, 0), (1, 0)]
    assert names_of([0, 1], held, on=2, nobody=(0,)) == [(1, 0)] * 2
    assert names_of([0, 1], held, on=6, nobody=(0,)) == [(-1, 0), (1, 0)]


@given(st.lists(st.integers(0, 4), min_size=6, max_size=6), st.data())
def test_those_who_only_meet_have_the_names_that_a_replay_of_every_day_gives(
    first: list[int], data: st.DataObject
) -> None:
    some = st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4))
    kept = {(s, k): max(day, first[s]) for s, k, day in data.draw(st.lists(some, max_size=10))}
    held = [(key, subject, day, OPEN) for (subject, key), day in sorted(kept.items())]
    columns = np.array([(s, k, day) for k, s, day, _ in held], dtype=int).reshape(-1, 3).T
    met = zip(*(column.tolist() for column in meetings(np.array(first), *columns)), strict=True)
    replayed = _replay(np.array(first), list(range(6)), held, unnamed=np.zeros(6, dtype=bool))
    assert sorted(met) == sorted((s, founder, day) for s, founder, _, day in replayed)


def test_a_row_that_names_nobody_and_is_like_nobody_is_there_and_nobodys() -> None:
    assert names_of([0, 1, 0], [(0, 7, 2, OPEN), (1, 7, 2, OPEN)], on=2, nobody=(2,))[2] == (-1, 0)


@given(st.dictionaries(st.integers(0, 8), st.integers(0, 8)))
def test_ids_change_places_so_that_none_is_lost_and_none_is_two_people(moves: dict[int, int]) -> None:
    once = {new: was for was, new in moves.items()}
    whole = changing_places({str(was): str(new) for new, was in once.items()})
    assert {was: whole[was] for was in map(str, once.values())} == {str(w): str(n) for n, w in once.items()}
    assert sorted(whole) == sorted(whole.values())


def run(before: dict[str, str], now: dict[str, str]) -> tuple[dict[str, str], set[tuple]]:
    """Subject → id in the run before and as replayed now; gives the ids carried over, and the log."""
    con = duckdb.connect(config={"threads": 1})
    for table, ids in (("links", before), ("new_timelines", now)):
        con.execute(f"CREATE TABLE {table} (source TEXT, subject_key TEXT, person_id TEXT, known_until DATE)")
        con.executemany(f"INSERT INTO {table} VALUES ('a', ?, ?, NULL)", list(ids.items()))
    carry_over(con)
    make_changes(con)
    carried = dict(con.execute("SELECT subject_key, person_id FROM new_timelines").fetchall())
    return carried, set(con.execute("FROM person_changes").fetchall())


@pytest.mark.parametrize(
    ("before", "now", "carried", "log"),
    [
        ("a:A b:A c:C", "a:A b:A c:C", "a:A b:A c:C", set()),
        ("a:A b:A", "a:A b:A c:C", "a:A b:A c:C", {("C", "new", None, 1)}),
        ("a:A b:B", "a:A b:A", "a:A b:A", {("B", "merged", "A", 1)}),
        ("a:A b:A c:A", "a:A b:B c:B", "a:B b:A c:A", {("B", "split", "A", 1)}),
        ("a:A b:A c:C", "a:A b:C c:C", "a:A b:C c:C", {("C", "moved", "A", 1)}),
        # a source that comes later with an older past of its own renames nobody
        ("p:P q:P", "f:F g:F h:F p:F q:F", "f:P g:P h:P p:P q:P", set()),
    ],
)
def test_people_keep_their_ids_and_the_log_says_who_changed(
    before: str, now: str, carried: str, log: set[tuple]
) -> None:
    before, now, carried = (dict(s.split(":") for s in text.split()) for text in (before, now, carried))
    assert run(before, now) == (carried, log)


def strengths_of(cluster: list[int], pairs: list[Pair]) -> list[float]:
    rows = [(p.l, p.r, p.probability, p.sure) for p in pairs]
    kinds = zip(zip(*rows, strict=True) if rows else [()] * 4, (int, int, float, bool), strict=True)
    columns = [np.array(column, dtype=kind) for column, kind in kinds]
    return strengths(np.array(cluster), Pairs(*columns)).tolist()


def test_a_subject_is_as_sure_as_the_weakest_pair_on_the_way_to_the_core() -> None:
    """0, 1 and 2 are the core; 3 hangs on a weak pair, 4 on 3 by an identifier; 5 is alone."""
    pairs = [
        Pair(0, 1, 0.999),
        Pair(1, 2, 0.3, sure=True),
        Pair(2, 3, 0.95),
        Pair(0, 3, 0.92),
        Pair(3, 4, 0.5, sure=True),
        Pair(4, 5, 0.97),
    ]
    assert strengths_of([0, 0, 0, 0, 0, 5], pairs) == [1.0, 0.999, 0.999, 0.95, 0.95, 1.0]


@given(st.data())
def test_strengths_are_those_of_the_best_way(data: st.DataObject) -> None:
    """Against every way there is: the widest path from any subject of the core."""
    n = data.draw(st.integers(1, 6))
    some = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.sampled_from([0.9, 0.95, 0.99, 0.999]))
    pairs = [Pair(min(a, b), max(a, b), p) for a, b, p in data.draw(st.lists(some, max_size=9)) if a != b]
    wide = np.eye(n)
    for pair in pairs:
        wide[pair.l, pair.r] = wide[pair.r, pair.l] = max(wide[pair.l, pair.r], pair.probability)
    for k in range(n):
        wide = np.maximum(wide, np.minimum(wide[:, [k]], wide[[k], :]))
    cluster = [int(np.flatnonzero(row)[0]) for row in wide]
    found = strengths_of(cluster, pairs)
    for subject in range(n):
        mine = np.flatnonzero(wide[subject])
        sizes = (wide[mine][:, mine] >= 0.99).sum(1)
        core = mine[np.argmax(sizes)]
        assert found[subject] == wide[core, subject]
