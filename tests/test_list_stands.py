"""What reaches us on the morning or later changes nothing on that morning's list.

The session's county gets further deliveries of every kind of row: events, corrections, withdrawals,
identities, addresses, registers, characteristics. The list made again from the newest state has the
same canonical hash.
"""

import csv
import json
import random
from datetime import timedelta
from pathlib import Path

import duckdb

from features.arrivals import find_arrived
from features.declaration import Extract
from features.ingest import ingest
from features.link import link
from features.snapshot import open_snapshot
from features.tables import DATED, Tables
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
    link(workspace)

    rows_after = rows_per_table(county_copy.root)
    added = {name: rows_after[name] - rows_before[name] for name in DATED}
    print(f"rows added on or after the morning: {added}")
    assert all(added[name] > 0 for name in ("events", "identities", "addresses", "registers"))
    assert added["characteristics"] > 0

    newest_state = open_snapshot(workspace)
    assert newest_state.last_delivery > kept["last_delivery"]
    assert newest_state.link_run > kept["link_run"]
    assert make_list(newest_state, candidate, as_of).hash == kept["hash"]
    # What came in on the morning itself counts from the next day: the test is not blind.
    assert make_list(newest_state, candidate, tomorrow).hash != tomorrow_without.hash
