"""The simulated county: its files are what the declarations say, its world has the shape it claims."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from features.declaration import Extract, Source
from features.errors import UserMistake
from features.loose_ends import parse_ended
from features.read_declaration import read_sources
from simulation import truth, world
from simulation.county import County, simulate

QUARTERS = (date(2024, 7, 1), date(2025, 1, 1), date(2025, 7, 1))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by its path there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(path: Path, extract: Extract) -> list[dict[str, str]]:
    """The rows of a file, read with the delimiter and encoding that its declaration names."""
    with path.open(encoding=extract.encoding, newline="") as stream:
        return list(csv.DictReader(stream, delimiter=extract.delimiter))


def each_file(extracts: Path) -> list[tuple[Path, Source, str, Extract]]:
    """Every file that was sent, with the source and extract whose glob it matches."""
    sources = read_sources(extracts / "sources")
    found = []
    for path in sorted([*extracts.glob("history/*"), *extracts.glob("deliveries/*/*")]):
        matching = [(s, n, e) for s in sources.values() for n, e in s.extracts.items() if path.match(e.files)]
        assert len(matching) == 1, path.name
        found.append((path, *matching[0]))
    return found


def truth_rows(extracts: Path, name: str) -> list[dict[str, str]]:
    """A file of the truth; empty cells are ''."""
    with (extracts / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def asked(question: str) -> list[tuple]:
    """The answer of an SQL question over the truth's files."""
    return duckdb.connect().execute(question).fetchall()


# --- files ------------------------------------------------------------------------------------
def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(people=200, years=1, seed=seed, out=tmp_path / name)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert a["history/storm_logs_history.csv"] != c["history/storm_logs_history.csv"]


def test_a_county_of_several_blocks_shares_no_number_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "BLOCK", 200)
    county = simulate(people=600, years=1, seed=5, out=tmp_path / "county")
    people = truth_rows(tmp_path / "county", "people")
    for key in ("person", "council_tax", "rents", "police", "missing", "social_care", "schools"):
        assert len({person[key] for person in people}) == county.people, key
    for path, _, name, extract in each_file(tmp_path / "county"):
        read = [tuple(row[c] for c in extract.record_key) for row in rows_of(path, extract)]
        whole = [key for key in read if all(key)]
        assert len(set(whole)) >= len(whole) - 2 - 0.004 * len(whole), name  # a few planted duplicates


def test_every_file_has_the_columns_of_its_declaration(extracts: Path) -> None:
    seen = set()
    for path, source, name, extract in each_file(extracts):
        with path.open(encoding=extract.encoding) as stream:
            assert stream.readline().rstrip("\n").split(extract.delimiter) == list(extract.columns)
        seen.add((source.source, name))
    declared = {(s.source, n) for s in read_sources(extracts / "sources").values() for n in s.extracts}
    assert seen == declared


def test_deliveries_come_on_mondays_and_each_source_on_its_own_schedule(extracts: Path) -> None:
    county = json.loads((extracts / "county.json").read_text())
    days = [date.fromisoformat(d) for d in county["delivery_days"]]
    assert len(days) == world.DELIVERIES and all(d.weekday() == 0 for d in days)
    assert date.fromisoformat(county["history_received_on"]) == days[0] - timedelta(days=7)
    for path, source, _, _ in each_file(extracts):
        if path.parent.name != "history":
            day = date.fromisoformat(path.parent.name)
            assert source.schedule.first_on_or_after(day) == day, path.name
    assert sorted(p.name for p in (extracts / "deliveries").iterdir()) == county["delivery_days"]


def test_history_holds_nothing_keyed_on_or_after_the_day_it_came(extracts: Path) -> None:
    received = date.fromisoformat(json.loads((extracts / "county.json").read_text())["history_received_on"])
    checked = 0
    for path, _, _, extract in each_file(extracts):
        if path.parent.name == "history" and extract.recorded:
            keyed = extract.columns[extract.recorded]
            for row in rows_of(path, extract):
                try:
                    day = datetime.strptime(row[extract.recorded], keyed.format or "").date()
                except ValueError:
                    continue  # a planted fault
                assert day < received
                checked += 1
    assert checked > 1000


def test_windows_overlap_and_changes_hold_a_row_twice_only_where_it_changed(extracts: Path) -> None:
    again: dict[str, int] = {}
    rows: dict[str, int] = {}
    before: dict[str, set[tuple[str, ...]]] = {}
    for path, _, name, extract in each_file(extracts):
        if path.parent.name == "history" or extract.delivery == "full":
            continue
        if name == "absences":
            continue  # monthly: one live delivery only
        kind = "changes" if extract.delivery == "changes" else "window"
        now = {tuple(row.values()) for row in rows_of(path, extract)}
        again[kind] = again.get(kind, 0) + len(now & before.get(name, set()))
        rows[kind] = rows.get(kind, 0) + len(now)
        before[name] = now
    assert again["window"] > 0.4 * rows["window"]
    assert again["changes"] == 0 and rows["changes"] > 100


def test_covers_from_is_never_before_the_first_simulated_day(tmp_path: Path, extracts: Path) -> None:
    county = simulate(people=60, years=1, seed=1, out=tmp_path / "short")
    for source in read_sources(tmp_path / "short" / "sources").values():
        assert source.covers_from == county.first_day
    assert all(s.covers_from == date(2019, 7, 1) for s in read_sources(extracts / "sources").values())


@pytest.mark.parametrize(("people", "years"), [(10, 7), (1000, 0), (1000, 40)])
def test_impossible_counties_are_refused(tmp_path: Path, people: int, years: int) -> None:
    with pytest.raises(UserMistake):
        simulate(people=people, years=years, seed=1, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserMistake, match="not empty"):
        simulate(people=100, years=1, seed=1, out=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


# --- truth ------------------------------------------------------------------------------------
def test_every_true_event_is_in_the_file_it_was_first_written_in(extracts: Path) -> None:
    """By the declaration's own rules: the row is there, and its date column says the true day."""
    sources = read_sources(extracts / "sources")
    written: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
    for path, source, name, extract in each_file(extracts):
        where = "history" if path.parent.name == "history" else path.parent.name
        keyed = {"|".join(row[c] for c in extract.record_key): row for row in rows_of(path, extract)}
        written[source.source, name, where] = keyed
    spoilt = {fault["record_key"] for fault in truth_rows(extracts, "faults")}
    days_of: dict[tuple[str, str], date] = {}
    wrong, checked = [], 0
    for event in truth_rows(extracts, "events"):
        if event["record_key"] in spoilt:
            continue
        extract = sources[event["source"]].extracts[event["extract"]]
        sent = written[event["source"], event["extract"], event["written_in"]]
        row = sent.get(event["record_key"].split("/", 1)[1])
        rule = next(r for r in extract.events if r.signal == event["signal"].split(".", 1)[1])
        column, later = parse_ended(rule.occurred)
        style, text = extract.columns[column].format or "", row[column] if row else ""
        if (style, text) not in days_of and text:
            days_of[style, text] = datetime.strptime(text, style).date()
        checked += 1
        if not text or (days_of[style, text] + timedelta(days=later)).isoformat() != event["occurred_on"]:
            wrong.append(event)
    assert not wrong
    assert checked > 50_000


def test_two_rows_in_a_thousand_are_spoilt_and_each_is_where_the_truth_says(extracts: Path) -> None:
    marks = {
        "bad_date": "31/02/2025",
        "wrong_format": "12th of May",
        "unknown_code": "??9",
        "missing_key": "",
    }
    rows = {str(path.relative_to(extracts)): rows_of(path, e) for path, _, _, e in each_file(extracts)}
    faults = truth_rows(extracts, "faults")
    for fault in faults:
        row = rows[fault["file"]][int(fault["row_number"]) - 1]
        if fault["kind"] == "duplicate":
            assert rows[fault["file"]].count(row) == 2
        else:
            assert row[fault["column"]] == marks[fault["kind"]]
    assert {fault["kind"] for fault in faults} == {*marks, "duplicate"}
    assert 0.001 < len(faults) / sum(map(len, rows.values())) < 0.003


def test_some_records_are_corrected_and_some_leave_a_full_file_and_come_back(extracts: Path) -> None:
    gone, corrected, back = asked(
        f"""
        WITH e AS (SELECT * FROM read_csv('{extracts}/truth/events.csv', all_varchar = true)),
        pairs AS (SELECT a.gone_in, a.occurred_on <> b.occurred_on OR a.signal <> b.signal AS differs,
                         b.written_in > a.gone_in AS later
                  FROM e a JOIN e b USING (source, record_key, subject_key)
                  WHERE a.gone_in IS NOT NULL AND b.written_in >= a.gone_in)
        SELECT (SELECT count(*) FROM e WHERE gone_in IS NOT NULL AND ended_on IS NULL),
               count(*) FILTER (differs), count(*) FILTER (NOT differs AND later) FROM pairs
        """
    )[0]
    assert gone > 20
    assert corrected >= 5
    assert back >= 1


# --- the world --------------------------------------------------------------------------------
def test_escalation_is_rare_and_the_troubles_foresee_it_only_partly(extracts: Path) -> None:
    ranks, rates = zip(*(truth.latent_figures(extracts, day) for day in QUARTERS), strict=True)
    assert 0.01 < sum(rates) / len(rates) < 0.03
    assert 0.80 < sum(ranks) / len(ranks) < 0.90


def test_auc_by_hand() -> None:
    import numpy as np

    outcome = np.array([True, False, True, False])
    assert truth.auc(np.array([4.0, 3.0, 2.0, 1.0]), outcome) == 0.75
    assert truth.auc(np.array([1.0, 1.0, 1.0, 1.0]), outcome) == 0.5
    assert truth.auc(np.array([4.0, 1.0, 3.0, 2.0]), outcome) == 1.0


def test_mental_health_demand_is_concentrated_and_often_untagged(extracts: Path) -> None:
    top_share, untagged = truth.concentration(extracts)
    assert 0.25 < top_share < 0.48
    assert untagged > 0.15
    logs = truth_rows(extracts, "mental_health_logs")
    assert abs(sum(log["tagged"] == "false" for log in logs) / len(logs) - world.TAG_MISSING) < 0.06


def test_most_people_in_arrears_never_escalate(extracts: Path) -> None:
    events = truth_rows(extracts, "events")
    stage = {
        name: len({e["record_key"] for e in events if e["signal"] == f"rents.{name}"})
        for name in ("arrears_letter", "notice", "court", "eviction")
    }
    assert stage["eviction"] < 0.15 * stage["arrears_letter"]
    assert stage["eviction"] < stage["court"] < stage["notice"] < stage["arrears_letter"]


def test_children_live_with_grown_ups_at_their_address(extracts: Path) -> None:
    alone, children = asked(
        f"""
        WITH home AS (
            SELECT r.person, r.uprn, p.birth + INTERVAL 18 YEAR > DATE '2025-06-01' AS child
            FROM read_csv('{extracts}/truth/residences.csv', types = {{'end': 'DATE'}}) r
            JOIN read_csv('{extracts}/truth/people.csv', types = {{'leaves': 'DATE'}}) p USING (person)
            WHERE r.start <= DATE '2025-06-01' AND (r.end IS NULL OR r.end > DATE '2025-06-01')
        )
        SELECT count(*) FILTER (uprn NOT IN (SELECT uprn FROM home WHERE NOT child)), count(*)
        FROM home WHERE child
        """
    )[0]
    assert children > 500
    assert alone / children < 0.03


def test_pupils_are_sent_with_the_address_where_they_live(extracts: Path) -> None:
    """Household signals can reach a child only if the schools know the dwelling that the council taxes."""
    sources = read_sources(extracts / "sources")
    newest = sorted(extracts.glob("deliveries/*/school_addresses_*.csv"))[-1]
    pupils = rows_of(newest, sources["schools"].extracts["pupil_addresses"])
    accounts = rows_of(
        sorted(extracts.glob("deliveries/*/ct_accounts_*.csv"))[-1],
        sources["council_tax"].extracts["accounts"],
    )
    taxed = {row["uprn"] for row in accounts}
    now = [row["uprn"] for row in pupils if not row["lives_there_to"]]
    assert sum(u in taxed for u in now) / len(now) > 0.97


# --- nightly ----------------------------------------------------------------------------------
@pytest.mark.nightly
def test_the_world_over_five_seeds(tmp_path: Path) -> None:
    """Prints the AUC of the hidden troubles, the base rate and the concentration for five seeds."""
    ranks, rates, shares = [], [], []
    for seed in range(1, 6):
        out = tmp_path / str(seed)
        simulate(people=10_000, years=7, seed=seed, out=out)
        rank, rate = zip(*(truth.latent_figures(out, day) for day in QUARTERS), strict=True)
        share, _ = truth.concentration(out)
        ranks.append(sum(rank) / len(rank))
        rates.append(sum(rate) / len(rate))
        shares.append(share)
        print(f"seed {seed}: latent AUC {ranks[-1]:.3f}, base rate {rates[-1]:.4f}, top 9 % {share:.2f}")
    assert 0.83 < sum(ranks) / 5 < 0.87
    assert min(rates) > 0.01 and max(rates) < 0.03
    assert 0.30 < sum(shares) / 5 < 0.40


@pytest.mark.nightly
def test_some_groups_are_recorded_more_for_the_same_troubles(tmp_path: Path) -> None:
    """What a fairness audit has to find: more police logs, the same escalations."""
    simulate(people=20_000, years=7, seed=1, out=tmp_path / "county")
    logs, outcomes = asked(
        f"""
        WITH p AS (SELECT *, ethnicity IN ('BAFR', 'BCRB', 'MWBC') AS more
                   FROM read_csv('{tmp_path}/county/truth/people.csv', all_varchar = true)),
        l AS (SELECT subject_key AS police, count(*) AS n
              FROM read_csv('{tmp_path}/county/truth/events.csv', all_varchar = true)
              WHERE source = 'police' AND subject_key IS NOT NULL GROUP BY 1),
        o AS (SELECT person, count(*) AS n
              FROM read_csv('{tmp_path}/county/truth/outcomes.csv', all_varchar = true) GROUP BY 1)
        SELECT avg(coalesce(l.n, 0)) FILTER (more) / avg(coalesce(l.n, 0)) FILTER (NOT more),
               avg(coalesce(o.n, 0)) FILTER (more) / avg(coalesce(o.n, 0)) FILTER (NOT more)
        FROM p LEFT JOIN l USING (police) LEFT JOIN o USING (person)
        """
    )[0]
    print(f"groups recorded more: {logs:.2f} times the police logs, {outcomes:.2f} times the escalations")
    assert logs > 1.2
    assert logs > outcomes


@pytest.mark.nightly
def test_twenty_thousand_people_take_under_thirty_seconds(tmp_path: Path) -> None:
    import time

    start = time.perf_counter()
    county: County = simulate(people=20_000, years=7, seed=1, out=tmp_path / "county")
    seconds = time.perf_counter() - start
    print(f"20,000 people, 7 years: {sum(county.rows.values()):,} rows in {seconds:.1f} s")
    assert seconds < 30
