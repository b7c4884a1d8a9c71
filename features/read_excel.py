"""An Excel workbook, row by row: what its cells show, and never what its formulas would do.

openpyxl reads a sheet as a stream. A faster reader lays a sheet out as a rectangle first, and one cell
far off makes that larger than memory. Nothing is computed: a formula counts as the value that was saved
with it, and one without such a value is set aside.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any

import pyarrow as pa
from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES

from features.cell_text import sql_text, text_of
from features.declaration import Extract
from features.errors import DataRefused
from features.header import MOST_COLUMNS, check_header
from features.raw_rows import Ragged, RawRows
from features.unpack import check_sizes
from features.workbook_parts import check_parts

MOST_ROWS = 2**20
"""Excel's own limit; a sheet that says it has more would be counted through row by row."""

ROWS_A_BLOCK = 4096

TYPED = {"date": pa.timestamp("us"), "datetime": pa.timestamp("us"), "time": pa.time64("us")}
"""Declared type → what a cell with a date or time in it is taken as."""


@contextmanager
def read_excel(
    name: str, file: IO[bytes], size: int, extract: Extract, extracts: Mapping[str, Extract]
) -> Iterator[RawRows]:
    """The rows of a workbook's declared sheet. Raises DataRefused if it is none, or has other columns."""
    ragged = Ragged()
    try:
        with zipfile.ZipFile(file) as archive:
            check_sizes(archive, name, size)
            check_parts(archive, name)
            formulas = _has_formulas(archive)
        file.seek(0)
        values = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        asked = load_workbook(file, read_only=True, keep_links=False) if formulas else None
        rows = _rows(name, values, asked, extract)
        header = _header(next(rows, ()))
    except DataRefused:
        raise
    except Exception:  # openpyxl raises whatever a damaged part leads it to
        raise _broken(name) from None
    check_header(name, header, extract, extracts, found_in="of its sheet")
    at = [header.index(column) for column in extract.columns]
    kinds = [TYPED.get(column.type) for column in extract.columns.values()]
    fields, cells = [], []
    for i, (kind, column) in enumerate(zip(kinds, extract.columns.values(), strict=True)):
        fields += [pa.field(f"c{2 * i}", pa.string()), pa.field(f"c{2 * i + 1}", kind or pa.null())]
        shown = f", {sql_text(kind, column, f'c{2 * i + 1}')}" if kind else ""
        cells.append(f"coalesce(c{2 * i}{shown})")

    def blocks() -> Iterator[pa.RecordBatch]:
        number = 0
        while True:
            try:
                some = list(islice(rows, ROWS_A_BLOCK))
            except DataRefused:
                raise
            except Exception:
                raise _broken(name) from None
            if not some:
                return
            kept = []
            for row in some:
                number += 1
                if any(cell is not None for cell in row[len(header) :]):
                    reason = f"the row has {len(row)} cells where the header has {len(header)}"
                    ragged.tell(number, reason)
                else:
                    kept.append(row)
            yield _block(kept, at, kinds)

    try:
        yield RawRows(pa.schema(fields), blocks(), cells, ragged=ragged)
    finally:
        values.close()
        if asked:
            asked.close()


def _rows(name: str, values: Any, asked: Any | None, extract: Extract) -> Iterator[Sequence[Any]]:
    """The rows of the sheet that are not empty; a formula without a saved value stands as its own text."""
    sheet = _sheet(name, values, extract)
    sheet.reset_dimensions()  # a file may claim any size
    pairs: Iterator[tuple[Any, Any]]
    if asked is None:
        pairs = ((row, None) for row in sheet.iter_rows(values_only=True))
    else:
        formulas = asked[sheet.title]
        formulas.reset_dimensions()
        pairs = zip(sheet.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True)
    for number, (shown, formula) in enumerate(pairs, start=1):
        if number > MOST_ROWS or len(shown) > 4 * MOST_COLUMNS:
            raise DataRefused(
                f"{name} has a cell further out than a sheet of Excel goes.",
                problems=["it is damaged, or was made to do harm; ask the sender for it as CSV"],
            )
        if formula is not None:
            shown = tuple(
                f"={was}" if value is None and isinstance(was, str) and was.startswith("=") else value
                for value, was in zip(shown, formula, strict=False)
            )
        if any(cell is not None for cell in shown):
            yield shown


def _sheet(name: str, workbook: Any, extract: Extract) -> Any:
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if extract.sheet is not None:
        if extract.sheet in sheets:
            return sheets[extract.sheet]
        problem = f"it has {len(sheets)} sheets, and none is named {extract.sheet!r} as declared"
    else:
        seen = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
        if len(seen) == 1:
            return seen[0]
        problem = (
            f"it has {len(seen)} sheets; declare the extract's `sheet`, the name of the one that is meant"
        )
    raise DataRefused(f"It is not known which sheet of {name} is meant.", problems=[problem])


def _header(row: Sequence[Any]) -> list[str]:
    cells = ["" if cell is None else str(cell).strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    """Whether a sheet holds a formula; only then is it read twice."""
    for info in archive.infolist():
        if info.filename.startswith("xl/worksheets/") and not info.is_dir():
            with archive.open(info) as sheet:
                before = b""
                while block := sheet.read(2**20):
                    if b"<f>" in before + block or b"<f " in before + block or b":f>" in before + block:
                        return True
                    before = block[-2:]
    return False


def _block(rows: list[Sequence[Any]], at: list[int], kinds: list[pa.DataType | None]) -> pa.RecordBatch:
    """Two columns a declared one: what is text, and what is a date or a time where one is expected."""
    columns: list[pa.Array] = []
    for place, kind in zip(at, kinds, strict=True):
        texts: list[str | None] = []
        moments: list[Any] = []
        for row in rows:
            value = row[place] if place < len(row) else None
            moment = _moment(value, kind)
            moments.append(moment)
            if moment is not None:
                texts.append(None)
            elif isinstance(value, str) and value in ERROR_CODES:
                texts.append(f"={value}")  # what a formula that failed has left
            else:
                texts.append(text_of(value))
        columns += [
            pa.array(texts, pa.string()),
            pa.array(moments if kind else [None] * len(rows), kind or pa.null()),
        ]
    return pa.RecordBatch.from_arrays(columns, names=[f"c{i}" for i in range(len(columns))])


def _moment(value: Any, kind: pa.DataType | None) -> Any:
    """The value if it is of the kind that is expected, None if not."""
    if kind is None:
        return None
    if pa.types.is_time(kind):
        if isinstance(value, timedelta) and timedelta(0) <= value < timedelta(days=1):
            return (datetime(2000, 1, 1) + value).time()
        return value if isinstance(value, time) else None
    return value if isinstance(value, date) else None


def _broken(name: str) -> DataRefused:
    return DataRefused(
        f"{name} cannot be read as an Excel workbook.",
        problems=["it is damaged, has a password, or is of another kind (.xls); save it as .xlsx, or as CSV"],
    )
