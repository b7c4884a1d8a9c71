"""One happening in several systems: what is declared, what counts on which morning, and where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import numpy as np
import pytest

import tests.town
from features.catalogue import Catalogue, derive_catalogue
from features.channels import signals_of
from features.declaration import Source
from features.evidence import evidence
from features.happenings import ONCE, ONCE_IN_THEME, happenings_of
from features.kernel import compile_catalogue
from features.panel import build_panel
from features.usable import all_usable_rows
from models.account import weigh
from tests.town import Town, declaration

# What is declared.


def sources(**given: dict[str, dict]) -> list[Source]:
    return [Source.model_validate(declaration(name, **signals)) for name, signals in given.items()]


def same(hours: float, *signals: str) -> dict:
    return {"same_as": {"signals": list(signals), "hours": hours}}


def pairs(declared: list[Source], once: str = ONCE) -> dict[tuple[str, str], float]:
    found = happenings_of(declared, signals_of(declared))
    return {pair.signals: pair.hours for pair in found if pair.once == once}


def test_it_holds_both_ways_and_the_fewer_hours_hold() -> None:
    one = sources(desk={"episode": same(24, "police.log", "nobody.has_it")}, police={"log": {}})
    both = sources(desk={"episode": same(24, "police.log")}, police={"log": same(6, "desk.episode")})
    assert pairs(one) == {("desk.episode", "police.log"): 24}
    assert pairs(both) == {("desk.episode", "police.log"): 6}


def test_through_a_third_the_fewer_hours_hold_unless_their_own_are_declared() -> None:
    third = {"desk": {"episode": same(24, "police.log")}, "care": {"missing": same(6, "desk.episode")}}
    assert pairs(sources(police={"log": {}}, **third))["care.missing", "police.log"] == 6
    own = pairs(sources(police={"log": same(48, "care.missing")}, **third))
    assert own["care.missing", "police.log"] == 48


def test_a_notice_that_may_follow_either_of_two_logs_does_not_make_them_one() -> None:
    found = pairs(
        sources(
            police={"fight": {}, "worry": {}},
            records={"notice": same(48, "police.fight", "police.worry"), "fight": same(24, "police.fight")},
        )
    )
    assert ("police.fight", "police.worry") not in found
    assert ("police.worry", "records.fight") not in found and len(found) == 3


def test_what_is_no_feature_and_what_is_a_household_s_pairs_with_nothing_of_a_person_s() -> None:
    words = same(24, "police.log", "police.to_address", "police.note", "team.help")
    found = pairs(
        sources(
            desk={"episode": words},
            police={"log": {}, "to_address": {"shared": True}, "note": {"feature": False}},
            team={"help": {"ours": True}},
        )
    )
    assert list(found) == [("desk.episode", "police.log")]


@pytest.mark.parametrize("name", ["desk.other", "episode"])
def test_a_pair_that_can_never_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"signals\.episode\.same_as: '.*' is"):
        sources(desk={"episode": same(24, name), "other": {}})


# From tables to numbers and reasons.

SYSTEMS = (
    declaration("police", log={"theme": "child_safety"}, fight={"theme": "crime"}),
    declaration("records", occurrence={"theme": "child_safety", **same(6, "police.log")}),
    declaration("care", missing={"theme": "child_safety", **same(6, "records.occurrence")}),
    declaration("ambulance", call={"theme": "health", **same(6, "police.log")}),
    declaration("hospital", attendance={"theme": "health", **same(8, "ambulance.call")}),
    declaration("rents", letter={"shared": True}),
    declaration("tax", reminder={"shared": True, **same(24, "rents.letter")}),
)
LOG, RECORD, MISSING, CALL, ATTENDANCE = (
    *("police.log", "records.occurrence", "care.missing"),
    *("ambulance.call", "hospital.attendance"),
)
LETTERS = ("household.rents.letter", "household.tax.reminder")
TEN, ELEVEN, NOON, FIVE = time(10), time(11), time(12), time(17)
KNOWN = "2 Feb"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Everybody has what the case of their name says."""
    with pytest.MonkeyPatch.context() as only:
        only.setattr(tests.town, "SOURCES", SYSTEMS)
        town = Town(tmp_path_factory.mktemp("systems"))

        def happened(who: str, *events: tuple[str, str, time | None], known: str = KNOWN) -> None:
            for signal, on, at in events:
                town.event(who, signal, on, at=at, known=known)

        town.person(*TOLD)
        happened("near", (LOG, "1 Feb", TEN), (RECORD, "1 Feb", NOON))
        happened("far", (LOG, "1 Feb", TEN), (RECORD, "1 Feb", FIVE))
        happened("ann", (LOG, "1 Feb", TEN))
        happened("ben", (RECORD, "1 Feb", TEN))
        happened("three", (LOG, "1 Feb", TEN), (RECORD, "1 Feb", NOON), (MISSING, "1 Feb", FIVE))
        happened("two logs", (LOG, "1 Feb", TEN), (LOG, "1 Feb", ELEVEN), (RECORD, "1 Feb", NOON))
        happened("no time", (LOG, "1 Feb", time(23)), (RECORD, "2 Feb", None))
        happened("no time, far", (LOG, "1 Feb", time(23)), (RECORD, "3 Feb", None))
        happened("themes", (LOG, "1 Feb", TEN), (CALL, "1 Feb", ELEVEN), (ATTENDANCE, "1 Feb", NOON))
        happened("repeats", (LOG, "1 Feb", TEN), (RECORD, "3 Feb", TEN), (LOG, "3 Feb", ELEVEN))
        happened("repeats", (LOG, "6 Feb", TEN), known="6 Feb")
        happened("known later", (RECORD, "1 Feb", NOON))
        happened("known later", (LOG, "1 Feb", TEN), known="10 Feb")
        happened("withdrawn", (RECORD, "1 Feb", NOON))
        town.event("withdrawn", LOG, "1 Feb", at=TEN, known=KNOWN, record="rows/w")
        town.withdraw("police", "rows/w", known="10 Feb", revision=2)
        happened("corrected", (LOG, "1 Feb", TEN))
        town.event("corrected", RECORD, "1 Feb", at=NOON, known=KNOWN, record="rows/c")
        town.event("corrected", RECORD, "5 Feb", at=NOON, known="10 Feb", record="rows/c", revision=2)
        town.lives("home", "X", "1 Jan 2020")
        for signal in ("rents.letter", "tax.reminder"):
            town.event(None, signal, "1 Feb", known=KNOWN, place="X")
        assert town.now
        yield town


EARLY, LATE = date(2026, 2, 10), date(2026, 2, 11)
"""The mornings before and after what became known on 10 February."""
TOLD: dict[str, dict[str, float | tuple[float, float]]] = {
    "near": {"all": 1, "all agencies": 1, "all signals": 1, LOG: 1, RECORD: 1, "theme.child_safety": 1},
    "far": {"all": 2, "all agencies": 2, "all signals": 2, "theme.child_safety": 2},
    "ann": {"all": 1},
    "ben": {"all": 1},
    "three": {"all": 1, "all agencies": 1, LOG: 1, RECORD: 1, MISSING: 1, "theme.child_safety": 1},
    "two logs": {"all": 2, "all agencies": 1, LOG: 2, "police": 2, RECORD: 1},
    "no time": {"all": 1},
    "no time, far": {"all": 2},
    "themes": {"all": 1, "all agencies": 1, "theme.child_safety": 1, "theme.health": 1, ATTENDANCE: 1},
    "repeats": {"all": 3, "all repeats_7": 1, LOG: 3, "police": 3, "police repeats_7": 2},
    "known later": {"all": 1, LOG: (0, 1), RECORD: 1, "all agencies": 1},
    "withdrawn": {"all": 1, LOG: (1, 0), RECORD: 1, "all agencies": 1},
    "corrected": {"all": (1, 2), LOG: 1, RECORD: 1, "all agencies": (1, 2)},
    "home": {
        "household": 1,
        "household agencies": 1,
        "household.rents.letter": 1,
        "household.tax.reminder": 1,
    },
}


def catalogue_of(town: Town) -> Catalogue:
    return derive_catalogue(town.workspace.sources, windows=(30,))


@pytest.mark.parametrize("morning", [EARLY, LATE])
def test_a_happening_counts_once_outside_its_own_agency(town: Town, morning: date) -> None:
    catalogue = catalogue_of(town)
    panel = build_panel(town.now, catalogue, morning)
    wrong = []
    for who, numbers in TOLD.items():
        row = panel.X[panel.rows_of([who])[0]]
        for asked, expected in numbers.items():
            channel, _, measure = asked.partition(" ")
            name = f"{channel}.{measure or 'count'}{'' if '_' in measure else '_30'}"
            want = expected[morning == LATE] if isinstance(expected, tuple) else expected
            if (got := float(row[panel.names.index(name)])) != want:
                wrong.append(f"{who}: {name} is {got}, not {want}")
    assert wrong == []


@pytest.mark.parametrize("morning", [EARLY, LATE])
def test_every_count_is_the_number_of_events_behind_it(town: Town, morning: date) -> None:
    catalogue = catalogue_of(town)
    panel = build_panel(town.now, catalogue, morning)
    rows = evidence(town.now, catalogue, morning, list(TOLD))
    for feature in catalogue.features:
        if feature.measure == "count":
            behind = [
                len(feature.evidence(catalogue.channel(feature.channel), rows[w], morning)) for w in TOLD
            ]
            counts = np.nan_to_num(panel.column(feature.name)[panel.rows_of(list(TOLD))])
            assert behind == counts.tolist(), feature.name


def first_events(town: Town, who: str, morning: date) -> list[str]:
    catalogue = catalogue_of(town)
    rows = evidence(town.now, catalogue, morning, [who])[who]
    return [row.signal for row in rows if catalogue.channel("all").counts(row)]


def test_it_is_told_by_the_first_that_is_known(town: Town) -> None:
    assert first_events(town, "known later", EARLY) == [RECORD]
    assert first_events(town, "known later", LATE) == [LOG]
    assert first_events(town, "withdrawn", EARLY) == [LOG]
    assert first_events(town, "withdrawn", LATE) == [RECORD]


def test_a_part_of_a_catalogue_gives_the_same_numbers(town: Town) -> None:
    """A theme's own first records, though what other signals the part has none of was logged before."""
    whole = catalogue_of(town)
    part = whole.select([name for name in whole.names if name.startswith("theme.health.")])
    assert LOG not in part.signals
    numbers = [build_panel(town.now, catalogue, LATE) for catalogue in (whole, part)]
    several = numbers[1].person_ids
    given = [panel.columns(part.names)[panel.rows_of(several)] for panel in numbers]
    np.testing.assert_array_equal(*given)
    assert Catalogue.from_json(part.to_json()) == part and Catalogue.from_json(whole.to_json()) == whole


def test_cohort_and_outcomes_see_every_record(town: Town) -> None:
    snapshot = town.now
    table, con = all_usable_rows(snapshot, as_of=LATE), snapshot.con
    query = f"SELECT signal, count(*) FROM {table} WHERE person_id = 'three' GROUP BY ALL ORDER BY ALL"
    assert con.execute(query).fetchall() == [(MISSING, 1), (LOG, 1), (RECORD, 1)]
    assert con.execute(f"SELECT count(*) FROM {table} WHERE starts_with(signal, 'once.')").fetchall() == [
        (0,)
    ]


def test_what_spans_agencies_weighs_with_the_record_that_counts(town: Town) -> None:
    """Told by one agency, with nothing of its weight lost."""
    catalogue = catalogue_of(town)
    rows = evidence(town.now, catalogue, LATE, ["near", "far"])
    given = np.array([float(name == "all.count_30") for name in catalogue.names] + [-4.0])
    near, far = (weigh(catalogue, catalogue.names, given, rows[who], LATE) for who in ("near", "far"))
    assert {c.name: weight for c, weight, _ in near.weighed} == {LOG: 1.0, RECORD: 0.0}
    assert far.weighed[0][0].name == "all" and far.weighed[0][1] == 1.0


def test_a_theme_has_firsts_of_its_own_only_where_it_shares_happenings_with_another() -> None:
    declared = [Source.model_validate(source) for source in SYSTEMS]
    assert set(pairs(declared, ONCE_IN_THEME)) == {
        ("ambulance.call", "hospital.attendance"),
        ("care.missing", "police.log"),
        ("care.missing", "records.occurrence"),
        ("police.log", "records.occurrence"),
    }
    alike = [s for s in declared if s.source not in ("ambulance", "hospital")]
    assert pairs(alike, ONCE_IN_THEME) == {}
    channels = {c.name: c.once for c in derive_catalogue({s.source: s for s in alike}).channels if c.once}
    assert channels["theme.child_safety"] == (
        "once.care.missing",
        "once.police.log",
        "once.records.occurrence",
    )
    assert set(channels) == {"all", "theme.child_safety", "household"}


def test_where_nothing_is_declared_a_catalogue_says_nothing_of_it() -> None:
    """Its hash is what it was before there were happenings, and so is the name of its shards."""
    text = derive_catalogue(
        {s.source: s for s in sources(police={"log": {}}, desk={"episode": {}})}
    ).to_json()
    assert "once" not in text and "happenings" not in text
    catalogue = Catalogue.from_json(text)
    assert catalogue.codes == catalogue.signals and catalogue.happenings == ()
    assert compile_catalogue(catalogue, signals=catalogue.signals, sources=catalogue.sources)
