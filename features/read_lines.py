"""JSON lines: one object a line, its keys the columns. DuckDB takes the objects apart, not Python.

A key may come in any order, and be null; but it is there: one that no object of the first block has is
taken for a column that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain

import pyarrow as pa
import pyarrow.csv

from features.declaration import Extract
from features.header import check_header
from features.raw_rows import Ragged, RawRows
from features.read_csv import read_blocks
from features.read_text import Utf8
from features.rule_sql import quoted
from features.unpack import Stream

NOT_JSON = "is not a line of JSON that holds an object, {…}"

NEVER = "\x1f"
"""A character that JSON allows nowhere: a line that holds it is not JSON, and is set aside as such."""


def read_lines(name: str, stream: Stream, extract: Extract, extracts: Mapping[str, Extract]) -> RawRows:
    """The rows of a stream of JSON lines. Raises DataRefused if declared keys are not to be found."""
    text = Utf8(name, stream, extract.encoding)
    check_header(name, _keys(text.start), extract, extracts, found_in="as keys of its first objects")
    text.through(lambda blocks: chain([b"{}\n"], blocks))  # in the place of a header
    ragged = Ragged()

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        ragged.tell(row.number - 1, NOT_JSON)
        return "skip"

    def blocks() -> Iterator[pa.RecordBatch]:
        parse = pyarrow.csv.ParseOptions(
            delimiter=NEVER, quote_char=False, double_quote=False, invalid_row_handler=set_aside
        )
        yield from read_blocks(name, text, ["line"], parse, ["line"])

    # CASE, as DuckDB may look at both sides of an AND, and json_type raises where there is no JSON
    reads = "CASE WHEN json_valid(c0) THEN json_type(c0) = 'OBJECT' ELSE false END"
    paths = ", ".join(quoted(_pointer(column)) for column in extract.columns)
    texts = f"(CASE WHEN {reads} THEN json_extract_string(c0, [{paths}]) END)"
    cells = [
        # 3.0 is how many programs write a whole number
        f"regexp_replace({texts}[{i + 1}], '\\.0$', '')" if column.type == "integer" else f"{texts}[{i + 1}]"
        for i, column in enumerate(extract.columns.values())
    ]
    unreadable = f"CASE WHEN unread IS NOT NULL OR NOT {reads} THEN {quoted(NOT_JSON)} END"
    schema = pa.schema([("c0", pa.string())])
    return RawRows(schema, blocks(), cells, unreadable=unreadable, ragged=ragged, first=0)


def _keys(start: bytes) -> list[str]:
    """Every key of the objects in the first block, once, in the order in which they come."""
    keys: dict[str, None] = {}
    for line in start.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a row that is set aside, or the cut end of the block
        if isinstance(found, dict):
            keys.update(dict.fromkeys(found))
    return list(keys)


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
