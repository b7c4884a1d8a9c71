"""The pairs that are put before somebody: which ones, what is shown of them, what an answer does to them."""

import json
import math
import shutil
from collections.abc import Callable
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.answers import CANNOT_SAY, DIFFERENT, SAME, give_answer
from features.errors import UserMistake
from features.link import link, person_id
from features.link_model import choose_model, keep_model
from features.snapshot import open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace
from monitoring.link_review import LinkReview, bits, review, subjects_of
from monitoring.link_sides import SECRET, WITHHELD
from monitoring.waterfall import TOUCHES, Step, waterfall
from tests.outline import Outline
from tests.test_answers import plain_model
from tests.test_compare import town
from tests.test_link import SOURCE, append, day, deliver, fact

EVIL = '<img src=x onerror="alert(1)">&amp;'
HOME = {"uprn": "77", "postcode": "ZZ1 1ZZ"}
MOVED = {"uprn": "78", "postcode": "ZZ9 9ZZ"}
BORN = date(1991, 4, 17)

Said = dict[str, object]


def of(forenames: str, surname: str, **more: object) -> Said:
    return {"forenames": forenames, "surname": surname, **more}


PAIRS: dict[str, tuple[Said, Said, str | None, int]] = {
    # key: what each of police and care says; the mark that police have put; how many events each has
    "unsure": (of("Peregrine", "Ashdown"), of("Peregrine", "Ashdown", birth_date=BORN), None, 6),
    "twins": (
        of("Isolde", "Birkett", birth_date=BORN, phone="01632 960444", **HOME),
        of("Bartholomew", "Birkett", birth_date=BORN, phone="01632 960444", **HOME),
        None,
        3,
    ),
    "hidden": (
        of("Leontine", "Corrigan", phone="01632 960111", email="l@example.org", **MOVED),
        of("Leontine", "Corrigan", phone="01632 960222", postcode="ZZ8 8ZZ", uprn="80"),
        "refuge",
        2,
    ),
    "adopted": (of("Zebedee", "Dunstable"), of("Zebedee", "Dunstable", birth_date=BORN), "adoption", 2),
    f"evil {EVIL}": (
        of(EVIL, f"Evermore {EVIL}", phone=f"01632 960333 {EVIL}", email=f"{EVIL}@example.org"),
        of(EVIL, f"Evermore {EVIL}", birth_date=BORN),
        None,
        2,
    ),
    "without events": (of("Ottoline", "Farquhar"), of("Ottoline", "Farquhar", birth_date=BORN), None, 0),
}


def facts(source: str, key: str, said: Said) -> tuple[list[dict], list[dict]]:
    home = {name: said[name] for name in ("uprn", "postcode") if name in said}
    who = {name: value for name, value in said.items() if name not in home}
    lives = [fact(source, key, known=0, start_on=day(-900), **home)] if home else []
    return [fact(source, key, known=0, **who)], lives


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("review") / "w"
    init_workspace(root, sources=None)
    for name in ("police", "care"):
        (root / "sources" / f"{name}.yaml").write_text(SOURCE.format(name=name), encoding="utf-8")
    workspace = open_workspace(root)
    tables: dict[str, list[dict]] = {"identities": [], "addresses": [], "marks": [], "events": []}
    for key, (police, care, mark, events) in PAIRS.items():
        for source, said in (("police", police), ("care", care)):
            names, homes = facts(source, key, said)
            tables["identities"] += names
            tables["addresses"] += homes
            tables["events"] += [
                fact(source, key, known=0, record_key=f"e/{key}/{n}", event_id=f"{source}{key}{n}",
                     signal="police.seen", occurred_at=datetime(2025, 6, 1 + n), has_time=False)
                for n in range(events)
            ]  # fmt: skip
        if mark:
            tables["marks"].append(fact("police", key, known=0, mark=mark))
    for n, row in enumerate(town(30, seed=4)):
        said = {name: row[name] for name in ("forenames", "surname", "uprn", "postcode") if row[name]}
        names, homes = facts("police" if n % 2 else "care", f"t{n}", said)
        names[0]["birth_date"] = date.fromisoformat(row["born"])
        tables["identities"] += names
        tables["addresses"] += homes
    deliver(workspace, 1, 0, **tables)
    choose_model(workspace, keep_model(workspace, plain_model()))
    link(workspace)
    return workspace


@pytest.fixture(scope="module")
def reviewed(made: Workspace) -> LinkReview:
    return review(made)


@pytest.fixture
def own(made: Workspace, reviewed: LinkReview, tmp_path: Path) -> Workspace:
    """A workspace like it that may be changed."""
    shutil.copytree(made.root, tmp_path / "w")
    return open_workspace(tmp_path / "w")


def by_key(found: LinkReview) -> dict[str, dict]:
    """The pairs in their order, by the key that both records have."""
    return {pair["records"][0]["subject_key"]: pair for pair in found.document["pairs"]}


def test_the_pairs_worth_a_minute_are_those_whose_answer_would_change_most(reviewed: LinkReview) -> None:
    found = by_key(reviewed)
    assert list(found)[:2] == ["hidden", "twins"] and set(found) == set(PAIRS) - {"without events"}
    assert found["twins"]["why"] == "kept apart: twins" and not found["twins"]["together"]
    assert found["unsure"]["together"] and found["unsure"]["why"] == "they are one person by this pair alone"
    assert [pair["effect"] for pair in found.values()] == sorted(
        (pair["unsure"] * pair["near"] * math.log2(1 + pair["moves"]) for pair in found.values()),
        reverse=True,
    )
    assert {key: pair["moves"] for key, pair in found.items()} == {key: PAIRS[key][3] for key in found}
    assert f"{len(found)} of {len(found)} pairs worth a minute" in reviewed.text()
    assert "Peregrine" not in reviewed.text()


def test_bars_begin_at_rarity_and_end_at_the_weight(reviewed: LinkReview) -> None:
    for pair in reviewed.document["pairs"]:
        ends = reviewed.document["begins"] + sum(step["weight"] for step in pair["steps"])
        assert ends == pytest.approx(pair["weight"], abs=1e-9)
        assert pair["probability"] == pytest.approx(2**ends / (1 + 2**ends), abs=1e-9)
    steps = {step["title"]: step for step in by_key(reviewed)["twins"]["steps"]}
    assert (steps["Forename"]["said"], steps["Birth date"]["said"]) == ("unlike", "the same")
    assert steps["Forename"]["weight"] < 0 < steps["Birth date"]["weight"]


@given(st.floats(-40, 0), st.lists(st.floats(-30, 30), max_size=12))
def test_each_bar_goes_on_where_the_last_one_ended(begins: float, weights: list[float]) -> None:
    steps = [Step("a", "b", weight) for weight in weights]
    drawn = waterfall(begins, steps, begin_said="", end_said="")
    first, *middle, last = drawn.bars
    assert (first.weight, last.weight) == (begins, pytest.approx(begins + sum(weights)))
    at = first.reaches
    for bar, weight in zip(middle, weights, strict=True):
        assert bar.kind == ("for" if weight > 0 else "against")
        assert bar.width >= TOUCHES and drawn.labels <= bar.x <= drawn.width
        assert min(at, bar.reaches) == pytest.approx(bar.x, abs=0.11)
        assert abs(bar.reaches - at) == pytest.approx(bar.width, abs=TOUCHES)
        assert (bar.reaches - at) * weight >= 0
        at = bar.reaches
    assert last.reaches == pytest.approx(at, abs=0.11)
    assert min(last.reaches, drawn.even) == pytest.approx(last.x, abs=0.11)
    assert [bar.y for bar in drawn.bars] == [n * drawn.row for n in range(len(drawn.bars))]


class Seen(HTMLParser):
    """The texts of a page and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_value_is_shown_and_escaped(reviewed: LinkReview) -> None:
    html = (reviewed.folder / "review.html").read_text(encoding="utf-8")
    outline, seen = Outline(), Seen()
    outline.feed(html)
    seen.feed(html)
    assert not outline.open and len(set(outline.ids)) == len(outline.ids)
    assert outline.headings[0] == 1 and set(outline.headings[1:]) == {2}
    assert EVIL not in html and "img" not in seen.tags and "script" not in seen.tags
    texts = set(seen.texts)
    for pair in reviewed.document["pairs"]:
        for side in pair["records"]:
            assert set(side["told"].values()) <= texts
            assert f"key {side['subject_key']}" in texts
        assert {bits(step["weight"]) for step in pair["steps"]} <= texts
        told = next(text for text in texts if text.startswith("Begins, ") and _ends(pair) in text)
        assert all(
            f"{step['title']}, {step['said']}: {bits(step['weight'])}" in told for step in pair["steps"]
        )
    evil = by_key(reviewed)[f"evil {EVIL}"]["records"][1]["told"]
    assert EVIL in evil["Name"] and EVIL in evil["Telephone"]


def _ends(pair: dict) -> str:
    return f"probable: {bits(pair['weight'])}."


def test_marks_are_obeyed_on_both_sides(reviewed: LinkReview) -> None:
    found = by_key(reviewed)
    for side in found["hidden"]["records"]:
        assert not set(side["told"]) & set(SECRET) and side["told"]["Name"] == "Leontine Corrigan"
    for side in found["adopted"]["records"]:
        assert side["withheld"] and side["told"] == {}
    written = [
        (reviewed.folder / name).read_text(encoding="utf-8") for name in ("review.html", "review.json")
    ]
    for text in written:
        for secret in ("ZZ9 9ZZ", "ZZ8 8ZZ", "01632 960111", "01632 960222", "l@example.org", "Zebedee"):
            assert secret not in text
    assert WITHHELD[1:] in written[0]


def test_whoever_is_on_the_list_comes_first_and_what_is_answered_is_not_asked_again(
    own: Workspace, reviewed: LinkReview
) -> None:
    who = (
        open_snapshot(own).con.execute("SELECT person_id FROM links WHERE subject_key = 'adopted'").fetchall()
    )
    append(own, "flags", [{"as_of": day(0), "rank": 1, "person_id": who[0][0]}])
    scored = {"as_of": day(-7), "model": "m", "last_delivery": 1, "link_run": 1}
    ranked = (("t0", 3.0, True), (f"evil {EVIL}", 2.0, False))
    append(
        own,
        "backlists",
        [
            {**scored, "person_id": person_id("care", key), "log_odds": odds, "on_list": listed}
            for key, odds, listed in ranked
        ],
    )
    said = {"unsure": DIFFERENT, "hidden": CANNOT_SAY, "twins": SAME}
    pairs = {key: by_key(reviewed)[key]["pair"] for key in said}
    for key, answer in said.items():
        give_answer(own, *subjects_of(own, pairs[key]), answer, by="Ada Clerk", on=day(2), today=day(2))
    found = review(own, most=1)
    assert {key: pair["near"] for key, pair in by_key(found).items()} == {"adopted": 1.0}
    assert found.document["considered"] == 2
    assert found.document["not_joined"] == [pairs["twins"]] and pairs["twins"] in found.text()


def test_the_command_takes_an_answer_by_the_id_that_the_review_shows(
    own: Workspace, reviewed: LinkReview, earlyhelp_command: Callable[..., tuple[int, str, str]]
) -> None:
    pair = by_key(reviewed)["unsure"]["pair"]
    asked = ("link", "answer", pair, "cannot-say", "--on", "2026-03-03", "--workspace", own.root)
    code, said, _ = earlyhelp_command(*asked, "--by", "Ada Clerk", "--json")
    assert code == 0 and json.loads(said)["answer"] == CANNOT_SAY
    assert json.loads(said)["rests_until"] == "2026-06-01"
    code, said, _ = earlyhelp_command("link", "answers", "--workspace", own.root)
    assert code == 0 and f"{pair}  cannot say: rests until 1 June 2026; Ada Clerk, 3 March 2026" in said
    code, _, problem = earlyhelp_command(*asked, "--by", "Ada")
    assert code == 2 and "two words" in " ".join(problem.split()) and "Ada" not in problem
    with pytest.raises(UserMistake, match="No review lists"):
        subjects_of(own, "0000000000")


def test_without_a_model_or_a_link_run_nobody_is_asked(tmp_path: Path) -> None:
    init_workspace(tmp_path, sources=None)
    workspace = open_workspace(tmp_path)
    deliver(workspace, 1, 0, identities=[fact("police", "1", known=0)])
    with pytest.raises(UserMistake, match="no link model"):
        review(workspace)
    choose_model(workspace, keep_model(workspace, plain_model()))
    with pytest.raises(UserMistake, match="Nothing has been linked"):
        review(workspace)
