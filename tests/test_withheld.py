"""Of whom the list, the terminal, the service and the explanation tell nothing, and in which words.

One town of forty, in which the first five of the list have marks and the list is made again.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from features.errors import UserMistake
from features.people import display_identity
from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace
from serving.flags import RESTRICTED, Flag, WeeklyList
from serving.person import explain_person
from serving.score import Desk
from serving.text import list_text
from serving.weekly_list import flag, remake
from serving.withheld import OBJECTS
from tests.test_stale_feeds import deliver
from tests.test_weekly_list import AS_OF, town  # noqa: F401 - fixture

BEFORE = AS_OF - timedelta(days=1)
MARKS = ("objection", "adoption", "staff_family", "refuge")


def mark(workspace: Workspace, person: str, kind: str, known: date = BEFORE, **days: date) -> None:
    """One of a person's subjects has a mark, by a delivery of its own."""
    mark_all(workspace, kind, {person: days}, known=known)


def mark_all(workspace: Workspace, kind: str, days: dict[str, dict[str, date]], *, known: date) -> None:
    """One subject of each person has a mark of these days, by one delivery of each source."""
    tables, rows, delivery = Tables(workspace.data), [], {}
    links = tables.read("links").to_pylist()
    for person, between in days.items():
        source, key = max((row["source"], row["subject_key"]) for row in links if row["person_id"] == person)
        if source not in delivery:
            deliver(workspace, source, known)
            delivery[source] = open_snapshot(workspace).last_delivery
        ids = {"delivery_id": delivery[source], "known_on": known, "withdrawn": False}
        record = {"source": source, "record_key": f"marks/{key}/{kind}", "revision": 1}
        rows.append({**record, **ids, "subject_key": key, "mark": kind, **between})
    tables.append("marks", pa.Table.from_pylist(rows, schema=SCHEMAS["marks"]))


class Marked(NamedTuple):
    """A town before and after; `was`: mark → the flag of the one who got it."""

    workspace: Workspace
    plain: WeeklyList
    weekly: WeeklyList
    was: dict[str, Flag]

    def told(self, person_id: str) -> Flag:
        return next(f for f in self.weekly.flags if f.person_id == person_id)

    @property
    def everything(self) -> str:
        """The page, the table, the JSON and the terminal, as one text."""
        folder = self.workspace.list_folder(AS_OF)
        files = [folder / name for name in ("list.html", "list.csv", "list.json")]
        texts = [file.read_text(encoding="utf-8") for file in files]
        return "\n".join([*texts, list_text(self.weekly, in_full=2)])


@pytest.fixture(scope="module")
def listed(town: Workspace) -> tuple[Workspace, WeeklyList]:  # noqa: F811
    """The town with its list; nothing changes it."""
    return town, flag(town, AS_OF)


@pytest.fixture
def own_list(listed: tuple[Workspace, WeeklyList], tmp_path: Path) -> tuple[Workspace, WeeklyList]:
    """A copy of the town and its list that a test may change."""
    shutil.copytree(listed[0].root, tmp_path / "town")
    return Workspace(tmp_path / "town"), listed[1]


@pytest.fixture(scope="module")
def marked(listed: tuple[Workspace, WeeklyList], tmp_path_factory: pytest.TempPathFactory) -> Marked:
    root = tmp_path_factory.mktemp("marked") / "town"
    shutil.copytree(listed[0].root, root)
    workspace, plain = Workspace(root), listed[1]
    was = dict(zip(MARKS, plain.flags, strict=False))
    for kind, first in was.items():
        mark(workspace, first.person_id, kind, start_on=AS_OF - timedelta(days=100))
    return Marked(workspace, plain, flag(workspace, AS_OF), was)


@pytest.mark.parametrize("kind", ["adoption", "staff_family"])
def test_of_a_restricted_record_only_that_it_is_there_and_whom_to_ask(marked: Marked, kind: str) -> None:
    was = marked.was[kind]
    now, told = marked.told(was.person_id), marked.everything
    assert now.name == RESTRICTED and now.rank == was.rank - 1, "the one who objects was the first"
    assert told.count(RESTRICTED) == 2 * 5  # of two people: on the page twice, table, JSON, terminal
    assert was.name not in told
    folder = marked.workspace.list_folder(AS_OF)
    rows = list(csv.DictReader((folder / "list.csv").open(encoding="utf-8-sig", newline="")))
    said = {name: value for name, value in rows[now.rank - 1].items() if value}
    always = {"rank", "name", "person", "people living there", "new or still here", "as of", "approval"}
    assert set(said) == always and said["people living there"] == "0"
    kept = json.loads((folder / "list.json").read_text(encoding="utf-8"))["flags"][now.rank - 1]
    empty = {name for name, value in kept.items() if not value}
    assert empty >= {"age", "household_id", "chance", "log_odds", "reasons", "strengths", "not_held"}
    con = open_snapshot(marked.workspace).con
    Tables(marked.workspace.data).view(con, "flags")
    query = "SELECT household_id, chance, margin, reasons FROM all_flags WHERE rank = ?"
    assert con.execute(query, [now.rank]).fetchall() == [(None, None, None, [])]
    assert all(now not in marked.weekly.neighbours(other) for other in marked.weekly.flags)


@pytest.mark.parametrize("kind", ["adoption", "staff_family"])
def test_a_restricted_record_explained(marked: Marked, kind: str) -> None:
    was = marked.was[kind]
    told = explain_person(marked.workspace, was.person_id)
    assert told.restricted and told.rank == was.rank - 1
    text, whole = told.text(), str(asdict(told))
    assert RESTRICTED in text and f"Rank {told.rank}" in text and len(text.splitlines()) == 3
    assert was.name not in whole and str(was.household_id) not in whole
    assert (told.explanation, told.timeline, told.weights, told.subjects) == (None, (), (), 0)


def test_with_whom_they_live_is_not_told_through_the_others(marked: Marked) -> None:
    snapshot = open_snapshot(marked.workspace)
    people = [person for (person,) in snapshot.con.execute("SELECT DISTINCT person_id FROM links").fetchall()]
    told = {who for home in display_identity(snapshot, AS_OF, people).values() for who in home.household}
    assert told and not told & {marked.was[kind].person_id for kind in ("adoption", "staff_family", "refuge")}


def test_whoever_objects_is_on_no_list(marked: Marked) -> None:
    was, weekly = marked.was["objection"], marked.weekly
    assert was.rank == 1
    assert weekly.flow[0][:2] == ("objects to being scored", 1) and weekly.scored == marked.plain.scored - 1
    assert [f.person_id for f in weekly.flags[:9]] == [f.person_id for f in marked.plain.flags[1:]]
    assert was.person_id not in marked.everything and was.name not in marked.everything
    with pytest.raises(UserMistake, match=OBJECTS):
        explain_person(marked.workspace, was.person_id)


def test_the_service_refuses_in_words(marked: Marked) -> None:
    fifth = marked.plain.flags[4]
    asked = [fifth.person_id, *(marked.was[kind].person_id for kind in MARKS[:3])]
    answer = Desk(marked.workspace).score(asked, AS_OF)
    ((told, eligible),) = answer.explanations
    assert (told.person_id, told.log_odds, eligible) == (fifth.person_id, fifth.log_odds, True)
    assert dict(answer.refused) == dict(zip(asked[1:], [OBJECTS, RESTRICTED, RESTRICTED], strict=True))
    assert answer.silent == ()


def test_nobody_is_shown_at_a_secret_address(marked: Marked) -> None:
    was = marked.was["refuge"]
    now = marked.told(was.person_id)
    assert was.household_id and was.living_there > 1
    assert (now.name, now.household_id, now.living_there) == (was.name, None, 0)
    who = display_identity(open_snapshot(marked.workspace), AS_OF, [was.person_id])[was.person_id]
    assert {who.household_id, who.postcode, who.area} == {None} and who.household == ()
    assert "No household known" in explain_person(marked.workspace, was.person_id).text()


def test_a_list_of_marked_people_is_made_again(marked: Marked) -> None:
    assert remake(marked.workspace, AS_OF).hash == marked.weekly.hash != marked.plain.hash


def test_an_objection_after_the_list_is_honoured_for_it_and_the_list_can_be_made_again(
    own_list: tuple[Workspace, WeeklyList],
) -> None:
    workspace, weekly = own_list
    first, desk = weekly.flags[0].person_id, Desk(workspace)
    assert desk.score([first], AS_OF).explanations
    mark(workspace, first, "objection", known=AS_OF + timedelta(days=2))
    assert remake(workspace, AS_OF).hash == weekly.hash
    assert desk.score([first], AS_OF).refused == ((first, OBJECTS),)
    with pytest.raises(UserMistake, match="objects to being scored"):
        explain_person(workspace, first, AS_OF)


def test_a_record_restricted_after_the_list_is_told_no_more_of(
    own_list: tuple[Workspace, WeeklyList],
) -> None:
    """The desk is asked before and after; another on the same list stays as told as they were."""
    workspace, weekly = own_list
    *restricted, other = weekly.flags[:3]
    asked, desk = [f.person_id for f in weekly.flags[:3]], Desk(workspace)
    was = desk.score(asked, AS_OF)
    for each, kind in zip(restricted, ("adoption", "staff_family"), strict=True):
        mark(workspace, each.person_id, kind, known=AS_OF + timedelta(days=2))
    now = desk.score(asked, AS_OF)
    assert (len(was.explanations), was.refused) == (3, ())
    assert now.refused == tuple((each.person_id, RESTRICTED) for each in restricted)
    assert now.explanations == was.explanations[2:]
    for each in restricted:
        told = explain_person(workspace, each.person_id, AS_OF)
        assert (told.restricted, told.rank, told.explanation, told.timeline) == (True, each.rank, None, ())
        assert each.name not in str(asdict(told)) and str(each.household_id) not in str(asdict(told))
    assert not explain_person(workspace, other.person_id, AS_OF).restricted
    assert remake(workspace, AS_OF).hash == weekly.hash


def test_of_who_hides_after_the_list_no_home_is_told_nor_by_those_who_live_there(
    own_list: tuple[Workspace, WeeklyList],
) -> None:
    workspace, weekly = own_list
    hides = next(f for f in weekly.flags if f.living_there > 1)
    before = explain_person(workspace, hides.person_id, AS_OF)
    other = before.identity.household[0]
    assert hides.person_id in explain_person(workspace, other, AS_OF).identity.household
    mark(workspace, hides.person_id, "refuge", known=AS_OF + timedelta(days=2))
    told = explain_person(workspace, hides.person_id, AS_OF)
    assert (told.identity.name, told.explanation) == (before.identity.name, before.explanation)
    assert {told.identity.household_id, told.identity.postcode, told.identity.area} == {None}
    assert told.identity.household == () and "No household known" in told.text()
    theirs = explain_person(workspace, other, AS_OF).identity
    assert theirs.household_id == hides.household_id and hides.person_id not in theirs.household
    assert remake(workspace, AS_OF).hash == weekly.hash


def test_a_mark_that_came_after_the_list_and_has_ended_limits_nothing(
    own_list: tuple[Workspace, WeeklyList],
) -> None:
    workspace, weekly = own_list
    first, later = weekly.flags[0].person_id, AS_OF + timedelta(days=2)
    mark(workspace, first, "staff_family", known=later, start_on=AS_OF + timedelta(days=1), end_on=later)
    assert Desk(workspace).score([first], AS_OF).refused == ()
