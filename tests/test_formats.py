"""The same rows give the same cells, whatever format they come in."""

import gzip
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cache
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrivals import find_arrived
from features.declaration import Extract
from features.errors import DataRefused
from features.read_extract import read_extract
from features.tables import Tables
from features.transform import type_rows
from features.workspace import TEMPLATES, init_workspace, open_workspace

COLUMNS = {
    "ref": {"type": "text", "required": True},
    "born": {"type": "date", "format": "%d/%m/%Y"},
    "at": {"type": "datetime", "format": "%d %b %Y %H:%M:%S"},
    "clock": {"type": "time", "format": "%H:%M"},
    "visits": {"type": "integer"},
    "owed": {"type": "number"},
    "open": {"type": "boolean"},
    "kind": {"type": "code", "codes": {"1": "one", "B": "bee"}},
}
HEADER = list(COLUMNS)
ROW = ("K1", date(2024, 1, 3), datetime(2024, 2, 29, 23, 5, 9), time(7, 30), 4, 120.5, True, "B")


def declared(**more) -> Extract:
    return Extract.model_validate(
        {"files": "rows_*", "delivery": "changes", "record_key": "ref", "columns": COLUMNS, **more}
    )


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One for all files: to open a database takes longer than to read any of these."""
    return Tables(Path(tempfile.gettempdir())).connect()


def cells_of(path: Path, extract: Extract | None = None) -> list[tuple]:
    """Row number, typed cells and the reason for which it is set aside, of every row that was read."""
    extract = extract or declared()
    con = connection()
    with read_extract(path, extract, extracts={"source.rows": extract}, scratch=path.parent / "s") as raw:
        problems = type_rows(con, raw, "rows", extract, received=date(2024, 3, 1), history=False)
    cells = ", ".join(f"c{i}" for i in range(len(extract.columns)))
    found = con.execute(f"SELECT row_number, {cells}, at_fault, problem FROM rows ORDER BY 1").fetchall()
    assert len(found) == raw.rows
    return [(*row, problems[p].reason or at_fault if p is not None else None) for *row, at_fault, p in found]


def texts(row: Sequence) -> list[str]:
    """A row as an agency would write it."""
    said = []
    for value, column in zip(row, COLUMNS.values(), strict=True):
        form = column.get("format")
        said.append("" if value is None else value.strftime(form) if form else str(value).lower())
    said[0], said[-1] = ("" if v is None else str(v) for v in (row[0], row[-1]))
    return said


def write_csv(
    path: Path, rows: Sequence[Sequence], encoding: str = "utf-8", header: Sequence = HEADER
) -> None:
    lines = [",".join(header), *(",".join(texts(row)) for row in rows)]
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))


def write_parquet(path: Path, rows: Sequence[Sequence], types: Sequence | None = None) -> None:
    types = types or [
        pa.string(),
        pa.date32(),
        pa.timestamp("us"),
        pa.time64("us"),
        pa.int64(),
        pa.float64(),
        pa.bool_(),
        pa.string(),
    ]
    columns = list(zip(*rows, strict=True))
    pq.write_table(
        pa.table({name: pa.array(c, t) for name, c, t in zip(HEADER, columns, types, strict=True)}), path
    )


def write_excel(path: Path, rows: Sequence[Sequence], header: Sequence = HEADER) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.append(list(header))
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return book


def write_lines(path: Path, rows: Sequence[Sequence]) -> None:
    """Dates as text, as JSON has none; numbers and truth as JSON's own."""
    lines = []
    for row in rows:
        cells = zip(HEADER, COLUMNS.values(), row, texts(row), strict=True)
        said = {name: text or None if "format" in column else value for name, column, value, text in cells}
        lines.append(json.dumps(said))
    path.write_text("\n".join([*lines, ""]))


WRITERS = {"csv": write_csv, "parquet": write_parquet, "xlsx": write_excel, "jsonl": write_lines}

ROWS = st.lists(
    st.tuples(
        st.text("abcABC 123é", min_size=1).map(str.strip).filter(bool),
        st.none() | st.dates(date(1950, 1, 1), date(2023, 12, 31)),
        st.none() | st.datetimes(datetime(1950, 1, 1)).map(lambda t: t.replace(microsecond=0)),
        st.none() | st.times().map(lambda t: t.replace(second=0, microsecond=0)),
        st.none() | st.integers(-(10**12), 10**12),
        st.none() | st.integers(-(10**9), 10**9).map(lambda n: n / 100),
        st.none() | st.booleans(),
        st.sampled_from([None, "1", "B", "?"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=6, deadline=None)
@given(rows=ROWS)
def test_every_format_gives_the_cells_that_text_gives(tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.mktemp("formats")
    write_csv(folder / "rows_1.csv", rows)
    expected = cells_of(folder / "rows_1.csv")
    for kind in ("parquet", "xlsx", "jsonl"):
        WRITERS[kind](folder / f"rows_1.{kind}", rows)
        assert cells_of(folder / f"rows_1.{kind}") == expected, kind


def test_encodings_and_their_marks(tmp_path, subtests) -> None:
    row = ("Zoë", *ROW[1:])
    write_csv(tmp_path / "rows_0.csv", [row])
    expected = cells_of(tmp_path / "rows_0.csv")
    for encoding, written, mark in (
        ("cp1252", "cp1252", b""),
        ("utf-16", "utf-16", b""),  # Python writes its mark
        ("utf-16", "utf-16-le", b""),
        ("utf-16-be", "utf-16-be", b""),
        ("utf-8", "utf-8", b"\xef\xbb\xbf"),
        ("cp1252", "utf-8", b"\xef\xbb\xbf"),  # the mark decides
        ("cp1252", "utf-16-le", b"\xff\xfe"),
        ("utf-8", "utf-16-be", b"\xfe\xff"),
    ):
        with subtests.test(f"{encoding} declared, {written} with {mark!r}"):
            write_csv(tmp_path / "rows_1.csv", [row], encoding=written)
            (tmp_path / "rows_1.csv").write_bytes(mark + (tmp_path / "rows_1.csv").read_bytes())
            assert cells_of(tmp_path / "rows_1.csv", declared(encoding=encoding)) == expected


def test_packed_files_are_unpacked(tmp_path, subtests) -> None:
    for kind, write in WRITERS.items():
        plain = tmp_path / f"rows_1.{kind}"
        write(plain, [ROW])
        expected = cells_of(plain)
        with subtests.test(kind):
            packed = tmp_path / f"{plain.name}.gz"
            packed.write_bytes(gzip.compress(plain.read_bytes()))
            assert cells_of(packed) == expected
            archive = tmp_path / "sent.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
                z.write(plain, f"out/{plain.name}")
                z.writestr("__MACOSX/._x", "")
            assert cells_of(archive) == expected
    assert not list((tmp_path / "s").iterdir())


def test_a_zip_is_known_by_what_is_in_it(tmp_path) -> None:
    init_workspace(tmp_path / "w", sources=None)
    shutil.copy(TEMPLATES / "council_tax.yaml", tmp_path / "w" / "sources")
    workspace = open_workspace(tmp_path / "w")
    with zipfile.ZipFile(tmp_path / "from the council.zip", "w") as z:
        z.writestr("ct_accounts_2024.csv", "")
    (found,) = find_arrived(workspace, tmp_path / "from the council.zip", date(2024, 1, 1))
    assert (found.source, found.extract) == ("council_tax", "accounts")


# What a cell with a type may hold


def test_typed_cells_that_the_format_cannot_hold_are_set_aside_and_not_changed(tmp_path) -> None:
    columns = {**COLUMNS, "born": {"type": "date", "format": "%d/%m/%y"}}
    rows = [
        ("K1", date(1930, 1, 3), None, None, 1, None, None, None),  # two digits of a year: would be 2030
        ("K2", None, datetime(2024, 1, 1, 9, 0, 0, 500_000), None, 1, None, None, None),
        ("K3", None, None, time(9, 0, 30), 1, None, None, None),
        ("K4", date(2024, 1, 3), None, None, 1, None, None, None),
    ]
    pattern = r"is not a date written as %d/%m/%y|is not a date and time written as .*|is not a time .* %H:%M"
    for kind in ("parquet", "xlsx"):
        WRITERS[kind](tmp_path / f"rows_1.{kind}", rows)
        reasons = [row[-1] for row in cells_of(tmp_path / f"rows_1.{kind}", declared(columns=columns))]
        assert reasons.pop() is None and all(re.fullmatch(pattern, reason) for reason in reasons), kind


def test_whole_numbers_are_whole_whatever_holds_them(tmp_path) -> None:
    columns = {"ref": {"pattern": "[0-9]{1,12}"}, "visits": {"type": "integer"}}
    extract = declared(columns=columns)
    visits = pa.array(["3.00", "4.50"]).cast(pa.decimal128(5, 2))
    table = pa.table({"ref": [100012345678.0, float("nan")], "visits": visits})
    pq.write_table(table, tmp_path / "rows_1.parquet")
    assert cells_of(tmp_path / "rows_1.parquet", extract) == [
        (1, "100012345678", 3, None),
        (2, None, None, "the record key is empty"),
    ]
    (tmp_path / "rows_1.jsonl").write_text('{"ref": 100012345678, "visits": 3.0}\n')
    assert cells_of(tmp_path / "rows_1.jsonl", extract) == [(1, "100012345678", 3, None)]


def test_a_time_with_a_zone_is_told_in_local_time(tmp_path) -> None:
    columns = {"ref": {}, "at": {"type": "datetime", "format": "%Y-%m-%d %H:%M"}}
    at = pa.array([datetime(2024, 7, 1, 23, 30)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"ref": ["K1"], "at": at}), tmp_path / "rows_1.parquet")
    (row,) = cells_of(tmp_path / "rows_1.parquet", declared(columns=columns))
    assert row == (1, "K1", datetime(2024, 7, 2, 0, 30), None)


# JSON lines


def test_lines_that_are_no_json_are_set_aside_by_number(tmp_path) -> None:
    good = '{"ref": "K1", "visits": 1, "extra": {"a": [1]}}'
    nested = '{"ref": {"a": 1}, "visits": "="}'
    lines = [good, "{not json", '["K1", 1]', "", good.replace("K1", "K2"), "\x1f", '{"ref": "K3"}', nested]
    (tmp_path / "rows_1.jsonl").write_text("\n".join([*lines, ""]))
    found = cells_of(tmp_path / "rows_1.jsonl", declared(columns={"ref": {}, "visits": {"type": "integer"}}))
    reason = "is not a line of JSON that holds an object, {…}"
    assert [row[0] for row in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [row[1] for row in found] == ["K1", None, None, "K2", None, "K3", '{"a":1}']
    assert [row[-1] for row in found] == [None, reason, reason, None, reason, None, "is not a whole number"]


# Excel


def workbook(path: Path, cells: dict[str, object], *, sheets: Sequence[str] = ("Sheet",)) -> None:
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    for name in sheets[1:]:
        book.create_sheet(name)
    for place, value in cells.items():
        book[sheets[-1]][place] = value
    book.save(path)


def test_formulas_are_never_computed(tmp_path) -> None:
    extract = declared(columns={"ref": {}, "visits": {"type": "integer"}})
    path = tmp_path / "rows_1.xlsx"
    rows = {"A1": "ref", "B1": "visits", "A2": "K1", "B2": "=1+1", "A4": "K4", "B4": 4}
    workbook(path, {**rows, "A3": '=HYPERLINK("x")', "B3": 1, "A5": "#REF!"})
    reason = "begins with = as a formula does; nothing is computed here"
    found = cells_of(path, extract)
    assert [row[-1] for row in found] == ["is not a whole number", reason, None, reason]
    with zipfile.ZipFile(path) as z:  # as Excel saves it: the formula and its value
        parts = {name: z.read(name) for name in z.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b"<f>1+1</f><v />" in parts[sheet] or b"<f>1+1</f><v></v>" in parts[sheet]
    parts[sheet] = parts[sheet].replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
    parts[sheet] = parts[sheet].replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
    with zipfile.ZipFile(path, "w") as z:
        for name, data in parts.items():
            z.writestr(name, data)
    assert cells_of(path, extract)[0] == (1, "K1", 2, None)


def test_a_formula_in_text_is_set_aside_too(tmp_path) -> None:
    (tmp_path / "rows_1.csv").write_text('ref\n"=HYPERLINK(""http://x"")"\nK2\n')
    found = cells_of(tmp_path / "rows_1.csv", declared(columns={"ref": {}}))
    assert [row[-1] for row in found] == ["begins with = as a formula does; nothing is computed here", None]


def test_which_sheet_is_meant_is_declared(tmp_path) -> None:
    path, columns = tmp_path / "rows_1.xlsx", {"ref": {}}
    workbook(path, {"B3": "ref", "B4": "K1", "B6": "K2"}, sheets=("Notes", "Rows"))
    with pytest.raises(DataRefused, match="2 sheets; declare"):
        cells_of(path, declared(columns=columns))
    with pytest.raises(DataRefused, match="none is named 'Cases'"):
        cells_of(path, declared(columns=columns, sheet="Cases"))
    found = cells_of(path, declared(columns=columns, sheet="Rows"))
    assert found == [(1, "K1", None), (2, "K2", None)]  # blank rows are no rows, as in text


def test_a_cell_beside_the_header_makes_a_row_ragged(tmp_path) -> None:
    workbook(tmp_path / "rows_1.xlsx", {"A1": "ref", "A2": "K1", "A3": "K2", "B3": "x", "A4": "K3"})
    found = cells_of(tmp_path / "rows_1.xlsx", declared(columns={"ref": {}}))
    assert found == [
        (1, "K1", None),
        (2, None, "the row has 2 cells where the header has 1"),
        (3, "K3", None),
    ]


def test_memory_does_not_grow_with_a_file(tmp_path) -> None:
    """By Arrow's own account: a few blocks are held, of a text of 80 MB as of any."""
    path, extract = tmp_path / "rows_1.csv.gz", declared(columns={"ref": {}, "note": {}})
    line = b"K1," + b"x" * 200 + b"\n"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"ref,note\n")
        for _ in range(400):
            file.write(b"K2," + os.urandom(1000).hex().encode() + b"\n" + line * 999)
    before, held, rows = pa.total_allocated_bytes(), 0, 0
    with read_extract(path, extract, extracts={}, scratch=tmp_path) as raw:
        for batch in raw.numbered():
            rows += batch.num_rows
            held = max(held, pa.total_allocated_bytes() - before)
    assert rows == 400_000 and held < 32 * 2**20
