"""A file as an agency sent it, read as text: every cell, every row, numbered, nothing guessed.

What is wrong with a file as a whole (its encoding, its header, a quote left open) refuses it whole,
before anything is kept. What is wrong with one row (too many cells, too few) is told by its number.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from features.declaration import Extract
from features.errors import DataRefused

LONGEST_LINE = 1_000_000
"""Characters; a longer line is no row of an agency's extract but a file gone wrong."""


@dataclass(frozen=True)
class RawRows:
    """The rows of a file.

    digest: sha256 of the file as it came.
    rows:   row_number (1 = the first row under the header) and one text column a declared column,
            in their order, named c0, c1, ….
    ragged: (row number, reason) of the rows whose cells do not fit the header.
    """

    digest: str
    rows: pa.Table
    ragged: tuple[tuple[int, str], ...]


def digest_of(path: Path) -> str:
    """The sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_extract(path: Path, extract: Extract, *, extracts: Mapping[str, Extract]) -> RawRows:
    """Read a .csv or .csv.gz file.

    extracts: all the workspace declares, by '<source>.<extract>', to say whose file it may be instead.
    Raises DataRefused if the file cannot be read as the extract it is taken for.
    """
    text = _as_utf8(path, extract.encoding)
    _check_lines(path, text)
    header = _header(path, text, extract)
    _check_header(path, header, extract, extracts)
    names = [f"h{i}" for i in range(len(header))]
    wanted = [names[header.index(column)] for column in extract.columns]
    ragged: list[tuple[int, str]] = []

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        # arrow counts the header as row 1
        if "\n" in row.text:
            return "error"  # it has swallowed other rows
        reason = f"the row has {row.actual_columns} cells where the header has {row.expected_columns}"
        ragged.append((row.number - 1, reason))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text),
            # one thread: only then are the rows numbered
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows_after_names=1, block_size=8 * LONGEST_LINE
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=extract.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        raise DataRefused(
            f"{path.name} cannot be read as rows.",
            problems=["a quotation mark is opened and never closed; ask the sender for the file again"],
        ) from None
    return RawRows(digest_of(path), _numbered(table, [number for number, _ in ragged]), tuple(ragged))


def _as_utf8(path: Path, encoding: str) -> bytes:
    """The file's text as UTF-8 bytes without a byte order mark; DataRefused if it is not in `encoding`."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise DataRefused(
                f"{path.name} cannot be unpacked.",
                problems=["it is not a whole gzip file; ask the sender for the file again"],
            ) from None
    if not data.strip():
        raise DataRefused(
            f"{path.name} is empty.", problems=["a delivery without rows still has a header; ask the sender"]
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataRefused(
            f"{path.name} is not written in {encoding}.",
            problems=[
                f"line {line} holds a byte that {encoding} does not have; declare the extract's `encoding` "
                "(cp1252 is usual for Windows systems) or ask for the file in UTF-8"
            ],
        ) from None
    if "\0" in text:
        raise DataRefused(
            f"{path.name} is not a text file in {encoding}.",
            problems=["it holds NUL characters; it may be a spreadsheet, or UTF-16: send it as CSV in UTF-8"],
        )
    ends = "" if text.endswith("\n") else "\n"  # or Arrow takes a header by itself for half a file
    return (text.removeprefix("\ufeff") + ends).encode()


def _check_lines(path: Path, text: bytes) -> None:
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1, append=len(text))
    if lengths.max() > LONGEST_LINE:
        raise DataRefused(
            f"{path.name} holds a line that is too long to be a row.",
            problems=[
                f"line {int(lengths.argmax()) + 1} has {int(lengths.max()):,} characters, at most "
                f"{LONGEST_LINE:,} will do; line breaks are probably missing"
            ],
        )


def _header(path: Path, text: bytes, extract: Extract) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    try:
        return [name.strip() for name in next(csv.reader(lines, delimiter=extract.delimiter))]
    except csv.Error:
        raise DataRefused(
            f"{path.name} has a header that cannot be read.",
            problems=["the first line is to name the columns; ask the sender for the file again"],
        ) from None


def _check_header(path: Path, header: list[str], extract: Extract, extracts: Mapping[str, Extract]) -> None:
    """Raises DataRefused if declared columns are missing or named twice.

    Names that are not declared are never repeated: without a header, they are somebody's data.
    """
    missing = [column for column in extract.columns if column not in header]
    if missing:
        found = [column for column in extract.columns if column in header]
        problems = [
            f"missing: {_listed(missing)}",
            f"found: {_listed(found)}, among {len(header)} columns divided by {extract.delimiter!r}"
            if found
            else f"none of the declared columns is among the {len(header)} cells of its first line",
        ]
        fits = sorted(name for name, other in extracts.items() if set(other.columns) <= set(header))
        if fits:
            problems.append(f"it has the columns of {_listed(fits)}: is it named as another agency's file?")
        raise DataRefused(f"{path.name} does not have the columns it was declared with.", problems=problems)
    twice = [column for column in extract.columns if header.count(column) > 1]
    if twice:
        raise DataRefused(
            f"{path.name} names a column more than once.",
            problems=[f"{_listed(twice)}: which of them is meant cannot be known; ask the sender"],
        )


def _numbered(table: pa.Table, ragged: list[int]) -> pa.Table:
    """Rename to c0, c1, … and put each row's number in the file before them."""
    numbers = np.arange(1, table.num_rows + len(ragged) + 1, dtype=np.int64)
    numbers = np.delete(numbers, np.array(ragged, dtype=np.int64) - 1)
    names = [f"c{i}" for i in range(table.num_columns)]
    return table.rename_columns(names).add_column(0, "row_number", pa.array(numbers))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
