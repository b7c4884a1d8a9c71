"""The weekly list of a town of forty: who is on it, why, what it says of itself, and how it is kept."""

import csv
import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.declaration import Schedule
from features.errors import UserMistake
from features.ingest import ingest
from features.link import link
from features.snapshot import open_snapshot
from features.tables import Tables
from features.workspace import Workspace, init_workspace
from models.approvals import Flagged, decide, flagged
from models.calibration import Platt
from models.candidate import Candidate, export_candidate
from models.scorer import LinearScorer, Term
from models.spec import Specification, catalogue_of
from serving.freshness import overdue
from serving.person import explain_person
from serving.score import score, stand
from serving.weekly_list import expected, flag, kept_list, make_list, remake
from tests.answered import answer, audited

AS_OF = date(2026, 6, 29)
WEEK = timedelta(days=7)
PEOPLE = 40

SOURCE = """
source: {source}
title: {title}
owner: the council
legal_gateway: Children Act 2004, s. 10
agreement: {{reference: ISA-1, review_by: 2030-01-01}}
covers_from: 2020-01-01
typical_delay_days: 1
schedule: {{every: week, on: monday}}
extracts:
  log:
    files: {source}_*.csv
    delivery: changes
    record_key: id
    columns:
      id: {{required: true}}
      who: {{}}
      forename: {{}}
      surname: {{}}
      born: {{type: date, format: "%Y-%m-%d"}}
      day: {{type: date, format: "%Y-%m-%d"}}
      home: {{}}
      postcode: {{}}
      kind: {{}}
    subjects:
      - key: who
        identity: {{forenames: forename, surname: surname, birth_date: born}}
        address: {{uprn: home, postcode: postcode}}
    events: {events}
signals:
{signals}
"""
SIGNALS = {
    "police": "  call: {one: police call, many: police calls, theme: crime}\n"
    "  harm: {one: serious harm, many: serious harms, theme: child_safety}",
    "rents": "  letter: {one: arrears letter, many: arrears letters, theme: finance, shared: true}",
    "schools": "  mentor: {one: mentor meeting, many: mentor meetings, theme: education, protective: true}\n"
    "  absence: {one: absence, many: absences, theme: education}",
}
SPECIFICATION = Specification.model_validate(
    {
        "name": "escalation",
        "title": "Serious harm within six months",
        "outcome": {
            "horizon_days": 180,
            "parts": [{"name": "harm", "title": "serious harm", "signals": ["police.harm"]}],
        },
        "eligible": {"held": False},
        "capacity": 10,
        "features": {"exclude": ["police.harm.*"]},
        "baselines": [{"name": "contacts", "title": "contacts", "features": ["all.count_90"]}],
        "logistic": ["all.count_90"],
        "calendar": {"train": ["2024-01-01"], "calibrate": ["2024-09-01"], "test": ["2025-06-02"]},
        "lightgbm": {"settings": [{"num_leaves": 3}]},
    }
)
TERMS = {
    "police.call.count_90": 0.5,
    "police.count_365": 0.1,
    "household.rents.letter.count_90": 0.4,
    "schools.mentor.count_365": -0.6,
    "schools.absence.change": 0.2,
    "all.agencies_90": 0.3,
}
CARD = {
    "test": {
        "dates": ["2025-06-02"],
        "precision": 0.3,
        "precision_interval": [0.11, 0.6],
        "base_rate": 0.02,
    },
    "last_delivery": 1,
    "link_run": 1,
}
HEADER = ["id", "who", "forename", "surname", "born", "day", "home", "postcode", "kind"]


def person(number: int) -> list[object]:
    names = ["<b>Bobby</b>", "+HYPERLINK(1)", "Seán", "O'Hara", "Zoë"]
    born = date(1990 + number % 30, 1 + number % 12, 1 + number % 28)
    return [f"k{number}", names[number % 5], f"Surname{chr(65 + number % 26)}{number}", born]


def write(folder: Path, source: str, rows: list[tuple[int, date, str]], *, tag: str) -> None:
    """rows: (person, day, kind) as an extract; three people share each home."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{source}_{tag}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for at, (number, day, kind) in enumerate(rows):
            writer.writerow(
                [f"{tag}-{at}", *person(number), day, f"U{number // 3}", f"AB{number // 3} 1CD", kind]
            )


def take_in(workspace: Workspace, folder: Path, received: date) -> None:
    ingest(workspace, folder, received=received)
    link(workspace)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A file's own copy of the town, in which lists may be made but nothing else changes."""
    made = make_town(tmp_path_factory.getbasetemp() / "town_of_forty")
    return Workspace(shutil.copytree(made.root, tmp_path_factory.mktemp("town") / "town"))


@cache
def make_town(root: Path) -> Workspace:
    """Forty people in fourteen homes, in three agencies' extracts, and a candidate of six weights; made once
    a process."""
    init_workspace(root, sources=None)
    for source, signals in SIGNALS.items():
        short = re.findall(r"^  (\w+):", signals, flags=re.MULTILINE)
        place = ", place: home" if source == "rents" else ""
        rules = ", ".join(f"{{signal: {s}, occurred: day, when: {{kind: {s}}}{place}}}" for s in short)
        text = SOURCE.format(source=source, title=source.title(), events=f"[{rules}]", signals=signals)
        (root / "sources" / f"{source}.yaml").write_text(text, encoding="utf-8")
    workspace, first = Workspace(root), root / "in" / "first"

    def ago(days: int) -> date:
        return AS_OF - timedelta(days=days)

    calls = [(n, ago(10 + 7 * c), "call") for n in range(PEOPLE) for c in range(n % 7)]
    write(first, "police", [*calls, (39, ago(30), "harm")], tag="first")
    write(first, "rents", [(n, ago(20 + n), "letter") for n in range(0, PEOPLE, 3)], tag="first")
    absences = [(n, ago(100 + 9 * c), "absence") for n in range(0, PEOPLE, 4) for c in range(6)]
    mentors = [(n, ago(40), "mentor") for n in range(0, PEOPLE, 5)]
    write(first, "schools", absences + mentors, tag="first")
    take_in(workspace, first, AS_OF - WEEK)
    fit(workspace)
    return workspace


def fit(workspace: Workspace) -> Candidate:
    catalogue = catalogue_of(workspace, SPECIFICATION)
    terms = tuple(Term(name, weight) for name, weight in TERMS.items())
    columns = {name: pa.array([0.0], pa.float32()) for name in [*TERMS, "score"]}
    draft = Candidate(
        sha256="",
        kind="lightgbm",
        specification=SPECIFICATION,
        catalogue=catalogue,
        eligibility=SPECIFICATION.to_eligibility(workspace, catalogue),
        scorer=LinearScorer(terms, -3.0),
        calibration=Platt(0.8, -0.5),
        card=CARD,
    )
    return export_candidate(workspace, draft, pa.table(columns))


@pytest.fixture
def own_town(town: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the town that a test may change."""
    shutil.copytree(town.root, tmp_path / "town")
    return Workspace(tmp_path / "town")


def test_the_list_is_the_highest_scores_cut_at_capacity(town: Workspace) -> None:
    weekly = flag(town, AS_OF)
    assert [f.rank for f in weekly.flags] == list(range(1, 11))
    log_odds = [f.log_odds for f in weekly.flags]
    assert log_odds == sorted(log_odds, reverse=True)
    assert len({f.person_id for f in weekly.flags}) == 10
    # The one who came to serious harm a month ago is there already; of the rest all have some record.
    assert weekly.scored < PEOPLE
    there = "already in the outcome's service, or had it in the last 180 days"
    assert (there, 1, weekly.scored) in weekly.flow
    assert all(0 < f.chance < 1 and f.chance_words for f in weekly.flags)


def test_equal_scores_stand_in_order_of_person_id(town: Workspace) -> None:
    flags = make_list(open_snapshot(town), flag_candidate(town), AS_OF).flags
    keys = [(-f.log_odds, f.person_id) for f in flags]
    assert keys == sorted(keys)


def flag_candidate(town: Workspace) -> Candidate:
    from models.candidate import newest_candidate

    return newest_candidate(town, "escalation")


def test_reasons_tell_this_persons_events(town: Workspace) -> None:
    """Person 6: six calls, a letter to the home 26 days ago, no absence."""
    weekly = flag(town, AS_OF)
    (told,) = [f for f in weekly.flags if f.name.endswith("SurnameG6")]
    sentences = [reason.sentence for reason in told.reasons]
    assert sentences[0] == (
        "3 police calls in the last 30 days, the latest 10 days ago; 3 in the year before"
    )
    assert "The household's arrears letter, 26 days ago; none in the year before" in sentences
    assert all(reason.event_ids and reason.weight > 0 for reason in told.reasons)
    assert (told.household_id or "").startswith("H") and told.living_there == 2
    assert told.age == 29


def test_strengths_are_told_where_there_are_some(town: Workspace) -> None:
    """Person 20: six absences before the last 90 days and none since, and a meeting with a mentor."""
    number = f"Surname{chr(65 + 20)}20"
    snapshot, candidate = open_snapshot(town), flag_candidate(town)
    (subject,) = snapshot.con.execute(
        f"SELECT DISTINCT l.person_id FROM links l JOIN identities i USING (source, subject_key) "
        f"WHERE surname = '{number}'"
    ).fetchall()
    scores = score(stand(snapshot, candidate, AS_OF), candidate, [subject[0]])
    ((told, eligible),) = scores.explanations
    assert eligible
    assert [s.channel for s in told.strengths] == ["schools.mentor", "schools.absence"]
    assert told.strengths[1].sentence.startswith(
        "Absences have become fewer: none in the last 90 days, after 6"
    )
    total = told.base + sum(weight for _, weight in told.weights) + told.other
    assert total == pytest.approx(told.log_odds, abs=1e-9)


def test_scores_and_reasons_are_the_lists_to_the_last_bit(town: Workspace) -> None:
    weekly, candidate = flag(town, AS_OF), flag_candidate(town)
    morning = stand(open_snapshot(town), candidate, AS_OF)
    asked = [f.person_id for f in weekly.flags][::-1]
    for alone in (asked, asked[:1]):
        told = {t.person_id: t for t, _ in score(morning, candidate, alone).explanations}
        for f in weekly.flags:
            if f.person_id in told:
                t = told[f.person_id]
                assert (t.log_odds, t.chance, t.chance_words) == (f.log_odds, f.chance, f.chance_words)
                assert (t.reasons, t.strengths) == (f.reasons, f.strengths)
                assert (t.other_share, t.not_held) == (f.other_share, f.not_held)


def test_new_or_still_here(own_town: Workspace) -> None:
    earlier = flag(own_town, AS_OF - timedelta(days=5))
    weekly = flag(own_town, AS_OF)
    before = {f.person_id for f in earlier.flags}
    assert earlier.previous is None and {f.standing for f in earlier.flags} == {"new"}
    assert weekly.previous == AS_OF - timedelta(days=5)
    assert {f.person_id for f in weekly.flags if f.standing == "still here"} == before & {
        f.person_id for f in weekly.flags
    }


def test_flagging_again_adds_nothing(own_town: Workspace) -> None:
    first = flag(own_town, AS_OF)
    second = flag(own_town, AS_OF)
    con = open_snapshot(own_town).con
    Tables(own_town.data).view(con, "flags")
    rows = con.execute("SELECT person_id, list_hash, margin FROM all_flags ORDER BY rank").fetchall()
    assert first.hash == second.hash
    assert rows == [(f.person_id, first.hash, f.log_odds) for f in first.flags]


def test_a_list_is_made_again_from_what_it_names(own_town: Workspace, tmp_path: Path) -> None:
    """Later deliveries, a later candidate and corrections of the past change nothing of it."""
    first = flag(own_town, AS_OF)
    write(tmp_path / "later", "police", [(n, AS_OF - WEEK, "call") for n in range(30)], tag="later")
    write(tmp_path / "later", "police", [(1, AS_OF - WEEK, "call")] * 3, tag="first")
    take_in(own_town, tmp_path / "later", AS_OF + timedelta(days=3))
    assert remake(own_town, AS_OF).hash == first.hash == (kept_list(own_town, AS_OF) or {})["hash"]
    late = "only the police sent rows in this test's town"
    week_after = flag(own_town, AS_OF + WEEK, accept={"rents": late, "schools": late})
    assert week_after.hash != first.hash and week_after.last_delivery > first.last_delivery


def test_there_is_nothing_to_make_again_without_a_list(town: Workspace) -> None:
    with pytest.raises(UserMistake, match="There is no list of 2020-01-06"):
        remake(town, date(2020, 1, 6))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, PEOPLE + 5), st.integers(1, 400), st.sampled_from(["call", "harm"])),
        min_size=1,
        max_size=8,
    ),
    received=st.integers(0, 20),
    correction=st.booleans(),
)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_becomes_known_on_or_after_the_morning_changes_nothing(
    town: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int, str]],
    received: int,
    correction: bool,
) -> None:
    root = tmp_path_factory.mktemp("late") / "town"
    shutil.copytree(town.root, root)
    workspace = Workspace(root)
    first = flag(workspace, AS_OF)
    told = [(number, AS_OF - timedelta(days=days), kind) for number, days, kind in rows]
    write(root / "in" / "late", "police", told, tag="first" if correction else "late")
    take_in(workspace, root / "in" / "late", AS_OF + timedelta(days=received))
    again = flag(workspace, AS_OF)
    assert again.last_delivery > first.last_delivery
    assert again.hash == first.hash


def test_files_are_written(own_town: Workspace) -> None:
    weekly = flag(own_town, AS_OF)
    folder = own_town.list_folder(AS_OF)
    assert sorted(path.name for path in folder.iterdir()) == ["list.csv", "list.html", "list.json"]
    kept = json.loads((folder / "list.json").read_text(encoding="utf-8"))
    assert kept["hash"] == weekly.hash and len(kept["flags"]) == 10
    rows = list(csv.DictReader((folder / "list.csv").open(encoding="utf-8-sig", newline="")))
    assert [row["person"] for row in rows] == [f.person_id for f in weekly.flags]
    assert {row["approval"] for row in rows} == {"NOT APPROVED: nobody has approved this model for use"}
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "@"))]
    assert any(row["name"].startswith("'+Hyperlink(1)") for row in rows)


def test_the_champion_makes_the_list_and_the_newest_only_where_there_is_none(own_town: Workspace) -> None:
    """A later candidate changes nothing until two people approve it; a retired model makes no list."""
    told = {
        "kind": "lightgbm",
        "fitted_on": {"rows": 900, "positives": 60},
        "people": {"learned_from_positive": 50},
        "test": {**CARD["test"], "calibration_slope": 1.0, "estimable": True},
        "paired": {"contacts": {"of": "precision at 10", "difference": 0.2, "low": 0.1, "high": 0.3}},
        "audit": audited(),
    }
    newest = flag_candidate(own_town)
    good = replace(newest, calibration=Platt(0.9, -0.5), card={**CARD, **told})
    approved = export_candidate(own_town, good, newest.reference())
    answer(own_town, approved)
    newest = fit(own_town)

    def say(who: str, role: str, kind: str) -> None:
        at, because = datetime(2026, 6, 29, 9, tzinfo=UTC), "its card was read by the board"
        decide(own_town, kind, approved.sha256, by=f"{who} Example", role=role, because=because, at=at)

    say("Ann", "data analyst", "approve")
    assert flag(own_town, AS_OF).model == newest.sha256
    say("Ben", "service manager", "approve")
    weekly = flag(own_town, AS_OF)
    assert (weekly.model, weekly.approval) == (approved.sha256, "")
    page = (own_town.list_folder(AS_OF) / "list.html").read_text(encoding="utf-8")
    assert "NOT APPROVED" not in page
    assert explain_person(own_town, weekly.flags[0].person_id).approval == ""
    say("Ann", "data analyst", "retire")
    assert remake(own_town, AS_OF).approval == "NOT APPROVED: this model was retired on 29 June 2026"
    before = flagged(own_town, approved.sha256)
    assert flag(own_town, AS_OF).model == newest.sha256
    assert flagged(own_town, approved.sha256) == before == Flagged(people=10, mornings=1)


def test_an_empty_list_is_a_list(own_town: Workspace) -> None:
    """When the first deliveries are years old, nobody has been seen in the time looked at."""
    long_after, why = date(2031, 6, 30), "nobody has been asked for deliveries since"
    weekly = flag(own_town, long_after, accept=dict.fromkeys(SIGNALS, why))
    assert weekly.flags == () and weekly.scored == 0
    assert "Nobody is on the list" in (own_town.list_folder(long_after) / "list.html").read_text()
    assert remake(own_town, long_after).hash == weekly.hash


@pytest.mark.parametrize(
    ("every", "on", "last", "due"),
    [
        ("week", "monday", date(2026, 6, 22), None),  # the next is due on the morning itself: not late yet
        ("week", "monday", date(2026, 6, 21), date(2026, 6, 22)),
        ("week", "monday", date(2026, 6, 15), date(2026, 6, 22)),
        ("day", None, date(2026, 6, 27), date(2026, 6, 28)),
        ("day", None, date(2026, 6, 28), None),
        ("month", 1, date(2026, 6, 1), None),
        ("month", 1, date(2026, 5, 2), date(2026, 6, 1)),
        ("week", "monday", None, date(2020, 1, 6)),
    ],
)
def test_overdue(every: str, on: str | int | None, last: date | None, due: date | None) -> None:
    schedule = Schedule.model_validate({"every": every, "on": on})
    assert overdue(schedule, last, date(2020, 1, 1), AS_OF) == due


def test_freshness_counts_no_delivery_of_the_morning(own_town: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "today", "police", [(1, AS_OF - WEEK, "call")], tag="today")
    take_in(own_town, tmp_path / "today", AS_OF)
    fresh = {feed.source: feed.received_on for feed in flag(own_town, AS_OF).feeds}
    assert fresh == dict.fromkeys(["police", "rents", "schools"], AS_OF - WEEK)
    fresh = {feed.source: feed.received_on for feed in flag(own_town, AS_OF + timedelta(days=1)).feeds}
    assert fresh["police"] == AS_OF


def test_what_the_card_promises() -> None:
    found = expected(CARD)
    assert found is not None and (found.precision, found.base_rate) == (0.3, 0.02)
    assert expected({"test": {**CARD["test"], "precision": None}}) is None


@pytest.mark.parametrize(
    ("judged_on", "seen"),
    [
        ({"train": "2026-01-01", "calibrate": "2026-06-30", "test": "2026-12-01"}, date(2026, 6, 30)),
        ({"train": "2026-08-01", "calibrate": "2026-07-15", "test": "2026-12-01"}, date(2026, 8, 1)),
        (
            {"train": "2026-01-01", "calibrate": "2026-06-29", "test": "2026-12-01"},
            None,
        ),  # on the morning itself
        (None, None),
    ],
)
def test_a_list_of_the_model_s_own_past_is_marked(
    town: Workspace, judged_on: dict[str, str] | None, seen: date | None
) -> None:
    """What fitting or calibration learned from after the morning; its test dates do not matter."""
    card = {**CARD, "dates": {"judged_on": judged_on}} if judged_on else CARD
    weekly = make_list(open_snapshot(town), replace(flag_candidate(town), card=card), AS_OF)
    assert weekly.seen == seen and bool(weekly.hindsight) == bool(seen)


def test_one_person_explained(own_town: Workspace) -> None:
    weekly = flag(own_town, AS_OF)
    first = weekly.flags[0]
    told = explain_person(own_town, first.person_id)
    assert told.as_of == AS_OF and told.rank == 1 and told.eligible
    assert told.explanation is not None
    assert told.explanation.reasons == first.reasons and told.explanation.log_odds == first.log_odds
    events = {event for reason in first.reasons for event in reason.event_ids}
    assert len(told.timeline) >= len(events) and told.timeline[0].occurred_on <= told.timeline[-1].occurred_on
    text = told.text()
    for words in ("NOT APPROVED", first.name, first.chance_words, first.reasons[0].sentence, "in all"):
        assert words in text


def test_where_everything_is_covered_explain_says_so_and_not_that_nothing_is_held(town: Workspace) -> None:
    flag(town, AS_OF)
    text = explain_person(town, flag(town, AS_OF).flags[0].person_id, AS_OF).text()
    assert "We hold nothing on\n  Every source that the model reads covers this person.\n" in text
    assert "\n  nothing\n" not in text and "is stale" not in text


@pytest.mark.parametrize("typed", ["Zebedee Quill", "p0123456789a", "H00000000001", "P7654321", ""])
def test_what_is_no_id_is_told_how_one_is_written_and_not_repeated(town: Workspace, typed: str) -> None:
    with pytest.raises(UserMistake, match="such as P0123456789a") as said:
        explain_person(town, typed, AS_OF)
    assert not typed or typed not in str(said.value)


def test_a_person_nobody_knows(own_town: Workspace) -> None:
    flag(own_town, AS_OF)
    with pytest.raises(UserMistake, match="Nobody with that id"):
        explain_person(own_town, "P00000000000")


def test_without_a_list_the_morning_must_be_said(town: Workspace, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(town.root, tmp_path / "town", ignore=shutil.ignore_patterns("lists"))
    with pytest.raises(UserMistake, match="--as-of"):
        explain_person(Workspace(tmp_path / "town"), "P00000000000")
