"""From pairs to people: what is joined, what is not, and that no order of the pairs changes it."""

from itertools import combinations

import duckdb
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.clusters_checked import (
    GRACE,
    Clusters,
    Facts,
    Pair,
    one_slip,
    same_birth,
    trusted_clusters,
)
from features.untroubled import find_people

NOTHING = Facts((None,))


def together(clusters: Clusters) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for subject, first in enumerate(clusters.cluster):
        groups.setdefault(first, set()).add(subject)
    return {frozenset(group) for group in groups.values()}


def why(clusters: Clusters) -> list[tuple[int, int, str]]:
    return [(d.pair.l, d.pair.r, d.why) for d in clusters.doubts]


def test_two_numbers_are_cut_at_the_weakest_edge() -> None:
    facts = [Facts(("9434765919",)), NOTHING, NOTHING, Facts(("4505577104",))]
    pairs = [Pair(0, 1, 0.999), Pair(1, 2, 0.995), Pair(2, 3, 0.9999)]
    found = trusted_clusters(facts, pairs)
    assert together(found) == {frozenset({0, 1}), frozenset({2, 3})}
    assert why(found) == [(1, 2, "two numbers of the kind that names one person")]


def test_two_birth_dates_do_not_meet_through_a_record_without_one() -> None:
    facts = [Facts((), "1980-03-04"), Facts(()), Facts((), "1951-11-30")]
    found = trusted_clusters(facts, [Pair(0, 1, 0.99), Pair(1, 2, 0.98)])
    assert together(found) == {frozenset({0, 1}), frozenset({2})}
    assert why(found) == [(1, 2, "two birth dates")]
    swapped = [Facts((), "1980-03-04"), Facts(()), Facts((), "1980-04-03")]
    assert together(trusted_clusters(swapped, [Pair(0, 1, 0.99), Pair(1, 2, 0.98)])) == {frozenset({0, 1, 2})}


def test_nobody_is_seen_long_after_they_died() -> None:
    dead = Facts((), died=1000)
    pair = [Pair(0, 1, 0.97)]
    assert len(together(trusted_clusters([dead, Facts((), seen=1000 + GRACE)], pair))) == 1
    found = trusted_clusters([dead, Facts((), seen=1001 + GRACE)], pair)
    assert why(found) == [(0, 1, "died, and then seen")]
    sure = [Pair(0, 1, 0.97, sure=True)]  # an identifier says that it is the same person all the same
    assert len(together(trusted_clusters([dead, Facts((), seen=1001 + GRACE)], sure))) == 1


def test_one_thin_edge_does_not_join_two_groups() -> None:
    thick = [Pair(a, b, 0.999) for group in ((0, 1, 2), (3, 4, 5)) for a, b in combinations(group, 2)]
    found = trusted_clusters([NOTHING] * 6, [*thick, Pair(2, 3, 0.95)])
    assert together(found) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}
    assert why(found) == [(2, 3, "two groups that one thin pair joins")]
    for held in (Pair(2, 3, 0.995), Pair(2, 3, 0.95, sure=True)):
        assert len(together(trusted_clusters([NOTHING] * 6, [*thick, held]))) == 1
    two_thin = [Pair(2, 3, 0.95), Pair(1, 4, 0.95)]
    assert len(together(trusted_clusters([NOTHING] * 6, [*thick, *two_thin]))) == 1


def test_twins_stay_apart_though_a_third_record_is_like_both() -> None:
    found = trusted_clusters(
        [NOTHING] * 3, [Pair(0, 1, 0.999), Pair(0, 2, 0.9999), Pair(1, 2, 0.99)], apart=[(0, 1, "twins")]
    )
    assert together(found) == {frozenset({0, 2}), frozenset({1})}
    assert [w for *_, w in why(found)] == ["twins", "twins"]


def test_a_thousand_records_never_make_one_person() -> None:
    found = trusted_clusters([NOTHING] * 1000, [Pair(n, n + 1, 0.999) for n in range(999)], largest=50)
    assert max(map(len, together(found))) <= 50
    assert len(found.doubts) >= 1000 / 50 - 1


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_the_pairs_the_people_can_be_trusted(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 9))
    number = st.sampled_from([None, "1111111111", "2222222222"])
    born = st.sampled_from([None, "1980-01-02", "1955-12-30"])
    facts = [Facts((data.draw(number),), data.draw(born)) for _ in range(n)]
    edges = data.draw(st.lists(st.sampled_from(list(combinations(range(n), 2))), unique=True, max_size=20))
    weights = data.draw(st.permutations(range(len(edges))))  # no two alike: no order but one
    pairs = [Pair(a, b, 0.85 + 0.14 * w / 20) for (a, b), w in zip(edges, weights, strict=True)]
    apart = [
        (a, b, "told")
        for a, b in data.draw(st.lists(st.sampled_from(list(combinations(range(n), 2))), max_size=3))
    ]
    largest = data.draw(st.integers(2, 9))
    found = trusted_clusters(facts, pairs, apart=apart, largest=largest)

    may = {(p.l, p.r) for p in pairs if p.probability >= 0.9}
    for group in together(found):
        assert len(group) <= largest
        assert len({facts[s].identifiers[0] for s in group} - {None}) <= 1
        assert len({facts[s].born for s in group} - {None}) <= 1  # none of these pairs is probable enough
        assert not any({a, b} <= group for a, b, _ in apart)
        inside = [(a, b) for a, b in may if {a, b} <= group]
        assert pieces(sorted(group), inside) == 1
        for edge in inside:  # no thin edge alone joins two groups of several
            sides = reach(edge[0], [e for e in inside if e != edge])
            assert edge[1] in sides or min(len(sides), len(group) - len(sides)) == 1
    assert all(found.cluster[d.pair.l] != found.cluster[d.pair.r] for d in found.doubts)
    left = {(d.pair.l, d.pair.r) for d in found.doubts}
    assert left == {(a, b) for a, b in may if found.cluster[a] != found.cluster[b]}  # nothing is silent

    moved = data.draw(st.permutations(range(n)))
    again = trusted_clusters(
        [facts[moved.index(s)] for s in range(n)],
        data.draw(st.permutations([Pair(*sorted((moved[p.l], moved[p.r])), p.probability) for p in pairs])),
        apart=[(moved[a], moved[b], w) for a, b, w in apart],
        largest=largest,
    )
    assert together(again) == {frozenset(moved[s] for s in group) for group in together(found)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda e: e[0] < e[1]), unique=True))
def test_where_nothing_is_doubtful_people_are_connected_components(edges: list[tuple[int, int]]) -> None:
    found = trusted_clusters([NOTHING] * 12, [Pair(a, b, 0.995) for a, b in edges])
    assert not found.doubts
    assert len(together(found)) == pieces(list(range(12)), edges)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_people_found_at_once_are_those_found_pair_by_pair(data: st.DataObject) -> None:
    n = 8
    number, born = (
        st.sampled_from([None, None, "1", "2"]),
        st.sampled_from([None, "1980-01-02", "1955-12-30"]),
    )
    said = [
        (data.draw(number), data.draw(born), data.draw(st.sampled_from([None, None, 300])), data.draw(seen))
        for seen in [st.sampled_from([None, 100, 900])] * n
    ]
    some = st.lists(st.sampled_from(list(combinations(range(n), 2))), unique=True, max_size=7)
    likely = [(a, b, data.draw(st.sampled_from([0.8, 0.95, 0.995]))) for a, b in data.draw(some)]
    sure, apart = data.draw(some)[:2], [(a, b, "told") for a, b in data.draw(some)[:1]]
    con = records(said, likely=likely, sure=sure, apart=apart)
    found, pairs = find_people(con, largest=5)
    days = [(died, seen) for *_, died, seen in said]
    facts = [Facts((s[0], None, None), s[1], *day) for s, day in zip(said, days, strict=True)]
    every = {(a, b): Pair(a, b, p) for a, b, p in likely if p >= 0.9}
    weights = {(a, b): p for a, b, p in likely}
    every |= {edge: Pair(*edge, weights.get(edge, 1.0), sure=True) for edge in sure}
    assert found == trusted_clusters(facts, every.values(), apart=apart, largest=5)
    assert list(zip(pairs.l.tolist(), pairs.r.tolist(), strict=True)) == sorted(every)


def records(said: list[tuple], *, likely: list, sure: list, apart: list) -> duckdb.DuckDBPyConnection:
    def table(name: str, columns: str, rows: list) -> str:
        values = ", ".join(map(str, rows)) or f"({', '.join(['NULL'] * (columns.count(',') + 1))})"
        return f"INSERT INTO {name} FROM (VALUES {values}) t({columns}) WHERE {columns[0]} IS NOT NULL;"

    rows = ", ".join(
        f"({n}, {_sql(number)}, {_sql(born)}, {born is not None}, {_day(died)}, {_day(seen)})"
        for n, (number, born, died, seen) in enumerate(said)
    )
    CON.execute(
        "DELETE FROM identity_records; DELETE FROM pairs; DELETE FROM sure; DELETE FROM apart; INSERT INTO "
        "identity_records (subject, nhs_number, born, born_firm, died_on, seen_on) VALUES "
        f"{rows};{table('pairs', 'l, r, p', likely)}{table('apart', 'l, r, why', apart)}"
        f"{table('sure', 'l, r, kind', [(*edge, 'upn') for edge in sure])}"
    )
    return CON


CON = duckdb.connect(config={"threads": 1})
CON.execute(
    "CREATE TABLE identity_records (subject INT, nhs_number TEXT, upn TEXT, nino TEXT, born TEXT, "
    "born_firm BOOL, died_on DATE, seen_on DATE);"
    "CREATE TABLE pairs (l INT, r INT, probability DOUBLE); CREATE TABLE sure (l INT, r INT, kind TEXT);"
    "CREATE TABLE apart (l INT, r INT, why TEXT)"
)


def _sql(text: str | None) -> str:
    return "NULL" if text is None else f"'{text}'"


def _day(number: int | None) -> str:
    return "NULL" if number is None else f"DATE '1970-01-01' + {number}"


def pieces(nodes: list[int], edges: list[tuple[int, int]]) -> int:
    at = {node: place for place, node in enumerate(nodes)}
    ends = np.array([(at[a], at[b]) for a, b in edges]).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(nodes), len(nodes)))
    return int(connected_components(graph, directed=False)[0])


def reach(start: int, edges: list[tuple[int, int]]) -> set[int]:
    found = {start}
    while True:
        more = {x for edge in edges if set(edge) & found for x in edge} - found
        if not more:
            return found
        found |= more


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_one_slip_is_one_step_of_the_pen(one: str, other: str) -> None:
    steps = {one}
    for i in range(len(one) + 1):
        steps |= {one[:i] + c + one[i:] for c in "ab"} | {one[:i] + c + one[i + 1 :] for c in "ab"}
        steps |= {one[:i] + one[i + 1 :], one[:i] + one[i : i + 2][::-1] + one[i + 2 :]}
    assert one_slip(one, other) == (other in steps)
    assert one_slip(one, other) == one_slip(other, one)


def test_what_two_birth_dates_may_be_one() -> None:
    assert same_birth("1980-03-04", "1980-04-03")
    assert same_birth("1980-03-04", "1908-03-04")
    assert not same_birth("1980-03-04", "1981-04-03")
    assert not same_birth("1980-03-04", "1977-03-05")
