"""What reaches us on the morning or later changes nothing on that morning's list.

The session's county gets further deliveries of every kind of row: events, corrections, withdrawals,
identities, addresses, registers, characteristics; and a record that joins somebody else to a person of
the list. The list made again from the newest state has the same canonical hash.
"""

import csv
import json
import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from features.arrivals import find_arrived
from features.asof import sql_known
from features.declaration import Extract
from features.ingest import ingest
from features.link import link
from features.snapshot import Snapshot, open_snapshot
from features.tables import DATED, SCHEMAS, Tables
from features.workspace import Workspace
from models.candidate import load_candidate
from serving.weekly_list import make_list


def altered(source: Path, target: Path, *, extract: Extract, seed: int) -> None:
    """A later file of the same extract: a few rows dropped, a few with a cell taken from another row.

    Dates, kinds, names and addresses change; the record keys stay, or too many would seem withdrawn.
    """
    draw, how = random.Random(f"{seed} {source.name}"), {"delimiter": extract.delimiter}
    with source.open(newline="", encoding=extract.encoding) as lines:
        header, *rows = list(csv.reader(lines, **how))
    free = [at for at, column in enumerate(header) if column not in extract.record_key]
    rows = [row for row in rows if draw.random() > 0.004]
    for row in rows:
        if free and draw.random() < 0.2:
            column = draw.choice(free)
            row[column] = draw.choice(rows)[column]
    with target.open("w", newline="", encoding=extract.encoding) as lines:
        csv.writer(lines, **how).writerows([header, *rows])


def rows_per_table(root: Path) -> dict[str, int]:
    con, tables = duckdb.connect(), Tables(root / "data")
    return {
        name: con.execute(f"SELECT count(*) FROM {tables.view(con, name)}").fetchall()[0][0] for name in DATED
    }


def join_another_to_one_of_the_list(workspace: Workspace, people: list[str], *, known_on: date) -> tuple:
    """Write a late record of a police subject that says what is known of somebody of the list, national
    number and all; the two subjects."""
    snapshot = open_snapshot(workspace)
    names, now = "forenames, surname, birth_date, nhs_number", "known_until IS NULL"
    listed = snapshot.con.execute(
        f"""
        SELECT source, subject_key, {names} FROM links l JOIN identities i USING (source, subject_key)
        WHERE l.{now} AND i.{now} AND nhs_number IS NOT NULL AND birth_date IS NOT NULL
          AND surname IS NOT NULL AND source <> 'police' AND list_contains(?, person_id) ORDER BY ALL
        """,
        [people],
    ).fetchall()[0]
    other = snapshot.con.execute(
        f"""
        SELECT source, subject_key FROM links l WHERE source = 'police' AND {now}
          AND person_id IN (SELECT person_id FROM links WHERE {now} GROUP BY ALL HAVING count(*) = 1)
        ORDER BY ALL
        """
    ).fetchall()[0]
    row = dict.fromkeys(SCHEMAS["identities"].names) | dict(zip(names.split(", "), listed[2:], strict=True))
    row |= {"source": other[0], "subject_key": other[1], "record_key": "late", "revision": 1}
    row |= {"withdrawn": False, "known_on": known_on, "delivery_id": snapshot.last_delivery}
    snapshot.tables.append("identities", pa.Table.from_pylist([row], schema=SCHEMAS["identities"]))
    return listed[:2], other


def people_of(snapshot: Snapshot, subjects: tuple, day: date) -> int:
    """How many people some subjects are on a morning."""
    found = f"SELECT person_id FROM links WHERE (source, subject_key) IN {subjects} AND {sql_known(day)}"
    return snapshot.con.execute(f"SELECT count(DISTINCT person_id) FROM ({found})").fetchall()[0][0]


def test_later_rows_of_every_kind_leave_the_list_unchanged(county_copy, tmp_path: Path) -> None:
    workspace, as_of = county_copy.workspace, county_copy.as_of
    tomorrow = as_of + timedelta(days=1)
    kept = json.loads((county_copy.root / "lists" / str(as_of) / "list.json").read_text())
    candidate, state = load_candidate(workspace.models / kept["model"]), open_snapshot(workspace)
    tomorrow_without, rows_before = make_list(state, candidate, tomorrow), rows_per_table(county_copy.root)

    folders = sorted((county_copy.extracts / "deliveries").iterdir())
    later = tmp_path / str(as_of)  # received on the morning itself
    later.mkdir()
    newest: dict[str, Path] = {}
    for folder in folders:
        for file in folder.iterdir():
            newest[file.name.rsplit("_", 1)[0]] = file
    for name, file in newest.items():
        (arrived,) = find_arrived(workspace, file, as_of)
        extract = workspace.sources[arrived.source].extracts[arrived.extract]
        altered(file, later / f"{name}_{later.name.replace('-', '')}.csv", extract=extract, seed=1)
    ingest(workspace, later, received=as_of)
    people = [flag["person_id"] for flag in kept["flags"]]
    two = join_another_to_one_of_the_list(workspace, people, known_on=as_of)
    link(workspace)

    rows_after = rows_per_table(county_copy.root)
    added = {name: rows_after[name] - rows_before[name] for name in DATED}
    print(f"rows added on or after the morning: {added}")
    assert all(added[name] > 0 for name in ("events", "identities", "addresses", "registers"))
    assert added["characteristics"] > 0

    newest_state = open_snapshot(workspace)
    assert newest_state.last_delivery > kept["last_delivery"]
    assert newest_state.link_run > kept["link_run"]
    assert people_of(newest_state, two, tomorrow) == 1 and people_of(newest_state, two, as_of) == 2
    assert make_list(newest_state, candidate, as_of).hash == kept["hash"]
    # What came in on the morning itself counts from the next day: the test is not blind.
    assert make_list(newest_state, candidate, tomorrow).hash != tomorrow_without.hash
