"""Links against a truth: fast counts against every pair written down, a table by hand, who is linkable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import UserMistake
from features.ingest import ingest
from features.link import link
from features.snapshot import open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace
from models.judge import wilson
from monitoring.link_figures import by_group, measured
from monitoring.link_held import LINKABLE, WHY_NOT, Held, first_morning, hold_together
from monitoring.link_quality import (
    bcubed,
    by_source_pair,
    drawn_again,
    ends,
    ends_without_ids,
    exact,
    missed_with,
    pair_sums,
    pairwise,
    subject_sums,
)
from monitoring.link_report import evaluate
from monitoring.link_truth import read_truth
from tests.test_quality import Outline

Command = Callable[..., tuple[int, str, str]]
World = list[tuple[int, int, int, int, int, bool]]

subjects = st.tuples(
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 2),
    st.integers(-1, 2),
    st.integers(-1, 2),
    st.booleans(),
)


def columns(world: World) -> tuple[np.ndarray, ...]:
    """person (numbered without gaps), cluster, source, ids, planted."""
    person, cluster, source, one, other, planted = map(np.array, zip(*world, strict=True))
    return np.unique(person, return_inverse=True)[1], cluster, source, np.stack([one, other], axis=1), planted


@given(st.lists(subjects, min_size=1, max_size=14))
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_every_pair_written_down(world: World) -> None:
    person, cluster, source, ids, planted = columns(world)
    pairs = list(combinations(range(len(world)), 2))
    true = {p for p in pairs if person[p[0]] == person[p[1]]}
    linked = {p for p in pairs if cluster[p[0]] == cluster[p[1]]}
    both = true & linked
    every = ends(person, cluster)
    assert every.pairs() == {"true": len(true), "linked": len(linked), "found": len(both)}

    share = {(i, j) for i, j in pairs if ((ids[i] == ids[j]) & (ids[i] >= 0)).any()}
    without = ends_without_ids(person, cluster, ids)
    assert without.pairs() == {
        "true": len(true - share),
        "linked": len(linked - share),
        "found": len(both - share),
    }
    for one in range(len(world)):
        assert without.linked[one] == sum(one in pair for pair in linked - share)

    crossed = by_source_pair(person, cluster, source)
    for name, chosen in (("true", true), ("linked", linked), ("found", both)):
        for a, b in combinations(range(len(crossed[name])), 2):
            assert crossed[name][a, b] == sum({source[i], source[j]} == {a, b} for i, j in chosen)
        for a in range(len(crossed[name])):
            assert crossed[name][a, a] == sum(source[i] == source[j] == a for i, j in chosen)

    assert missed_with(planted, person, cluster) == sum(planted[i] or planted[j] for i, j in true - linked)

    whole = [
        {j for j in range(len(world)) if person[j] == p}
        == {j for j in range(len(world)) if cluster[j] in set(cluster[person == p].tolist())}
        and len(set(cluster[person == p].tolist())) == 1
        for p in range(person.max() + 1)
    ]
    assert exact(pair_sums(person, every)).value == pytest.approx(np.mean(whole))


@given(st.lists(subjects, min_size=1, max_size=14))
@settings(max_examples=60, deadline=None)
def test_rates_are_those_of_the_definition(world: World) -> None:
    person, cluster, _, _, group = columns(world)
    n = range(len(world))
    people = [{j for j in n if person[j] == person[i]} for i in n]
    clusters = [{j for j in n if cluster[j] == cluster[i]} for i in n]
    every = ends(person, cluster)
    told = bcubed(subject_sums(person, every))
    p = np.mean([len(people[i] & clusters[i]) / len(clusters[i]) for i in n])
    r = np.mean([len(people[i] & clusters[i]) / len(people[i]) for i in n])
    assert told["precision"].value == pytest.approx(p) and told["recall"].value == pytest.approx(r)
    assert told["f1"].value == pytest.approx(2 * p * r / (p + r))

    # Of a group: wrong pairs count half at each of their ends.
    mine = np.array([group[person == one][0] for one in range(person.max() + 1)])
    rates = pairwise(pair_sums(person, every)[mine])
    at = [(i, j) for i in n for j in n if i != j and mine[person[i]]]
    found = sum(j in people[i] & clusters[i] for i, j in at)
    for name, sets in (("recall", people), ("precision", clusters)):
        below = sum(j in sets[i] for i, j in at)
        assert rates[name].value == (pytest.approx(found / below) if below else None)
        if below:
            low, high = rates[name].interval or (1, 0)
            assert 0 <= low <= high <= 1


def test_by_hand() -> None:
    """Ann is known four times, linked as 3 + 1, the three with one of Bob's two; Cai once, alone."""
    person = np.array([0, 0, 0, 0, 1, 1, 2])
    cluster = np.array([10, 10, 10, 11, 10, 12, 13])
    every = ends(person, cluster)
    assert every.pairs() == {"true": 7, "linked": 6, "found": 3}
    pairs = pairwise(pair_sums(person, every))
    values = {name: rate.value for name, rate in pairs.items()}
    assert values == pytest.approx({"precision": 3 / 6, "recall": 3 / 7, "f1": 6 / 13})
    cubed = bcubed(subject_sums(person, every))
    assert cubed["precision"].value == pytest.approx((3 * 3 / 4 + 1 + 1 / 4 + 1 + 1) / 7)
    assert cubed["recall"].value == pytest.approx((3 * 3 / 4 + 1 / 4 + 2 * 1 / 2 + 1) / 7)
    assert exact(pair_sums(person, every)).value == pytest.approx(1 / 3)
    assert by_source_pair(person, cluster, np.array([0, 1, 1, 0, 1, 0, 0]))["true"].tolist() == [
        [1, 5],
        [0, 1],
    ]


def test_intervals_come_from_drawing_people() -> None:
    random = np.random.default_rng(5)
    true = random.integers(0, 30, 400) * 2
    found = random.binomial(true, 0.9)
    people = np.stack([true, true, found], axis=1)
    rows = people[random.integers(0, 400, (3000, 400))].sum(axis=1)
    again = drawn_again(people, draws=3000)
    assert again.mean(axis=0) == pytest.approx(rows.mean(axis=0), rel=0.005)
    assert again.std(axis=0) == pytest.approx(rows.std(axis=0), rel=0.08)
    naive = np.quantile(rows[:, 2] / rows[:, 0], (0.025, 0.975))
    assert pairwise(people)["recall"].interval == pytest.approx(naive, abs=0.004)
    nobody_missed = pairwise(np.full((40, 3), 6))["recall"]
    assert (nobody_missed.value, nobody_missed.interval) == (1.0, wilson(40, 40))
    assert pairwise(np.zeros((9, 3), int))["recall"].interval is None


def test_groups_are_published_and_held_against_the_best() -> None:
    """100 people of two subjects each; of B's, one in four is missed; of C there are too few."""
    group = np.array(["A"] * 100 + ["B"] * 100 + ["C"] * 20 + ["D"] * 3 + ["unknown"] * 50)
    found = np.full(len(group), 2)
    found[100:200:4] = 0
    told = by_group(group, np.stack([np.full(len(group), 2), found, found], axis=1))
    rows = told["groups"]
    assert list(rows) == ["A", "B", "C", "D", "unknown"]
    assert rows["B"]["recall"] == 0.75 and rows["B"]["gap"] == 0.25 and told["best_recall"] == 1.0
    low, high = rows["B"]["recall_interval"]
    assert 0.65 < low < 0.75 < high < 0.85
    assert rows["C"]["note"] == "not estimable" and rows["C"]["gap"] is None
    assert (
        rows["D"]["people"] == "*" and rows["D"]["recall"] is None and rows["D"]["note"] == "too few to show"
    )


# --- from files to figures ------------------------------------------------------------------------

REGISTER = """
source: {name}
title: {title}
owner: Head of {name}
legal_gateway: Somebody's Act
agreement: {{reference: ISA-1, review_by: 2030-01-01}}
covers_from: 2023-01-01
typical_delay_days: 2
schedule: {{every: week, on: monday}}
signals:
  seen: {{one: visit, many: visits}}
extracts:
  people:
    files: "{name}_*.csv"
    delivery: full
    record_key: key
    columns:
      key: {{required: true}}
      day: {{type: date, format: "%Y-%m-%d", required: true}}
      forename: {{}}
      surname: {{}}
      initials: {{}}
      dob: {{type: date, format: "%Y-%m-%d"}}
      nhs: {{}}
      uprn: {{}}
      postcode: {{}}
      ethnicity: {{}}
    subjects:
      - key: key
        identity:
          {{forenames: forename, surname: surname, birth_date: dob, nhs_number: nhs, initials: initials}}
        address: {{uprn: uprn, postcode: postcode, start: day}}
        characteristics: {{ethnicity: ethnicity}}
    events:
      - {{signal: seen, occurred: day}}
"""
HEADING = ("key", "day", "forename", "surname", "initials", "dob", "nhs", "uprn", "postcode", "ethnicity")
DAY = date(2026, 3, 2)


def row(key: str, **said: str) -> str:
    return ",".join({"key": key, "day": "2026-02-02", **said}.get(column, "") for column in HEADING)


ANN = {"forename": "Ann", "surname": "Ash", "dob": "1980-02-03"}
CLINIC = {
    "a": row("a", **ANN, nhs="9990000018", ethnicity="Irish"),
    "b": row("b", forename="Bob", surname="Birch", postcode="AB1 2CD"),
    "c": row("c", forename="Cai", surname="Cedar"),
    "d": row("d", surname="Damson", dob="1990-01-01"),
    "e": row("e", nhs="9990000026"),
    "f": row("f"),
    "g": row("g", initials="G", surname="Gum", dob="1970-07-07"),
}
SCHOOL = {
    "x": row("x", **{**ANN, "forename": "Anne"}, nhs="999 000 0018"),
    "y": row("y", **ANN, postcode="AB1 2CD"),
    "z": row("z", forename="Bob", surname="Birch", postcode="AB1 2CD", dob="1999-09-09"),
}
TRUTH = {
    ("clinic", "a"): "Ann",
    ("school", "x"): "Ann",
    ("school", "y"): "Ann",
    ("clinic", "b"): "Bob",
    ("school", "z"): "Bob",
    ("clinic", "c"): "Cai",
    ("clinic", "e"): "Eve",
    ("clinic", "nobody"): "Nil",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("evaluate")
    init_workspace(folder / "w", sources=None)
    for name, rows in (("clinic", CLINIC), ("school", SCHOOL)):
        told = REGISTER.format(name=name, title=name.capitalize())
        (folder / "w" / "sources" / f"{name}.yaml").write_text(told)
        (folder / f"{name}_1.csv").write_text("\n".join([",".join(HEADING), *rows.values()]) + "\n")
    workspace = open_workspace(folder / "w")
    for name in ("clinic", "school"):
        ingest(workspace, folder / f"{name}_1.csv", received=DAY)
    link(workspace)
    return workspace


def as_rows(folder: Path, **more: Callable[[str, str], str]) -> Path:
    """The truth, a row a subject, with further columns made of source and key."""
    lines = [",".join(["source", "subject_key", "person", *more])]
    lines += [",".join([*who, person, *(f(*who) for f in more.values())]) for who, person in TRUTH.items()]
    (folder / "truth.csv").write_text("\n".join(lines) + "\n")
    return folder / "truth.csv"


def held_of(workspace: Workspace, truth: Path) -> Held:
    snapshot = open_snapshot(workspace)
    told = read_truth(snapshot.con, truth, sources=workspace.sources, characteristics={"ethnicity"})
    return hold_together(snapshot, first_morning(snapshot), told)


def test_who_could_be_linked_is_judged_from_the_records(small: Workspace, tmp_path: Path) -> None:
    held = held_of(small, as_rows(tmp_path))
    no_name, alone, nothing, _ = WHY_NOT
    by_key = dict(zip([*sorted(CLINIC), *sorted(SCHOOL)], held.state.tolist(), strict=True))
    assert by_key == {
        **dict.fromkeys("abegxyz", LINKABLE),
        "c": alone,
        "d": no_name,
        "f": nothing,
    }
    assert held.never_sent == 1 and (held.person < 0).sum() == 3
    assert held.ids[0, 0] == held.ids[-3, 0] > 0, "spaces in a number make no other number of it"


def test_the_figures_of_a_small_workspace(small: Workspace, tmp_path: Path) -> None:
    """Only a and x are linked, by their number: a and x are found, a-y and x-y and b-z are missed."""
    truth = as_rows(
        tmp_path,
        ethnicity=lambda source, key: "Irish" if key in "axy" else "",
        typo=lambda source, key: "yes" if key == "y" else "no",
        remark=lambda source, key: "a plain word",
    )
    figures = measured(held_of(small, truth))
    assert {k: figures["pairwise"][k] for k in ("true", "linked", "found")} == {
        "true": 4,
        "linked": 1,
        "found": 1,
    }
    assert figures["pairwise"]["recall"] == 0.25 and figures["pairwise"]["precision"] == 1.0
    assert figures["without_strong_ids"]["true"] == 3 and figures["without_strong_ids"]["recall"] == 0
    assert figures["without_strong_ids"]["precision"] is None
    assert figures["linkable"] == {"subjects": 10, "linkable": 7, "share": 0.7, "measured": 6, "people": 3}
    assert figures["exact"]["share"] == pytest.approx(1 / 3)
    third = pytest.approx(1 / 3)
    assert figures["planted"] == {
        "typo": {"subjects": 1, "recall": 0.0, "missed": 2, "share_of_missed": pytest.approx(2 / 3)},
        "nothing": {"subjects": 5, "recall": third, "missed": 1, "share_of_missed": third},
    }
    assert set(figures["by_group"]) == {"ethnicity", "ethnicity_true"}


def test_both_forms_of_a_truth_say_the_same(small: Workspace, tmp_path: Path) -> None:
    wide = ["person,clinic,school,remark"]
    wide += [f"Ann,a,{key},x" for key in "xy"] + ["Bob,b,z,", "Cai,c,,", "Eve,e,,", "Nil,nobody,,"]
    (tmp_path / "people.csv").write_text("\n".join(wide) + "\n")
    one = held_of(small, as_rows(tmp_path))
    con = duckdb.connect()
    pq.write_table(con.sql(f"FROM '{tmp_path}/truth.csv'").to_arrow_table(), tmp_path / "truth.parquet")
    (tmp_path / "folder").mkdir()
    (tmp_path / "truth.csv").rename(tmp_path / "folder" / "subjects.csv")
    (tmp_path / "folder" / "people.csv").write_text("person,ethnicity\nAnn,Irish\nBob,\n")
    for other in ("people.csv", "truth.parquet", "folder"):
        same = held_of(small, tmp_path / other)
        assert same.person.tolist() == one.person.tolist() and same.never_sent == 1
        groups = same.groups.pop("ethnicity_true", None)
        assert measured(same) == measured(one)
    assert groups is not None and set(groups[same.person == same.person[0]]) == {"Irish"}
    assert (groups == "Irish").sum() == 3


def test_a_truth_that_will_not_do_is_refused_in_words(small: Workspace, tmp_path: Path) -> None:
    def refused(name: str, text: str | None) -> str:
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(UserMistake) as mistake:
            evaluate(small, tmp_path / name, out=tmp_path / "out")
        return str(mistake.value)

    assert "is no file" in refused("absent.csv", None)
    assert "source, subject_key and person" in refused("other.csv", "who,what\nAnn,Ash\n")
    assert "cannot be read as Parquet" in refused("broken.parquet", "no parquet")
    twice = refused("twice.csv", "source,subject_key,person\nclinic,a,Ann\nclinic,a,Bob\n")
    assert "two people" in twice and "Ann" not in twice
    assert "linkable" in refused("strangers.csv", "source,subject_key,person\nclinic,q,Quinn\n")
    init_workspace(tmp_path / "w", sources=None)
    (tmp_path / "w" / "sources" / "clinic.yaml").write_text(REGISTER.format(name="clinic", title="Clinic"))
    (tmp_path / "clinic_1.csv").write_text("\n".join([",".join(HEADING), CLINIC["a"]]) + "\n")
    ingest(open_workspace(tmp_path / "w"), tmp_path / "clinic_1.csv", received=DAY)
    with pytest.raises(UserMistake, match="Nothing has been linked"):
        evaluate(open_workspace(tmp_path / "w"), as_rows(tmp_path))


def test_the_county_is_judged_by_its_truth(county: Any, earlyhelp_command: Command, tmp_path: Path) -> None:
    truth = Path(county.extracts) / "truth" / "people.csv"
    asked = ("--workspace", county.root, "link", "evaluate", "--truth", truth, "--out", tmp_path)
    code, text, _ = earlyhelp_command(*asked)
    assert code == 0 and "B-cubed" in text and "evaluation.html" in text
    print("\n" + text)
    code, answer, _ = earlyhelp_command(*asked, "--json")
    figures = json.loads(answer)
    assert code == 0 and figures == json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))

    held = held_of(county.workspace, truth)
    use = (held.state == LINKABLE) & (held.person >= 0)
    con = duckdb.connect()
    con.register("t", {name: getattr(held, name)[use] for name in ("person", "cluster", "source")})
    true, linked, both = con.execute(
        """
        SELECT count(*) FILTER (l.person = r.person), count(*) FILTER (l.cluster = r.cluster),
               count(*) FILTER (l.person = r.person AND l.cluster = r.cluster)
        FROM (SELECT *, row_number() OVER () AS n FROM t) l
        JOIN (SELECT *, row_number() OVER () AS n FROM t) r
            ON l.n < r.n AND (l.person = r.person OR l.cluster = r.cluster)
        """
    ).fetchall()[0]
    pairs = figures["pairwise"]
    assert [pairs[name] for name in ("true", "linked", "found")] == [true, linked, both]
    assert (pairs["recall"], pairs["precision"]) == (both / true, both / linked)
    assert both / linked > 0.9
    assert figures["linkable"]["share"] > 0.9

    groups = [one["groups"] for one in figures["by_group"].values()]
    tables = (*groups, figures["by_source_pair"], figures["coverage"])
    counts = [n for table in tables for line in table.values() for n in line.values() if isinstance(n, int)]
    assert not [n for n in counts if 0 < n < 8]
    page = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and len(set(outline.ids)) == len(outline.ids)
    assert all(b - a <= 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False))
    assert "<script" not in page and "http" not in page and not re.search(r"\bP[0-9a-f]{11}\b", page)
