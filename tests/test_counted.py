"""An outcome that has to happen on several days: a table of people, and a crowd against plain Python.

Asked on 1 February 2026: did emergencies come on two days of the next 30? The hospital's attendances are the
ambulance's journeys where they are no more than eight hours apart.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

import tests.town
from features.cohort import Eligibility, cohort
from features.counted import one_happening
from features.declaration import Source
from features.errors import UserMistake
from features.outcomes import ALREADY, Outcome, OutcomePart, labels
from features.panel import read_panel
from features.snapshot import Snapshot, open_snapshot
from features.workspace import open_workspace
from models.calibration import Platt
from models.candidate import Candidate, content_hash, export_candidate, load_candidate, reference_of
from models.scorer import LinearScorer, Term
from models.spec import Specification, catalogue_of
from tests.town import Town, declaration

AS_OF, HORIZON, JUDGED = date(2026, 2, 1), 30, date(2026, 3, 15)
LOG, JOURNEY, ATTENDANCE, LETTER = (
    "police.log",
    "ambulance.journey",
    "hospital.attendance",
    "rents.letter",
)
SYSTEMS = (
    declaration("police", log={}),
    declaration("ambulance", journey={}),
    declaration("hospital", attendance={"same_as": {"signals": [JOURNEY], "hours": 8}}),
    declaration("rents", letter={"shared": True}),
)
PARTS = (
    OutcomePart("often", "emergencies on two days", (LOG, JOURNEY, ATTENDANCE), at_least=2),
    OutcomePart("letter", "a letter", (LETTER,)),
)
SAME = one_happening({s["source"]: Source.model_validate(s) for s in SYSTEMS}, PARTS[0].signals)
ELIGIBLE = Eligibility((LOG, JOURNEY, ATTENDANCE, LETTER), ("police",), held=False)
SEEN = (LOG, "1 Jan 2025", None)
TEN, LATE, NIGHT = time(10), time(23, 30), time(0, 20)

# who → what happened, what followed; None = not judged, "no" = not asked about
CASES: dict[str, tuple[list[tuple], float | str | None]] = {
    "nothing": ([], 0),
    "one": ([(LOG, "3 Feb", TEN)], 0),
    "two days": ([(LOG, "3 Feb", TEN), (LOG, "5 Feb", TEN)], 1),
    "two days of two agencies": ([(LOG, "3 Feb", TEN), (ATTENDANCE, "5 Feb", TEN)], 1),
    "one day": ([(LOG, "3 Feb", TEN), (LOG, "3 Feb", LATE), (ATTENDANCE, "3 Feb", TEN)], 0),
    "one night in two systems": ([(JOURNEY, "3 Feb", LATE), (ATTENDANCE, "4 Feb", NIGHT)], 0),
    "two nights in two systems": ([(JOURNEY, "3 Feb", TEN), (ATTENDANCE, "4 Feb", NIGHT)], 1),
    "no time, next day": ([(JOURNEY, "3 Feb", None), (ATTENDANCE, "4 Feb", NIGHT)], 0),
    "one night of nothing declared": ([(LOG, "3 Feb", LATE), (ATTENDANCE, "4 Feb", NIGHT)], 1),
    "first and last day": ([(LOG, "1 Feb", TEN), (LOG, "2 Mar", TEN)], 1),
    "the day after": ([(LOG, "3 Feb", TEN), (LOG, "3 Mar", TEN)], 0),
    "began before": ([(JOURNEY, "31 Jan", LATE), (ATTENDANCE, "1 Feb", NIGHT), (LOG, "5 Feb", TEN)], 0),
    "known in time": ([(LOG, "3 Feb", TEN), (LOG, "5 Feb", TEN, "14 Mar")], 1),
    "known too late": ([(LOG, "3 Feb", TEN), (LOG, "5 Feb", TEN, "15 Mar")], 0),
    "one before, one after": ([(LOG, "30 Jan", TEN), (LOG, "3 Feb", TEN)], 0),
    "twice before": ([(LOG, "10 Jan", TEN), (LOG, "20 Jan", TEN), (LOG, "5 Feb", TEN)], "no"),
    "once before in two systems": ([(JOURNEY, "10 Jan", LATE), (ATTENDANCE, "11 Jan", NIGHT)], 0),
    "twice, but long before": ([(LOG, "1 Jan", TEN), (LOG, "5 Jan", TEN)], 0),
    "twice before, not yet known": ([(LOG, "10 Jan", TEN), (LOG, "20 Jan", TEN, "3 Feb")], None),
    "a letter": ([(LETTER, "9 Feb", None)], 1),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with pytest.MonkeyPatch.context() as only:
        only.setattr(tests.town, "SOURCES", SYSTEMS)
        yield Town(tmp_path_factory.mktemp("systems"))


def tell(town: Town, who: str, *happened: tuple) -> None:
    """signal, day, time, and the day on which it was known, the one after unless given."""
    for signal, on, at, *known in happened:
        town.event(who, signal, on, at=at, known=known[0] if known else tests.town.day(on) + timedelta(1))


def asked(snapshot: Snapshot, parts: tuple[OutcomePart, ...]) -> dict[str, tuple[float | None, float]]:
    """Who was asked about: what followed, and after how many days."""
    outcome = Outcome(parts, HORIZON, happenings=SAME)
    people = cohort(snapshot, eligibility=ELIGIBLE, outcome=outcome, as_of=AS_OF).person_ids
    found = labels(snapshot, outcome, as_of=AS_OF, judged_on=JUDGED, person_ids=people, eligibility=ELIGIBLE)
    assert found.counts[ALREADY] == np.isnan(found.y).sum()
    y = [None if np.isnan(value) else value for value in found.y.tolist()]
    return dict(zip(people.tolist(), zip(y, found.days_until.tolist(), strict=True), strict=True))


def test_what_counts_is_days_of_happenings(town: Town) -> None:
    town.person(*CASES)
    for who, (happened, _) in CASES.items():
        tell(town, who, SEEN, *((s, d, t, *k) for s, d, t, *k in happened if s != LETTER))
    town.lives("a letter", "X", "1 Jan 2025")
    town.event(None, LETTER, "9 Feb", place="X")
    found = asked(town.snapshot, PARTS)
    assert {who: found.get(who, ("no",))[0] for who in CASES} == {who: y for who, (_, y) in CASES.items()}
    days = {who: found[who][1] for who in ("two days", "first and last day", "a letter")}
    assert days == {"two days": 4, "first and last day": 29, "a letter": 8}
    never = (OutcomePart("never", "emergencies on nine days", PARTS[0].signals, at_least=9),)
    assert {y for y, _ in asked(town.snapshot, never).values()} == {0}, "nobody is near it"


def oracle(happened: list[tuple[str, datetime, date]]) -> tuple[bool, float | None]:
    """(asked about?, what followed; None = not judged). happened: signal, time, day on which it was known."""

    def days(known: date, start: date, length: int) -> set[date]:
        firsts: list[list[tuple[str, datetime]]] = []
        rows = [(s, at) for s, at, told in happened if told < known and at.date() < known]
        for signal, at in sorted(rows, key=lambda row: (row[1], row[0])):
            other = {JOURNEY: ATTENDANCE, ATTENDANCE: JOURNEY}.get(signal)
            for one in firsts:  # the earliest that this may be a record of
                if [s for s, _ in one] == [other] and at - one[0][1] <= timedelta(hours=8):
                    one.append((signal, at))
                    break
            else:
                firsts.append([(signal, at)])
        found = {one[0][1].date() for one in firsts}
        return {day for day in found if start <= day < start + timedelta(length)}

    def there(known: date) -> bool:
        return len(days(known, AS_OF - timedelta(HORIZON), HORIZON)) >= 2

    if there(JUDGED):
        return not there(AS_OF), None
    return not there(AS_OF), float(len(days(JUDGED, AS_OF, HORIZON)) >= 2)


def test_a_crowd_against_plain_python(town: Town) -> None:
    draw = random.Random(3)
    crowd: dict[str, list[tuple[str, datetime, date]]] = {}
    for number in range(150):
        happened = []
        for _ in range(draw.randint(0, 4)):
            at = datetime(2026, 1, 1) + timedelta(minutes=draw.randrange(30, 65 * 24 * 60))
            at = draw.choice([at, datetime.combine(AS_OF, TEN) + timedelta(hours=draw.randrange(-40, 60))])
            signals = draw.choice(
                [(LOG,), (JOURNEY,), (JOURNEY, ATTENDANCE), (JOURNEY, ATTENDANCE, ATTENDANCE)]
            )
            for signal in signals:
                known = at.date() + timedelta(draw.choice([1, 1, 1, 9, 60]))
                happened.append((signal, at, known))
                at += timedelta(minutes=draw.randrange(20, 700))
        crowd[f"n{number:03}"] = happened
    town.person(*crowd)
    for who, rows in crowd.items():
        tell(town, who, SEEN, *((s, at.date(), at.time(), known) for s, at, known in rows))
    found = {who: told for who, told in asked(town.snapshot, PARTS[:1]).items() if who in crowd}
    expected = {who: oracle(rows) for who, rows in crowd.items()}
    assert set(found) == {who for who, (is_asked, _) in expected.items() if is_asked}
    assert {who: y for who, (y, _) in found.items()} == {who: expected[who][1] for who in found}
    truth = [y for is_asked, y in expected.values() if is_asked]
    assert min(truth.count(1.0), truth.count(0.0), truth.count(None)) > 5 < len(crowd) - len(found)


# ---- what is one happening goes with the model

OFTEN = Specification.model_validate(
    {
        "name": "often",
        "title": "emergencies on two days",
        "outcome": {
            "horizon_days": HORIZON,
            "parts": [
                {
                    "name": "often",
                    "title": "emergencies on two days",
                    "signals": [*PARTS[0].signals],
                    "at_least": 2,
                }
            ],
        },
        "eligible": {"seen_within_days": 730, "held": False},
        "features": {"windows": [730]},
        "baselines": [{"name": "all", "title": "events", "features": ["all.count_730"]}],
        "logistic": ["all.count_730"],
        "calendar": {"train": ["2024-01-01"], "calibrate": ["2024-06-01"], "test": ["2024-12-01"]},
        "lightgbm": {"settings": [{}]},
    }
)


def made(snapshot: Snapshot) -> Candidate:
    """A model that goes by how much happened, exported."""
    workspace = snapshot.workspace
    catalogue = catalogue_of(workspace, OFTEN)
    asked = OFTEN.to_eligibility(workspace, catalogue)
    scorer, card = LinearScorer((Term("all.count_730", 0.5),), -2.0), {"last_delivery": 1, "link_run": 1}
    draft = Candidate("", "lightgbm", OFTEN, catalogue, asked, scorer, Platt(1.0, 0.0), card)
    return export_candidate(workspace, draft, reference_of(draft, read_panel(snapshot, catalogue, AS_OF).X))


def scores(snapshot: Snapshot, candidate: Candidate) -> dict[str, tuple[float, float | None]]:
    """Whom a model asks about: the log-odds, and what followed by its own outcome."""
    people = candidate.cohort(snapshot, AS_OF).person_ids
    panel = read_panel(snapshot, candidate.catalogue, AS_OF)
    log_odds = candidate.log_odds(panel, panel.rows_of(people))
    found = labels(snapshot, candidate.outcome, as_of=AS_OF, judged_on=JUDGED, person_ids=people)
    y = [None if np.isnan(value) else value for value in found.y.tolist()]
    told = zip(log_odds.tolist(), y, strict=True)
    return dict(zip(people.tolist(), told, strict=True))


def test_a_model_scores_the_same_people_the_same_after_a_source_is_declared_otherwise(
    town: Town, tmp_path: Path
) -> None:
    twice_told = {
        "there": [(JOURNEY, "10 Jan", LATE), (ATTENDANCE, "11 Jan", NIGHT)],
        "followed": [(JOURNEY, "3 Feb", LATE), (ATTENDANCE, "4 Feb", NIGHT)],
    }
    town.person(*twice_told)
    for who, happened in twice_told.items():
        tell(town, who, SEEN, *happened)
    snapshot = town.snapshot
    root = tmp_path / "w"
    shutil.copytree(snapshot.workspace.root, root)
    candidate = made(open_snapshot(open_workspace(root)))
    before = scores(open_snapshot(open_workspace(root)), candidate)
    assert before["there"][1] == before["followed"][1] == 0, "each is one night, told of by two"

    Town.declare(root, declaration("hospital", attendance={}))
    workspace = open_workspace(root)
    held = open_snapshot(workspace)
    assert scores(held, load_candidate(workspace.models / candidate.sha256)) == before
    new = scores(held, made(held))
    assert "there" not in new and new["followed"][1] == 1, "a model made now counts two days"


def test_a_model_that_does_not_tell_what_is_one_happening_is_read_where_it_does_not_matter(
    town: Town, tmp_path: Path
) -> None:
    candidate = made(town.snapshot)
    once = OFTEN.model_dump(mode="json")
    once["outcome"]["parts"][0]["at_least"] = 1

    def older(specification: dict) -> Path:
        """The model's folder as it was exported before."""
        assert candidate.folder is not None
        folder = tmp_path / "older"
        shutil.copytree(candidate.folder, folder)
        given = json.loads((folder / "eligibility.json").read_text("utf-8"))
        assert given.pop("happenings") == [{"once": "once.", "signals": [JOURNEY, ATTENDANCE], "hours": 8.0}]
        (folder / "eligibility.json").write_text(json.dumps(given), "utf-8")
        (folder / "specification.yaml").write_text(json.dumps(specification), "utf-8")
        return folder.rename(tmp_path / content_hash(folder))

    assert load_candidate(older(once)).outcome.happenings == ()
    with pytest.raises(UserMistake, match="one happening") as mistake:
        load_candidate(older(OFTEN.model_dump(mode="json")))
    assert "earlyhelp train --model often" in str(mistake.value)
