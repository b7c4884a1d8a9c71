"""Answers that are not followed: the review shows what contradicts them, and what puts them right."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from features.answers import SAME, Subject, give_answer, pair_id
from features.link import link
from features.link_model import choose_model, chosen_model, keep_model
from features.snapshot import open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace
from monitoring.link_review import other_model, review, subjects_of
from tests.test_answers import plain_model
from tests.test_compare import town
from tests.test_link import SOURCE, day, deliver, fact

ADA = {"by": "Ada Clerk", "on": day(2), "today": day(2)}
ANN, ANNE, BOB, ROB = ("police", "ann"), ("care", "anne"), ("police", "bob"), ("care", "rob")
FIRST = {"forenames": "Isolde", "surname": "Quennell", "birth_date": date(1991, 4, 17), "home": "77"}
SECOND = {"forenames": "Bartholomew", "surname": "Vosper", "birth_date": date(1991, 4, 17), "home": "78"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Ann and Anne are one person, Bob and Rob another; Ann and Bob have NHS numbers, which differ."""
    root = tmp_path_factory.mktemp("refused") / "w"
    init_workspace(root, sources=None)
    for name in ("police", "care"):
        (root / "sources" / f"{name}.yaml").write_text(SOURCE.format(name=name), encoding="utf-8")
    workspace = open_workspace(root)
    identities, addresses = [], []
    for who, said in ((ANN, FIRST), (ANNE, FIRST), (BOB, SECOND), (ROB, SECOND)):
        number = {ANN: "9434765870", BOB: "9111111111"}.get(who)
        told = {key: value for key, value in said.items() if key != "home"}
        identities.append(fact(*who, known=0, nhs_number=number, **told))
        home = {"uprn": said["home"], "postcode": f"ZZ{said['home']} 1ZZ", "start_on": day(-900)}
        addresses.append(fact(*who, known=0, **home))
    for n, row in enumerate(town(30, seed=4)):  # without others every name is common
        told = {name: row[name] for name in ("forenames", "surname")}
        identities.append(
            fact("police", f"t{n}", known=0, **told, birth_date=date.fromisoformat(row["born"]))
        )
    deliver(workspace, 1, 0, identities=identities, addresses=addresses)
    choose_model(workspace, keep_model(workspace, plain_model()))
    link(workspace)
    return workspace


@pytest.fixture
def linked(made: Workspace, tmp_path: Path) -> Workspace:
    """One like it that may be changed."""
    shutil.copytree(made.root, tmp_path / "w")
    return open_workspace(tmp_path / "w")


def people(workspace: Workspace) -> set[frozenset[Subject]]:
    con = open_snapshot(workspace).con
    rows = con.execute(
        "SELECT list((source, subject_key)) FROM links WHERE known_until IS NULL "
        "GROUP BY person_id HAVING NOT bool_or(starts_with(subject_key, 't'))"
    ).fetchall()
    return {frozenset(subjects) for (subjects,) in rows}


def test_the_contradicting_records_are_shown_and_answering_them_puts_it_right(linked: Workspace) -> None:
    assert people(linked) == {frozenset({ANN, ANNE}), frozenset({BOB, ROB})}
    asked = give_answer(linked, ANNE, ROB, SAME, **ADA)
    assert [one.pair for one in link(linked).refused] == [asked.pair]
    assert people(linked) == {frozenset({ANN, ANNE}), frozenset({BOB, ROB})}
    found = review(linked)
    [refused] = found.document["refused"]
    assert (refused["pair"], refused["why"]) == (asked.pair, "two numbers of the kind that names one person")
    shown = {(side["source"], side["subject_key"]): side["told"]["NHS number"] for side in refused["records"]}
    assert shown == {ANN: "9434765870", BOB: "9111111111"}
    ways = {way["pair"] for way in refused["ways"] if way["pair"]}
    assert ways == {pair_id(ANN, ANNE), pair_id(BOB, ROB)}
    assert "cannot be followed" in found.text() and all(pair in found.text() for pair in ways)
    assert "9434765870" not in found.text() and "anne" not in found.text()
    page = (found.folder / "review.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and f"not followed: pair {asked.pair}" in page
    assert all(what in page for what in ("9434765870", "9111111111", pair_id(BOB, ROB)))
    give_answer(linked, *subjects_of(linked, pair_id(BOB, ROB)), "different", **ADA)
    assert link(linked).refused == ()
    assert people(linked) == {frozenset({ANN, ANNE, ROB}), frozenset({BOB})}


def test_a_review_by_another_model_than_the_links_says_so(linked: Workspace) -> None:
    standing = chosen_model(linked)[0]
    rarer = {**plain_model(), "settings": {**plain_model()["settings"]}}
    rarer["settings"]["probability_two_random_records_match"] = 0.021
    choose_model(linked, keep_model(linked, rarer))
    other = review(linked)
    said = f"The links that stand were made by link model {standing}"
    assert other.text().startswith(said) and other.document["model"] in other.text().splitlines()[0]
    assert said in (other.folder / "review.html").read_text(encoding="utf-8")
    assert not other_model({**other.document, "model": standing})
    assert "exact keys alone" in other_model({**other.document, "linked_by": None})
