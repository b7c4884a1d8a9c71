"""The model of how alike two subjects are: held to a naive reading of its own figures, and to bad input."""

import math
import random
from functools import cache
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pyarrow as pa
import pytest

import features.compare as compare
from features.blocking import make_comparable
from features.compare import LEAST, make_pairs, train
from features.errors import UserMistake
from features.identity_records import STATED, make_identity_records
from features.likeness import COMPARISONS
from features.link_model import Model, choose_model, chosen_model, chosen_name, keep_model, kept_models
from features.probable_people import probable_people
from features.workspace import Workspace
from tests.febrl import open_febrl

GIVEN = ("Ann", "Thomas", "Siobhan", "Mohammed", "Priya", "William", "Kwame", "Ewa", "George", "Lucy", "Zoe")
SURNAMES = ("Smith", "Jones", "Hart", "O'Neill", "Khan", "Patel", "Nowak", "Mensah", "Featherstone", "Quill")


def stated(rows: list[dict]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 2})
    con.execute(f"CREATE TEMP TABLE stated ({STATED})")
    columns = ("source", "subject_key", "forenames", "surname", "born", "uprn", "postcode", "nhs_number")
    schema = pa.schema([(name, pa.string()) for name in columns])
    con.register("given_rows", pa.Table.from_pylist(rows, schema))
    lists = "[surname] AS surnames, [uprn] AS uprns, [postcode] AS postcodes"
    con.execute(f"INSERT INTO stated BY NAME SELECT *, {lists} FROM given_rows")
    con.unregister("given_rows")
    make_identity_records(con)
    return con


def town(people: int, seed: int) -> list[dict]:
    """People whom two sources know, the second with a slip now and then."""
    draw, rows = random.Random(seed), []
    for n in range(people):
        row = {
            "forenames": draw.choice(GIVEN),
            "surname": draw.choice(SURNAMES),
            "born": f"{draw.randint(1940, 2015)}-{draw.randint(2, 12):02}-{draw.randint(1, 28):02}",
            "uprn": str(10_000 + n // 3),
            "postcode": f"AB{n // 30} {n % 9}CD",
            "nhs_number": str(9_000_000_000 + n * 37),
        }
        other = dict(row)
        if draw.random() < 0.3:
            other["nhs_number"] = None
        if draw.random() < 0.1:
            other["forenames"] = other["forenames"][:-1]
        if draw.random() < 0.1:
            other["uprn"] = other["postcode"] = None
        rows += [
            {**row, "source": "a", "subject_key": f"{n}"},
            {**other, "source": "b", "subject_key": f"{n}"},
        ]
    return rows


def naive_weight(con: duckdb.DuckDBPyConnection, settings: dict) -> list[tuple[int, int, float]]:
    """Every pair that shares a key with its weight in bits, level by level from the model's own figures."""
    share = settings["probability_two_random_records_match"]
    two = "comparable l, comparable r WHERE l.subject < r.subject AND list_has_any(l.keys, r.keys)"
    found = {
        pair: math.log2(share / (1 - share))
        for pair in con.execute(f"SELECT l.subject, r.subject FROM {two}").fetchall()
    }
    names = [column[0] for column in con.execute("DESCRIBE comparable").fetchall()]
    sides = ", ".join(f"{side}.{name} AS {name}_{side}" for side in "lr" for name in names)
    for comparison in settings["comparisons"]:
        levels = comparison["comparison_levels"]
        cases = " ".join(f"WHEN {level['sql_condition']} THEN {n}" for n, level in enumerate(levels[:-1]))
        rows = con.execute(
            f"SELECT subject_l, subject_r, CASE {cases} ELSE {len(levels) - 1} END FROM "
            f"(SELECT {sides} FROM {two})"
        ).fetchall()
        grade = {(one, other): levels[n] for one, other, n in rows}
        common = {level.get("tf_adjustment_column") for level in levels} - {None}
        shares = {
            name: dict(con.execute(f"SELECT {name}, count(*) / sum(count(*)) OVER () FROM comparable "
                                   f"WHERE {name} IS NOT NULL GROUP BY {name}").fetchall())
            for name in common
        }  # fmt: skip
        held = {
            name: dict(con.execute(f"SELECT subject, {name} FROM comparable").fetchall()) for name in common
        }
        for pair in found:
            level = grade[pair]
            if level.get("is_null_level"):
                continue
            found[pair] += math.log2(level["m_probability"] / level["u_probability"])
            name = level.get("tf_adjustment_column")
            if name:
                found[pair] += math.log2(level["u_probability"] / shares[name][held[name][pair[0]]])
    return sorted((*pair, weight) for pair, weight in found.items())


@cache
def trained() -> Model:
    """A model of the town of 150, trained once a process; nothing changes it."""
    con = stated(town(150, seed=3))
    make_comparable(con)
    return train(con, chance_pairs=50_000)


@pytest.fixture(scope="module")
def model() -> Model:
    return trained()


def test_a_pairs_weight_is_what_its_grades_say(model: Model) -> None:
    con = stated(town(150, seed=3))
    make_comparable(con)
    make_pairs(con, model, at_least=0.2)
    said = con.execute("SELECT l, r, weight, probability FROM pairs ORDER BY l, r").fetchall()
    expected = [row for row in naive_weight(con, model["settings"]) if row[2] >= math.log2(0.2 / 0.8)]
    assert [row[:2] for row in said] == [row[:2] for row in expected]
    assert [row[2] for row in said] == pytest.approx([row[2] for row in expected], abs=1e-6)
    assert [row[3] for row in said] == pytest.approx([2**w / (1 + 2**w) for *_, w in expected], abs=1e-9)
    assert len(said) >= 150
    assert not con.execute("FROM duckdb_tables() WHERE starts_with(table_name, '__splink__')").fetchall()


def test_how_rare_it_is_to_be_one_person_is_found_and_chance_is_told_without_them(model: Model) -> None:
    """Of 300 records each has one other of its person, so a birth date drawn twice is mostly that."""
    one_person = 1 / 299
    assert model["settings"]["probability_two_random_records_match"] == pytest.approx(one_person, rel=0.1)
    graded = {one["output_column_name"]: one["comparison_levels"] for one in model["settings"]["comparisons"]}
    same_birth = next(level for level in graded["born"] if level["label_for_charts"] == "the same")
    assert same_birth["u_probability"] < one_person / 10
    assert all(level.get("m_probability", 1) >= LEAST for levels in graded.values() for level in levels)


def turn_by_turn(con: duckdb.DuckDBPyConnection, settings: dict, *, subjects: int) -> None:
    """As `_tell_chance_from_likeness`, naively: each turn compares all pairs anew by what it has found."""
    drawn = []
    for one in settings["comparisons"]:
        learned = [level for level in one["comparison_levels"] if not level.get("is_null_level")]
        for level, grade in zip(learned, COMPARISONS[one["output_column_name"]][1], strict=True):
            if level.get("u_probability") not in (None, grade[3]) and "m_probability" in level:
                drawn.append((level, level["u_probability"]))
        for level in learned:
            if "m_probability" in level:
                level["m_probability"] = max(level["m_probability"], LEAST)
    for _ in range(compare.ROUNDS):
        share = settings[compare.SHARE]
        for level, seen in drawn:
            chance = (seen - share * level["m_probability"]) / (1 - share)
            level["u_probability"] = max(chance, seen / compare.MOSTLY_ONE)
        with compare._linker(con, settings, threads=1) as linker:
            pairs = linker.inference.predict(threshold_match_probability=0.01).physical_name
            one = con.execute(f"SELECT coalesce(sum(match_probability), 0) FROM {pairs}").fetchall()[0][0]
        if one:
            settings[compare.SHARE] = one / (subjects * (subjects - 1) / 2)


@pytest.mark.nightly
@pytest.mark.parametrize("guessed", [True, False])
def test_pairs_compared_once_tell_what_pairs_compared_each_turn_tell(
    monkeypatch: pytest.MonkeyPatch, guessed: bool
) -> None:
    """Without a guess Splink begins with too few by far, and what is found asks for another comparison."""
    likely = Mock(side_effect=compare._likely)
    monkeypatch.setattr(compare, "_likely", likely)
    if not guessed:
        monkeypatch.setattr(compare, "_guess_share", lambda linker: None)
    con = stated(town(150, seed=3))
    make_comparable(con)
    once = train(con, chance_pairs=50_000)
    monkeypatch.setattr(compare, "_tell_chance_from_likeness", turn_by_turn)
    slow = train(con, chance_pairs=50_000)
    for name in ("m_probability", "u_probability"):
        fast, naive = (
            [
                level.get(name, 0)
                for one in model["settings"]["comparisons"]
                for level in one["comparison_levels"]
            ]
            for model in (once, slow)
        )
        assert fast == pytest.approx(naive, rel=1e-9, abs=0)
    assert once["settings"][compare.SHARE] == pytest.approx(slow["settings"][compare.SHARE], rel=1e-9)
    assert likely.call_count == (1 if guessed else 2)


def test_a_model_is_read_back_as_it_was_and_only_by_its_own_version(model: Model, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert chosen_model(workspace) is None
    con = stated(town(150, seed=3))
    make_comparable(con)
    name = keep_model(workspace, model)
    assert keep_model(workspace, train(con, chance_pairs=50_000)) == name  # the same records, the same model
    choose_model(workspace, name)
    assert chosen_model(workspace) == (name, model)
    old = keep_model(workspace, {**model, "version": 0})
    assert kept_models(workspace) == sorted([name, old])
    with pytest.raises(UserMistake, match="another version"):
        choose_model(workspace, old)
    with pytest.raises(UserMistake, match="no link model"):
        choose_model(workspace, "never trained")
    assert chosen_model(workspace) == (name, model)
    assert chosen_name(workspace) == name
    (tmp_path / "link_models" / f"{name}.json").write_text("{}")
    with pytest.raises(UserMistake, match="no link model"):
        chosen_model(workspace)
    assert chosen_name(workspace) == name  # so that another can be trained beside it


def test_crowds_are_told_and_never_make_one_person(model: Model) -> None:
    rows = town(200, seed=5)
    rows += [
        {"source": "bad", "subject_key": f"{n}", "forenames": "Unknown", "surname": "Unknown",
         "born": "1900-01-01", "uprn": "1", "postcode": "ZZ1 1ZZ"}
        for n in range(80)
    ]  # fmt: skip
    rows += [{"source": "empty", "subject_key": f"{n}", "forenames": "\x00😀"} for n in range(40)]
    con = stated(rows)
    crowded = make_comparable(con, most=50)
    told = {(c.source, c.kind): (c.subjects, c.unreached) for c in crowded}
    assert told[("bad", "name")] == told[("bad", "dwelling")] == (80, 80)
    assert {c.source for c in crowded} == {"bad"}
    people = probable_people(con, model, most=50).clusters
    held = con.execute("SELECT source, subject_key FROM identity_records ORDER BY subject").fetchall()
    sizes = [people.cluster.count(first) for first in set(people.cluster)]
    assert max(sizes) == 2
    alone = [n for n, (source, _) in enumerate(held) if source in ("bad", "empty")]
    assert all(people.cluster[n] == n for n in alone)
    joined = [(held[first], held[n]) for n, first in enumerate(people.cluster) if first != n]
    assert len(joined) >= 190
    assert all(one[1] == other[1] for one, other in joined)


def test_too_little_to_learn_from_is_no_failure() -> None:
    for rows in ([], town(2, seed=1)):
        con = stated(rows)
        make_comparable(con)
        model = train(con)
        assert model["learned"] == []
        clusters = probable_people(con, model).clusters.cluster
        assert len(set(clusters)) == (len(rows) + 1) // 2


def test_keys_that_a_crowd_shares_are_the_only_ones_left_out() -> None:
    con = open_febrl(1, national_id=False)
    make_comparable(con, most=5)
    holders = con.execute(
        "SELECT count(*) FROM (SELECT unnest(keys) AS k FROM comparable) GROUP BY k"
    ).fetchall()
    assert 1 < min(holders)[0] <= max(holders)[0] <= 5
