"""With whom a person lives and to whom they belong: a table of people, and any town against an oracle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from features.association_svg import DOT, map_text, svg
from features.errors import UserMistake
from features.households import FAMILY_MAX, LIVES_WITH, AssociationMap, Tie, _ties, association_map, household
from features.tables import PAYLOAD
from tests.town import SOURCES, Town, day

ROOT = Path(__file__).parent.parent
HOSTEL = [f"hostel{n:02}" for n in range(12)]
CROWD = [f"crowd{n:02}" for n in range(FAMILY_MAX + 1)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Everybody below, said with one delivery."""
    town = Town(tmp_path_factory.mktemp("town"))
    town.person("ann", "ben", "cat", "dan", "eve", "far", "gus", "hal", "ivy", "joy", "kit", "lea", *HOSTEL)
    town.person("hid", "hidmate", "ado", "adomum", "sta", *CROWD)
    town.lives("ann", "1", "1 Jan 2025")
    town.lives("ben", "1", "1 Jan 2024", end="1 Jun 2025")  # moved out before
    town.lives("cat", "1", "1 Mar 2025", known="5 Mar 2026")  # told later
    town.lives("dan", "1", "1 Jan 2020", end="1 Jan 2025")  # left on the day on which ann came
    for n, who in enumerate(HOSTEL):  # two alone in January, then a crowd, then two again
        town.lives(who, "9", "1 Jan 2025" if n < 2 else "1 Feb 2025", end=None if n < 2 else "1 Mar 2025")
    town.related("eve", "partner", "ann", start="1 Feb 2025", record="r/e")
    town.related(
        "eve", "partner", "ann", start="1 Feb 2025", end="1 Jan 2026", known="9 Jan", record="r/e", revision=2
    )
    town.related("ann", "parent", "far")
    town.related("far", "parent", "gus", start="1 Jan 2027")  # not yet
    town.related("hal", "sibling", "ann", record="r/h")  # withdrawn
    town.withdraw_relation("r/h", known="1 Feb", revision=2)
    town.related("ivy", "sibling", "ann", known="1 Mar")
    for who in ("joy", "kit"):
        town.related(who, "family", family="F1", known="1 Feb" if who == "kit" else "1 Jan 2020")
    for who in CROWD:
        town.related(who, "family", family="0")
    town.said["links"].append(  # ann, probably
        {
            "source": "police",
            "subject_key": "ann?",
            "person_id": "ann",
            "known_on": day("1 Jan 2018"),
            "strength": 0.95,
        }
    )
    town.person("joe")
    town.related("ann?", "partner", "joe", source="police")
    town.lives("hid", "7", "1 Jan 2025")
    town.lives("hidmate", "7", "1 Jan 2025")
    town.related("hid", "partner", "hidmate")
    town.mark("hid", "refuge")
    town.lives("ado", "8", "1 Jan 2025")
    town.lives("sta", "8", "1 Jan 2025")
    town.lives("lea", "8", "1 Jan 2025")
    town.related("ado", "parent", "adomum")
    town.mark("ado", "adoption")
    town.mark("sta", "staff_family")
    assert town.now
    return town


def told(town: Town, who: str, morning: str, **how: Any) -> set[tuple]:
    """(one, other, relation, start, end) of a person's ties."""
    found = association_map(town.now, who, day(morning), **how)
    return {(t.one, t.other, t.relation, t.start, t.end) for t in found.ties}


def spell(start: str | None, end: str | None = None) -> tuple[date | None, date | None]:
    return day(start) if start else None, day(end) if end else None


WITH_BEN = ("ann", "ben", LIVES_WITH, *spell("1 Jan 2025", "1 Jun 2025"))
PARTNER = ("ann", "eve", "partner")
HALS, IVYS = (("ann", who, "sibling", None, None) for who in ("hal", "ivy"))
FARS = ("ann", "far", "parent", None, None)


@pytest.mark.parametrize(
    ("morning", "ties"),
    [
        ("9 Jan", {WITH_BEN, (*PARTNER, *spell("1 Feb 2025")), FARS, HALS}),
        ("10 Jan", {WITH_BEN, (*PARTNER, *spell("1 Feb 2025", "1 Jan 2026")), FARS, HALS}),
        ("2 Feb", {WITH_BEN, (*PARTNER, *spell("1 Feb 2025", "1 Jan 2026")), FARS}),
        ("1 Mar", {WITH_BEN, (*PARTNER, *spell("1 Feb 2025", "1 Jan 2026")), FARS}),
        ("2 Mar", {WITH_BEN, (*PARTNER, *spell("1 Feb 2025", "1 Jan 2026")), FARS, IVYS}),
        (
            "6 Mar",
            {
                WITH_BEN,
                (*PARTNER, *spell("1 Feb 2025", "1 Jan 2026")),
                FARS,
                IVYS,
                ("ann", "cat", LIVES_WITH, *spell("1 Mar 2025")),
                ("ben", "cat", LIVES_WITH, *spell("1 Mar 2025", "1 Jun 2025")),
            },
        ),
    ],
)
def test_a_map_shows_what_was_known_that_morning(town: Town, morning: str, ties: set[tuple]) -> None:
    assert told(town, "ann", morning) == ties


def test_who_lives_there_now(town: Town) -> None:
    assert household(town.now, "ann", day("5 Mar")).members == ("ann",)
    assert household(town.now, "ann", day("6 Mar")).members == ("ann", "cat")
    assert household(town.now, "ann", day("2 Feb 2025")).members == ("ann", "ben")
    assert household(town.now, "gus", day("6 Mar")) == household(town.now, "gus", day("6 Mar 2025"))
    with pytest.raises(UserMistake, match="Nobody with that id"):
        household(town.now, "P00000000000", day("6 Mar"))


def test_a_crowd_is_no_household_and_a_number_for_everybody_no_family(town: Town) -> None:
    first, second, third = HOSTEL[:3]
    days = [spell("1 Jan 2025", "1 Feb 2025"), spell("1 Mar 2025")]
    assert told(town, first, "1 Jan") == {(first, second, LIVES_WITH, *when) for when in days}
    assert told(town, third, "1 Jan") == set()
    assert household(town.now, first, day("10 Feb 2025")).members == (first,)
    assert household(town.now, first, day("10 Feb 2025")).household_id is None
    assert household(town.now, first, day("10 Mar 2025")).members == (first, second)
    assert told(town, CROWD[0], "1 Jan") == set()
    assert told(town, "joy", "1 Feb") == set()
    assert told(town, "joy", "2 Feb") == {("joy", "kit", "family", None, None)}


def test_a_map_goes_as_far_as_it_is_asked_to(town: Town) -> None:
    near = association_map(town.now, "far", day("6 Mar"))
    assert near.people == {"far": 0, "ann": 1}
    far = association_map(town.now, "far", day("6 Mar"), depth=2)
    assert far.people == {"far": 0, "ann": 1, **dict.fromkeys(["ben", "cat", "eve", "ivy"], 2)}
    assert {("ben", "cat")} < {(t.one, t.other) for t in far.ties}, "those of the last step among themselves"


def test_whoever_hides_or_is_restricted_has_no_map_and_is_in_nobody_elses(town: Town) -> None:
    for who in ("hid", "hidmate", "ado", "adomum", "sta", "lea"):
        assert told(town, who, "3 Jan", depth=2) == set()
    lives = {who: household(town.now, who, day("3 Jan")) for who in ("hid", "hidmate", "ado", "lea")}
    assert all(lives[who].members == (who,) for who in lives)
    assert [who for who in lives if lives[who].household_id] == ["hidmate", "lea"]
    assert "Nothing that may be shown" in map_text(association_map(town.now, "hid", day("3 Jan")))


def test_the_command_says_it_draws_it_and_gives_it(
    town: Town, earlyhelp_command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    ask = ["--workspace", town.workspace.root, "link", "map", "ann", "--as-of", "2026-03-06"]
    code, words, _ = earlyhelp_command(*ask, "--svg", tmp_path / "map.svg")
    assert code == 0 and words.startswith("ann on the morning of 6 March 2026 is tied to 5 other people.\n")
    assert "  ann lived with ben from 2025-01-01 to 2025-06-01 (addresses, known on 2018-01-01)\n" in words
    assert "  eve was partner of ann from 2025-02-01 to 2026-01-01 (schools, known on 2026-01-09)\n" in words
    assert "far is parent of ann (schools" in words
    drawn = ElementTree.parse(tmp_path / "map.svg").getroot()
    here = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{here}circle")) == 6
    assert len(drawn.findall(f"{here}path")) == 6
    for wrong in (tmp_path / "nowhere" / "map.svg", tmp_path):  # no such folder, and a folder
        code, _, error = earlyhelp_command(*ask, "--svg", wrong)
        assert code == 2 and "The drawing cannot be written to" in error and "Something went" not in error
    code, text, _ = earlyhelp_command(*ask, "--json")
    given = json.loads(text)
    assert (code, given["household"]["members"], given["map"]["people"]["ann"]) == (0, ["ann", "cat"], 0)
    assert {t["relation"] for t in given["map"]["ties"]} == {LIVES_WITH, "partner", "parent", "sibling"}


def test_an_id_that_is_part_of_another_person_says_that_the_two_became_one(
    tmp_path: Path, earlyhelp_command: Callable[..., tuple[int, str, str]]
) -> None:
    """Lee and Leah were two people until a record of 1 March joined them."""
    town = Town(tmp_path)
    one, other = f"P{'a' * 11}", f"P{'b' * 11}"
    town.link("lee", one)
    town.link("leah", other)
    assert town.now
    town.said["links"] += [{"source": s["source"], "subject_key": "leah", "person_id": one} for s in SOURCES]
    for link in town.said["links"]:
        link["known_on"] = day("1 Mar")
    assert town.now
    ask = ["--workspace", tmp_path, "link", "map", other, "--as-of", "2026-03-02"]
    code, words, _ = earlyhelp_command(*ask)
    said = f"{other} and {one} became one person; on this morning the id is {one}."
    assert code == 0 and words.splitlines()[0] == said
    assert json.loads(earlyhelp_command(*ask, "--json")[1])["map"]["became"] == said
    assert "became" not in earlyhelp_command(*ask[:4], one, *ask[5:])[1]
    code, _, error = earlyhelp_command(*ask[:4], "Zebedee", *ask[5:])
    assert code == 2 and "eleven of 0 to 9 and a to f" in " ".join(error.split()) and "Zebedee" not in error


def test_words_from_an_agency_cannot_break_the_drawing(town: Town) -> None:
    found = association_map(town.now, "joy", day("2 Feb"))
    [tie] = found.ties
    odd = Tie(tie.one, tie.other, "family", "<script>&", None, day("1 Jan"), tie.known_on)
    drawn = ElementTree.fromstring(svg(type(found)("joy", found.as_of, 1, found.people, (odd,))))
    assert "<script>&" in "".join(drawn.itertext())


@pytest.mark.parametrize("others", range(1, 9))
@pytest.mark.parametrize("steps", [1, 2])
def test_a_tie_of_two_others_keeps_clear_of_the_person_in_the_middle(others: int, steps: int) -> None:
    """All are tied to all: what runs through the middle would lie under the lines that end there."""
    morning, names = day("6 Mar"), [f"p{n}" for n in range(others)]
    people = {"me": 0} | {name: 1 + n % steps for n, name in enumerate(names)}
    ties = tuple(
        Tie(one, other, "family", "schools", None, None, morning) for one, other in combinations(people, 2)
    )
    found = AssociationMap("me", morning, steps, people, ties)
    drawn = ElementTree.fromstring(svg(found))
    middle, lines = int(drawn.get("width", "")) / 2, drawn.findall("{http://www.w3.org/2000/svg}path")
    assert len(lines) == len(ties)
    for line in lines:
        x, y, a, b, u, v = map(int, re.findall(r"-?[0-9]+", line.get("d", "")))
        share = np.linspace(0, 1, 101)
        along = (
            (1 - share) ** 2 * (x + y * 1j) + 2 * share * (1 - share) * (a + b * 1j) + share**2 * (u + v * 1j)
        )
        nearest = np.abs(along - (middle + middle * 1j)).min()
        assert (nearest > 2 * DOT) != ("me" in line[0].text.split())
    words = "1 other person" if others == 1 else f"{others} other people"
    far = " directly or through others" if max(people.values()) > 1 else ""
    assert map_text(found).splitlines()[0] == f"me on the morning of 6 March 2026 is tied to {words}{far}."


def test_nothing_of_it_reaches_a_feature() -> None:
    for folder in ("features", "models", "training", "monitoring"):
        for file in sorted((ROOT / folder).glob("*.py")):
            if file.name not in ("households.py", "association_svg.py"):
                text = file.read_text(encoding="utf-8")
                assert "features.households" not in text and "FROM relations" not in text, file


# --- any town, day by day ---------------------------------------------------------------------------

CON = duckdb.connect(config={"threads": 1})
DATES = [("known_on", pa.date32()), ("known_until", pa.date32())]
SPELL = [("start_on", pa.date32()), ("end_on", pa.date32())]


def texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in names]


SCHEMAS = {
    "residences": [*texts("person_id", "uprn"), *SPELL],
    "links": [*texts("source", "subject_key", "person_id"), ("strength", pa.float64())],
    "relations": [*texts("source"), *[(f.name, f.type) for f in PAYLOAD["relations"]]],
    "identities": [*texts("source", "record_key"), *[(f.name, f.type) for f in PAYLOAD["identities"]]],
}
START, DAYS = date(2026, 1, 1), 12


def nth(n: int | None) -> date | None:
    return None if n is None else START + timedelta(days=n)


def any_town(chance: Random) -> dict[str, list[dict]]:
    """Five people in two dwellings, of one agency with a subject each, some of whom died; ten relations."""

    def dated(first: int, last: int) -> dict:
        start, end, known = chance.randint(0, DAYS), chance.randint(0, DAYS), chance.randint(first, last)
        until = chance.randint(known, DAYS)
        return {
            "start_on": nth(start),
            "end_on": nth(end) if end > start else None,
            "known_on": nth(known),
            "known_until": nth(until) if chance.random() < 0.3 else None,
        }

    people = "abcde"
    died = chance.choice(people)
    homes, free = [], dict.fromkeys(people, 0)
    for who in people * 2:  # nobody lives at two places at once
        row = {"person_id": who, "uprn": chance.choice("12"), **dated(0, 6)}
        start = free[who] + chance.randint(0, 3)
        end = start + chance.randint(1, 6)
        row |= {"start_on": nth(start), "end_on": nth(end) if free[who] == 0 else None}
        free[who] = end
        homes.append(row)
    relations = []
    for _ in range(10):
        one, other = chance.sample(people, 2)
        kind = chance.choice(["parent", "sibling", "partner", "family"])
        row = {"source": "s", "subject_key": one, "relation": kind, **dated(0, 8)}
        row |= {"family": chance.choice("FG")} if kind == "family" else {"other_key": other}
        relations.append(row if chance.random() < 0.7 else row | {"start_on": None})
    links = [
        {
            "source": "s",
            "subject_key": who,
            "person_id": chance.choice(people) if chance.random() < 0.2 else who,
            "strength": 0.9 if chance.random() < 0.1 else 1.0,
            "known_on": nth(chance.randint(0, 4)),
        }
        for who in people
    ]
    gone = {"source": "s", "record_key": "i", "subject_key": died, "died_on": nth(8), "known_on": nth(9)}
    return {"residences": homes, "relations": relations, "links": links, "identities": [gone]}


def stands(row: dict, morning: date) -> bool:
    until = row.get("known_until")
    return row["known_on"] < morning and (until is None or morning <= until)


def together_naively(world: dict[str, list[dict]], morning: date, most: int) -> set[tuple[str, str, date]]:
    """(one, other, day) of all who lived together on a day, by what the morning knew."""
    dead = {
        link["person_id"]: row["died_on"]
        for row in world["identities"]
        for link in world["links"]
        if stands(row, morning) and stands(link, morning) and link["subject_key"] == row["subject_key"]
    }
    found = set()
    for n in range(2 * DAYS):
        on = START + timedelta(days=n)
        for uprn in "12":
            there = set()
            for r in world["residences"]:
                if stands(r, morning) and r["uprn"] == uprn and r["start_on"] < morning:
                    left = r["end_on"] or date.max
                    left = date.max if left >= morning else left  # an end that lies ahead has not come yet
                    if r["start_on"] <= on < min(left, dead.get(r["person_id"], date.max)):
                        there.add(r["person_id"])
            if len(there) <= most:
                found |= {(one, other, on) for one, other in combinations(sorted(there), 2)}
    return found


def related_naively(world: dict[str, list[dict]], morning: date) -> set[tuple]:
    """(one, other, relation, start, end) of what sources tell."""
    person = {
        link["subject_key"]: link["person_id"]
        for link in world["links"]
        if stands(link, morning) and link["strength"] >= 0.99
    }
    rows = [
        r | {"end_on": r["end_on"] if r["end_on"] and r["end_on"] < morning else None}
        for r in world["relations"]
        if stands(r, morning) and (r["start_on"] is None or r["start_on"] < morning)
    ]
    pairs = [(r["subject_key"], r["other_key"], r["relation"], [r]) for r in rows if r.get("other_key")]
    pairs += [
        (a["subject_key"], b["subject_key"], "family", [a, b])
        for a, b in combinations([r for r in rows if r.get("family")], 2)
        if a["family"] == b["family"] and a["subject_key"] != b["subject_key"]
    ]
    found = set()
    for one, other, relation, told_by in pairs:
        one, other = person.get(one), person.get(other)
        start = max((r["start_on"] for r in told_by if r["start_on"]), default=None)
        end = min((r["end_on"] for r in told_by if r["end_on"]), default=None)
        if one and other and one != other and not (start and end and start >= end):
            two = (one, other) if relation == "parent" else tuple(sorted((one, other)))
            found.add((*two, relation, start, end))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_any_town_is_as_an_oracle_says_it(seed: int) -> None:
    chance = Random(seed)
    world = any_town(chance)
    for name, fields in SCHEMAS.items():
        CON.register("given", pa.Table.from_pylist(world[name], schema=pa.schema([*fields, *DATES])))
        CON.execute(f"CREATE OR REPLACE TABLE {name} AS FROM given")
    most = chance.choice([2, 3, 10])
    snapshot: Any = SimpleNamespace(
        con=CON, workspace=SimpleNamespace(settings=SimpleNamespace(household_max=most))
    )
    for n in (4, 8, DAYS):
        morning = START + timedelta(days=n)
        ties = _ties(snapshot, morning, "abcde")
        days = [
            (t.one, t.other, START + timedelta(days=d))
            for t in ties
            if t.relation == LIVES_WITH
            for d in range(2 * DAYS)
            if t.start and t.start <= START + timedelta(days=d) < (t.end or date.max)
        ]
        assert len(days) == len(set(days)), "a day of two people is told once"
        assert set(days) == together_naively(world, morning, most)
        kin = [(t.one, t.other, t.relation, t.start, t.end) for t in ties if t.relation != LIVES_WITH]
        assert len(kin) == len(set(kin))
        assert set(kin) == related_naively(world, morning)
    some = [t for t in ties if "c" in (t.one, t.other)]
    assert sorted(_ties(snapshot, morning, "c"), key=str) == sorted(some, key=str)
