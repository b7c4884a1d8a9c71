"""A list tells nothing of a person that is only probably theirs, and says how sure it is of whom it tells."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.joined import joined
from features.snapshot import open_snapshot
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace
from models.reasons import Reason
from serving.asked import Scored
from serving.flags import Flag, WeeklyList, canonical_hash
from serving.page import page, table
from serving.person import explain_person
from serving.score import score, stand
from serving.text import list_text
from serving.weekly_list import flag, make_list, remake
from tests.test_weekly_list import AS_OF, PEOPLE, WEEK, flag_candidate, town  # noqa: F401 - fixture

SHOW = 0.99
SOURCES = ("police", "rents", "schools")


def doubt(
    workspace: Workspace, weak: dict[tuple[str, str], float], *, without_events: dict[str, float]
) -> None:
    """Have the links as a run writes them that is as sure as `weak` says of some subjects; without_events:
    of a subject of the police the strength of one of schools, to whom nothing happened, joined to it."""
    tables = Tables(workspace.data)
    rows = tables.read("links").to_pylist()
    told = [row | {"strength": weak.get((row["source"], row["subject_key"]), 1.0)} for row in rows]
    for row in rows:
        if row["source"] == "police" and row["subject_key"] in without_events:
            strength = without_events[row["subject_key"]]
            told.append(row | {"source": "schools", "subject_key": "nothing", "strength": strength})
    tables.replace("links", "link_run = 1", pa.Table.from_pylist(told, schema=SCHEMAS["links"]))


CASES = {
    # number: (weak source, what the list says of it, channels of reasons and of strengths told no more)
    20: ("police", "One record (police) is only probably theirs; 2 reasons that rest on it are not shown.",
         {"police.call", "all"}, set()),
    12: ("schools", "One record (schools) is only probably theirs; 1 reason and 1 thing going well that rest "
         "on it are not shown.", {"all"}, {"schools.absence"}),
    30: ("schools", "One record (schools) is only probably theirs; 1 reason and 1 thing going well that rest "
         "on it are not shown.", {"all"}, {"schools.mentor"}),
    6: ("rents", "One record (rents) is only probably theirs; 1 reason that rests on it is not shown.",
        {"household.rents.letter"}, set()),
    18: ("nothing happened", "One record (schools) is only probably theirs; nothing shown rests on it.",
         set(), set()),
    13: (None, "", set(), set()),
    24: (None, "", set(), set()),
}  # fmt: skip
"""In the town of forty: calls of the police, letters to a home, absences, meetings with a mentor."""


@pytest.fixture(scope="module")
def listed(town: Workspace) -> tuple[Workspace, WeeklyList]:  # noqa: F811
    """The town with its cases and its list; nothing changes it."""
    weak = {(source, f"k{number}"): 0.95 for number, (source, *_) in CASES.items() if source in SOURCES}
    doubt(town, weak, without_events={"k18": 0.97})
    return town, flag(town, AS_OF)


@pytest.fixture
def doubtful(listed: tuple[Workspace, WeeklyList], tmp_path: Path) -> Workspace:
    """A copy of it that a test may change."""
    return Workspace(shutil.copytree(listed[0].root, tmp_path / "town"))


def everybody(workspace: Workspace, *, link_show: float | None = None) -> WeeklyList:
    candidate = flag_candidate(workspace)
    wide = replace(candidate, specification=candidate.specification.model_copy(update={"capacity": PEOPLE}))
    return make_list(open_snapshot(workspace), wide, AS_OF, link_show=link_show)


def by_number(weekly: WeeklyList) -> dict[int, Flag]:
    return {int(re.sub(r".*Surname[A-Z]", "", told.name)): told for told in weekly.flags}


def channels(said: tuple[Reason, ...]) -> set[str]:
    return {reason.channel for reason in said}


def test_what_the_list_says_of_each_case(listed: tuple[Workspace, WeeklyList]) -> None:
    before, after = by_number(everybody(listed[0], link_show=1e-9)), by_number(everybody(listed[0]))
    assert len(before) > 30
    for number, whole in before.items():
        told = after[number]
        assert (told.log_odds, told.rank) == (whole.log_odds, whole.rank), "it counts as it did"
        if number not in CASES or CASES[number][0] is None:
            assert told == whole and told.link_strength == 1 and told.doubted_share == 0
            assert re.fullmatch(
                r"(Joined from [23] records of [23] agencies|From one record): .*\.", told.joined
            )
            assert "probably" not in told.joined
    for number, (source, said, reasons, strengths) in CASES.items():
        if source is None:
            continue
        told, whole = after[number], before[number]
        assert told.joined.endswith(f". {said}")
        assert told.link_strength == (0.95 if source in SOURCES else 0.97)
        assert channels(whole.reasons) - channels(told.reasons) == reasons
        assert channels(whole.strengths) - channels(told.strengths) == strengths
        assert (told.doubted_share > 0) == (source in SOURCES)
        assert told.other_share == pytest.approx(whole.other_share + told.doubted_share)
    assert after[20].joined.startswith("Joined from 2 records of 2 agencies: police, schools. One")


def test_page_table_terminal_service_and_explain_say_the_same(listed: tuple[Workspace, WeeklyList]) -> None:
    doubtful, weekly = listed
    candidate = flag_candidate(doubtful)
    (told,) = [told for told in weekly.flags if told.name.endswith("SurnameU20")]
    hidden = "police call"
    assert told.joined in table(weekly) and "0.95" in table(weekly)
    shown = html.unescape(page(weekly))
    assert told.joined in shown and "is less than 99 % sure to be theirs" in shown
    assert f"{100 * told.doubted_share:.0f} % rests on records that are only probably theirs" in shown
    assert told.joined in list_text(weekly, in_full=10)
    assert not told.reasons and "No recorded event that is surely theirs raises this chance." in shown
    morning = stand(open_snapshot(doubtful), candidate, AS_OF)
    ((alone, eligible),) = score(morning, candidate, [told.person_id]).explanations
    answer = Scored.of(alone, eligible=eligible)
    assert (answer.joined, answer.link_strength) == (told.joined, 0.95)
    assert answer.doubted_share == told.doubted_share and alone.reasons == told.reasons
    total = alone.base + sum(weight for _, weight in alone.weights) + alone.other
    assert total == pytest.approx(alone.log_odds, abs=1e-9)
    person = explain_person(doubtful, told.person_id, AS_OF)
    assert told.joined in person.text() and hidden not in person.text()
    assert "No recorded event that is surely theirs raises this chance." in person.text()
    assert {moment.source for moment in person.timeline} == {"Schools"}
    assert hidden not in json.dumps(asdict(alone), default=str)


def test_a_list_is_made_again_by_the_threshold_that_it_was_made_with(
    listed: tuple[Workspace, WeeklyList], doubtful: Workspace
) -> None:
    kept = listed[1]
    (doubtful.root / "settings.yaml").write_text("link_show: 0.9\n", "utf-8")
    again = Workspace(doubtful.root)
    assert remake(again, AS_OF).hash == kept.hash
    assert make_list(open_snapshot(again), flag_candidate(again), AS_OF).hash != kept.hash
    (changed, *others) = kept.flags
    for field, other in (("joined", "From nowhere."), ("link_strength", 0.5), ("doubted_share", 0.5)):
        assert canonical_hash(replace(kept, flags=(replace(changed, **{field: other}), *others))) != kept.hash


def test_an_older_list_that_says_nothing_of_links_can_be_made_again(doubtful: Workspace) -> None:
    """Its hash is over what lists had then; nothing is held back, since nothing was."""
    path = doubtful.list_folder(AS_OF) / "list.json"
    kept, new = json.loads(path.read_text("utf-8")), {"link_strength", "joined", "doubted_share"}
    older = make_list(open_snapshot(doubtful), flag_candidate(doubtful), AS_OF, link_show=0.0)
    said = {
        name: getattr(older, name) for name in ("as_of", "specification", "model", "catalogue", "capacity")
    }
    people = [
        {key: value for key, value in asdict(told).items() if key not in new | {"standing", "restricted"}}
        for told in older.flags
    ]
    text = json.dumps(said | {"flow": older.flow, "flags": people}, default=str, ensure_ascii=False,
                      sort_keys=True, separators=(",", ":"))  # fmt: skip
    before = hashlib.sha256(text.encode()).hexdigest()
    kept["flags"] = [
        {key: value for key, value in asdict(told).items() if key not in new} for told in older.flags
    ]
    del kept["link_show"]
    path.write_text(json.dumps(kept | {"hash": before}, default=str), "utf-8")
    again = remake(doubtful, AS_OF)
    assert again.hash == before and "police.call" in channels(by_number(again)[20].reasons)
    assert by_number(again)[20].joined == ""
    assert explain_person(doubtful, by_number(again)[20].person_id, AS_OF).joined == ""


def test_later_runs_do_not_change_how_sure_a_morning_was(
    listed: tuple[Workspace, WeeklyList], doubtful: Workspace
) -> None:
    tables, who = Tables(doubtful.data), by_number(listed[1])[20].person_id
    ledger, links = tables.read("link_runs").to_pylist(), tables.read("links").to_pylist()
    deliveries = tables.read("deliveries").to_pylist()

    def later(
        strength: float,
        *,
        run: int,
        received: date,
        model: str | None = None,
        again: tuple[date, float] | None = None,
    ) -> None:
        """A run over a delivery of that day which finds the police's record so sure; again: from when on it
        is how sure because of an answer."""
        of_run = {"link_run": run, "last_delivery": run + 100, "model": model}
        rows = [row | {"link_run": run, "strength": strength} for row in links
                if (row["source"], row["subject_key"]) == ("police", "k20")]  # fmt: skip
        if again is not None:
            rows += [row | {"known_on": again[0], "strength": again[1]} for row in rows]
        tables.append("links", pa.Table.from_pylist(rows, schema=SCHEMAS["links"]))
        delivered = deliveries[0] | {"delivery_id": run + 100, "received_on": received}
        tables.append("deliveries", pa.Table.from_pylist([delivered], schema=SCHEMAS["deliveries"]))
        tables.append("link_runs", pa.Table.from_pylist([ledger[0] | of_run], schema=SCHEMAS["link_runs"]))

    def sure(*, on: date) -> float:
        return joined(open_snapshot(doubtful), on, [who], show=SHOW)[who].strength

    later(0.999, run=2, received=AS_OF)
    assert sure(on=AS_OF) == 0.95 and sure(on=AS_OF + timedelta(days=1)) == 0.999
    later(0.9, run=3, received=AS_OF + WEEK)
    assert sure(on=AS_OF) == 0.95 and sure(on=AS_OF + WEEK) == 0.999
    assert sure(on=AS_OF + 2 * WEEK) == 0.9
    # An answer of that day makes it as sure as an identifier, from then on.
    answered = AS_OF + WEEK - timedelta(days=3)
    later(0.9, run=4, received=AS_OF + WEEK, again=(answered, 1.0))
    assert sure(on=AS_OF + WEEK) == 0.999 and sure(on=AS_OF + 2 * WEEK) == 1
    # Another model joins past mornings anew, and so it says how sure that is.
    later(0.97, run=5, received=AS_OF + 2 * WEEK, model="other", again=(AS_OF, 0.98))
    later(0.96, run=6, received=AS_OF + 3 * WEEK, model="other")
    assert sure(on=AS_OF) == 0.97 and sure(on=AS_OF + 2 * WEEK) == 0.98
    assert sure(on=AS_OF + 4 * WEEK) == 0.96
