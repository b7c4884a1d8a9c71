"""What people answer of two subjects: written down once and for good, and binding from its day on."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from functools import cache
from itertools import count
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.answered import FOLLOWED, NOT_FOLLOWED, REPLACED, kept_answers, taken_down
from features.answers import (
    CANNOT_SAY,
    DIFFERENT,
    RESTS,
    SAME,
    Answer,
    all_answers,
    give_answer,
    newest,
    pair_id,
    settled,
)
from features.blocking import make_comparable
from features.clusters_checked import Facts, Pair
from features.compare import train
from features.eras import Ties, Told, eras
from features.errors import UserMistake
from features.link import link, make_links, person_id
from features.link_model import Model
from features.link_text import link_text
from features.people import resolve
from features.snapshot import open_snapshot
from features.tables import PAYLOAD
from features.wording import day_words
from features.workspace import Workspace
from tests.test_compare import stated, town
from tests.test_link import (  # noqa: F401 - a fixture
    ANN,
    C7,
    CON,
    D0,
    DATED,
    P1,
    day,
    deliver,
    fact,
    linked,
    persons,
    some_identities,
    workspace,
)

NUMBER = count(1)
AT = {n: {"on": day(n), "today": day(n)} for n in range(40)}
"""Given on a day, and taken down on it."""


@cache
def plain_model() -> Model:
    """A model that was not trained: every fiftieth pair is one person, and every third shares a name or a
    birth date, as in the small worlds here; the rest is what learning begins with."""
    con = stated([])
    make_comparable(con)
    model = train(con)
    for comparison in model["settings"]["comparisons"]:
        if comparison["output_column_name"] in ("given", "surname", "born"):
            _, same, *_, unlike = comparison["comparison_levels"]
            same["u_probability"], unlike["u_probability"] = 1 / 3, 2 / 3
    return {**model, "settings": {**model["settings"], "probability_two_random_records_match": 0.02}}


Subject = tuple[str, str]


def answer(one: Subject, other: Subject, what: str, on: int) -> Answer:
    one, other = sorted([one, other])
    return Answer(next(NUMBER), *one, *other, what, by="Ada Clerk", because="", known_on=day(on))


# --- on people who are probably one ------------------------------------------------------------------


def quennell(first: str, **said: object) -> dict:
    told = {"forenames": first, "surname": first, "birth_date": date(1991, 4, 17)}
    return {**told, **said}


HOME = {"uprn": "77", "postcode": "ZZ1 1ZZ", "start_on": day(-900)}
PLAIN = {who: quennell("Peregrine") for who in "ab"}
TWINS = {who: {**quennell("x"), "forenames": name} for who, name in (("a", "Isolde"), ("b", "Bartholomew"))}
CASES: dict[str, tuple[dict[str, dict], list[tuple[str, str, int]], list[tuple[int, str]]]] = {
    # who is what; what was answered of whom on which day; who is together from which day on
    "alike, and nothing answered": (PLAIN, [], [(9, "ab")]),
    "alike, and different": (PLAIN, [("ab", DIFFERENT, 40)], [(9, "ab"), (40, "a b")]),
    "different, and nobody can say any more": (
        PLAIN,
        [("ab", DIFFERENT, 40), ("ab", CANNOT_SAY, 50)],
        [(9, "ab"), (40, "a b"), (50, "ab")],
    ),
    "unlike, and the same": (
        {"a": quennell("Peregrine"), "b": quennell("Zebedee", birth_date=date(1950, 2, 3))},
        [("ab", SAME, 40)],
        [(9, "a b"), (40, "ab")],
    ),
    "the same, and then different": (
        {"a": quennell("Peregrine"), "b": quennell("Zebedee", birth_date=date(1950, 2, 3))},
        [("ab", SAME, 40), ("ab", DIFFERENT, 50)],
        [(9, "a b"), (40, "ab"), (50, "a b")],
    ),
    "one number, and different": (
        {who: quennell("Peregrine", nhs_number="9434765919") for who in "ab"},
        [("ab", DIFFERENT, 40)],
        [(9, "ab"), (40, "a b")],
    ),
    "two numbers, and the same": (
        {
            "a": quennell("Peregrine", nhs_number="9434765870"),
            "b": quennell("Zebedee", nhs_number="9111111111"),
        },
        [("ab", SAME, 40)],
        [(9, "a b")],
    ),
    "twins, and the same": (TWINS, [("ab", SAME, 40)], [(9, "a b"), (40, "ab")]),
    "a record that would be taken away from the rest of its person": (
        {
            "a": quennell("Isolde", nhs_number="9434765870"),
            "b": quennell("Isolde"),
            "c": quennell("Bartholomew", surname="Isolde", nhs_number="9111111111"),
            "d": quennell("Bartholomew", surname="Isolde"),
        },
        [("bd", SAME, 40)],
        [(9, "ab cd")],
    ),
    "three alike, of whom two are different": (
        {who: quennell("Peregrine") for who in "abc"},
        [("ac", DIFFERENT, 40)],
        [(9, "abc"), (40, "? ?")],
    ),
    "the same, and then from an earlier day": (
        {"a": quennell("Peregrine"), "b": quennell("Zebedee", birth_date=date(1950, 2, 3))},
        [("ab", SAME, 50), ("ab", SAME, 40)],
        [(9, "a b"), (40, "ab")],
    ),
    "different by a slip of a far day, and put right on an earlier one": (
        PLAIN,
        [("ab", DIFFERENT, 50), ("ab", SAME, 40)],
        [(9, "ab")],
    ),
    "three whom one answer joins and a later one parts": (
        {who: quennell(name) for who, name in zip("abc", ("Peregrine", "Zebedee", "Isolde"), strict=True)},
        [("ab", SAME, 20), ("bc", SAME, 30), ("ac", DIFFERENT, 40)],
        [(9, "a b c"), (20, "ab c"), (30, "abc"), (40, "ab c")],
    ),
}


def word(seed: str) -> str:
    """Four syllables that no other seed has."""
    draw = Random(seed)
    return "".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(4)).title()


REFUSED = {
    "two numbers, and the same",
    "a record that would be taken away from the rest of its person",
    "three whom one answer joins and a later one parts",
}


@pytest.fixture(scope="module")
def runs() -> tuple[list[dict], list[dict], list[tuple]]:
    """The links of everybody in CASES without and with what was answered, and what was refused.

    Each case has its own surname, birth year, home and number among a town of others."""
    identities, addresses, answers = [], [], []
    for n, (case, (who, told, _)) in enumerate(CASES.items()):
        for source, said in who.items():
            born = said["birth_date"] - timedelta(1477 * n)
            surname = word(f"{n} {said['surname']}")
            number = said.get("nhs_number") and f"{int(said['nhs_number']) + 777_777 * n}"
            facts = {**said, "birth_date": born, "surname": surname, "nhs_number": number}
            home = {**HOME, "uprn": f"9{n}", "postcode": f"ZZ{n} 1ZZ"}
            identities.append(fact(source, case, known=9, **facts))
            addresses.append(fact(source, case, known=9, **home))
        answers += [answer((two[0], case), (two[1], case), what, on) for two, what, on in told]
    answers.append(answer(("a", "nobody"), ("b", "nothing held"), SAME, 40))
    others = town(150, seed=3)
    for n, row in enumerate(others[::4]):
        told = {name: row[name] for name in ("forenames", "surname", "nhs_number")}
        identities.append(fact("town", f"{n}", known=0, **told, birth_date=date.fromisoformat(row["born"])))
    con = duckdb.connect(config={"threads": 1})
    empty = ("events", "registers", "marks", "paired_keys")
    for name, rows in {
        "identities": identities,
        "addresses": addresses,
        **{key: [] for key in empty},
    }.items():
        schema = pa.schema([*DATED, *[(f.name, f.type) for f in PAYLOAD[name]]])
        table = pa.Table.from_pylist(rows, schema=schema)
        extra = pa.array([None] * len(rows), pa.date32())
        con.register(name, table.append_column("occurred_on", extra) if name == "events" else table)
    received = pa.array([day(0)], pa.date32())
    con.register("all_deliveries", pa.table({"delivery_id": [1], "received_on": received}))
    found = []
    for given_answers in ([], answers):
        make_links(con, already_persons=[], model=plain_model(), as_of=day(400), answers=given_answers)
        found.append(con.sql("FROM new_links").to_arrow_table().to_pylist())
    return found[0], found[1], con.execute("FROM refused_answers").fetchall()


@pytest.mark.parametrize("case", CASES)
def test_an_answer_binds_from_its_day_on(runs: tuple, case: str) -> None:
    subjects, _, expected = CASES[case]
    for learned in range(9, 60):
        of = persons(runs[1], learned)
        groups: dict[str, str] = {}
        for source in subjects:
            groups[of[source, case]] = groups.get(of[source, case], "") + source
        wanted = next(text for since, text in reversed(expected) if since <= learned)
        if "?" in wanted:  # whoever is with b, a and c are apart
            assert of["a", case] != of["c", case] and len(groups) == 2
        else:
            assert " ".join(sorted(groups.values())) == wanted, learned


def test_before_an_answer_nothing_is_other_than_without_it(runs: tuple) -> None:
    before, after, _ = runs
    for case, (_, told, _) in CASES.items():
        first = min((on for _, _, on in told), default=60)
        for learned in (9, first - 1):
            theirs = ([row for row in of(rows, learned) if row[1] == case] for rows in (before, after))
            assert next(theirs) == next(theirs), (case, learned)
    town_of = [[row for row in rows if row["source"] == "town"] for rows in (before, after)]
    assert town_of[0] == town_of[1] and town_of[0]


def of(rows: list[dict], learned: int) -> list[tuple]:
    """Who belongs to whom at the end of a day, and how sure that is."""
    now = day(learned)
    return sorted(
        (row["source"], row["subject_key"], row["person_id"], row["strength"])
        for row in rows
        if row["known_on"] <= now and (row["known_until"] is None or now < row["known_until"])
    )


def test_who_is_parted_or_joined_by_an_answer_is_sure(runs: tuple) -> None:
    sure = {
        (row["source"], row["subject_key"]): row["strength"] for row in runs[1] if row["known_until"] is None
    }
    for case, (subjects, told, _) in CASES.items():
        if len(subjects) == 2 and told and told[-1][1] != CANNOT_SAY:
            assert {sure[source, case] for source in subjects} == {1.0}, case


def test_an_answer_that_contradicts_something_is_told(runs: tuple) -> None:
    by_pair = {
        pair_id((two[0], case), (two[1], case)): case
        for case, (_, told, _) in CASES.items()
        for two, *_ in told
    }
    assert {by_pair[pair] for pair, _ in runs[2]} == REFUSED
    assert {why for _, why in runs[2]} == {
        "two numbers of the kind that names one person",
        "an answer says that they are two",
    }


# --- on exact keys, and whatever is answered ----------------------------------------------------------


@st.composite
def some_answers(draw: st.DrawFn) -> tuple[list[dict], list[dict], list[tuple[Subject, Subject, str, int]]]:
    identities, addresses = draw(some_identities())
    subjects = sorted({(row["source"], row["subject_key"]) for row in identities})
    two = st.lists(st.sampled_from(subjects), min_size=2, max_size=2, unique=True).map(sorted)
    what = st.sampled_from([SAME, DIFFERENT, DIFFERENT, CANNOT_SAY])
    told = draw(st.lists(st.tuples(two, what, st.integers(0, 8)), min_size=1, max_size=4))
    return identities, addresses, [(*pair, what, on) for pair, what, on in told]


@settings(max_examples=6, deadline=None)
@given(some_answers())
def test_whoever_is_different_is_never_together_and_nothing_changes_before(drawn: tuple) -> None:
    identities, addresses, told = drawn
    given_answers = [answer(*each) for each in told]
    before = linked(identities=identities, addresses=addresses)
    make_links(CON, already_persons=[], answers=given_answers)
    after = CON.sql("FROM new_links").to_arrow_table().to_pylist()
    refused = {pair for pair, _ in CON.execute("FROM refused_answers").fetchall()}
    first = min(each[3] for each in told)
    for learned in range(12):
        now = persons(after, learned)
        if learned < first:
            assert now == persons(before, learned)
        for stands in newest(a for a in given_answers if a.known_on <= day(learned)).values():
            one, other = (
                now.get(s) for s in ((stands.source_l, stands.key_l), (stands.source_r, stands.key_r))
            )
            if one and other and stands.answer == DIFFERENT:
                assert one != other
            if one and other and stands.answer == SAME and learned == 11:
                assert (one == other) != (stands.pair in refused)


numbers = st.sampled_from([None, None, "1111", "2222"])


@st.composite
def some_ties(draw: st.DrawFn) -> tuple[Ties, list[Told]]:
    n = draw(st.integers(2, 7))
    two = st.lists(st.integers(0, n - 1), min_size=2, max_size=2, unique=True).map(sorted)
    likely = draw(st.lists(st.tuples(two, st.floats(0.9, 1), st.booleans()), max_size=9))
    ties = Ties(
        {10 * one: Facts((draw(numbers),)) for one in range(n)},
        [Pair(10 * one, 10 * other, p, sure) for (one, other), p, sure in likely],
        [(10 * one, 10 * other, "twins") for one, other in draw(st.lists(two, max_size=3))],
    )
    answered = st.tuples(two, st.sampled_from([SAME, SAME, DIFFERENT, CANNOT_SAY]), st.integers(0, 5))
    told = draw(st.lists(answered, min_size=1, max_size=5))
    return ties, [Told(10 * one, 10 * other, what, day(on)) for (one, other), what, on in told]


FOLLOWED_ALL_THE_SAME = (
    Ties({0: Facts((None,)), 10: Facts((None,)), 20: Facts((None,))}, [Pair(10, 20, 1.0)]),
    [Told(0, 10, DIFFERENT, day(0)), Told(0, 20, SAME, day(0)), Told(10, 20, SAME, day(0))],
)
"""Two that are one by likeness, and so answered; a third is answered to be the one and not the other."""


@example(FOLLOWED_ALL_THE_SAME)
@given(some_ties())
def test_every_answer_is_followed_or_told(drawn: tuple[Ties, list[Told]]) -> None:
    ties, told = drawn
    found = eras(ties, told)
    assert [era.known_on for era in found] == sorted({one.known_on for one in told})
    for era in found:
        stands = {(one.l, one.r): one.answer for one in told if one.known_on <= era.known_on}
        refused = dict(era.refused)
        for (one, other), what in stands.items():
            together = era.person[one] == era.person[other]
            if what == DIFFERENT:
                assert not together
            if what == SAME:
                assert together != ((one, other) in refused)
                assert together == ((one, other) in era.same)
        never = {(one, other) for one, other, _ in ties.apart}
        for pair, two in era.against:
            held = {ties.facts[one].identifiers[0] for one in two}
            assert pair in refused and era.person[two[0]] != era.person[two[1]]
            assert (len(held) == 2 and None not in held) or two in never or stands.get(two) == DIFFERENT
        for first in set(era.person.values()):
            held = {ties.facts[one].identifiers[0] for one, who in era.person.items() if who == first}
            assert len(held - {None}) <= 1


# --- written down ---------------------------------------------------------------------------------------


def test_answers_are_added_and_never_rewritten(workspace: Workspace) -> None:  # noqa: F811
    first = give_answer(workspace, P1, C7, SAME, by=" Ada  Clerk", because="both\nat one school", **AT[3])
    second = give_answer(workspace, C7, P1, CANNOT_SAY, by="Bo Desk", **AT[4])
    assert all_answers(workspace) == [first, second]
    assert (first.number, first.by, first.because) == (1, "Ada Clerk", "both at one school")
    assert newest([first, second]) == {pair_id(P1, C7): second}
    assert settled(first, day(1000))
    rested = second.known_on + RESTS
    assert settled(second, rested) and not settled(second, date.fromordinal(rested.toordinal() + 1))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"by": "Ada"}, "two words or more"),
        ({"answer": "perhaps"}, "one of same, different, cannot say"),
        ({"by": "12 34"}, "two words or more"),
        ({"on": day(6)}, "yet to come"),
        ({"on": day(-1)}, "before 20.* first delivery"),
        ({"because": "x" * 501}, "500"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(workspace: Workspace, said: dict, problem: str) -> None:  # noqa: F811
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN)])
    give_answer(workspace, P1, C7, SAME, by="Ada Clerk", **AT[3])
    asked = {"answer": DIFFERENT, "by": "Bo Desk", **AT[5], **said}
    with pytest.raises(UserMistake, match=problem):
        give_answer(workspace, C7, P1, asked.pop("answer"), **asked)
    assert len(all_answers(workspace)) == 1


def test_a_link_run_follows_the_answers_and_lists_keep_their_run(workspace: Workspace) -> None:  # noqa: F811
    """P1 and C7 share nothing that says so; the answer of day 20 joins them, that of day 30 parts them."""
    assert day(0) == D0
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN), fact(*C7, known=0, surname="Neil")])
    assert link(workspace).persons == 2
    give_answer(workspace, P1, C7, SAME, by="Ada Clerk", **AT[20])
    joined = link(workspace)
    assert (joined.link_run, joined.persons, link(workspace).link_run) == (2, 1, 2)
    give_answer(workspace, P1, C7, DIFFERENT, by="Ada Clerk", **AT[30])
    parted = link(workspace)
    assert (parted.link_run, parted.persons) == (3, 2) and "not followed" not in link_text(parted)
    now = open_snapshot(workspace)
    assert resolve(now, person_id(*P1), day(21)).subjects == tuple(sorted([P1, C7]))
    assert resolve(now, person_id(*P1), day(20)).subjects == (P1,)
    assert resolve(now, person_id(*P1), day(31)).subjects == (P1,)
    then = open_snapshot(workspace, last_delivery=1, link_run=1)
    assert resolve(then, person_id(*P1), day(25)).subjects == (P1,)


def test_a_slip_is_put_right_by_answering_again_with_an_earlier_day(workspace: Workspace) -> None:  # noqa: F811
    """Meant for day 20 and said of day 30, when all was linked up to a delivery of day 25."""

    def mornings_together() -> list[int]:
        rows = open_snapshot(workspace).con.sql("FROM links").to_arrow_table().to_pylist()
        now = {n: persons(rows, n - 1) for n in range(1, 60)}
        return [n for n, person in now.items() if person[P1] == person[C7]]

    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN), fact(*C7, known=0, surname="Neil")])
    deliver(workspace, 2, 25)
    link(workspace)
    give_answer(workspace, P1, C7, SAME, by="Ada Clerk", **AT[30])
    link(workspace)
    give_answer(workspace, P1, C7, DIFFERENT, by="Ada Clerk", on=day(20), today=day(31))
    link(workspace)
    assert mornings_together() == []
    again = give_answer(workspace, P1, C7, SAME, by="Ada Clerk", on=day(20), today=day(31))
    assert [kept.state for kept in kept_answers(workspace)] == [NOT_FOLLOWED, REPLACED, REPLACED]
    assert link(workspace).persons == 1
    assert [kept.state for kept in kept_answers(workspace)] == [FOLLOWED, REPLACED, REPLACED]
    assert P1[1] not in json.dumps([asdict(kept) for kept in kept_answers(workspace)], default=str)
    assert taken_down(workspace, again).counts_from == day(27)
    # The morning of day 26 knew of the delivery, and was told before.
    assert mornings_together() == [*range(27, 60)]


def test_what_is_said_of_an_answer_is_when_it_counts(workspace: Workspace) -> None:  # noqa: F811
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN), fact(*C7, known=0, surname="Neil")])
    link(workspace)

    def said(what: str, n: int) -> str:
        given = give_answer(workspace, P1, C7, what, by="Ada Clerk", on=day(n), today=day(n))
        return taken_down(workspace, given).text()

    rests = day(5) + RESTS
    first = said(CANNOT_SAY, 5)
    assert first.endswith(f"The pair rests until {day_words(rests)}.")
    soon = said(SAME, 10)
    assert f"counts from the list of the morning of {day_words(day(11))} on" in soon
    assert "last delivery" not in soon
    undone = said(CANNOT_SAY, 80)
    assert "'same', binds no more from the list" in undone and day_words(day(81)) in undone
    assert f"The last delivery was received on {day_words(day(0))}" in undone


def test_pair_ids_do_not_run_source_and_key_together() -> None:
    assert pair_id(("a", "b|c"), ("d", "e")) != pair_id(("a|b", "c"), ("d", "e"))
