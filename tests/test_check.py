"""`check` says what `ingest` then does, and writes nothing; profiles count what a naive reading counts."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from features.check import check
from features.committed import Committed
from features.errors import UserMistake
from features.facts import read_facts
from features.ingest import ingest
from features.profile import Profile
from features.tables import DATED, PAYLOAD, Tables
from features.workspace import Workspace
from tests.deliveries import FIRST, LOGS, VOUCHERS, Agency, agency, write

CON = duckdb.connect()

Command = Callable[..., tuple[int, str, str]]


def standing(workspace: Workspace) -> dict[str, set[tuple]]:
    """Record key → what stands of it in any dated table; a record of which nothing stands is absent."""
    con, found = CON.cursor(), {}
    for table in DATED:
        columns = ", ".join(f.name for f in PAYLOAD[table] if f.name != "event_id")
        rows = con.execute(
            f"""
            SELECT record_key, withdrawn, {columns} FROM {Tables(workspace.data).view(con, table)}
            QUALIFY revision = max(revision) OVER (PARTITION BY source, record_key)
            """
        ).fetchall()
        for key, withdrawn, *content in rows:
            if not withdrawn:
                found.setdefault(key, set()).add((table, *content))
    return found


def files_of(workspace: Workspace) -> dict[str, str]:
    return {
        str(path.relative_to(workspace.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(workspace.root.rglob("*"))
        if path.is_file()
    }


def events_of(workspace: Workspace) -> Counter[str]:
    con = CON.cursor()
    table = Tables(workspace.data).view(con, "events")
    return Counter(
        dict(con.execute(f"SELECT signal, count(event_id) FROM {table} GROUP BY signal").fetchall())
    )


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(2, 12))])
def test_what_check_says_is_what_ingest_does(tmp_path: Path, seed: int) -> None:
    workspace, police = agency(tmp_path / "w"), Agency(seed)
    kinds: Counter[str] = Counter()
    stands, has = standing(workspace), events_of(workspace)
    for week in range(3):
        on = FIRST + timedelta(weeks=week)
        file = write(tmp_path / f"logs_{week}.csv", LOGS, police.week(on, new=30 if week == 0 else 8))
        was, stood, had = files_of(workspace), stands, has
        [said] = check(workspace, file, received=on)
        assert files_of(workspace) == was
        [did] = ingest(workspace, file, received=on)
        stands, has = standing(workspace), events_of(workspace)
        assert said.refused == () and said.report == did
        assert said.records.new == len(stands.keys() - stood.keys())
        assert said.records.withdrawn == len(stood.keys() - stands.keys())
        assert said.records.changed == sum(stood[key] != stands[key] for key in stood.keys() & stands.keys())
        assert Counter(said.events) == has - had
        kinds.update(new=said.records.new, changed=said.records.changed, withdrawn=said.records.withdrawn)
    [again] = check(workspace, file, received=on)
    assert again.report is not None and again.report.unchanged
    assert again.findings == said.findings and again.records.new == 0
    assert min(kinds[kind] for kind in ("new", "changed", "withdrawn")) > 0


def test_a_profile_counts_what_a_naive_reading_counts(tmp_path: Path) -> None:
    workspace, police = agency(tmp_path / "w"), Agency(3)
    rows = police.week(FIRST, new=60)
    ingest(workspace, write(tmp_path / "logs_1.csv", LOGS, rows), received=FIRST)

    told_of = {row["ref"]: {tuple(r.values()) for r in rows if r["ref"] == row["ref"]} for row in rows}
    used = [
        row
        for row in rows
        if row["ref"]
        and len(told_of[row["ref"]]) == 1
        and row["day"] not in ("31/02/2024", "")
        and row["kind"] in ("A", "M", "U", "")
    ]
    named = [row for row in used if row["nominal"]]
    told, delays = Counter(), {}
    for ref in {row["ref"] for row in used}:
        row = next(r for r in used if r["ref"] == ref)
        if row["nominal"] and not row["kind"]:
            continue  # says who somebody is, and nothing more
        signal = "call" if not row["nominal"] else "alcohol" if row["kind"] == "A" else "mental_health"
        late = (FIRST - datetime.strptime(row["day"], "%d/%m/%Y").date()).days
        told[f"police.{signal}"] += 1
        delays.setdefault(f"police.{signal}", Counter())[late] += 1

    [facts] = read_facts(*_read(workspace))
    filled = facts.profile.filled
    assert facts.delivery.used == len(used) and facts.adds_up
    for column, among in {"surname": named, "dob": named, "nhs": named, "call": used, "uprn": used}.items():
        assert filled[column] == (sum(bool(row[column]) for row in among), len(among)), column
    assert filled["kind"] == (sum(row["kind"] in ("A", "M") for row in used), len(used))
    assert facts.profile.by_place == len(used) - len(named) > 0
    assert facts.profile.repeated == len(used) - len({row["ref"] for row in used}) > 0
    assert facts.profile.events == told
    assert facts.profile.delays == delays and any(found[-1] for found in delays.values())


def _read(workspace: Workspace) -> tuple:
    committed = Committed(workspace)
    return committed.con, committed.ledger


def test_rows_without_a_key_of_a_person_are_counted(tmp_path: Path) -> None:
    workspace = agency(tmp_path / "w")
    rows = [{"ref": f"V{i}", "day": "2024-01-05", "surname": "Ash"} for i in range(3)]
    ingest(workspace, write(tmp_path / "vouchers_1.csv", VOUCHERS, rows), received=FIRST)
    [facts] = read_facts(*_read(workspace))
    assert facts.profile.unidentified == 3 and facts.profile.by_place == 0
    assert facts.profile.delays == {"police.voucher": {3: 3}}


def test_a_profile_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    from features.profile import read_profile

    kept = Profile(2, {"a": (1, 2)}, 3, 4, {"s": 5}, {"s": {-1: 1, 400: 2}})
    row = kept.to_arrow(delivery_id=1, source="s", extract="e").to_pylist()[0]
    assert read_profile(row["profile"]) == kept


def test_files_of_a_folder_are_tried_one_after_another(tmp_path: Path) -> None:
    workspace, police, inbox = agency(tmp_path / "w"), Agency(4), tmp_path / "inbox"
    for week in range(2):
        on = FIRST + timedelta(weeks=week)
        (inbox / str(on)).mkdir(parents=True)
        write(inbox / str(on) / f"logs_{on}.csv", LOGS, police.week(on, new=40 - 30 * week))
    was = files_of(workspace)
    first, second = check(workspace, inbox, received=FIRST)
    assert first.records.new > second.records.new > 0 < second.records.changed
    assert second.records.withdrawn and files_of(workspace) == was
    assert [said.report for said in (first, second)] == ingest(workspace, inbox, received=FIRST)


def test_the_command_ends_by_what_would_happen(earlyhelp_command: Command, tmp_path: Path) -> None:
    workspace = agency(tmp_path / "w")
    good = write(tmp_path / "logs_1.csv", LOGS, Agency(5).week(FIRST))
    inbox = ["--workspace", workspace.root, "check", "--received", FIRST]
    code, text, _ = earlyhelp_command(*inbox, good)
    assert code == 0
    assert "1 file would be taken in.\nNothing was loaded." in text and "(Information manager)" in text
    bad = tmp_path / "logs_2.csv"
    bad.write_text("name,born\nSurname000001,01/03/1987\n")
    code, text, error = earlyhelp_command(*inbox, bad)
    assert code == 3 and "REFUSED" in text and "Surname" not in text + error
    code, text, _ = earlyhelp_command(*inbox, "--json", tmp_path / "logs_1.csv")
    [file] = json.loads(text)["files"]
    r = file["report"]
    assert code == 0 and r["rows"] == r["used"] + r["quarantined"] + r["ignored"] > 0
    assert {finding["owner"] for finding in file["findings"]} == {"Information manager"}
    with pytest.raises(UserMistake):
        check(workspace, tmp_path / "nowhere.csv", received=date(2024, 1, 8))
