"""A file of cells divided by a character, as text: every cell, every row, numbered, nothing guessed.

What is wrong with the file as a whole (its encoding, its header, a quote left open) refuses it whole.
What is wrong with one row (too many cells, too few) is told by its number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.csv

from features.declaration import Extract
from features.errors import DataRefused
from features.header import check_header
from features.quotations import MARK, TEXT_FOLLOWS, quotations_closed
from features.raw_rows import Ragged, RawRows
from features.read_text import LONGEST_LINE, Utf8
from features.unpack import Stream

DIVIDERS = (",", ";", "\t", "|")
"""What agencies' files are divided by."""


def read_csv(name: str, stream: Stream, extract: Extract, extracts: Mapping[str, Extract]) -> RawRows:
    """The rows of a stream of text. Raises DataRefused for a header that does not fit."""
    text = Utf8(name, stream, extract.encoding)
    header = _header(name, text.start, extract)
    whole = set(extract.columns) <= set(header)
    ask = "" if whole else _other_divider(name, text.start, extract)
    found_in = f"divided by {extract.delimiter!r}"
    check_header(name, header, extract, extracts, found_in=found_in, ask=ask)
    text.through(lambda blocks: quotations_closed(name, blocks, extract.delimiter, len(header)))
    names = [f"h{i}" for i in range(len(header))]
    wanted = [names[header.index(column)] for column in extract.columns]
    ragged = Ragged()

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        if "\n" in row.text or "\r" in row.text:
            return "error"  # it may have swallowed other rows
        reason = f"the row has {row.actual_columns} cells where the header has {row.expected_columns}"
        if MARK in row.text:
            reason = TEXT_FOLLOWS
        ragged.tell(row.number - 1, reason)
        return "skip"

    def blocks() -> Iterator[pa.RecordBatch]:
        yield from read_blocks(
            name,
            text,
            names,
            pyarrow.csv.ParseOptions(
                delimiter=extract.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            wanted,
        )

    cells = [f"c{i}" for i in range(len(wanted))]
    schema = pa.schema([(cell, pa.string()) for cell in cells])
    return RawRows(schema, blocks(), cells, ragged=ragged, first=0)


def read_blocks(
    name: str, text: Utf8, names: list[str], parse: pyarrow.csv.ParseOptions, wanted: list[str]
) -> Iterator[pa.RecordBatch]:
    """Blocks of the columns wanted, as text, the first line of all, row 1 for Arrow, included.

    That line must be a good row: Arrow reads up to the first such before it gives anything, and would tell
    of all rows of a file that has no other. Raises DataRefused if quotes or breaks are out of place.
    """
    try:
        yield from pyarrow.csv.open_csv(
            io.BufferedReader(text, 2**20),
            # one thread: only then are the rows numbered
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                column_names=names,
                block_size=8 * LONGEST_LINE,
            ),
            parse_options=parse,
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        raise DataRefused(
            f"{name} cannot be read as rows.",
            problems=["a quotation mark is out of place or never closed; ask the sender for the file again"],
        ) from None


def _other_divider(name: str, start: bytes, extract: Extract) -> str:
    """Whether it is divided by something else, asked where the declared columns are all there if it is."""
    for divider in DIVIDERS:
        try:
            header = _header(name, start, extract.model_copy(update={"delimiter": divider}))
        except DataRefused:
            continue  # then it is not divided by that
        if divider != extract.delimiter and set(extract.columns) <= set(header):
            return f"is it divided by {divider!r}? If it always is, the declaration says so as `delimiter`"
    return ""


def _header(name: str, start: bytes, extract: Extract) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(start), encoding="utf-8", newline="")
    try:
        return [cell.strip() for cell in next(csv.reader(lines, delimiter=extract.delimiter))]
    except (csv.Error, StopIteration):
        raise DataRefused(
            f"{name} has a header that cannot be read.",
            problems=["the first line is to name the columns; ask the sender for the file again"],
        ) from None
