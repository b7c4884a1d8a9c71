"""A truth read, held beside the subjects of a workspace, and the evaluation written of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from features.errors import UserMistake
from features.ingest import ingest
from features.link import link
from features.read_declaration import read_sources
from features.snapshot import Snapshot, open_snapshot
from features.workspace import TEMPLATES, Workspace, init_workspace, open_workspace
from models.disclosure import STAR
from monitoring.link_figures import measured
from monitoring.link_held import LINKABLE, WHY_NOT, Held, code_words, first_morning, hold_together
from monitoring.link_report import evaluate
from monitoring.link_truth import read_truth
from tests.outline import Outline

Command = Callable[..., tuple[int, str, str]]

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


@pytest.fixture(scope="module")
def at_hand(small: Workspace) -> Snapshot:
    """Opened once; a truth read anew replaces the one before."""
    return open_snapshot(small)


def held_of(snapshot: Snapshot, truth: Path) -> Held:
    sources = snapshot.workspace.sources
    told = read_truth(snapshot.con, truth, sources=sources, characteristics={"ethnicity"})
    return hold_together(snapshot, first_morning(snapshot), told)


def test_who_could_be_linked_is_judged_from_the_records(at_hand: Snapshot, tmp_path: Path) -> None:
    held = held_of(at_hand, as_rows(tmp_path))
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


def test_the_figures_of_a_small_workspace(at_hand: Snapshot, tmp_path: Path) -> None:
    """Only a and x are linked, by their number: a and x are found, a-y and x-y and b-z are missed."""
    truth = as_rows(
        tmp_path,
        ethnicity=lambda source, key: "Irish" if key in "axy" else "",
        typo=lambda source, key: "yes" if key == "y" else "no",
        remark=lambda source, key: "a plain word",
    )
    figures = measured(held_of(at_hand, truth))
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
    few = {"subjects": STAR, "recall": None, "missed": STAR, "share_of_missed": None}
    assert figures["planted"] == {"typo": few, "nothing": few}
    assert set(figures["by_group"]) == {"ethnicity", "ethnicity_true"}


def test_a_truth_that_has_codes_is_told_of_in_words() -> None:
    sources = read_sources(TEMPLATES)
    words = code_words(sources.values(), "ethnicity")
    assert words["WBRI"] == "White British" and words["REFU"] == "unknown"
    care = sources["social_care"]
    extracts = {
        name: extract.model_copy(
            update={
                "columns": {
                    column: one.model_copy(update={"codes": {**(one.codes or {}), "WBRI": "another word"}})
                    for column, one in extract.columns.items()
                }
            }
        )
        for name, extract in care.extracts.items()
    }
    at_odds = [sources["schools"], care.model_copy(update={"extracts": extracts})]
    assert "WBRI" not in (told := code_words(at_odds, "ethnicity")) and told["WIRI"] == "White Irish"


def test_the_command_says_the_main_figures(
    small: Workspace, earlyhelp_command: Command, tmp_path: Path
) -> None:
    asked = ("--workspace", small.root, "link", "evaluate", "--truth", as_rows(tmp_path))
    code, text, _ = earlyhelp_command(*asked)
    assert code == 0 and "10 subjects, 7 of them (70.00%) linkable; judged on the 6" in text
    assert "1 key of the truth that no agency has sent" in text and "pairs: precision 100.00%" in text
    assert (small.report_folder("2026-03-03") / "linkage" / "evaluation.html").is_file()
    code, _, error = earlyhelp_command(*asked[:-1], tmp_path / "none.csv")
    assert code == 2 and "is no file" in " ".join(error.split())


def test_both_forms_of_a_truth_say_the_same(at_hand: Snapshot, tmp_path: Path) -> None:
    wide = ["person,clinic,school,remark"]
    wide += [f"Ann,a,{key},x" for key in "xy"] + ["Bob,b,z,", "Cai,c,,", "Eve,e,,", "Nil,nobody,,"]
    (tmp_path / "people.csv").write_text("\n".join(wide) + "\n")
    one = held_of(at_hand, as_rows(tmp_path))
    con = duckdb.connect()
    pq.write_table(con.sql(f"FROM '{tmp_path}/truth.csv'").to_arrow_table(), tmp_path / "truth.parquet")
    (tmp_path / "folder").mkdir()
    (tmp_path / "truth.csv").rename(tmp_path / "folder" / "subjects.csv")
    (tmp_path / "folder" / "people.csv").write_text("person,ethnicity\nAnn,Irish\nBob,\n")
    for other in ("people.csv", "truth.parquet", "folder"):
        same = held_of(at_hand, tmp_path / other)
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
    truth = Path(county.extracts) / "truth"
    asked = ("--workspace", county.root, "link", "evaluate", "--truth", truth, "--out", tmp_path, "--json")
    code, answer, _ = earlyhelp_command(*asked)
    figures = json.loads(answer)
    assert code == 0 and figures == json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))

    held = held_of(open_snapshot(county.workspace), truth)
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
    assert (
        figures["linkable"]["share"] > 0.9
        and figures["linkable"]["measured"] == figures["linkable"]["linkable"]
    )
    assert {"typo", "nickname", "stale_postcode"} <= set(figures["planted"])
    assert all(
        0 < one["recall"] <= 1
        for one in figures["planted"].values()
        if one["subjects"] != STAR and one["subjects"] > 100
    )
    assert {"ethnicity", "ethnicity_true"} <= set(figures["by_group"])
    said = ", ".join(f"{name} {pairs[name]:.4f}" for name in ("precision", "recall", "f1"))
    print(f"\nlinks of the county by its truth: {said}")

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
