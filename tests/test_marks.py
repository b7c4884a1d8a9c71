"""Who has a mark on which morning, and what it does: objections, and addresses that must stay secret."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.asof import sql_known
from features.cohort import Eligibility, cohort
from features.marks import make_marked, marks_of
from features.outcomes import Outcome, OutcomePart
from features.panel import build_panel
from features.people import display_identity
from features.refuge import make_shown_residences
from features.residences import residents
from tests.examples import by_day
from tests.reached import day as nth
from tests.reached import link as linked
from tests.reached import lives
from tests.town import Town, day
from training.question import Question

CON = duckdb.connect(config={"threads": 1})
DAYS = ["known_on", "known_until", "start_on", "end_on"]
TABLES = {
    "marks": (["source", "record_key", "subject_key", "mark"], DAYS),
    "links": (["source", "subject_key", "person_id"], DAYS[:2]),
    "told_residences": (["person_id", "uprn", "postcode", "area"], DAYS),
}


def mark(
    kind: str,
    start: int | None = None,
    end: int | None = None,
    *,
    known: int = 0,
    until: int | None = None,
    subject: str = "S",
    record: str = "r",
) -> dict:
    """A mark as a snapshot has it; days are counted from 1 January 2026."""
    said = {"source": "rents", "record_key": record, "subject_key": subject, "mark": kind}
    spell = {"start_on": nth(start), "end_on": nth(end)}
    return {**said, **spell, "known_on": nth(known), "known_until": nth(until)}


def load(con: duckdb.DuckDBPyConnection = CON, **tables: list[dict]) -> None:
    for name, (texts, days) in TABLES.items():
        schema = pa.schema([*[(n, pa.string()) for n in texts], *[(n, pa.date32()) for n in days]])
        con.register("rows_to_load", pa.Table.from_pylist(tables.get(name, []), schema=schema))
        con.execute(f"CREATE OR REPLACE TABLE {name} AS FROM rows_to_load")


@pytest.mark.parametrize(
    ("said", "mornings"),
    [
        (mark("objection", known=5), range(6, 20)),  # from when it is known, the morning after
        (mark("objection", 10, known=5), range(10, 20)),  # its first day counts
        (mark("objection", 2, known=5), range(6, 20)),
        (mark("objection", 2, 12, known=5), range(6, 12)),  # the day of its end is the first without it
        (mark("objection", known=5, until=8), range(6, 9)),  # taken back on the 8th, as known on the 9th
        (mark("objection", 7, 7, known=5), range(0)),
        (mark("objection", 15, 12, known=5), range(0)),
        (mark("objection", known=5, subject="unlinked"), range(0)),
    ],
)
def test_on_which_mornings_a_mark_holds(said: dict, mornings: range) -> None:
    load(marks=[said], links=[linked("S", "ann", 3)])
    make_marked(CON)
    held = [n for n in range(20) if marks_of(CON, nth(n), ["ann", "ben"])["ann"]]
    assert held == list(mornings)
    assert marks_of(CON, nth(7), ["ben"]) == {"ben": frozenset()}


def test_a_mark_goes_where_its_subject_goes_and_of_two_one_is_enough() -> None:
    marks = [mark("objection", end=9), mark("objection", 7, record="s"), mark("refuge", record="t")]
    load(marks=marks, links=[linked("S", "ann", 0, 5), linked("S", "ben", 5)])
    make_marked(CON)
    found = [tuple(sorted(m) for m in marks_of(CON, nth(n), ["ann", "ben"]).values()) for n in (1, 5, 6, 12)]
    both = ["objection", "refuge"]
    assert found == [(both, []), (both, []), ([], both), ([], both)]


# --- secret addresses, against every day of every morning -------------------------------------------


def stands(row: dict, morning: date) -> bool:
    return row["known_on"] < morning and (row["known_until"] is None or morning <= row["known_until"])


def seen_naively(world: dict[str, list[dict]], morning: date, on: date) -> set[tuple[str, str]]:
    """(person, place): where a morning may see that people lived on a day."""
    secret = set()
    for m in world["marks"]:
        same = [x for x in world["marks"] if all(x[n] == m[n] for n in ("record_key", "subject_key", "mark"))]
        begins = m["start_on"] or min(x["known_on"] for x in same) + timedelta(days=1)
        tomorrow = on + timedelta(days=1)  # the morning that sees somebody live there, because of this day
        covers = begins <= tomorrow and (m["end_on"] is None or tomorrow < m["end_on"])
        if m["mark"] == "refuge" and covers and stands(m, morning):
            links = [x for x in world["links"] if stands(x, morning)]
            secret |= {x["person_id"] for x in links if x["subject_key"] == m["subject_key"]}
    return {
        (r["person_id"], r["uprn"])
        for r in world["told_residences"]
        if stands(r, morning)
        and r["start_on"] <= on
        and (r["end_on"] is None or on < r["end_on"])
        and r["person_id"] not in secret
    }


def any_town(seed: int) -> dict[str, list[dict]]:
    chance = Random(seed)

    def later(start: int) -> int | None:
        return None if chance.random() < 0.5 else start + chance.randint(0, 8)

    def span() -> tuple[int, int | None]:
        start = chance.randint(0, 8)
        return start, later(start + 1)

    marks = []
    for _ in range(chance.randint(1, 4)):
        (known, until), (start, end) = span(), span()
        kind = chance.choice(["refuge", "refuge", "refuge", "adoption"])
        begins, whose = chance.choice([None, start]), chance.choice("ST")
        said = {"subject": whose, "record": chance.choice("xy")}
        marks.append(mark(kind, begins, end, known=known, until=until, **said))
    links = [linked(s, chance.choice(["ann", "ben"]), *span()) for s in "SST"]
    homes = []
    for who in ("ann", "ann", "ann", "ben"):
        (start, end), (on, until) = span(), span()
        homes.append(lives(who, chance.choice("XY"), start, end, on, until))
    return {"marks": marks, "links": links, "told_residences": homes}


@by_day(12)
@given(st.integers(0, 2**32 - 1))
def test_no_morning_sees_a_day_that_must_stay_secret(seed: int) -> None:
    world = any_town(seed)
    with CON.cursor() as con:
        con.execute("DROP SCHEMA IF EXISTS one CASCADE; CREATE SCHEMA one; USE one")
        load(con, **world)
        make_shown_residences(con)
        homes = con.sql("FROM residences").to_arrow_table().to_pylist()
    for m in range(18):
        for d in range(18):
            morning, on = nth(m), nth(d)
            shown = {
                (r["person_id"], r["uprn"])
                for r in homes
                if stands(r, morning) and r["start_on"] <= on and (r["end_on"] is None or on < r["end_on"])
            }
            assert shown == seen_naively(world, morning, on), (m, d)


# --- in a town --------------------------------------------------------------------------------------

AS_OF = date(2026, 3, 1)
ELIGIBLE = Eligibility(("police.incident", "rents.arrears_letter"), ("rents",), held=False)
OUTCOME = Outcome((OutcomePart("missing", "an episode", ("missing.episode",)),), 30, ())


@pytest.fixture
def town(tmp_path) -> Town:
    town = Town(tmp_path)
    town.person("ann", "ben", "cat", "dee")
    for who in ("ann", "ben", "dee"):
        town.lives(who, "X", "1 Jan")
        town.event(who, "police.incident", "1 Feb")
    for on in ("20 Jan", "10 Feb"):
        town.event(None, "rents.arrears_letter", on, place="X")
    town.registered("rents", None, "1 Jan 2020", place="X")
    return town


def asked(town: Town, as_of: date = AS_OF, **more: date) -> tuple[list[str], tuple]:
    found = cohort(town.now, eligibility=ELIGIBLE, outcome=OUTCOME, as_of=as_of, **more)
    return found.person_ids.tolist(), found.flow[0]


def letters(town: Town, as_of: date = AS_OF) -> dict[str, float]:
    """Person → arrears letters that reached them through their household in 90 days."""
    panel = build_panel(town.now, town.catalogue, as_of)
    counts = panel.column("household.rents.arrears_letter.count_90")
    return dict(zip(panel.person_ids.tolist(), counts.tolist(), strict=True))


def test_whoever_objects_is_in_no_panel_and_no_cohort_and_others_stay_as_they_were(town: Town) -> None:
    before = letters(town)
    assert asked(town)[1] == ("no event in the last 730 days", 1, 3)  # nobody objects: nothing is said of it
    town.mark("ben", "objection", "1 Mar", known="28 Feb")
    assert asked(town, AS_OF - timedelta(days=1))[0] == ["ann", "ben", "dee"]
    assert asked(town) == (["ann", "dee"], ("objects to being scored", 1, 3))
    after = letters(town)
    assert before == {"ann": 2, "ben": 2, "dee": 2}
    assert after == {"ann": 2, "dee": 2}


def test_an_objection_that_stands_today_is_honoured_on_past_dates_too(town: Town) -> None:
    """Under whatever id the person had then."""
    town.link("ben", "newer", known="10 Mar")
    town.mark("ben", "objection", known="20 Mar")
    today = date(2026, 4, 1)
    assert asked(town)[0] == ["ann", "ben", "dee"]
    assert asked(town, objections_on=today) == (["ann", "dee"], ("objects to being scored", 1, 3))
    question = Question(town.now, town.catalogue, ELIGIBLE, OUTCOME, objections_on=today)
    assert question.morning(AS_OF).person_ids.tolist() == ["ann", "dee"]


def test_an_objection_that_has_ended_no_longer_counts(town: Town) -> None:
    town.mark("ben", "objection", "1 Feb", end="1 Mar", known="1 Feb")
    assert asked(town, AS_OF - timedelta(days=1))[0] == ["ann", "dee"]
    assert asked(town)[0] == ["ann", "ben", "dee"]


def test_at_a_secret_address_nobody_is_seen_and_nothing_is_passed_on(town: Town) -> None:
    town.mark("ann", "refuge", "1 Feb", end="1 Apr", known="15 Feb")
    assert letters(town, day("15 Feb")) == {"ann": 2, "ben": 2, "dee": 2}  # it was not known yet
    assert letters(town) == {"ann": 1, "ben": 2, "dee": 2}  # of the days before the mark, hers still
    who = display_identity(town.now, AS_OF, ["ann", "ben"])
    assert (who["ann"].household_id, who["ann"].household, who["ann"].postcode) == (None, (), None)
    assert who["ben"].household == ("dee",)
    assert "ann" not in residents(town.now, AS_OF)["person_id"].to_pylist()
    last, after = date(2026, 3, 31), date(2026, 4, 1)
    assert display_identity(town.now, last, ["ann"])["ann"].household_id is None
    assert display_identity(town.now, after, ["ann"])["ann"].household == ("ben", "dee")
    assert letters(town, after)["ann"] == 1  # what happened there in that time never reaches her


def test_linking_compares_the_residences_that_were_told(town: Town) -> None:
    """Or every run would find that of somebody at a secret address changed."""
    town.mark("ann", "refuge", "1 Feb")
    con = town.now.con
    open_on = f"end_on IS NULL AND {sql_known(AS_OF)}"
    counts = [f"(SELECT count(*) FROM {name} WHERE {open_on})" for name in ("told_residences", "residences")]
    assert con.execute(f"SELECT {', '.join(counts)}").fetchall() == [(3, 2)]
