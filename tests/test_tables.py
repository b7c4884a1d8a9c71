"""The tables of a workspace, wherever its folder lies."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from features.tables import SCHEMAS, Tables


@pytest.mark.parametrize("folder", ["plain", "with a space", "Tŷ Gwyn", "the council's", "a#b"])
def test_a_table_is_read_wherever_its_folder_lies(tmp_path: Path, folder: str) -> None:
    tables, con = Tables(tmp_path / folder), duckdb.connect()
    row = {"link_run": 1, "last_delivery": 7, "subjects": 2, "persons": 1}
    tables.append("link_runs", pa.Table.from_pylist([row], schema=SCHEMAS["link_runs"]))
    view = tables.view(con, "link_runs")
    assert con.execute(f"SELECT last_delivery FROM {view}").fetchall() == [(7,)]


def test_a_table_of_an_older_version_gains_what_is_new(tmp_path: Path) -> None:
    """Its rows are read with the new columns empty, before and after rows that have them are added."""
    tables, rows = Tables(tmp_path), SCHEMAS["identities"]
    one = dict.fromkeys(rows.names) | {
        "source": "s", "record_key": "r/1", "revision": 1, "withdrawn": False, "known_on": date(2026, 1, 5),
        "delivery_id": 1, "surname": "A",
    }  # fmt: skip
    old = pa.schema([field for field in rows if field.name not in ("phone", "email")])
    write_deltalake(str(tables.path("identities")), pa.Table.from_pylist([one], schema=old))

    def read() -> list[tuple]:
        con = tables.connect()
        return con.sql(f"SELECT surname, phone FROM {tables.view(con, 'identities')} ORDER BY 1").fetchall()

    assert read() == [("A", None)]
    tables.append("identities", pa.Table.from_pylist([one | {"surname": "B", "phone": "1"}], schema=rows))
    assert read() == [("A", None), ("B", "1")]


def test_a_small_table_is_read_after_some_of_it_was_removed(tmp_path: Path) -> None:
    """What is put together again, or kept of a file, has its text in another of Arrow's types."""
    tables = Tables(tmp_path)
    for run in range(3):
        rows = [{"link_run": run, "persons": n, "model": f"m{n}"} for n in range(2)]
        tables.append("link_runs", pa.Table.from_pylist(rows, schema=SCHEMAS["link_runs"]))
    tables.remove("link_runs", "model = 'm1'")
    rows = [{"link_run": 3, "model": "m3"}]
    tables.append("link_runs", pa.Table.from_pylist(rows, schema=SCHEMAS["link_runs"]))
    assert sorted(tables.read("link_runs").column("model").to_pylist()) == ["m0", "m0", "m0", "m3"]
