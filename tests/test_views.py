"""A view of what was never delivered looks like one of what was: whoever reads it need not know."""

import shutil
from pathlib import Path

import pyarrow as pa

from features.snapshot import Snapshot, make_standing
from features.tables import DATED, SCHEMAS, Tables
from features.workspace import Workspace


def looks(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Name and type of every column of each dated view, in order."""
    snapshot = Snapshot(Workspace(folder), last_delivery=1, link_run=0)
    con = snapshot.tables.connect()
    make_standing(con, snapshot, *DATED)
    return {name: [row[:2] for row in con.execute(f"DESCRIBE {name}").fetchall()] for name in DATED}


def test_a_view_has_the_same_columns_whether_its_table_is_there_or_not(tmp_path: Path) -> None:
    never = looks(tmp_path)
    for name in DATED:
        Tables(tmp_path / "data").append(name, SCHEMAS[name].empty_table())
    assert looks(tmp_path) == never


def test_a_workspace_that_is_put_back_is_read_as_it_was(tmp_path: Path) -> None:
    """What was read of a table's log is kept in memory, and must not outlive the log."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    for number in (1, 2, 3):
        run = dict.fromkeys(SCHEMAS["link_runs"].names) | {"link_run": number}
        Tables(data).append("link_runs", pa.Table.from_pylist([run], SCHEMAS["link_runs"]))
        if number == 1:
            shutil.copytree(data, copy)
    assert Tables(data).read("link_runs")["link_run"].to_pylist() in ([1, 2, 3], [3, 2, 1])
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    assert Tables(data).read("link_runs")["link_run"].to_pylist() == [1]
    shutil.rmtree(data)
    assert Tables(data).read("link_runs").num_rows == 0
