"""The tables of a workspace, wherever its folder lies."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from features.tables import SCHEMAS, Tables


@pytest.mark.parametrize("folder", ["plain", "with a space", "Tŷ Gwyn", "the council's", "a#b"])
def test_a_table_is_read_wherever_its_folder_lies(tmp_path: Path, folder: str) -> None:
    tables, con = Tables(tmp_path / folder), duckdb.connect()
    row = {"link_run": 1, "last_delivery": 7, "subjects": 2, "persons": 1}
    tables.append("link_runs", pa.Table.from_pylist([row], schema=SCHEMAS["link_runs"]))
    view = tables.view(con, "link_runs")
    assert con.execute(f"SELECT last_delivery FROM {view}").fetchall() == [(7,)]
