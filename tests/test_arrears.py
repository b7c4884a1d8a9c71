"""Arrears as balances: open as known on the morning, ends learned late or wiped again, today's balance."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import isnan
from pathlib import Path

import duckdb
import pytest

from features.asof import sql_usable
from features.catalogue import derive_catalogue
from features.channels import channels_of
from features.check import check
from features.deliveries import read_ledger
from features.feature import EvidenceRow
from features.ingest import ingest
from features.link import link
from features.panel import build_panel
from features.read_declaration import read_source
from features.snapshot import open_snapshot
from features.tables import Tables
from features.wording import sentence
from features.workspace import TEMPLATES, Workspace, init_workspace, open_workspace
from serving.person import _moment, _told
from simulation import agencies
from simulation.county import simulate
from tests.one_source import OneSource, one_source

HISTORY, FIRST, SECOND, THIRD = "2026-05-25", "2026-06-01", "2026-06-08", "2026-06-15"
"""Mondays on which files came, the first with the past years."""

Row = tuple[str, str, str, str, str] | None
Seen = tuple[str, str | None, float | None] | None

OPENED = "10/03/2025"  # a Monday, on which it was keyed
CASES: dict[str, tuple[Sequence[Row], Mapping[str, Seen]]] = {
    # what each file says: (since, balance, cleared, keyed, end keyed); by morning: (since, end, balance)
    "open from the day after it reached us": (
        [("03/03/2025", "412", "", OPENED, "")] * 4,
        {
            "2025-03-10": None,
            "2025-03-11": ("2025-03-03", None, None),
            "2026-06-01": ("2025-03-03", None, None),
            "2026-06-02": ("2025-03-03", None, 412.0),
        },
    ),
    "the balance is today's, and each morning's is the one it knew": (
        [("03/03/2025", owed, "", OPENED, "") for owed in ("412", "300", "250.5", "0.5")],
        {
            "2026-05-26": ("2025-03-03", None, None),
            "2026-06-08": ("2025-03-03", None, 300.0),
            "2026-06-15": ("2025-03-03", None, 250.5),
            "2026-06-16": ("2025-03-03", None, 0.5),
        },
    ),
    "an end keyed weeks later in the past": (
        [("03/03/2025", "0", "01/07/2025", OPENED, "08/08/2025")] * 4,
        {
            "2025-07-02": ("2025-03-03", None, None),
            "2025-08-11": ("2025-03-03", None, None),
            "2025-08-12": ("2025-03-03", "2025-07-01", None),
        },
    ),
    "an end learned in a live week": (
        [("03/03/2025", "412", "", OPENED, "")] * 2
        + [("03/03/2025", "0", "11/05/2026", OPENED, "04/06/2026")] * 2,
        {
            "2026-05-12": ("2025-03-03", None, None),
            "2026-06-08": ("2025-03-03", None, 412.0),
            "2026-06-09": ("2025-03-03", "2026-05-11", 0.0),
        },
    ),
    "an end wiped again": (
        [("03/03/2025", "0", "01/07/2025", OPENED, "08/08/2025")] * 2
        + [("03/03/2025", "90", "", OPENED, "")] * 2,
        {
            "2025-08-12": ("2025-03-03", "2025-07-01", None),
            "2026-06-08": ("2025-03-03", "2025-07-01", 0.0),
            "2026-06-09": ("2025-03-03", None, 90.0),
        },
    ),
    "vanished from the full file, and back": (
        [("03/03/2025", "412", "", OPENED, "")] * 2 + [None] + [("03/03/2025", "412", "", OPENED, "")],
        {
            "2026-06-08": ("2025-03-03", None, 412.0),
            "2026-06-09": None,
            "2026-06-15": None,
            "2026-06-16": ("2025-03-03", None, 412.0),
        },
    ),
    "paid up and missed again: the last time stands": (
        [("03/03/2025", "0", "01/07/2025", OPENED, "04/07/2025")] * 3
        + [("01/06/2026", "80", "", "10/06/2026", "")],
        {
            "2026-06-15": ("2025-03-03", "2025-07-01", 0.0),
            "2026-06-16": ("2026-06-01", None, 80.0),
        },
    ),
}


def written(source: str, who: int, said: Row, other: bool = False) -> dict[str, str]:
    """A row of either system, as it writes its days; `other` says nothing of arrears in this system."""
    since, balance, cleared, keyed, end_keyed = said or ("",) * 5
    if source == "council_tax":
        return {
            "account_ref": f"70000000{who:02d}",
            "charge_year": "2025",
            "uprn": f"{who + 1}",
            "party1_ref": f"P{who}",
            "unpaid_since": "" if other else since,
            "balance": balance,
            "cleared_on": cleared,
            "keyed_on": keyed,
            "end_keyed_on": end_keyed,
        }

    def day(text: str) -> str:
        return f"{date(*map(int, reversed(text.split('/')))):%d-%b-%Y}" if text else ""

    return {
        "tenancy_ref": f"TEN000000{who:02d}",
        "episode_no": "1",
        "uprn": f"{who + 1}",
        "tenant1_ref": f"P{who}",
        "arrears_type": "TECH" if other else "ARR",
        "arrears_since": day(since),
        "balance": balance,
        "cleared_date": day(cleared),
        "keyed_on": day(keyed),
        "clear_keyed": day(end_keyed),
    }


HELD = {
    "council_tax": (
        "accounts",
        {"account_ref": "71000000{:02d}", "uprn": "{}", "party1_ref": "P{}", "liable_from": "01/04/2015"},
    ),
    "rents": (
        "tenancies",
        {"tenancy_ref": "TEN100000{:02d}", "uprn": "{}", "tenant1_ref": "P{}", "start_date": "01-Apr-2015"},
    ),
}
"""A home of each, so that a shared event has somebody to reach."""


@pytest.fixture(scope="module", params=["council_tax", "rents"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OneSource:
    """Everybody of `CASES`, and one more whose balance is in credit or technical until the last file."""
    world = one_source(request.param, tmp_path_factory.mktemp(request.param))
    extract, row = HELD[request.param]
    homes = [
        {c: t.format(who + 1 if c == "uprn" else who) for c, t in row.items()}
        for who in range(len(CASES) + 1)
    ]
    world.deliver(extract, HISTORY, homes, history=True)
    for at, day in enumerate((HISTORY, FIRST, SECOND, THIRD)):
        rows = [
            written(request.param, who, said[at]) for who, (said, _) in enumerate(CASES.values()) if said[at]
        ]
        small = ("03/03/2025", "-4", "", OPENED, "")
        rows.append(written(request.param, len(CASES), small, other=day != THIRD))
        report = world.deliver("arrears", day, rows, history=day == HISTORY)
        assert (report.rows, report.quarantined, report.ignored) == (len(rows), 0, int(day != THIRD))
        assert report.used == len(rows) - report.ignored
    return world


def mornings_asked() -> list[str]:
    return sorted({morning for _, mornings in CASES.values() for morning in mornings})


def test_arrears_are_what_was_known_on_the_morning(held: OneSource) -> None:
    con = held.con
    small = {}
    for morning in mornings_asked():
        rows = con.execute(
            f"""
            SELECT subject_key, CAST(occurred_on AS VARCHAR), CAST(ended_on AS VARCHAR), amount, place
            FROM events WHERE {sql_usable(date.fromisoformat(morning))} AND signal = '{held.source}.arrears'
            """
        ).fetchall()
        for who, (title, (_, mornings)) in enumerate(CASES.items()):
            if morning in mornings:
                seen = [row[1:] for row in rows if row[0] == f"P{who}"]
                wanted = mornings[morning]
                assert seen == ([(*wanted, f"{who + 1}")] if wanted else []), (title, morning)
        small[morning] = any(row[0] == f"P{len(CASES)}" for row in rows)
    # In credit or technical is no event, and no end of one; it is one from the day it is said to be.
    assert {morning for morning, there in small.items() if there} == {"2026-06-16"}


def test_features_ask_whether_it_is_open_and_for_how_long(held: OneSource) -> None:
    """Against the table: open with what was known, counted from its first day; no amount is a feature."""
    link(held.workspace)
    snapshot = open_snapshot(held.workspace)
    channel = f"household.{held.source}.arrears"
    catalogue = derive_catalogue(held.workspace.sources, include=[f"{channel}.*"])
    measures = {name.removeprefix(f"{channel}.") for name in catalogue.names}
    assert {"open", "days_open", "count_365"} < measures
    assert not any(measure.startswith("amount") for measure in measures)
    people = dict(snapshot.con.execute("SELECT DISTINCT subject_key, person_id FROM links").fetchall())
    for morning in mornings_asked():
        panel = build_panel(snapshot, catalogue, date.fromisoformat(morning))
        at = {str(person): i for i, person in enumerate(panel.person_ids)}
        found = {
            name: panel.X[:, catalogue.names.index(f"{channel}.{name}")] for name in ("open", "days_open")
        }
        for who, (title, (_, mornings)) in enumerate(CASES.items()):
            if morning not in mornings:
                continue
            expected, row = mornings[morning], at.get(str(people[f"P{who}"]))
            is_open = expected is not None and expected[1] is None
            if row is None:  # nothing is there to have a row for
                assert not is_open, (title, morning)
                continue
            assert found["open"][row] == is_open, (title, morning)
            if expected and is_open:
                days = date.fromisoformat(morning) - date.fromisoformat(expected[0])
                assert found["days_open"][row] == days.days, (title, morning)
            else:
                assert isnan(found["days_open"][row]), (title, morning)


# --- said -------------------------------------------------------------------------------------
def owed(since: str, ended: str | None, amount: float | None) -> EvidenceRow:
    began, end = date.fromisoformat(since), date.fromisoformat(ended) if ended else None
    at = datetime.combine(began, datetime.min.time())
    long_ago = date(2000, 1, 1)
    signal = "council_tax.arrears"
    return EvidenceRow(since, "council_tax", signal, True, began, at, end, amount, long_ago)


SAID = {
    "the household's spell of council tax arrears open since 3 March 2025 (15 months; £412)": [
        owed("2025-03-03", None, 412.0)
    ],
    "the household's spell of council tax arrears open since 3 March 2025 (15 months)": [
        owed("2025-03-03", None, None)
    ],
    "the household's 2 spells of council tax arrears open, the first since 3 March 2025 (£502 in all); "
    "1 other in the last two years": [
        owed("2024-09-01", "2025-01-05", 0.0),
        owed("2025-03-03", None, 412.0),
        owed("2026-06-01", None, 90.0),
    ],
    "the household's spell of council tax arrears, begun about 15 months ago and ended 30 days ago; "
    "none in the year before": [owed("2025-03-03", "2026-05-16", 0.0)],
}


@pytest.mark.parametrize(("expected", "rows"), SAID.items())
def test_open_arrears_are_said_with_since_when_and_how_much(expected: str, rows: list[EvidenceRow]) -> None:
    source = read_source(TEMPLATES / "council_tax.yaml")
    (channel,) = (c for c in channels_of([source]) if c.signals == ("council_tax.arrears",))
    assert sentence(channel, rows, date(2026, 6, 15)) == expected


@pytest.mark.parametrize(
    ("amount", "said"),
    [(None, "arrears"), (0.0, "arrears"), (412.0, "arrears, £412"), (0.5, "arrears, £0.50")],
)
def test_nothing_owed_is_no_amount_in_what_the_model_saw(amount: float | None, said: str) -> None:
    (channel,) = (
        c
        for c in channels_of([read_source(TEMPLATES / "council_tax.yaml")])
        if c.signals == ("council_tax.arrears",)
    )
    moment = _moment(_told(owed("2025-03-03", None, amount), channel, "Council tax"))
    assert moment == f"2025-03-03  Council tax: the household's spell of council tax {said}"


# --- simulated --------------------------------------------------------------------------------
COUNTY = 700


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small county's extracts."""
    out = tmp_path_factory.mktemp("arrears") / "county"
    simulate(people=COUNTY, years=3, seed=7, out=out)
    return out


def test_arrears_change_nothing_that_others_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files(name: str) -> dict[str, bytes]:
        simulate(people=60, years=1, seed=5, out=tmp_path / name)
        extracts = [
            *(tmp_path / name / "history").iterdir(),
            *(tmp_path / name / "deliveries").rglob("*.csv"),
        ]
        return {file.name: file.read_bytes() for file in extracts}

    whole = files("whole")
    others = {name: agency for name, agency in agencies.LATER.items() if not name.endswith(".arrears")}
    assert len(others) < len(agencies.LATER)
    monkeypatch.setattr(agencies, "LATER", others)
    without = files("without")
    assert {name for name in whole.keys() - without.keys() if "_arrears_" not in name} == set()
    assert len(whole) > len(without)
    assert {name for name in without if whole.get(name) != without[name]} - {
        name for name in without if "_arrears_" in name
    } == set()


def taken_in(sent: Path, root: Path) -> Workspace:
    """A workspace that holds the two sources' arrears; the first files are checked before they are loaded."""
    init_workspace(root, sources=None)
    for name in ("council_tax", "rents"):
        (root / "sources" / f"{name}.yaml").write_bytes((sent / "sources" / f"{name}.yaml").read_bytes())
    workspace = open_workspace(root)
    past, live = root / "history", root / "deliveries"
    for file in [*sent.glob("history/*_arrears_*"), *sent.glob("deliveries/*/*_arrears_*")]:
        copied = root / file.relative_to(sent)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.hardlink_to(file)
    for folder, first, day in ((past, past, HISTORY), (live, live / FIRST, FIRST)):
        asked = {"received": date.fromisoformat(day), "history": folder == past}
        before = check(workspace, first, **asked)
        taken = {report.file: report for report in ingest(workspace, folder, **asked)}
        assert len(before) == 2 and len(taken) == 2 * len(list(folder.glob("20*")) or [past])
        for checked in before:
            assert checked.report is not None
            report = taken[checked.report.file]
            assert (checked.report.used, checked.report.ignored) == (report.used, report.ignored)
        for report in taken.values():
            assert report.rows == report.used + report.quarantined + report.ignored
            assert report.ignored > 0
    return workspace


def test_a_simulated_county_s_arrears_are_taken_in_with_their_quirks(sent: Path, tmp_path: Path) -> None:
    workspace = taken_in(sent, tmp_path / "w")
    assert len(read_ledger(Tables(workspace.data))) == 12
    con = open_snapshot(workspace).con
    for source in ("council_tax", "rents"):
        spells, open_now, amounts, wiped, late = (
            con.execute(
                """
            WITH revisions AS (
                SELECT *, lag(ended_on) OVER record AS ended_before, lag(amount) OVER record AS owed_before,
                       lag(known_on) OVER record AS was_known
                FROM (SELECT DISTINCT record_key, revision, known_on, known_until, ended_on, amount
                      FROM events WHERE source = ?)
                WINDOW record AS (PARTITION BY record_key ORDER BY revision)
            )
            SELECT count(DISTINCT record_key), count(*) FILTER (known_until IS NULL AND ended_on IS NULL),
                   count(*) FILTER (ended_on IS NULL AND owed_before > amount AND amount > 0),
                   count(*) FILTER (ended_before IS NOT NULL AND ended_on IS NULL AND amount > 0),
                   count(*) FILTER (known_on >= ended_on + 21 AND was_known IS NOT NULL)
            FROM revisions
            """,
                [source],
            ).fetchone()
            or ()
        )
        assert 0.03 * COUNTY * 3 < spells < 0.3 * COUNTY * 3, source
        assert 0.1 * spells < open_now < 0.6 * spells, source
        assert amounts > 5 and late > 5, source
        assert wiped >= 1, source


def test_council_tax_arrears_begin_with_an_instalment_before_a_reminder(sent: Path) -> None:
    """A saw: none begins in February or March, unless with the account, and each led to a reminder."""
    con = duckdb.connect()
    con.execute(
        f"CREATE VIEW e AS FROM read_csv('{sent}/truth/events.csv', types = {{'occurred_on': 'DATE'}})"
    )
    began = con.execute(
        """
        SELECT a.occurred_on, min(r.occurred_on) FROM e a LEFT JOIN e r
            ON r.signal = 'council_tax.reminder' AND r.subject_key = a.subject_key AND r.place = a.place
               AND r.occurred_on >= a.occurred_on
        WHERE a.signal = 'council_tax.arrears' GROUP BY a.record_key, a.subject_key, a.occurred_on
        """
    ).fetchall()
    assert len(began) > 30
    assert all(first and timedelta(0) <= first - since <= timedelta(75) for since, first in began)
    first_days = [since for since, _ in began if since.day == 1]
    assert len(first_days) > 0.9 * len(began)
    assert {since.month for since in first_days}.isdisjoint({2, 3})
    with (sent / "history" / "ct_arrears_history.csv").open(newline="") as lines:
        years = [row for row in csv.DictReader(lines) if row["unpaid_since"]]
    for row in years:
        month, year = int(row["unpaid_since"][3:5]), int(row["unpaid_since"][6:])
        assert int(row["charge_year"]) == year - (month < 4)
